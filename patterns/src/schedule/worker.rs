//! A worker: one server's part in a run.

use core::fmt;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::Context;
use std::vec::Vec;

use super::attempt::ServerHandle;
use super::failure::{Cause, FailedAttempt};
use super::proto::{Assignment, Outcome};
use super::results::{Results, WorkerResults};
use super::shared::Shared;
use super::slot::{HandBack, ServerSlot};
use super::{Attempt, Lease, ServerId};
use crate::panics::discard;
use crate::seeded::{self, Bug};
use crate::wait::Step;

/// One server's part in a run. Keeps the results of its calls until it leaves, so that no lock is held
/// over user values.
///
/// However its loop ends, the drop hands the server back, delivers the results, and then reports to
/// the shared state that the worker has left.
pub(super) struct Worker<S, R, E> {
    server: Arc<ServerHandle>,
    slot: Arc<ServerSlot<S>>,
    results: Arc<Results<S, R, E>>,
    completed: Vec<(usize, R)>,
    /// The last failure of each task, so that a run that fails for days does not fill the memory.
    failures: BTreeMap<usize, FailedAttempt<E>>,
}

/// A call that has ended.
pub(super) struct EndedCall<R, E> {
    pub(super) assignment: Assignment,
    pub(super) result: CallResult<R, E>,
}

/// The result of a call.
pub(super) enum CallResult<R, E> {
    Success(R),
    Failed(Cause<E>),
    Cancelled,
}

impl<R, E> EndedCall<R, E> {
    pub(super) fn outcome(&self) -> Outcome {
        match &self.result {
            CallResult::Success(_) => Outcome::Success,
            CallResult::Failed(cause) => Outcome::Failed(cause.kind()),
            CallResult::Cancelled => Outcome::Cancelled,
        }
    }
}

impl<S, R, E> Worker<S, R, E> {
    /// A server joins.
    pub(super) fn new(
        shared: &Arc<Shared>,
        results: &Arc<Results<S, R, E>>,
        server: S,
        hand_back: Option<HandBack<S>>,
    ) -> Self {
        let id = shared.join();
        Self {
            server: Arc::new(ServerHandle { id, shared: shared.clone() }),
            slot: ServerSlot::new(id, server, hand_back),
            results: results.clone(),
            completed: Vec::new(),
            failures: BTreeMap::new(),
        }
    }

    pub(super) fn id(&self) -> ServerId {
        self.server.id
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.server.shared
    }

    /// Returns `true` if the server is not on lease. Otherwise the task is woken when it comes back.
    pub(super) fn poll_idle(&self, cx: &mut Context<'_>) -> bool {
        self.slot.poll_idle(cx)
    }

    /// Lends the server to a call.
    ///
    /// # Panics
    /// If it is already on lease.
    pub(super) fn lend(&self, assignment: Assignment) -> Lease<S> {
        Lease::new(self.slot.clone(), Attempt::new(self.server.clone(), assignment))
    }

    /// Records the last call, unless that was done before, and takes the next task. `None` is the end.
    pub(super) fn poll_next(
        &mut self,
        last: &mut Option<EndedCall<R, E>>,
        cx: &mut Context<'_>,
    ) -> Step<Option<Assignment>> {
        let outcome = last.as_ref().map(EndedCall::outcome);
        let (counts, step) = self.shared().poll_next(self.id(), outcome, cx);
        self.keep(last.take(), counts);
        step
    }

    /// Records the last call, unless that was done before, and takes no task.
    pub(super) fn record(&mut self, last: &mut Option<EndedCall<R, E>>) {
        let Some(ended) = last.take() else { return };
        let (id, outcome) = (self.id(), ended.outcome());
        let counts = self.shared().change(|scheduler| scheduler.handle_outcome(id, outcome));
        self.keep(Some(ended), counts);
    }

    fn keep(&mut self, ended: Option<EndedCall<R, E>>, counts: bool) {
        let Some(EndedCall { assignment: Assignment { task, number, .. }, result }) = ended else {
            return;
        };
        match result {
            CallResult::Success(result) if counts => self.completed.push((task, result)),
            CallResult::Failed(cause) if counts => {
                let failed = FailedAttempt { number, server: self.id(), cause };
                discard(self.failures.insert(task, failed));
            }
            late => discard(late),
        }
    }
}

impl<S, R, E> Drop for Worker<S, R, E> {
    fn drop(&mut self) {
        let id = self.id();
        let server = self.slot.close().filter(|_| !seeded::is(Bug::NobodyTakesBack));
        let completed = std::mem::take(&mut self.completed);
        let failures = std::mem::take(&mut self.failures).into_iter();
        // Failures of tasks that are done go now, since a run may outlive any number of servers.
        let (obsolete, failures): (Vec<_>, Vec<_>) = self
            .shared()
            .read(|scheduler| failures.partition(|(task, _)| scheduler.is_done(*task)));
        obsolete.into_iter().for_each(discard);
        self.results.deliver(WorkerResults { id, server, completed, failures });
        self.shared().leave(id);
    }
}

impl<S, R, E> fmt::Debug for Worker<S, R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("slot", &self.slot).finish_non_exhaustive()
    }
}
