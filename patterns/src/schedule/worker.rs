//! A worker: one server's part in a run.

use core::fmt;
use std::string::String;
use std::sync::Arc;
use std::task::Context;
use std::time::Instant;

use super::attempt::ServerHandle;
use super::failure::{Cause, FailedAttempt};
use super::proto::{Action, Assignment, Outcome, Scheduler, Verdict};
use super::shared::Shared;
use super::slot::{HandBack, ServerSlot};
use super::values::{Kept, Values};
use super::{Attempt, Lease, ServerId};
use crate::panics::discard;
use crate::seeded::{self, Bug};
use crate::trace::Event;
use crate::wait::Step;

/// One server's part in a run.
///
/// However its loop ends, the drop hands the server and the task of its call back, and then reports to
/// the shared state that the worker has left.
pub(super) struct Worker<S, T, R, E> {
    handle: Arc<ServerHandle>,
    /// The server, with a handle for its attempts. `None` while it is on lease.
    server: Option<(S, Arc<ServerHandle>)>,
    slot: Arc<ServerSlot<S>>,
    values: Arc<Values<S, T, R, E>>,
    /// The call in progress, or one that has ended and is not recorded.
    call: Option<Call<T>>,
    /// Its result, once it has ended.
    last: Option<CallResult<R, E>>,
}

struct Call<T> {
    assignment: Assignment,
    /// `None` once the call has ended and its task was put back, or is done.
    task: Option<Kept<T>>,
}

/// The result of a call.
pub(super) enum CallResult<R, E> {
    Success(R),
    Failed(Cause<E>),
    /// It was dropped because it was cancelled.
    Dropped,
    /// It returned after it was cancelled.
    #[cfg_attr(pushdown_model = "loom", expect(dead_code, reason = "only threads have such calls"))]
    Cancelled,
}

impl<R, E> CallResult<R, E> {
    pub(super) fn outcome(&self) -> Outcome {
        match self {
            Self::Success(_) => Outcome::Success,
            Self::Failed(cause) => cause.outcome(),
            Self::Dropped => Outcome::Dropped,
            Self::Cancelled => Outcome::Cancelled,
        }
    }
}

impl<S, T, R, E> Worker<S, T, R, E> {
    /// A server joins.
    pub(super) fn new(
        shared: &Arc<Shared>,
        values: &Arc<Values<S, T, R, E>>,
        server: S,
        hand_back: Option<HandBack<S>>,
    ) -> Self {
        let id = shared.join();
        let handle = Arc::new(ServerHandle { id, shared: shared.clone() });
        Self {
            server: Some((server, handle.clone())),
            handle,
            slot: ServerSlot::new(id, hand_back),
            values: values.clone(),
            call: None,
            last: None,
        }
    }

    pub(super) fn id(&self) -> ServerId {
        self.handle.id
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.handle.shared
    }

    /// Ends the run, which cannot go on.
    pub(super) fn panicked(&self, message: String) {
        self.values.set_panic(message);
        self.shared().change(Scheduler::handle_panic);
    }

    /// Returns `true` if the server is not on lease. Otherwise the task is woken when it comes back.
    pub(super) fn poll_idle(&mut self, cx: &mut Context<'_>) -> bool {
        if self.server.is_none() {
            self.server = self.slot.poll_back(cx);
        }
        self.server.is_some()
    }

    /// Returns the task of the call in progress.
    pub(super) fn task(&self) -> &T {
        let task = self.call.as_ref().and_then(|call| call.task.as_ref());
        task.expect("a call is in progress").get()
    }

    /// Returns the end of the timeout of the call in progress.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.call.as_ref()?.assignment.deadline
    }

    /// Lends the server to the call in progress.
    ///
    /// # Panics
    /// If it is already on lease.
    pub(super) fn lend(&mut self) -> Lease<S> {
        let (server, handle) =
            self.server.take().expect("a worker lends its server while it has it");
        let Call { assignment, .. } = self.call.as_ref().expect("a call is in progress");
        Lease::new(self.slot.clone(), server, Attempt::new(handle, *assignment))
    }

    /// Makes a call that blocks. It borrows the server, and needs no lease.
    #[cfg(not(pushdown_model = "loom"))] // only threads have such calls
    pub(super) fn call<O>(&mut self, call: impl FnOnce(&mut S, &T, &Attempt) -> O) -> O {
        let (server, _) = self.server.as_mut().expect("the server is not on lease");
        let Call { assignment, task } = self.call.as_ref().expect("a call is in progress");
        let task = task.as_ref().expect("a call is in progress").get();
        call(server, task, &Attempt::new(self.handle.clone(), *assignment))
    }

    /// Returns `true` if the result of the call in progress is no longer wanted.
    #[cfg(not(pushdown_model = "loom"))] // only threads have such calls
    pub(super) fn is_cancelled(&self) -> bool {
        self.shared().is_cancelled(self.id())
    }

    /// The call in progress has ended. It is recorded later.
    pub(super) fn end_call(&mut self, result: CallResult<R, E>) {
        if let (CallResult::Failed(Cause::Panicked(_)), Some(call)) = (&result, &self.call) {
            let (server, task) = (self.id().index(), call.assignment.task);
            self.shared().source.emit(|| Event::CallPanicked { server, task });
        }
        self.last = Some(result);
    }

    /// Returns `true` if the last call is not recorded, and its task may go to another server.
    pub(super) fn allows_retry(&self) -> bool {
        self.last.as_ref().is_some_and(|last| last.outcome().allows_retry())
    }

    /// Records the last call, unless that was done before, and takes the next task. `false` is the end.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Step<bool> {
        let outcome = self.close();
        let (verdict, action) = self.shared().poll_next(self.id(), outcome, cx);
        if let Action::Call(assignment) = action {
            let task = self.settle(verdict, Some(assignment.slot));
            self.call = Some(Call { assignment, task });
            return Step::Done(true);
        }
        self.settle(verdict, None);
        self.call = None;
        match action {
            Action::Wait { until } => Step::Wait { until },
            Action::Call(_) | Action::Leave => Step::Done(false),
        }
    }

    /// Records the last call, unless that was done before, and takes no task.
    pub(super) fn record(&mut self) {
        let Some(outcome) = self.close() else { return };
        let verdict = self.shared().record(self.id(), outcome);
        self.settle(Some(verdict), None);
        self.call = None;
    }

    /// Puts the task of a call that has ended back, unless it succeeded. Returns the outcome.
    fn close(&mut self) -> Option<Outcome> {
        let (id, last) = (self.handle.id, self.last.as_ref()?);
        let outcome = last.outcome();
        let Call { assignment, task } = self.call.as_mut()?;
        let task = task.take()?;
        if outcome == Outcome::Success {
            discard(task);
            return Some(outcome);
        }
        let failed = match self.last.take() {
            Some(CallResult::Failed(cause)) => {
                Some(FailedAttempt { number: assignment.number, server: id, cause })
            }
            _ => None,
        };
        self.values.put_back(assignment.slot, task, failed);
        Some(outcome)
    }

    /// Does what the state machine has decided about the task of the last call, and takes the next one.
    fn settle(&mut self, verdict: Option<Verdict>, next: Option<usize>) -> Option<Kept<T>> {
        if let Some((Call { assignment, .. }, verdict)) = self.call.as_ref().zip(verdict) {
            match self.last.take() {
                Some(CallResult::Success(result)) if verdict.counts => {
                    return self.values.succeed(assignment, result, verdict, next);
                }
                late => discard(late),
            }
            if verdict.settles {
                self.values.give_up(assignment.slot, verdict);
            } else if verdict.is_last {
                self.values.free(assignment.slot);
            }
        }
        next.map(|slot| self.values.take(slot))
    }
}

impl<S, T, R, E> Drop for Worker<S, T, R, E> {
    fn drop(&mut self) {
        let id = self.id();
        let server = self.server.take().map(|(server, _)| server);
        let server = self.slot.close(server).filter(|_| !seeded::is(Bug::NobodyTakesBack));
        discard(self.last.take());
        if let Some(Call { assignment, task }) = &mut self.call {
            if let Some(task) = task.take() {
                self.values.put_back(assignment.slot, task, None);
            }
            let verdict = self.shared().lose(id);
            self.settle(verdict, None);
        }
        self.values.keep_server(id, server);
        self.shared().leave(id);
    }
}

impl<S, T, R, E> fmt::Debug for Worker<S, T, R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("slot", &self.slot).finish_non_exhaustive()
    }
}
