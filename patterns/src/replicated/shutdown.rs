//! Waiting for the end of a client.

use std::task::Context;
use std::time::Instant;

use super::report::Report;
use super::shared::{SharedState, abort};
use crate::Shutdown;
use crate::sync::Mutex;
use crate::wait::{Clock, Step};
use crate::waiters::Ticket;
use crate::wakers::AfterUnlock;

/// A shutdown, which waits until nothing is running.
pub(super) struct ShutdownWaiter<'a, S, R, E> {
    shared: &'a Mutex<SharedState<S, R, E>>,
    /// When the drain becomes an abort.
    deadline: Option<Instant>,
    ticket: Option<Ticket>,
}

impl<'a, S, R, E> ShutdownWaiter<'a, S, R, E> {
    /// Closes the client to new calls.
    pub(super) fn new(
        shared: &'a Mutex<SharedState<S, R, E>>,
        how: Shutdown,
        now: Instant,
    ) -> Self {
        shared.lock().close();
        Self { shared, deadline: how.deadline(now), ticket: None }
    }

    pub(super) fn step(&mut self, cx: &mut Context<'_>, clock: Clock) -> Step<Report> {
        if let Some(deadline) = self.deadline {
            let now = clock.now();
            if now >= deadline {
                self.deadline = None;
                abort(self.shared, now);
            }
        }
        // After an abort usually nothing is running any more. What is being polled ends with that poll.
        match self.report(cx) {
            Some(report) => Step::Done(report),
            None => Step::Wait { until: self.deadline },
        }
    }

    /// Returns the report once nothing is running. Otherwise the shutdown is woken then.
    ///
    /// The report is final: it is made under the lock, when all requests have ended or been dropped, and
    /// no call can begin.
    fn report(&mut self, cx: &mut Context<'_>) -> Option<Report> {
        let mut locked = self.shared.lock_with::<AfterUnlock>();
        let (state, after) = locked.split();
        if !state.is_idle() {
            state.shutdowns.enqueue(&mut self.ticket, cx, after);
            return None;
        }
        let (calls, losers) = (state.calls_ended, state.losers_ended);
        Some(Report { calls, losers, stats: state.replicas.stats() })
    }
}

impl<S, R, E> Drop for ShutdownWaiter<'_, S, R, E> {
    fn drop(&mut self) {
        if self.ticket.is_some() {
            let mut locked = self.shared.lock_with::<AfterUnlock>();
            let (state, after) = locked.split();
            state.shutdowns.forget(self.ticket, after);
        }
    }
}
