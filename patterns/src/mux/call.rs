//! A call under way.

use core::task::Context;
use core::time::Duration;
use std::time::Instant;

use super::error::{CallError, CallErrorKind, End};
use super::proto::{Abandoned, Id, Outcome, Refusal, Refused};
use super::protocol::Protocol;
use super::shared::{Shared, State};
use crate::seeded::{self, Bug};
use crate::wait::{Clock, Step};
use crate::wakers::AfterUnlock;

/// How one call differs from others.
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
    /// A tag is assigned, and there is no deadline.
    pub const fn new() -> Self {
        Self { tag: None, timeout: None }
    }

    /// A tag of the caller's choice. It is in use from the start of the call, and the call fails if it
    /// already is.
    #[must_use]
    pub fn tag(self, tag: T) -> Self {
        Self { tag: Some(tag), ..self }
    }

    /// How long the call may take: all of it, waiting to be sent included.
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

/// A call under way. Dropped, it is abandoned.
pub(super) struct Calling<'a, P: Protocol> {
    shared: &'a Shared<P>,
    timeout: Option<Duration>,
    deadline: Option<Instant>,
    request: Option<P::Request>,
    id: Option<Id>,
}

pub(super) type Asked<P> = Step<
    Result<
        Outcome<<P as Protocol>::Request, <P as Protocol>::Reply>,
        CallError<<P as Protocol>::Request>,
    >,
>;

impl<'a, P: Protocol> Calling<'a, P> {
    pub(super) fn new(
        shared: &'a Shared<P>,
        timeout: Option<Duration>,
        request: P::Request,
    ) -> Self {
        Self { shared, timeout, deadline: None, request: Some(request), id: None }
    }

    /// Queues the call, the first time, and looks what has become of it.
    pub(super) fn ask(
        &mut self,
        cx: &Context<'_>,
        clock: Clock,
        queue: impl FnOnce(&mut State<P>, P::Request) -> Result<Id, Refused<P::Request>>,
    ) -> Asked<P> {
        let now = self.timeout.map(|_| clock.now());
        let mut later = AfterUnlock::default();
        let mut _old = None;
        let mut state = self.shared.lock();
        if let Some(request) = self.request.take() {
            self.deadline = now.zip(self.timeout).and_then(|(now, time)| now.checked_add(time));
            match queue(&mut state, request) {
                Ok(id) => self.id = Some(id),
                Err(Refused { message, why }) => {
                    let kind = match (why, state.report()) {
                        (Refusal::Closed, Some(report)) => CallErrorKind::Ended(report.end.clone()),
                        _ => why.into(),
                    };
                    return Step::Done(Err(CallError::new(kind, Some(message))));
                }
            }
            later.wake(state.wake_sender());
        }
        let id = self.id.as_ref().expect("a call that is over is not asked");
        if let Some(outcome) = state.core.poll(id) {
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
            drop(state);
            let request = match self.leave() {
                Some(Abandoned::Waiting(request)) => Some(request),
                // In this very moment.
                Some(Abandoned::Answered(reply)) => return Step::Done(Ok(Outcome::Reply(reply))),
                _ => None,
            };
            return Step::Done(Err(CallError::new(CallErrorKind::TimedOut, request)));
        }
        let waker = state.core.waker(id);
        if !waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            _old = waker.replace(cx.waker().clone());
        }
        Step::Wait { until: self.deadline }
    }

    /// Leaves the call where it is.
    fn leave(&mut self) -> Option<Abandoned<P::Request, P::Reply>> {
        let id = self.id.take()?;
        let now = Clock::TOKIO.now();
        let mut later = AfterUnlock::default();
        let mut _waker = None;
        let mut state = self.shared.lock();
        let (abandoned, waker) = state.core.abandon(&id, now)?;
        _waker = waker;
        // A cancel to send, or the last call of a drain.
        later.wake(state.wake_sender());
        if state.core.is_overfull() {
            drop(state);
            self.shared.end(End::QuarantineFull);
        }
        Some(abandoned)
    }
}

impl<P: Protocol> Drop for Calling<'_, P> {
    fn drop(&mut self) {
        if !seeded::is(Bug::MuxCallLeaks) {
            drop(self.leave());
        }
    }
}
