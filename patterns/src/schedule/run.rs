//! The driver for tokio: a task for each server, and one that lets servers in.

use core::fmt;
use std::boxed::Box;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::vec::Vec;

use tokio::task::coop::consume_budget;

use super::board::Board;
use super::core::Core;
use super::failure::Failure;
use super::lease::HandBack;
use super::runner::{Job, Served, serve};
use super::seat::{Harvest, Seat};
use super::servers::{Joining, Source};
use super::{Control, Finished, Lease, Options, Progress, Servers};
use crate::Shutdown;
use crate::panics::{discard, message};
use crate::wait::{Clock, Step, wait};
use crate::waits::{Entry, Site};

static RUN: Site = Site::wait("schedule", "run", "its end");
static DOOR: Site = Site::task("schedule", "door");
static SERVER: Site = Site::wait("schedule", "door", "a server");

/// What [`schedule_on`] wants to have run: the calls of one server, or what lets servers in.
pub type Runner = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A run that goes on by itself. Await it for the [`Report`](super::Report).
///
/// Dropping it aborts: no call is begun any more, those that run are dropped or
/// [awaited](super::AtFailure), and the servers go to [`hand_back`](Servers::hand_back).
///
/// # Errors
/// [`Unfinished`](super::Unfinished) says why not everything was done, and what was.
///
/// # Panics
/// If it is polled after its end.
#[must_use = "dropping a run aborts it"]
pub struct Run<S, T, R, E> {
    board: Arc<Board>,
    harvest: Arc<Harvest<S, R, E>>,
    tasks: Option<Arc<Vec<T>>>,
    over: Pin<Box<dyn Future<Output = ()> + Send + Sync>>,
}

impl<S, T, R, E> Run<S, T, R, E> {
    /// What watches it.
    pub fn progress(&self) -> Progress {
        Progress::new(self.board.clone())
    }

    /// What steers it.
    pub fn control(&self) -> Control {
        Control::new(self.board.clone())
    }

    /// Ends it, with the same report as ever.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use std::time::Duration;
    /// use pushdown_patterns::Shutdown;
    /// use pushdown_patterns::schedule::{Failure, Lease, Options, Reason, schedule};
    ///
    /// let call = async |_: Lease<&str>, _: usize| std::future::pending::<Result<(), Failure<()>>>().await;
    /// let run = schedule(vec!["a", "b"], 0..9, call, Options::default());
    /// let timeout = Duration::from_millis(10);
    /// let unfinished = run.shutdown(Shutdown::Drain { timeout }).await.unwrap_err();
    /// assert_eq!(unfinished.reason, Reason::ShutDown);
    /// assert_eq!(unfinished.report.servers.len(), 2);
    /// # }
    /// ```
    pub fn shutdown(self, how: Shutdown) -> Self {
        self.board.shutdown(how);
        self
    }
}

impl<S, T, R, E> Unpin for Run<S, T, R, E> {}

impl<S, T: Clone, R, E> Future for Run<S, T, R, E> {
    type Output = Finished<S, T, R, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        assert!(self.tasks.is_some(), "a run is not polled after its end");
        ready!(self.over.as_mut().poll(cx));
        let tasks = self.tasks.take().map(Arc::unwrap_or_clone).unwrap_or_default();
        Poll::Ready(self.harvest.report(&self.board, tasks))
    }
}

impl<S, T, R, E> Drop for Run<S, T, R, E> {
    fn drop(&mut self) {
        if self.tasks.is_some() {
            self.board.change(Core::abandon);
        }
    }
}

impl<S, T, R, E> fmt::Debug for Run<S, T, R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("progress", &self.progress().now()).finish_non_exhaustive()
    }
}

/// Starts a run: see [`schedule`](super::schedule), which does so on the current tokio runtime.
///
/// `spawn` is given a future for each server, and one more if servers may yet join. It may run them
/// in whatever way; a server whose future it drops is lost. Timeouts, backup copies and draining need
/// tokio's timer.
///
/// ```
/// use std::thread;
/// use pushdown_patterns::schedule::{Failure, Lease, Options, schedule_on};
/// use pushdown_patterns::thread::block_on;
///
/// // A thread in the part of a runtime.
/// let spawn = |runner| drop(thread::spawn(|| block_on(runner)));
/// let call = async |_: Lease<&str>, task: usize| Ok::<_, Failure<()>>(task * task);
/// let run = schedule_on(spawn, vec!["a", "b"], 0..5, call, Options::default());
/// assert_eq!(block_on(run).unwrap().into_results().unwrap(), [0, 1, 4, 9, 16]);
/// ```
pub fn schedule_on<S, T, R, E, F, Fut>(
    spawn: impl Fn(Runner) + Send + Sync + 'static,
    servers: impl Into<Servers<S>>,
    tasks: impl IntoIterator<Item = T>,
    call: F,
    options: Options,
) -> Run<S, T, R, E>
where
    S: Send + 'static,
    T: Clone + Send + Sync + 'static,
    R: Send + 'static,
    E: Send + 'static,
    F: Fn(Lease<S>, T) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, Failure<E>>> + Send + 'static,
{
    let Servers { source, hand_back } = servers.into();
    let tasks = Arc::new(tasks.into_iter().collect::<Vec<_>>());
    let board = Arc::new(Board::new(tasks.len(), &options, Clock::TOKIO));
    let harvest = Harvest::new();
    let waiting = board.clone();
    let run = Run {
        board: board.clone(),
        harvest: harvest.clone(),
        tasks: Some(tasks.clone()),
        over: Box::pin(async move { wait(&RUN, |cx, _| waiting.poll_over(cx)).await }),
    };
    let job = Arc::new(Job { tasks, call });
    let mut door = Door { joining: None, board, harvest, hand_back };
    let spawn = Arc::new(spawn);
    let spawner = spawn.clone();
    let start = move |seat| spawner(Box::pin(serve(Served { job: job.clone(), seat })));
    match source {
        Source::All(servers) => {
            // All are known before the first one begins.
            let seats: Vec<_> = servers.into_iter().map(|server| door.seat(server)).collect();
            drop(door);
            seats.into_iter().for_each(start);
        }
        Source::Joining(joining) => {
            door.joining = Some(joining);
            spawn(Box::pin(let_in(door, start)));
        }
    }
    run
}

/// What lets servers in. When it is dropped, no other comes.
struct Door<S, R, E> {
    joining: Option<Joining<S>>,
    board: Arc<Board>,
    harvest: Arc<Harvest<S, R, E>>,
    hand_back: Option<HandBack<S>>,
}

impl<S, R, E> Door<S, R, E> {
    fn seat(&self, server: S) -> Seat<S, R, E> {
        Seat::new(&self.board, &self.harvest, server, self.hand_back.clone())
    }

    /// The next server, unless no more come or none is let in any more.
    async fn next(&mut self) -> Option<S> {
        wait(&SERVER, |cx, _| {
            if let Step::Done(()) = self.board.poll_ended(cx) {
                return Step::Done(None);
            }
            let Some(joining) = &mut self.joining else { return Step::Done(None) };
            match catch_unwind(AssertUnwindSafe(|| joining.poll_next(cx))) {
                Ok(Poll::Ready(server)) => Step::Done(server),
                Ok(Poll::Pending) => Step::Wait { until: None },
                Err(payload) => {
                    self.harvest.source_panicked(message(payload));
                    Step::Done(None)
                }
            }
        })
        .await
    }
}

impl<S, R, E> Drop for Door<S, R, E> {
    fn drop(&mut self) {
        if let Some(mut joining) = self.joining.take() {
            while let Some(server) = joining.too_late() {
                drop(self.seat(server));
            }
            discard(joining);
        }
        self.board.change(Core::close);
    }
}

/// The lecture's `case srv := <-servers: go runTasks(srv)`, which is told when to stop. What starts a
/// server goes before the door, so that nothing of the user's is left when the run is over.
async fn let_in<S, R, E>(mut door: Door<S, R, E>, start: impl Fn(Seat<S, R, E>)) {
    let _alive = Entry::new((&DOOR).into());
    while let Some(server) = door.next().await {
        start(door.seat(server));
        consume_budget().await;
    }
}
