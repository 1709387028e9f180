//! What runs the calls of one server, in a task of tokio's or of another runtime.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::vec::Vec;

use tokio::task::coop::poll_proceed;

use super::Lease;
use super::board::Board;
use super::core::{Attempt, Outcome};
use super::failure::{Cause, Failure};
use super::lease::Home;
use super::seat::{Ended, Seat};
use crate::panics::{discard, message};
use crate::wait::{Step, wait};
use crate::waits::{Entry, Site};

static RUNNER: Site = Site::task("schedule", "runner");
static TASK: Site = Site::wait("schedule", "runner", "a task");
static CALL: Site = Site::wait("schedule", "runner", "a call");

/// What all calls need.
pub(super) struct Job<T, F> {
    pub(super) tasks: Arc<Vec<T>>,
    pub(super) call: F,
}

/// The job goes before the seat, so that nothing of the user's is left when the run is over.
pub(super) struct Served<S, T, R, E, F> {
    pub(super) job: Arc<Job<T, F>>,
    pub(super) seat: Seat<S, R, E>,
}

/// The lecture's `for task := range work`.
pub(super) async fn serve<S, T, R, E, F, Fut>(mut served: Served<S, T, R, E, F>)
where
    T: Clone,
    F: Fn(Lease<S>, T) -> Fut,
    Fut: Future<Output = Result<R, Failure<E>>>,
{
    let Served { job, seat } = &mut served;
    let server = seat.id().peer();
    let _alive = Entry::new(RUNNER.at(&server));
    let mut ended = None;
    while let Some(attempt) = next(seat, ended).await {
        ended = Some((attempt, call(&seat.board, &seat.home, job, attempt).await));
    }
}

/// Tells the board what came of a call, and asks for the next, as soon as the server is back and tokio
/// lets this task go on.
///
/// A success is told as soon as the call is over. A task that is to be tried again is not given to
/// another server while something may still be at work on it with this one.
async fn next<S, R, E>(
    seat: &mut Seat<S, R, E>,
    mut ended: Option<(Attempt, Ended<R, E>)>,
) -> Option<Attempt> {
    let server = seat.id().peer();
    wait(TASK.at(&server), |cx, _| {
        let outcome = ended.as_ref().map(|(_, ended)| ended.outcome());
        let id = seat.id();
        let is_in = seat.home.is_in(cx);
        let (counts, step) = if is_in && has_budget(cx) {
            seat.board.next(id, outcome, cx)
        } else {
            let step = match seat.board.hurried(id, cx) {
                Step::Done(()) => Step::Done(None),
                Step::Wait { until } => Step::Wait { until },
            };
            let hurried = matches!(step, Step::Done(_));
            if !is_in && !hurried && outcome.is_some_and(Outcome::may_be_tried_again) {
                return step;
            }
            let counts = outcome.is_some_and(|it| seat.board.change(|core| core.settle(id, it)));
            (counts, step)
        };
        if let Some((attempt, ended)) = ended.take() {
            seat.keep(attempt, ended, counts);
        }
        step
    })
    .await
}

/// Whether tokio lets this task go on; if not, it comes back to it. Otherwise calls that are ready at
/// once would keep everything else from running.
fn has_budget(cx: &mut Context<'_>) -> bool {
    poll_proceed(cx).map(|budget| budget.made_progress()).is_ready()
}

/// One call, from the lending of the server to the dropping of the future.
async fn call<S, T, R, E, F, Fut>(
    board: &Board,
    home: &Arc<Home<S>>,
    job: &Job<T, F>,
    attempt: Attempt,
) -> Ended<R, E>
where
    T: Clone,
    F: Fn(Lease<S>, T) -> Fut,
    Fut: Future<Output = Result<R, Failure<E>>>,
{
    let panicked = |payload| Ended::Failed(Cause::Panicked(message(payload)));
    let lease = home.lend(attempt);
    let begin = AssertUnwindSafe(|| (job.call)(lease, job.tasks[attempt.task].clone()));
    let mut future = match catch_unwind(begin) {
        Ok(future) => pin!(Some(future)),
        Err(payload) => return panicked(payload),
    };
    // The board is asked before each poll but the first, which mostly is the last, or after that.
    let mut first = true;
    let server = home.id().peer();
    let ended = wait(CALL.at(&server), |cx, clock| {
        let mut cancelled = None;
        if !std::mem::take(&mut first) {
            match board.cancelled(home.id(), cx) {
                Step::Done(()) => return Step::Done(Ended::Cancelled),
                Step::Wait { until } => cancelled = Some(until),
            }
        }
        let polled = future.as_mut().as_pin_mut().expect("it is here until it is dropped below");
        match catch_unwind(AssertUnwindSafe(|| polled.poll(cx))) {
            Ok(Poll::Ready(Ok(result))) => return Step::Done(Ended::Success(result)),
            Ok(Poll::Ready(Err(failure))) => {
                return Step::Done(Ended::Failed(Cause::Failed(failure)));
            }
            Ok(Poll::Pending) => {}
            Err(payload) => return Step::Done(panicked(payload)),
        }
        let until = match cancelled {
            Some(until) => until,
            None => match board.cancelled(home.id(), cx) {
                Step::Done(()) => return Step::Done(Ended::Cancelled),
                Step::Wait { until } => until,
            },
        };
        if attempt.deadline.is_some_and(|deadline| deadline <= clock.now()) {
            return Step::Done(Ended::Failed(Cause::TimedOut));
        }
        Step::Wait { until: attempt.deadline.into_iter().chain(until).min() }
    })
    .await;
    // Before the board is told, so that no two calls for a task live at once.
    match catch_unwind(AssertUnwindSafe(|| future.set(None))) {
        Ok(()) => ended,
        Err(payload) if matches!(ended, Ended::Cancelled) => {
            discard(payload);
            ended
        }
        Err(payload) => {
            discard(ended);
            panicked(payload)
        }
    }
}
