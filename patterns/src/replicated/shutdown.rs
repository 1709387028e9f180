//! Waiting for the end of a client.

use std::task::Context;
use std::time::Instant;

use super::report::Report;
use super::shared::{Phase, SharedState};
use crate::Shutdown;
use crate::sync::Mutex;
use crate::wait::{Clock, Step};
use crate::waiters::Ticket;
use crate::wakers::AfterUnlock;

/// A shutdown, which waits until nothing is running.
pub(super) struct ShutdownWaiter<'a> {
    shared: &'a Mutex<SharedState>,
    /// When the drain becomes an abort. An abort is one that is due at once.
    deadline: Option<Instant>,
    ticket: Option<Ticket>,
}

impl<'a> ShutdownWaiter<'a> {
    /// Closes the client to new calls.
    pub(super) fn new(shared: &'a Mutex<SharedState>, how: Shutdown, now: Instant) -> Self {
        let deadline = match how {
            Shutdown::Drain { timeout } => now.checked_add(timeout),
            Shutdown::Abort => Some(now),
        };
        let mut state = shared.lock();
        state.phase = state.phase.max(Phase::Draining);
        Self { shared, deadline, ticket: None }
    }

    pub(super) fn step(&mut self, cx: &mut Context<'_>, clock: Clock) -> Step<Report> {
        let mut locked = self.shared.lock_with::<AfterUnlock>();
        let (state, after) = locked.split();
        if state.is_idle() {
            let (calls, losers) = (state.calls_ended, state.losers_ended);
            return Step::Done(Report { calls, losers, stats: state.replicas.stats() });
        }
        let due = self.deadline.is_some_and(|deadline| clock.now() >= deadline);
        if due && state.phase < Phase::Aborting {
            state.abort(after);
        }
        state.shutdowns.enqueue(&mut self.ticket, cx, after);
        Step::Wait { until: self.deadline.filter(|_| !due) }
    }
}

impl Drop for ShutdownWaiter<'_> {
    fn drop(&mut self) {
        if self.ticket.is_some() {
            let mut locked = self.shared.lock_with::<AfterUnlock>();
            let (state, after) = locked.split();
            state.shutdowns.forget(self.ticket, after);
        }
    }
}
