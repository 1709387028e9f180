//! The loop of a worker that runs as a task of tokio or another runtime.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::string::String;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::task::coop::poll_proceed;

use super::Lease;
use super::failure::{CallFailure, Cause};
use super::worker::{CallResult, Worker};
use crate::panics::{contain, discard, message};
use crate::wait::{Step, wait};
use crate::waits::{At, Entry, Site};

static WORKER: Site = Site::task("schedule", "worker").peers("server");
static TASK: Site = Site::wait("schedule", "worker", "a task").peers("server");
static CALL: Site = Site::wait("schedule", "worker", "a call").peers("server");

/// A worker, and what it needs to make calls.
///
/// The fields drop in this order. The worker must come last: its drop reports that it has left, and
/// then no user value may remain.
pub(super) struct WorkerTask<S, T, R, E, F> {
    pub(super) call: Arc<F>,
    pub(super) worker: Worker<S, T, R, E>,
}

/// Runs a worker to its end. A panic outside of the calls, such as that of a runtime without a timer,
/// ends the run.
pub(super) async fn serve<S, T, R, E, F, Fut>(mut task: WorkerTask<S, T, R, E, F>)
where
    T: Clone,
    F: Fn(Lease<S>, T) -> Fut,
    Fut: Future<Output = Result<R, CallFailure<E>>>,
{
    if let Err(message) = contained(serve_tasks(&mut task)).await {
        task.worker.panicked(message);
    }
}

/// Completes with the message of a panic.
pub(super) async fn contained<T>(future: impl Future<Output = T>) -> Result<T, String> {
    let mut future = pin!(future);
    poll_fn(|cx| match contain(|| future.as_mut().poll(cx)) {
        Ok(polled) => polled.map(Ok),
        Err(message) => Poll::Ready(Err(message)),
    })
    .await
}

/// The lecture's `for task := range work`.
async fn serve_tasks<S, T, R, E, F, Fut>(task: &mut WorkerTask<S, T, R, E, F>)
where
    T: Clone,
    F: Fn(Lease<S>, T) -> Fut,
    Fut: Future<Output = Result<R, CallFailure<E>>>,
{
    let WorkerTask { call, worker } = task;
    let (server, shared) = (worker.id().peer(), worker.shared().clone());
    let here = |site: &'static Site| site.at(&server).of(&shared.name);
    let _entry = Entry::new(here(&WORKER));
    while next(worker, here(&TASK)).await {
        let result = run(worker, &**call, here(&CALL)).await;
        worker.end_call(result);
    }
}

/// Records the last call, and takes the next task once the server is back and tokio lets this task
/// proceed.
///
/// A success is recorded at once. A failure that is tried again waits for the lease, because whatever
/// holds it may still be working on the task.
async fn next<S, T, R, E>(worker: &mut Worker<S, T, R, E>, at: At<'_>) -> bool {
    wait(at, |cx, _| {
        let is_idle = worker.poll_idle(cx);
        if is_idle && has_budget(cx) {
            return worker.poll_next(cx);
        }
        match worker.shared().poll_force_close(worker.id(), cx) {
            Step::Done(()) => {
                worker.record();
                Step::Done(false)
            }
            Step::Wait { until } => {
                if is_idle || !worker.allows_retry() {
                    worker.record();
                }
                Step::Wait { until }
            }
        }
    })
    .await
}

/// Returns `false` if this task must yield; tokio then wakes it again. Without this, calls that are
/// always ready would starve all other tasks.
pub(super) fn has_budget(cx: &mut Context<'_>) -> bool {
    poll_proceed(cx).map(|budget| budget.made_progress()).is_ready()
}

/// Makes one call, from lending the server to dropping the future.
///
/// The worker is borrowed mutably because its results need not be `Sync`.
async fn run<S, T, R, E, F, Fut>(
    worker: &mut Worker<S, T, R, E>,
    call: &F,
    at: At<'_>,
) -> CallResult<R, E>
where
    T: Clone,
    F: Fn(Lease<S>, T) -> Fut,
    Fut: Future<Output = Result<R, CallFailure<E>>>,
{
    let panicked = |payload| CallResult::Failed(Cause::Panicked(message(payload)));
    let lease = worker.lend();
    let (shared, id, deadline) = (worker.shared(), worker.id(), worker.deadline());
    let begin = AssertUnwindSafe(|| call(lease, worker.task().clone()));
    let mut future = match catch_unwind(begin) {
        Ok(future) => pin!(Some(future)),
        Err(payload) => return panicked(payload),
    };
    // Cancellation is checked before each poll but the first, which mostly completes the call. If it
    // does not, the check follows it.
    let mut first = true;
    let result = wait(at, |cx, clock| {
        let mut checked = None;
        if !std::mem::take(&mut first) {
            match shared.poll_cancelled(id, cx) {
                Step::Done(()) => return Step::Done(CallResult::Dropped),
                Step::Wait { until } => checked = Some(until),
            }
        }
        let polled = future.as_mut().as_pin_mut().expect("the future is dropped only below");
        match catch_unwind(AssertUnwindSafe(|| polled.poll(cx))) {
            Ok(Poll::Ready(Ok(result))) => return Step::Done(CallResult::Success(result)),
            Ok(Poll::Ready(Err(failure))) => {
                return Step::Done(CallResult::Failed(Cause::Failed(failure)));
            }
            Ok(Poll::Pending) => {}
            Err(payload) => return Step::Done(panicked(payload)),
        }
        let until = match checked {
            Some(until) => until,
            None => match shared.poll_cancelled(id, cx) {
                Step::Done(()) => return Step::Done(CallResult::Dropped),
                Step::Wait { until } => until,
            },
        };
        if deadline.is_some_and(|deadline| deadline <= clock.now()) {
            return Step::Done(CallResult::Failed(Cause::TimedOut));
        }
        Step::Wait { until: deadline.into_iter().chain(until).min() }
    })
    .await;
    // Dropped before the result is recorded, so that no two calls for a task exist at once.
    match catch_unwind(AssertUnwindSafe(|| future.set(None))) {
        Ok(()) => result,
        Err(payload) if matches!(result, CallResult::Dropped) => {
            discard(payload);
            result
        }
        Err(payload) => {
            discard(result);
            panicked(payload)
        }
    }
}
