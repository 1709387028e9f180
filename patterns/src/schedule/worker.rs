//! A worker: one server's part in a run.

use core::fmt;
use std::string::String;
use std::sync::Arc;
use std::task::Context;

use super::attempt::ServerHandle;
use super::failure::{Cause, FailedAttempt};
use super::proto::{Assignment, Outcome, Scheduler, Verdict};
use super::shared::Shared;
use super::slot::{HandBack, ServerSlot};
use super::values::{Kept, Values};
use super::{Attempt, Lease, ServerId};
use crate::panics::discard;
use crate::seeded::{self, Bug};
use crate::wait::Step;

/// One server's part in a run.
///
/// However its loop ends, the drop hands the server and the task of its call back, and then reports to
/// the shared state that the worker has left.
pub(super) struct Worker<S, T, R, E> {
    handle: Arc<ServerHandle>,
    /// The server, with its last attempt. `None` while it is on lease.
    server: Option<(S, Option<Attempt>)>,
    slot: Arc<ServerSlot<S>>,
    values: Arc<Values<S, T, R, E>>,
    /// The call in progress.
    call: Option<Call<T>>,
}

/// A call in progress: its slot, its task's number, and the task.
struct Call<T> {
    slot: usize,
    number: usize,
    task: Kept<T>,
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
    /// It was dropped because it was cancelled.
    Dropped,
    /// It returned after it was cancelled.
    #[cfg_attr(pushdown_model = "loom", expect(dead_code, reason = "only threads have such calls"))]
    Cancelled,
}

impl<R, E> EndedCall<R, E> {
    pub(super) fn outcome(&self) -> Outcome {
        match &self.result {
            CallResult::Success(_) => Outcome::Success,
            CallResult::Failed(cause) => cause.outcome(),
            CallResult::Dropped => Outcome::Dropped,
            CallResult::Cancelled => Outcome::Cancelled,
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
        Self {
            handle: Arc::new(ServerHandle { id, shared: shared.clone() }),
            server: Some((server, None)),
            slot: ServerSlot::new(id, hand_back),
            values: values.clone(),
            call: None,
        }
    }

    pub(super) fn id(&self) -> ServerId {
        self.handle.id
    }

    pub(super) fn shared(&self) -> &Shared {
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
            let back = self.slot.poll_back(cx);
            self.server = back.map(|(server, attempt)| (server, Some(attempt)));
        }
        self.server.is_some()
    }

    /// Returns the task of the call in progress.
    pub(super) fn task(&self) -> &T {
        self.call.as_ref().expect("a call is in progress").task.get()
    }

    /// Lends the server to a call.
    ///
    /// # Panics
    /// If it is already on lease.
    pub(super) fn lend(&mut self, assignment: Assignment) -> Lease<S> {
        let (server, last) = self.server.take().expect("a worker lends its server while it has it");
        let attempt = match last {
            Some(last) => last.next(assignment),
            None => Attempt::new(self.handle.clone(), assignment),
        };
        Lease::new(self.slot.clone(), server, attempt)
    }

    /// Records the last call, unless that was done before, and takes the next task. `None` is the end.
    pub(super) fn poll_next(
        &mut self,
        last: &mut Option<EndedCall<R, E>>,
        cx: &mut Context<'_>,
    ) -> Step<Option<Assignment>> {
        let outcome = last.as_ref().map(EndedCall::outcome);
        let ended = last.take().and_then(|ended| self.close(ended));
        let (verdict, step) = self.shared().poll_next(self.id(), outcome, cx);
        let next = match &step {
            Step::Done(Some(assignment)) => Some(*assignment),
            _ => None,
        };
        let task = self.settle(ended, verdict, next.map(|next| next.slot));
        self.call =
            next.zip(task).map(|(next, task)| Call { slot: next.slot, number: next.task, task });
        step
    }

    /// Records the last call, unless that was done before, and takes no task.
    pub(super) fn record(&mut self, last: &mut Option<EndedCall<R, E>>) {
        let Some(ended) = last.take() else { return };
        let outcome = ended.outcome();
        let ended = self.close(ended);
        let verdict = self.shared().record(self.id(), outcome);
        self.settle(ended, Some(verdict), None);
    }

    /// Puts the task of a call back, unless it succeeded. Returns the slot and what it is to be settled
    /// with.
    fn close(&mut self, ended: EndedCall<R, E>) -> Option<Ended<R>> {
        let Call { slot, number, task } = self.call.take()?;
        let result = match ended.result {
            CallResult::Success(result) => {
                discard(task);
                Some(result)
            }
            CallResult::Failed(cause) => {
                let number = ended.assignment.number;
                let failed = FailedAttempt { number, server: self.id(), cause };
                self.values.put_back(slot, task, Some(failed));
                None
            }
            CallResult::Dropped | CallResult::Cancelled => {
                self.values.put_back(slot, task, None);
                None
            }
        };
        Some(Ended { slot, number, result })
    }

    /// Does what the state machine has decided about a task, and takes the next one.
    fn settle(
        &self,
        ended: Option<Ended<R>>,
        verdict: Option<Verdict>,
        next: Option<usize>,
    ) -> Option<Kept<T>> {
        if let Some((Ended { slot, number, result }, verdict)) = ended.zip(verdict) {
            match result {
                Some(result) if verdict.counts => {
                    return self.values.succeed((slot, number), result, verdict, next);
                }
                late => discard(late),
            }
            if verdict.settles {
                self.values.give_up(slot, verdict);
            } else if verdict.is_last {
                self.values.free(slot);
            }
        }
        next.map(|slot| self.values.take(slot))
    }
}

/// A call that has ended and whose task is back, unless it succeeded.
struct Ended<R> {
    slot: usize,
    number: usize,
    result: Option<R>,
}

impl<S, T, R, E> Drop for Worker<S, T, R, E> {
    fn drop(&mut self) {
        let id = self.id();
        let server = self.server.take().map(|(server, _)| server);
        let server = self.slot.close(server).filter(|_| !seeded::is(Bug::NobodyTakesBack));
        if let Some(Call { slot, number, task }) = self.call.take() {
            self.values.put_back(slot, task, None);
            let verdict = self.shared().lose(id);
            self.settle(Some(Ended { slot, number, result: None }), verdict, None);
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
