//! The state that calls, losers and shutdowns share under one lock.

use std::time::Instant;
use std::vec::Vec;

use super::options::CallOptions;
use super::proto::{Call, Replicas};
use super::report::{EndCounts, EndKind};
use crate::seeded::{self, Bug};
use crate::waiters::{Ticket, Waiters};
use crate::wakers::AfterUnlock;

#[derive(Debug)]
pub(super) struct SharedState {
    pub(super) replicas: Replicas,
    pub(super) phase: Phase,
    /// Running calls.
    pub(super) calls: usize,
    /// Running losers, and those for which a slot is reserved.
    pub(super) losers: usize,
    /// Calls and losers that wait. An abort wakes them.
    pub(super) running: Waiters,
    /// Shutdowns that wait.
    pub(super) shutdowns: Waiters,
    /// Ends of calls and losers since the client was closed.
    pub(super) calls_ended: EndCounts,
    pub(super) losers_ended: EndCounts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    Open,
    Draining,
    Aborting,
}

impl SharedState {
    pub(super) fn new(replicas: Replicas) -> Self {
        Self {
            replicas,
            phase: Phase::Open,
            calls: 0,
            losers: 0,
            running: Waiters::default(),
            shutdowns: Waiters::default(),
            calls_ended: EndCounts::default(),
            losers_ended: EndCounts::default(),
        }
    }

    /// Begins a call, unless the client is closed.
    pub(super) fn begin(&mut self, options: CallOptions, now: Instant) -> Option<Call> {
        if self.phase > Phase::Open {
            return None;
        }
        self.calls += 1;
        Some(Call::new(&mut self.replicas, options, now))
    }

    /// Reserves slots for losers, and returns how many.
    pub(super) fn reserve(&mut self, losers: usize, at_most: usize) -> usize {
        let room = if self.phase == Phase::Aborting { 0 } else { at_most };
        let reserved = losers.min(room.saturating_sub(self.losers));
        self.losers += reserved;
        reserved
    }

    pub(super) fn call_ended(
        &mut self,
        ticket: Option<Ticket>,
        end: EndKind,
        after: &mut AfterUnlock,
    ) {
        self.calls -= 1;
        if self.phase > Phase::Open {
            self.calls_ended.add(end);
        }
        self.leave(ticket, after);
    }

    pub(super) fn loser_ended(
        &mut self,
        ticket: Option<Ticket>,
        end: EndKind,
        after: &mut AfterUnlock,
    ) {
        self.losers -= 1;
        if self.phase > Phase::Open {
            self.losers_ended.add(end);
        }
        self.leave(ticket, after);
    }

    fn leave(&mut self, ticket: Option<Ticket>, after: &mut AfterUnlock) {
        if self.is_idle() {
            after.wake(self.shutdowns.all());
        }
        self.running.forget(ticket, after);
    }

    pub(super) fn is_idle(&self) -> bool {
        self.calls == 0 && self.losers == 0
    }

    /// Ends everything that is running.
    pub(super) fn abort(&mut self, after: &mut AfterUnlock) {
        self.phase = Phase::Aborting;
        let waiting = self.running.all();
        after.wake(if seeded::is(Bug::AbortIsNotAnnounced) { Vec::new() } else { waiting });
    }
}
