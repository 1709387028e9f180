//! The driver for threads: one per worker, while the calling thread accepts servers.
//!
//! ```
//! use pushdown_patterns::schedule::{CallFailure, Options, thread::schedule};
//!
//! let square = |server: &mut &str, number: u64, _: &_| {
//!     if *server == "broken" { Err(CallFailure::server_dead("no answer")) } else { Ok(number * number) }
//! };
//! let servers = vec!["first", "broken", "second"];
//! let report = schedule(servers, 1..=5, square, Options::default()).unwrap();
//! assert_eq!(report.into_results().unwrap(), [1, 4, 9, 16, 25]);
//! ```
//!
//! # Differences from tokio
//! A blocking call cannot be dropped. It should keep to its [deadline](Attempt::deadline), and return
//! once it is [cancelled](Attempt::is_cancelled). A call that does neither is waited for after a
//! timeout, after another copy has succeeded, and in a shutdown; [`OnFailure`](super::OnFailure) makes no
//! difference. In return, calls may borrow, and the run is over when the function returns.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Poll;
use std::vec::Vec;

use super::failure::{CallFailure, Cause};
use super::proto::{Room, Scheduler};
use super::results::collect;
use super::run::AHEAD;
use super::shared::Shared;
use super::values::Values;
use super::worker::{CallResult, Worker};
use super::{Attempt, Control, Finished, Options, Watch};
use crate::panics::{discard, message};
use crate::sync::thread;
use crate::thread::Receiver;
use crate::wait::{self, Clock, Step};
use crate::waits::{At, Entry, Site};

static INTAKE: Site = Site::wait("schedule", "intake", "a server, or room for tasks");
static WORKER: Site = Site::task("schedule", "worker").peers("server");
static TASK: Site = Site::wait("schedule", "worker", "a task").peers("server");

/// The servers of a run: a `Vec`, or a channel through which they join during the run.
///
/// Servers not received when the run ends stay in the channel, for another [`Receiver`] of it.
#[derive(Debug)]
pub struct Servers<S>(Source<S>);

#[derive(Debug)]
enum Source<S> {
    All(Vec<S>),
    Joining(Receiver<S>),
}

impl<S> From<Vec<S>> for Servers<S> {
    fn from(servers: Vec<S>) -> Self {
        Self(Source::All(servers))
    }
}

impl<S, const N: usize> From<[S; N]> for Servers<S> {
    fn from(servers: [S; N]) -> Self {
        Vec::from(servers).into()
    }
}

impl<S> From<Receiver<S>> for Servers<S> {
    fn from(servers: Receiver<S>) -> Self {
        Self(Source::Joining(servers))
    }
}

/// Runs every task on one of the servers, and returns when the run is over.
///
/// The calling thread accepts servers, and takes the tasks from their iterator as there is need.
///
/// # Errors
/// Returns [`Unfinished`](super::Unfinished), with the reason and the report, if tasks are left over.
///
/// # Panics
/// If a thread cannot be started, or if the iterator panics. The threads started before finish first.
#[track_caller]
pub fn schedule<S, T, R, E>(
    servers: impl Into<Servers<S>>,
    tasks: impl IntoIterator<Item = T>,
    call: impl Fn(&mut S, T, &Attempt) -> Result<R, CallFailure<E>> + Sync,
    options: Options,
) -> Finished<S, T, R, E>
where
    S: Send,
    T: Clone + Send + Sync,
    R: Send,
    E: Send,
{
    Run::new(servers, tasks, options).call(call)
}

/// A run that has not started. It can be watched and controlled from the beginning.
///
/// ```
/// use std::thread;
/// use pushdown_patterns::schedule::{CallFailure, Options, thread::Run};
/// use pushdown_patterns::thread::block_on;
///
/// let run = Run::new(["a", "b"], 0..100, Options::default());
/// let mut watch = run.watch();
/// let watching = thread::spawn(move || {
///     let mut last = 0;
///     while let Some(now) = block_on(watch.changed()) {
///         last = now.done;
///     }
///     last
/// });
/// run.call(|_, task, _| Ok::<_, CallFailure<()>>(task)).unwrap();
/// assert_eq!(watching.join().unwrap(), 100);
/// ```
#[must_use = "a run starts with `call`"]
#[derive(Debug)]
pub struct Run<S, I> {
    shared: Arc<Shared>,
    options: Options,
    intake: Intake,
    source: Source<S>,
    tasks: I,
}

impl<S, I: Iterator> Run<S, I> {
    /// Creates a run of these tasks on these servers.
    pub fn new(
        servers: impl Into<Servers<S>>,
        tasks: impl IntoIterator<IntoIter = I>,
        options: Options,
    ) -> Self {
        let Servers(source) = servers.into();
        let scheduler = Scheduler::streaming(AHEAD, false, &options);
        let shared = Arc::new(Shared::new(scheduler, &options, Clock::SYSTEM));
        let intake = Intake(shared.clone());
        Self { shared, options, intake, source, tasks: tasks.into_iter() }
    }

    /// Returns a handle that watches the run. A thread waits for changes with
    /// [`block_on`](crate::thread::block_on).
    pub fn watch(&self) -> Watch {
        Watch::new(self.shared.clone())
    }

    /// Returns a handle that controls the run.
    pub fn control(&self) -> Control {
        Control::new(self.shared.clone())
    }

    /// Makes the calls: see [`schedule`].
    ///
    /// # Errors
    /// Returns [`Unfinished`](super::Unfinished), with the reason and the report, if tasks are left
    /// over.
    #[track_caller]
    pub fn call<R, E>(
        self,
        call: impl Fn(&mut S, I::Item, &Attempt) -> Result<R, CallFailure<E>> + Sync,
    ) -> Finished<S, I::Item, R, E>
    where
        S: Send,
        I::Item: Clone + Send + Sync,
        R: Send,
        E: Send,
    {
        let Self { shared, options, intake, source, mut tasks } = self;
        let values = Values::new(options.backup_after.is_some());
        let mut more_tasks = true;
        let at = INTAKE.here();
        let mut feed = |room: usize| {
            let batch = tasks.by_ref().take(room).collect::<Vec<_>>();
            let more = batch.len() == room;
            let slots = values.insert(batch);
            shared.change(|scheduler| {
                slots.into_iter().for_each(|slot| scheduler.handle_task(slot));
                if !more {
                    scheduler.handle_exhausted();
                }
            });
            more
        };
        thread::scope(|scope| {
            let call = &call;
            let worker = |server| Worker::new(&shared, &values, server, None);
            let start = |mut worker: Worker<S, I::Item, R, E>| {
                scope.spawn(move || serve(&mut worker, call));
            };
            let mut joining = None;
            // Before the threads start, which would wait for each task.
            more_tasks = feed(AHEAD.get());
            match source {
                Source::All(servers) => {
                    // All join before the first one starts, so that none finds itself the last.
                    let workers = servers.into_iter().map(worker).collect::<Vec<_>>();
                    shared.change(Scheduler::handle_close);
                    workers.into_iter().for_each(start);
                }
                Source::Joining(servers) => joining = Some(servers),
            }
            while more_tasks || joining.is_some() {
                match next(&shared, more_tasks, joining.as_ref(), at) {
                    Next::Room(room) => more_tasks = feed(room),
                    Next::Server(server) => start(worker(server)),
                    Next::NoServers => {
                        joining = None;
                        shared.change(Scheduler::handle_close);
                    }
                    Next::Ended => break,
                }
            }
            drop(intake);
        });
        // Every worker has left, so that no attempt can start or end: what the report says of the tasks
        // that are not done cannot change.
        let mut settled = VecDeque::new();
        values.unsettled(&shared, &mut settled);
        let rest = tasks.take(if more_tasks { usize::MAX } else { 0 });
        values.summary(&shared).with(collect(settled, rest))
    }
}

/// Closes the run to new servers and tasks when it is dropped. A run that never started is then over.
#[derive(Debug)]
struct Intake(Arc<Shared>);

impl Drop for Intake {
    fn drop(&mut self) {
        self.0.change(Scheduler::handle_close);
        self.0.change(Scheduler::handle_fed);
    }
}

/// The next step of the calling thread.
enum Next<S> {
    Room(usize),
    Server(S),
    NoServers,
    Ended,
}

fn next<S>(
    shared: &Shared,
    more_tasks: bool,
    joining: Option<&Receiver<S>>,
    at: At<'_>,
) -> Next<S> {
    let mut receive = joining.map(Receiver::start);
    wait::block(at.of(&shared.name), |cx, _| {
        let until = match shared.poll_ended(cx) {
            Step::Done(()) => return Step::Done(Next::Ended),
            Step::Wait { until } => until,
        };
        match more_tasks.then(|| shared.poll_room(cx)) {
            Some(Room::Take(room)) => return Step::Done(Next::Room(room)),
            Some(Room::Closed) if joining.is_none() => return Step::Done(Next::Ended),
            Some(Room::Closed | Room::Wait) | None => {}
        }
        match receive.as_mut().map(|receive| receive.poll(cx)) {
            Some(Poll::Ready(Some(server))) => Step::Done(Next::Server(server)),
            Some(Poll::Ready(None)) => Step::Done(Next::NoServers),
            Some(Poll::Pending) | None => Step::Wait { until },
        }
    })
}

/// The lecture's `for task := range work`.
fn serve<S, T: Clone, R, E>(
    worker: &mut Worker<S, T, R, E>,
    call: impl Fn(&mut S, T, &Attempt) -> Result<R, CallFailure<E>>,
) {
    let (server, shared) = (worker.id().peer(), worker.shared().clone());
    let here = |site: &'static Site| site.at(&server).of(&shared.name);
    let _entry = Entry::new(here(&WORKER));
    while wait::block(here(&TASK), |cx, _| worker.poll_next(cx)) {
        let begin = || worker.call(|server, task, attempt| call(server, task.clone(), attempt));
        let result = match catch_unwind(AssertUnwindSafe(begin)) {
            Ok(Ok(result)) => CallResult::Success(result),
            failed if worker.is_cancelled() => {
                discard(failed);
                CallResult::Cancelled
            }
            Ok(Err(failure)) => CallResult::Failed(Cause::Failed(failure)),
            Err(payload) => CallResult::Failed(Cause::Panicked(message(payload))),
        };
        worker.end_call(result);
    }
}
