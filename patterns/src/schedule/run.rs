//! The driver for tokio: a task per worker, one for the acceptor if servers may join, and one for the
//! feeder if there are more tasks than are taken at once.

use core::fmt;
use std::boxed::Box;
use std::future::Future;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::vec::Vec;

use futures_core::Stream;

use super::acceptor::{Acceptor, AcceptorTask, accept};
use super::feeder::{Feeder, Iter, feed};
use super::proto::Scheduler;
use super::serve::{WorkerTask, serve};
use super::servers::Source;
use super::shared::Shared;
use super::values::{Tasks, Values};
use super::{CallFailure, Control, Finished, Lease, Options, Results, Servers, Watch};
use crate::Shutdown;
use crate::wait::{Clock, Step};

/// The tasks that [`schedule`] takes from their iterator in advance. More of them cost cache misses, fewer
/// of them more turns of the feeder.
pub(super) const AHEAD: NonZeroUsize = NonZeroUsize::new(512).expect("not zero");

/// A worker, an acceptor or a feeder, which [`schedule_on`] asks its caller to spawn.
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
    /// `None` once it is complete.
    results: Option<Results<S, T, R, E>>,
    shared: Arc<Shared>,
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

impl<S, T, R, E> Future for Run<S, T, R, E> {
    type Output = Finished<S, T, R, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let results = self.results.as_mut().expect("a run is polled after completion");
        ready!(results.poll_over(cx));
        let all = results.take_all();
        let finished = results.summary().with(all);
        self.results = None;
        Poll::Ready(finished)
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
/// This is [`schedule_stream`] with its results collected. The tasks are taken from their iterator as
/// there is need, some in advance. If the run fails, the report has all of them: an iterator without end
/// needs `schedule_stream`.
///
/// # Panics
/// If called outside of a tokio runtime.
#[track_caller]
pub fn schedule<S, T, R, E, F, Fut>(
    servers: impl Into<Servers<S>>,
    tasks: impl IntoIterator<Item = T, IntoIter: Send + 'static>,
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
    schedule_on(spawner(), servers, tasks, call, options)
}

/// Does what [`schedule`] does, on a runtime of the caller's choice.
///
/// `spawn` is given one future per server, one more if servers may join, and one more if there are many
/// tasks. A server whose future is dropped is [lost](super::LeaveReason::Lost). Timeouts, backup copies,
/// delays and draining need tokio's timer; without it the run ends with
/// [`Reason::Panicked`](super::Reason::Panicked).
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
#[track_caller]
pub fn schedule_on<S, T, R, E, F, Fut>(
    spawn: impl Fn(WorkerFuture) + Send + Sync + 'static,
    servers: impl Into<Servers<S>>,
    tasks: impl IntoIterator<Item = T, IntoIter: Send + 'static>,
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
    let tasks = Box::pin(Iter::new(tasks));
    let results = start(spawn, servers.into(), tasks, (AHEAD, true), call, &options);
    Run { shared: results.shared(), results: Some(results) }
}

/// Runs every task of a stream on one of the servers, and starts at once. The [`Results`] come as they
/// settle, with the numbers of their tasks. A failure counts: what it says of attempts and effect
/// is final.
///
/// At most `ahead` tasks are held: taken from the stream, with results not taken from `Results`. Memory
/// is bounded by them and by the servers that ever joined, however many tasks there are. A reader that
/// stops taking results stops the run once as many have settled. `ahead` should be several times the
/// number of servers. Resident memory is 6.2 MiB after one million no-op tasks, 6.2 MiB after ten and
/// 6.3 MiB after a hundred million, on 8 servers with `ahead` 1,000:
///
/// ```text
/// $ cargo test --release -p pushdown-patterns --test schedule -- --ignored --nocapture hundred_million
/// ```
///
/// An iterator becomes a stream of tasks by [`Iter`]. A stream that panics ends the run with
/// [`Reason::Panicked`](super::Reason::Panicked).
///
/// ```
/// use std::num::NonZeroUsize;
/// use pushdown_patterns::schedule::{CallFailure, Iter, Lease, Options, schedule_stream};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let call = async |_: Lease<&str>, task: u64| Ok::<_, CallFailure<()>>(task * task);
/// let (tasks, ahead) = (Iter::new(1..=1000), NonZeroUsize::new(16).unwrap());
/// let mut results = schedule_stream(vec!["a", "b"], tasks, ahead, call, Options::default());
/// let mut sum = 0;
/// while let Some((_, square)) = results.next().await {
///     sum += square.unwrap();
/// }
/// assert_eq!(sum, 333_833_500);
/// let summary = results.finish().await;
/// assert_eq!((summary.end, summary.servers.len()), (Ok(()), 2));
/// # }
/// ```
///
/// # Panics
/// If called outside of a tokio runtime.
#[track_caller]
pub fn schedule_stream<S, T, R, E, F, Fut>(
    servers: impl Into<Servers<S>>,
    tasks: impl Stream<Item = T> + Send + 'static,
    ahead: NonZeroUsize,
    call: F,
    options: Options,
) -> Results<S, T, R, E>
where
    S: Send + 'static,
    T: Clone + Send + Sync + 'static,
    R: Send + 'static,
    E: Send + 'static,
    F: Fn(Lease<S>, T) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, CallFailure<E>>> + Send + 'static,
{
    schedule_stream_on(spawner(), servers, tasks, ahead, call, options)
}

/// Does what [`schedule_stream`] does, on a runtime of the caller's choice, as [`schedule_on`] does.
#[track_caller]
pub fn schedule_stream_on<S, T, R, E, F, Fut>(
    spawn: impl Fn(WorkerFuture) + Send + Sync + 'static,
    servers: impl Into<Servers<S>>,
    tasks: impl Stream<Item = T> + Send + 'static,
    ahead: NonZeroUsize,
    call: F,
    options: Options,
) -> Results<S, T, R, E>
where
    S: Send + 'static,
    T: Clone + Send + Sync + 'static,
    R: Send + 'static,
    E: Send + 'static,
    F: Fn(Lease<S>, T) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, CallFailure<E>>> + Send + 'static,
{
    start(spawn, servers.into(), Box::pin(tasks), (ahead, false), call, &options)
}

fn spawner() -> impl Fn(WorkerFuture) + Send + Sync + 'static {
    let runtime = tokio::runtime::Handle::current();
    move |future| drop(runtime.spawn(future))
}

/// Starts a run. If its results are collected, all of them may be held, and the first tasks are taken at
/// once: often these are all, and there is no need for a feeder.
#[track_caller]
fn start<S, T, R, E, F, Fut>(
    spawn: impl Fn(WorkerFuture) + Send + Sync + 'static,
    servers: Servers<S>,
    tasks: Tasks<T>,
    (ahead, collects): (NonZeroUsize, bool),
    call: F,
    options: &Options,
) -> Results<S, T, R, E>
where
    S: Send + 'static,
    T: Clone + Send + Sync + 'static,
    R: Send + 'static,
    E: Send + 'static,
    F: Fn(Lease<S>, T) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, CallFailure<E>>> + Send + 'static,
{
    let Servers { source, hand_back } = servers;
    let scheduler = Scheduler::streaming(ahead, !collects, options);
    let shared = Arc::new(Shared::new(scheduler, options, Clock::TOKIO));
    let values = Values::new(options.backup_after.is_some());
    let results = Results::new(shared.clone(), values.clone());
    let mut feeder = Feeder {
        tasks: Some(tasks),
        returns_rest: collects,
        shared: shared.clone(),
        values: values.clone(),
    };
    let mut acceptor = Acceptor { joining: None, shared, values, hand_back };
    let (spawn, call) = (Arc::new(spawn), Arc::new(call));
    let spawner = spawn.clone();
    let start = move |worker| {
        let task = WorkerTask { call: call.clone(), worker };
        spawner(Box::pin(serve(task)));
    };
    let fed = collects && {
        let mut cx = Context::from_waker(Waker::noop());
        matches!(feeder.poll(&mut cx), Step::Done(()))
    };
    let feeder = (!fed).then_some(feeder);
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
    if let Some(feeder) = feeder {
        spawn(Box::pin(feed(feeder)));
    }
    results
}
