//! The results of a run, as they settle.

use core::fmt;
use std::boxed::Box;
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::vec::Vec;

use futures_core::Stream;
use tokio::task::coop::poll_proceed;

use super::proto::Scheduler;
use super::shared::Shared;
use super::values::{Settled, Values, discard_result};
use super::{Control, NotDone, Summary, Watch};
use crate::panics::contain;
use crate::wait::wait;
use crate::waits::Site;

static RUN: Site = Site::wait("schedule", "run", "its end");

/// The number of a task, and its result.
type Item<T, R, E> = (usize, Result<R, NotDone<T, E>>);

/// The results of a run, as they settle: see [`schedule_stream`](super::schedule_stream).
///
/// Each is the number of a task and its result. After a run that failed, the tasks that were taken and
/// not done follow as [`NotDone`]. [`finish`](Self::finish) then returns the servers, and the reason.
///
/// Dropping it aborts the run, as dropping a [`Run`](super::Run) does.
#[must_use = "dropping the results aborts the run"]
pub struct Results<S, T, R, E> {
    shared: Arc<Shared>,
    values: Arc<Values<S, T, R, E>>,
    settled: VecDeque<Settled<T, R, E>>,
    over: Pin<Box<dyn Future<Output = ()> + Send + Sync>>,
    is_over: bool,
}

impl<S, T, R, E> Results<S, T, R, E> {
    #[track_caller]
    pub(super) fn new(shared: Arc<Shared>, values: Arc<Values<S, T, R, E>>) -> Self {
        let (waiting, at) = (shared.clone(), RUN.here());
        let over =
            Box::pin(
                async move { wait(at.of(&waiting.name), |cx, _| waiting.poll_over(cx)).await },
            );
        Self { shared, values, settled: VecDeque::new(), over, is_over: false }
    }

    /// Returns a handle that watches the run.
    pub fn watch(&self) -> Watch {
        Watch::new(self.shared.clone())
    }

    /// Returns a handle that controls the run.
    pub fn control(&self) -> Control {
        Control::new(self.shared.clone())
    }

    /// Waits for the next result. Returns `None` when the run is over and there is no other.
    ///
    /// Cancel safe: a future that is dropped has taken no result.
    pub async fn next(&mut self) -> Option<Item<T, R, E>> {
        poll_fn(|cx| self.poll_settled(cx)).await
    }

    /// Waits for the end of the run, and returns its servers. Results that were not taken are dropped.
    pub async fn finish(mut self) -> Summary<S> {
        while let Some((_, result)) = self.next().await {
            discard_result(result.map_err(Box::new));
        }
        self.summary()
    }

    fn poll_settled(&mut self, cx: &mut Context<'_>) -> Poll<Option<Item<T, R, E>>> {
        // Results that are always there would starve all other tasks.
        let budget = ready!(poll_proceed(cx));
        loop {
            if let Some((number, result)) = self.settled.pop_front() {
                if !self.is_over {
                    self.shared.change(Scheduler::handle_claim);
                }
                budget.made_progress();
                return Poll::Ready(Some((number, result.map_err(|not_done| *not_done))));
            }
            if self.is_over {
                return Poll::Ready(None);
            }
            self.values.poll_settled(&mut self.settled, cx);
            if self.settled.is_empty() {
                ready!(self.poll_over(cx));
            }
        }
    }

    /// Completes when nothing of the run is left. Its results are then all here.
    pub(super) fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        ready!(self.over.as_mut().poll(cx));
        self.is_over = true;
        self.values.unsettled(&self.shared, &mut self.settled);
        Poll::Ready(())
    }

    /// Takes the results of a run that is over, in task order, and the tasks that it did not take.
    pub(super) fn take_all(&mut self) -> Vec<Result<R, NotDone<T, E>>> {
        let mut rest = self.values.take_rest();
        let rest = std::iter::from_fn(|| {
            let mut cx = Context::from_waker(Waker::noop());
            match contain(|| Some(rest.as_mut()?.as_mut().poll_next(&mut cx))) {
                Ok(Some(Poll::Ready(task))) => task,
                _ => None,
            }
        });
        collect(mem::take(&mut self.settled), rest)
    }

    pub(super) fn shared(&self) -> Arc<Shared> {
        self.shared.clone()
    }

    pub(super) fn summary(&self) -> Summary<S> {
        self.values.summary(&self.shared)
    }
}

/// Brings results into task order, and adds the tasks that were not taken.
pub(super) fn collect<T, R, E>(
    settled: VecDeque<Settled<T, R, E>>,
    rest: impl Iterator<Item = T>,
) -> Vec<Result<R, NotDone<T, E>>> {
    let mut settled = Vec::from(settled);
    for place in 0..settled.len() {
        // Each swap brings one result to its place.
        while settled[place].0 != place {
            let number = settled[place].0;
            assert_ne!(settled[number].0, number, "each task is settled once");
            settled.swap(place, number);
        }
    }
    let results = settled.into_iter().map(|(_, result)| result.map_err(|not_done| *not_done));
    let mut results = results.collect::<Vec<_>>();
    rest.for_each(|task| results.push(Err(NotDone::untried(results.len(), task))));
    results
}

impl<S, T, R, E> Unpin for Results<S, T, R, E> {}

impl<S, T, R, E> Stream for Results<S, T, R, E> {
    type Item = Item<T, R, E>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_settled(cx)
    }
}

impl<S, T, R, E> Drop for Results<S, T, R, E> {
    fn drop(&mut self) {
        if !self.is_over {
            self.shared.change(Scheduler::handle_abandon);
        }
        self.settled.drain(..).for_each(|(_, result)| discard_result(result));
    }
}

impl<S, T, R, E> fmt::Debug for Results<S, T, R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Results").field("now", &self.watch().now()).finish_non_exhaustive()
    }
}
