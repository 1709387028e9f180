//! A call, from its first poll until it is over or dropped.

use core::task::Context;
use core::time::Duration;
use std::time::Instant;

use super::error::{CallError, CallErrorKind, CloseReason};
use super::proto::{Abandoned, Id, Outcome, Refusal, Refused};
use super::protocol::Protocol;
use super::shared::{Shared, State};
use crate::seeded::{self, Bug};
use crate::wait::{Clock, Step};

/// Options of a single call.
///
/// ```
/// use std::time::Duration;
/// use pushdown_patterns::mux::CallOptions;
///
/// let options = CallOptions::new().tag(7_u16).timeout(Duration::from_secs(1));
/// # let _ = options;
/// ```
#[derive(Clone, Debug)]
pub struct CallOptions<T> {
    pub(super) tag: Option<T>,
    pub(super) timeout: Option<Duration>,
}

impl<T> CallOptions<T> {
    /// An assigned tag, and no timeout.
    pub const fn new() -> Self {
        Self { tag: None, timeout: None }
    }

    /// Uses this tag instead of an assigned one.
    ///
    /// It is in use from the start of the call. The call fails if the tag already is.
    #[must_use]
    pub fn tag(self, tag: T) -> Self {
        Self { tag: Some(tag), ..self }
    }

    /// Limits the time of the whole call, from its first poll, including the wait to be sent.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }
}

impl<T> Default for CallOptions<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// A call in progress. Dropping it abandons the call.
pub(super) struct PendingCall<'a, P: Protocol> {
    shared: &'a Shared<P>,
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

impl<'a, P: Protocol> PendingCall<'a, P> {
    pub(super) fn new(
        shared: &'a Shared<P>,
        timeout: Option<Duration>,
        request: P::Request,
    ) -> Self {
        Self { shared, timeout, deadline: None, request: Some(request), id: None }
    }

    /// Queues the call at the first poll, and returns its outcome once there is one.
    pub(super) fn poll(
        &mut self,
        cx: &Context<'_>,
        clock: Clock,
        queue: impl FnOnce(&mut State<P>, P::Request) -> Result<Id, Refused<P::Request>>,
    ) -> Step<CallResult<P>> {
        let now = self.timeout.map(|_| clock.now());
        let mut locked = self.shared.lock();
        let (state, after) = locked.split();
        if let Some(request) = self.request.take() {
            self.deadline = now.zip(self.timeout).and_then(|(now, time)| now.checked_add(time));
            match queue(state, request) {
                Ok(id) => self.id = Some(id),
                Err(Refused { message, why }) => {
                    let kind = match (why, state.report()) {
                        (Refusal::Closed, Some(report)) => CallErrorKind::Ended(report.end.clone()),
                        _ => why.into(),
                    };
                    return Step::Done(Err(CallError::new(kind, Some(message))));
                }
            }
            state.wake_sender(after);
        }
        let id = self.id.as_ref().expect("a call that is over is not polled");
        if let Some(outcome) = state.core.poll_call(id) {
            self.id = None;
            return Step::Done(match outcome {
                Outcome::Ended(request) => {
                    let end = state.report().expect("the connection has ended").end.clone();
                    Err(CallError::new(CallErrorKind::Ended(end), request))
                }
                outcome => Ok(outcome),
            });
        }
        if self.deadline.zip(now).is_some_and(|(deadline, now)| deadline <= now) {
            drop(locked);
            return Step::Done(self.time_out());
        }
        state.core.waker(id).register(cx, after);
        Step::Wait { until: self.deadline }
    }

    fn time_out(&mut self) -> CallResult<P> {
        let request = match self.abandon() {
            Some(Abandoned::Waiting(request)) => Some(request),
            // The reply came after the lock was released.
            Some(Abandoned::Answered(reply)) => return Ok(Outcome::Reply(reply)),
            _ => None,
        };
        Err(CallError::new(CallErrorKind::TimedOut, request))
    }

    /// Takes the call out of the core, at whatever stage it is.
    fn abandon(&mut self) -> Option<Abandoned<P::Request, P::Reply>> {
        let id = self.id.take()?;
        let now = Clock::TOKIO.now();
        let mut locked = self.shared.lock();
        let (state, after) = locked.split();
        let (abandoned, mut waker) = state.core.abandon(&id, now)?;
        waker.clear(after);
        // There may be a cancel to send, or this was the last call of a drain.
        state.wake_sender(after);
        let is_overfull = state.core.is_overfull();
        drop(locked);
        if is_overfull {
            self.shared.end(CloseReason::QuarantineFull);
        }
        Some(abandoned)
    }
}

impl<P: Protocol> Drop for PendingCall<'_, P> {
    fn drop(&mut self) {
        if !seeded::is(Bug::MuxCallLeaks) {
            drop(self.abandon());
        }
    }
}
