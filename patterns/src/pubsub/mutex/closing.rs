//! Shutting the server down.

use std::task::Context;
use std::time::Instant;

use super::super::report::{EndReason, Report};
use super::Inner;
use crate::Shutdown;
use crate::wait::{Clock, Step};
use crate::waiters::Ticket;

/// A shutdown under way.
pub(super) struct Closing<'a, E: ?Sized> {
    inner: &'a Inner<E>,
    /// `None` once the shutdown has begun.
    how: Option<Shutdown>,
    /// The time at which the rest is aborted.
    deadline: Option<Instant>,
    ticket: Option<Ticket>,
}

impl<'a, E: ?Sized> Closing<'a, E> {
    pub(super) fn new(inner: &'a Inner<E>, how: Shutdown) -> Self {
        Self { inner, how: Some(how), deadline: None, ticket: None }
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>, clock: Clock) -> Step<Report> {
        let mut locked = self.inner.lock();
        let (state, deferred) = locked.split();
        if let Some(how) = self.how.take() {
            self.deadline = how.deadline(clock.now());
            state.registry.close(EndReason::Shutdown);
            self.inner.readers.wake_all(&mut deferred.wakers);
            self.inner.settle(state, || clock.now(), deferred);
        }
        if self.deadline.is_some_and(|deadline| clock.now() >= deadline) {
            self.inner.abort(state, deferred);
        }
        match state.registry.ended() {
            Some(ended) if state.registry.is_finished() => {
                Step::Done(Report { ended: ended.to_vec() })
            }
            _ => {
                state.closers.enqueue(&mut self.ticket, cx, &mut deferred.wakers);
                Step::Wait { until: self.deadline }
            }
        }
    }
}

impl<E: ?Sized> Drop for Closing<'_, E> {
    fn drop(&mut self) {
        let mut locked = self.inner.lock();
        let (state, deferred) = locked.split();
        state.closers.forget(self.ticket, &mut deferred.wakers);
    }
}
