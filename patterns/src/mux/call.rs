//! A call, from its first poll until it is over or dropped.

use core::ops::Deref;
use core::task::Context;
use core::time::Duration;
use std::time::Instant;

use super::error::{CallError, CallErrorKind};
use super::proto::{Abandoned, Id, Outcome, Refusal, Refused};
use super::protocol::Protocol;
use super::shared::{AfterEnd, Shared, State};
use crate::seeded::{self, Bug};
use crate::wait::{Clock, Step};
use crate::waits::Place;

/// A call in progress. Dropping it abandons the call. `S` borrows or owns the state of the connection.
pub(super) struct PendingCall<S: Deref<Target = Shared<P>>, P: Protocol> {
    shared: S,
    timeout: Option<Duration>,
    deadline: Option<Instant>,
    /// Taken by the first poll.
    request: Option<P::Request>,
    /// Set while the call is in the core.
    id: Option<Id>,
}

pub(super) type CallResult<P> = Result<
    Outcome<<P as Protocol>::Request, <P as Protocol>::Reply>,
    CallError<<P as Protocol>::Request>,
>;

impl<S: Deref<Target = Shared<P>>, P: Protocol> PendingCall<S, P> {
    pub(super) fn new(shared: S, timeout: Option<Duration>, request: P::Request) -> Self {
        Self { shared, timeout, deadline: None, request: Some(request), id: None }
    }

    /// A call that is in the core already.
    pub(super) fn queued(shared: S, id: Id) -> Self {
        Self { shared, timeout: None, deadline: None, request: None, id: Some(id) }
    }

    /// Replaces the timeout.
    pub(super) fn set_deadline(&mut self, deadline: Option<Instant>) {
        (self.timeout, self.deadline) = (None, deadline);
    }

    /// Returns the place of the call in the list of waiters, while it is in the core.
    pub(super) fn place(&self) -> Option<Place> {
        self.id.as_ref().map(|id| self.shared.progress.place(id.number()))
    }

    /// Queues the call at the first poll, and returns its outcome once there is one.
    pub(super) fn poll(
        &mut self,
        cx: &Context<'_>,
        clock: Clock,
        queue: impl FnOnce(&mut State<P>, P::Request) -> Result<Id, Refused<P::Request>>,
    ) -> Step<CallResult<P>> {
        let now = (self.timeout.is_some() || self.deadline.is_some()).then(|| clock.now());
        let mut locked = self.shared.lock_with::<AfterEnd<P>>();
        let (state, after) = locked.split();
        if let Some(request) = self.request.take() {
            if let Some((now, timeout)) = now.zip(self.timeout) {
                self.deadline = now.checked_add(timeout);
            }
            match queue(state, request) {
                Ok(id) => self.id = Some(id),
                // The request has not entered the core, so nothing can send it.
                Err(Refused { message, why }) => {
                    let kind = match (why, state.report()) {
                        (Refusal::Closed, Some(report)) => CallErrorKind::Ended(report.end.clone()),
                        _ => why.into(),
                    };
                    return Step::Done(Err(CallError::new(kind, Some(message))));
                }
            }
            state.wake_sender(&mut after.wakers);
        }
        let id = self.id.as_ref().expect("a call that is over is not polled");
        if let Some(outcome) = state.core.poll_call(id) {
            self.id = None;
            return Step::Done(match outcome {
                // The core has moved the request back, or had moved it out to be sent before the end.
                Outcome::Ended(request) => {
                    let end = state.report().expect("the connection has ended").end.clone();
                    Err(CallError::new(CallErrorKind::Ended(end), request))
                }
                outcome => Ok(outcome),
            });
        }
        if self.deadline.zip(now).is_some_and(|(deadline, now)| deadline <= now) {
            // The call leaves the core and its effect is decided under the lock under which there was
            // no outcome yet. An answer made between two locks could be overtaken by the send loop.
            let request = match self.id.take() {
                Some(_) if seeded::is(Bug::MuxAnswersBeforeLeaving) => None,
                Some(id) => state.abandon(&id, after).and_then(Abandoned::into_request),
                None => None,
            };
            return Step::Done(Err(CallError::new(CallErrorKind::TimedOut, request)));
        }
        state.core.waker(id).register(cx, &mut after.wakers);
        Step::Wait { until: self.deadline }
    }
}

impl<S: Deref<Target = Shared<P>>, P: Protocol> Drop for PendingCall<S, P> {
    fn drop(&mut self) {
        if let Some(id) = self.id.take()
            && !seeded::is(Bug::MuxCallLeaks)
        {
            drop(self.shared.abandon(&id));
        }
    }
}
