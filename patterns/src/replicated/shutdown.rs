//! The end of a client.

use std::task::Context;
use std::time::Instant;

use super::core::Stats;
use super::state::{Ended, Phase, Shared};
use crate::Shutdown;
use crate::wait::{Clock, Step};
use crate::waiters::Ticket;
use crate::wakers::AfterUnlock;

/// How a client has ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// The calls that were running when it was closed.
    pub calls: Ends,
    /// The losers that were, or became such since.
    pub losers: Ends,
    /// What the client and its servers have done, from beginning to end.
    pub stats: Stats,
}

/// How many of those that were running ended in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ends {
    /// They came to their own end, with a reply or with an error.
    pub finished: usize,
    /// They were given up: a call by its caller, a loser because its time was over.
    pub cancelled: usize,
    /// They were aborted by the shutdown.
    pub aborted: usize,
}

impl Ends {
    pub(super) fn count(&mut self, ended: Ended) {
        *match ended {
            Ended::Finished => &mut self.finished,
            Ended::Cancelled => &mut self.cancelled,
            Ended::Aborted => &mut self.aborted,
        } += 1;
    }
}

/// Waits until nothing is running any more.
pub(super) struct Closing<'a> {
    shared: &'a Shared,
    /// When a drain becomes an abort, once it has begun.
    deadline: Option<Instant>,
    ticket: Option<Ticket>,
}

impl<'a> Closing<'a> {
    /// Closes the client to new calls.
    pub(super) fn new(shared: &'a Shared, how: Shutdown, now: Instant) -> Self {
        let deadline = match how {
            Shutdown::Drain { timeout } => now.checked_add(timeout),
            Shutdown::Abort => Some(now),
        };
        let mut state = shared.lock();
        state.phase = state.phase.max(Phase::Draining);
        Self { shared, deadline, ticket: None }
    }

    pub(super) fn step(&mut self, cx: &mut Context<'_>, clock: Clock) -> Step<Report> {
        let mut later = AfterUnlock::default();
        let _old;
        let mut state = self.shared.lock();
        if state.is_idle() {
            let (calls, losers) = (state.calls_ended, state.losers_ended);
            return Step::Done(Report { calls, losers, stats: state.replicas.stats() });
        }
        let due = self.deadline.is_some_and(|deadline| clock.now() >= deadline);
        if due && state.phase < Phase::Aborting {
            state.abort(&mut later);
        }
        _old = state.to_end.wait(&mut self.ticket, cx.waker());
        Step::Wait { until: self.deadline.filter(|_| !due) }
    }
}

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            let left = self.shared.lock().to_end.leave(ticket);
            drop(left);
        }
    }
}
