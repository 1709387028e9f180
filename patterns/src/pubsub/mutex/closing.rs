//! Ending the server.

use core::mem;
use std::collections::BTreeMap;
use std::task::Context;
use std::time::Instant;

use super::super::core::Aftermath;
use super::super::{End, Report};
use super::Inner;
use crate::Shutdown;
use crate::wait::{Clock, Step};
use crate::waiters::Ticket;

/// A shutdown under way.
pub(super) struct Closing<'a, E: ?Sized> {
    inner: &'a Inner<E>,
    how: Shutdown,
    begun: bool,
    /// When the rest is aborted.
    until: Option<Instant>,
    ticket: Option<Ticket>,
}

impl<'a, E: ?Sized> Closing<'a, E> {
    pub(super) fn new(inner: &'a Inner<E>, how: Shutdown) -> Self {
        Self { inner, how, begun: false, until: None, ticket: None }
    }

    pub(super) fn ask(&mut self, cx: &mut Context<'_>, clock: Clock) -> Step<Report> {
        let mut aftermath = Aftermath::default();
        let mut _replaced = None;
        let mut _seats = BTreeMap::new();
        let mut state = self.inner.state.lock();
        if !mem::replace(&mut self.begun, true) {
            if let Shutdown::Drain { timeout } = self.how {
                self.until = clock.now().checked_add(timeout);
            }
            state.registry.close(End::Shutdown);
            self.inner.readers.wake_all(&mut aftermath.wakers);
            aftermath.wakers.wake(state.line.wakers());
        }
        if self.how == Shutdown::Abort || self.until.is_some_and(|until| clock.now() >= until) {
            _seats = state.registry.abort(&mut aftermath);
            self.inner.readers.wake_all(&mut aftermath.wakers);
            aftermath.wakers.wake(state.closers.all());
        }
        match state.registry.ended() {
            Some((true, ended)) => Step::Done(Report { ended: ended.to_vec() }),
            _ => {
                _replaced = state.closers.wait(&mut self.ticket, cx.waker());
                Step::Wait { until: self.until }
            }
        }
    }
}

impl<E: ?Sized> Drop for Closing<'_, E> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            let _left = self.inner.state.lock().closers.leave(ticket);
        }
    }
}
