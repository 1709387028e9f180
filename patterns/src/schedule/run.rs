//! The driver for tokio: a task per worker, and one for the acceptor if servers may join.

use core::fmt;
use std::boxed::Box;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::vec::Vec;

use super::acceptor::{Acceptor, AcceptorTask, accept};
use super::proto::Scheduler;
use super::results::Results;
use super::serve::{WorkerTask, serve};
use super::servers::Source;
use super::shared::Shared;
use super::{CallFailure, Control, Finished, Lease, Options, Servers, Watch};
use crate::Shutdown;
use crate::wait::{Clock, wait};
use crate::waits::Site;

static RUN: Site = Site::wait("schedule", "run", "its end");

/// A worker or an acceptor, which [`schedule_on`] asks its caller to spawn.
pub type WorkerFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A run in progress. Await it for the [`Report`](super::Report).
///
/// Dropping it aborts the run: no call is started any more, those in progress are dropped or
/// [awaited](super::OnFailure), and the servers go to [`hand_back`](Servers::hand_back).
///
/// # Errors
/// Returns [`Unfinished`](super::Unfinished), with the reason and the report, if tasks are left over.
///
/// # Panics
/// If it is polled after completion.
#[must_use = "dropping a run aborts it"]
pub struct Run<S, T, R, E> {
    shared: Arc<Shared>,
    results: Arc<Results<S, R, E>>,
    tasks: Option<Arc<Vec<T>>>,
    over: Pin<Box<dyn Future<Output = ()> + Send + Sync>>,
}

impl<S, T, R, E> Run<S, T, R, E> {
    /// Returns a handle that watches the run.
    pub fn watch(&self) -> Watch {
        Watch::new(self.shared.clone())
    }

    /// Returns a handle that controls the run.
    pub fn control(&self) -> Control {
        Control::new(self.shared.clone())
    }

    /// Ends the run. Await the result for the report.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use std::future::pending;
    /// use std::time::Duration;
    /// use pushdown_patterns::Shutdown;
    /// use pushdown_patterns::schedule::{CallFailure, Lease, Options, Reason, schedule};
    ///
    /// let call = async |_: Lease<&str>, _: usize| pending::<Result<(), CallFailure<()>>>().await;
    /// let run = schedule(vec!["a", "b"], 0..9, call, Options::default());
    /// let timeout = Duration::from_millis(10);
    /// let unfinished = run.shutdown(Shutdown::Drain { timeout }).await.unwrap_err();
    /// assert_eq!(unfinished.reason, Reason::ShutDown);
    /// assert_eq!(unfinished.report.servers.len(), 2);
    /// # }
    /// ```
    pub fn shutdown(self, how: Shutdown) -> Self {
        self.shared.shutdown(how);
        self
    }
}

impl<S, T, R, E> Unpin for Run<S, T, R, E> {}

impl<S, T: Clone, R, E> Future for Run<S, T, R, E> {
    type Output = Finished<S, T, R, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        assert!(self.tasks.is_some(), "a run is polled after completion");
        ready!(self.over.as_mut().poll(cx));
        let tasks = self.tasks.take().map(Arc::unwrap_or_clone).unwrap_or_default();
        Poll::Ready(self.results.report(&self.shared, tasks))
    }
}

impl<S, T, R, E> Drop for Run<S, T, R, E> {
    fn drop(&mut self) {
        if self.tasks.is_some() {
            self.shared.change(Scheduler::handle_abandon);
        }
    }
}

impl<S, T, R, E> fmt::Debug for Run<S, T, R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("now", &self.watch().now()).finish_non_exhaustive()
    }
}

/// Runs every task on one of the servers, and starts at once. Await the [`Run`] for the
/// [`Report`](super::Report).
///
/// Tasks are numbered in their order; `0..20` are the lecture's. A task is cloned for each attempt. All
/// calls of a server run in one tokio task, one after another.
///
/// # Panics
/// If called outside of a tokio runtime.
pub fn schedule<S, T, R, E, F, Fut>(
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
    Fut: Future<Output = Result<R, CallFailure<E>>> + Send + 'static,
{
    let runtime = tokio::runtime::Handle::current();
    let spawn = move |future| drop(runtime.spawn(future));
    schedule_on(spawn, servers, tasks, call, options)
}

/// Does what [`schedule`] does, on a runtime of the caller's choice.
///
/// `spawn` is given one future per server, and one more if servers may join. A server whose future is
/// dropped is [lost](super::LeaveReason::Lost). Timeouts, backup copies and draining need tokio's timer.
///
/// ```
/// use std::thread;
/// use pushdown_patterns::schedule::{CallFailure, Lease, Options, schedule_on};
/// use pushdown_patterns::thread::block_on;
///
/// // A thread for each future.
/// let spawn = |future| drop(thread::spawn(|| block_on(future)));
/// let call = async |_: Lease<&str>, task: usize| Ok::<_, CallFailure<()>>(task * task);
/// let run = schedule_on(spawn, vec!["a", "b"], 0..5, call, Options::default());
/// assert_eq!(block_on(run).unwrap().into_results().unwrap(), [0, 1, 4, 9, 16]);
/// ```
pub fn schedule_on<S, T, R, E, F, Fut>(
    spawn: impl Fn(WorkerFuture) + Send + Sync + 'static,
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
    Fut: Future<Output = Result<R, CallFailure<E>>> + Send + 'static,
{
    let Servers { source, hand_back } = servers.into();
    let tasks = Arc::new(tasks.into_iter().collect::<Vec<_>>());
    let shared = Arc::new(Shared::new(tasks.len(), &options, Clock::TOKIO));
    let results = Results::new();
    let waiting = shared.clone();
    let run = Run {
        shared: shared.clone(),
        results: results.clone(),
        tasks: Some(tasks.clone()),
        over: Box::pin(async move { wait(&RUN, |cx, _| waiting.poll_over(cx)).await }),
    };
    let mut acceptor = Acceptor { joining: None, shared, results, hand_back };
    let (spawn, call) = (Arc::new(spawn), Arc::new(call));
    let spawner = spawn.clone();
    let start = move |worker| {
        let task = WorkerTask { tasks: tasks.clone(), call: call.clone(), worker };
        spawner(Box::pin(serve(task)));
    };
    match source {
        Source::All(servers) => {
            // All join before the first one starts, so that none finds itself the last.
            let workers: Vec<_> =
                servers.into_iter().map(|server| acceptor.worker(server)).collect();
            drop(acceptor);
            workers.into_iter().for_each(start);
        }
        Source::Joining(joining) => {
            acceptor.joining = Some(joining);
            spawn(Box::pin(accept(AcceptorTask { start, acceptor })));
        }
    }
    run
}
