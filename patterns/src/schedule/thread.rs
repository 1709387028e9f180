//! The driver for threads: one for each server, while the thread that asked lets servers in.
//!
//! ```
//! use pushdown_patterns::schedule::{Failure, Options, thread::schedule};
//!
//! let square = |server: &mut &str, number: u64, _: &_| {
//!     if *server == "broken" { Err(Failure::server_dead("no answer")) } else { Ok(number * number) }
//! };
//! let servers = vec!["first", "broken", "second"];
//! let report = schedule(servers, 1..=5, square, Options::default()).unwrap();
//! assert_eq!(report.into_results().unwrap(), [1, 4, 9, 16, 25]);
//! ```
//!
//! # What is different from tokio
//! A call that blocks cannot be dropped. It is told its [deadline](Attempt::deadline), and may ask
//! whether it is still [wanted](Attempt::is_cancelled); a call that does neither is waited for,
//! whatever happens: timeouts, the loser of two copies, shutting down. [`AtFailure`](super::AtFailure)
//! makes no difference. In return a call may borrow, and the run is over when the function returns.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;
use std::vec::Vec;

use super::board::Board;
use super::core::{self, Core};
use super::failure::{Cause, Failure};
use super::seat::{Ended, Harvest, Seat};
use super::{Control, Finished, Options, Progress, ServerId};
use crate::panics::{discard, message};
use crate::sync::thread;
use crate::thread::Receiver;
use crate::wait::{self, Clock, Step};
use crate::waits::{Entry, Site};

static SERVER: Site = Site::wait("schedule", "door", "a server");
static RUNNER: Site = Site::task("schedule", "runner");
static TASK: Site = Site::wait("schedule", "runner", "a task");

/// The servers of a run: those of a `Vec`, or those that come through a channel while it goes on.
///
/// What has not been received when the run ends stays in the channel, for another
/// [`Receiver`] of it.
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

/// What a call is told besides server and task.
pub struct Attempt {
    server: ServerId,
    attempt: core::Attempt,
    board: Arc<Board>,
}

impl Attempt {
    /// The server's name in this run.
    pub fn server_id(&self) -> ServerId {
        self.server
    }

    /// The how-manieth attempt at the task this is, from 1.
    pub fn number(&self) -> u32 {
        self.attempt.number
    }

    /// By when the call should return, if there is a [timeout](Options::timeout). Nobody sees to that
    /// but the call.
    pub fn deadline(&self) -> Option<Instant> {
        self.attempt.deadline
    }

    /// Whether another call for the same task runs, of which this is the
    /// [backup copy](Options::backup_after).
    pub fn is_backup(&self) -> bool {
        self.attempt.backup
    }

    /// Sends the server away after this call, as [`Control::retire`] does.
    ///
    /// `false` says that it is to leave already, or that the run has ended.
    pub fn retire(&self) -> bool {
        self.board.change(|core| core.retire(self.server))
    }

    /// Whether nobody waits for the result any more: another copy was faster, or the run has ended.
    /// Such a call had best return, whatever it returns.
    pub fn is_cancelled(&self) -> bool {
        let (now, until) = self.board.look(|core| core.cancelled(self.server));
        now || until.is_some_and(|until| until <= Clock::SYSTEM.now())
    }
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Attempt");
        debug.field("server", &self.server).field("attempt", &self.attempt).finish_non_exhaustive()
    }
}

/// Runs every task on one of the servers, and returns when that is done.
///
/// # Errors
/// [`Unfinished`](super::Unfinished) says why not everything was done, and what was.
///
/// # Panics
/// If a thread cannot be started, after those that were have finished.
pub fn schedule<S, T, R, E>(
    servers: impl Into<Servers<S>>,
    tasks: impl IntoIterator<Item = T>,
    call: impl Fn(&mut S, T, &Attempt) -> Result<R, Failure<E>> + Sync,
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

/// A run before it begins, for those who want to watch or to steer it.
///
/// ```
/// use std::thread;
/// use pushdown_patterns::schedule::{Failure, Options, thread::Run};
/// use pushdown_patterns::thread::block_on;
///
/// let run = Run::new(["a", "b"], 0..100, Options::default());
/// let mut progress = run.progress();
/// let watching = thread::spawn(move || {
///     let mut last = 0;
///     while let Some(now) = block_on(progress.changed()) {
///         last = now.done;
///     }
///     last
/// });
/// run.call(|_, task, _| Ok::<_, Failure<()>>(task)).unwrap();
/// assert_eq!(watching.join().unwrap(), 100);
/// ```
#[must_use = "nothing runs before it is called"]
#[derive(Debug)]
pub struct Run<S, T> {
    board: Arc<Board>,
    door: Door,
    source: Source<S>,
    tasks: Vec<T>,
}

impl<S, T> Run<S, T> {
    /// A run of these tasks on these servers.
    pub fn new(
        servers: impl Into<Servers<S>>,
        tasks: impl IntoIterator<Item = T>,
        options: Options,
    ) -> Self {
        let Servers(source) = servers.into();
        let tasks = tasks.into_iter().collect::<Vec<_>>();
        let board = Arc::new(Board::new(tasks.len(), &options, Clock::SYSTEM));
        Self { door: Door(board.clone()), board, source, tasks }
    }

    /// What watches it. From a thread, [`block_on`](crate::thread::block_on) waits for a change.
    pub fn progress(&self) -> Progress {
        Progress::new(self.board.clone())
    }

    /// What steers it.
    pub fn control(&self) -> Control {
        Control::new(self.board.clone())
    }

    /// Makes the calls: see [`schedule`].
    ///
    /// # Errors
    /// [`Unfinished`](super::Unfinished) says why not everything was done, and what was.
    pub fn call<R, E>(
        self,
        call: impl Fn(&mut S, T, &Attempt) -> Result<R, Failure<E>> + Sync,
    ) -> Finished<S, T, R, E>
    where
        S: Send,
        T: Clone + Send + Sync,
        R: Send,
        E: Send,
    {
        let Self { board, door, source, tasks } = self;
        let harvest = Harvest::new();
        let call = |server: &mut S, task: usize, attempt: &Attempt| {
            call(server, tasks[task].clone(), attempt)
        };
        thread::scope(|scope| {
            let call = &call;
            let seat = |server| Seat::new(&board, &harvest, server, None);
            let start = |mut seat: Seat<S, R, E>| {
                scope.spawn(move || serve(&mut seat, call));
            };
            match source {
                Source::All(servers) => {
                    let seats = servers.into_iter().map(seat).collect::<Vec<_>>();
                    drop(door);
                    seats.into_iter().for_each(start);
                }
                Source::Joining(servers) => {
                    while let Some(server) = next_server(&board, &servers) {
                        start(seat(server));
                    }
                    drop(door);
                }
            }
        });
        harvest.report(&board, tasks)
    }
}

/// What lets servers in. When it is dropped, no other comes, and a run that was never begun is over.
#[derive(Debug)]
struct Door(Arc<Board>);

impl Drop for Door {
    fn drop(&mut self) {
        self.0.change(Core::close);
    }
}

/// The next server, unless no more come or none is let in any more.
fn next_server<S>(board: &Board, servers: &Receiver<S>) -> Option<S> {
    let mut receive = servers.start();
    wait::block(&SERVER, |cx, _| match board.poll_ended(cx) {
        Step::Done(()) => Step::Done(None),
        Step::Wait { .. } => match receive.poll(cx) {
            Poll::Ready(server) => Step::Done(server),
            Poll::Pending => Step::Wait { until: None },
        },
    })
}

/// The lecture's `for task := range work`.
fn serve<S, R, E>(
    seat: &mut Seat<S, R, E>,
    call: impl Fn(&mut S, usize, &Attempt) -> Result<R, Failure<E>>,
) {
    let server = seat.id().peer();
    let _alive = Entry::new(RUNNER.at(&server));
    let mut ended = None;
    while let Some(attempt) = next(seat, ended) {
        let mut server = seat.home.lend(attempt);
        let told = Attempt { server: seat.id(), attempt, board: seat.board.clone() };
        let call = AssertUnwindSafe(|| call(&mut server, attempt.task, &told));
        let outcome = match catch_unwind(call) {
            Ok(Ok(result)) => Ended::Success(result),
            failed if told.is_cancelled() => {
                discard(failed);
                Ended::Cancelled
            }
            Ok(Err(failure)) => Ended::Failed(Cause::Failed(failure)),
            Err(payload) => Ended::Failed(Cause::Panicked(message(payload))),
        };
        ended = Some((attempt, outcome));
    }
}

/// Tells the board what came of a call, and asks for the next.
fn next<S, R, E>(
    seat: &mut Seat<S, R, E>,
    mut ended: Option<(core::Attempt, Ended<R, E>)>,
) -> Option<core::Attempt> {
    let server = seat.id().peer();
    wait::block(TASK.at(&server), |cx, _| {
        let outcome = ended.as_ref().map(|(_, ended)| ended.outcome());
        let (counts, step) = seat.board.next(seat.id(), outcome, cx);
        if let Some((attempt, ended)) = ended.take() {
            seat.keep(attempt, ended, counts);
        }
        step
    })
}
