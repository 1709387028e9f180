//! What calls, losers and those who wait for the end share, under one lock.

use std::task::Waker;
use std::time::Instant;
use std::vec::Vec;

use super::core::{Call, Replicas};
use super::options::CallOptions;
use super::shutdown::Ends;
use crate::seeded::{self, Bug};
use crate::sync::Mutex;
use crate::waiters::{Ticket, Waiters};
use crate::wakers::AfterUnlock;

pub(super) type Shared = Mutex<State>;

#[derive(Debug)]
pub(super) struct State {
    pub(super) replicas: Replicas,
    pub(super) phase: Phase,
    /// How many calls are running.
    pub(super) calls: usize,
    /// How many losers are, or are about to.
    pub(super) losers: usize,
    /// Calls and losers that wait. An abort wakes them.
    pub(super) running: Waiters,
    /// Those who wait for the end.
    pub(super) to_end: Waiters,
    /// How calls and losers have ended since the client is closed.
    pub(super) calls_ended: Ends,
    pub(super) losers_ended: Ends,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    Open,
    Draining,
    Aborting,
}

/// How a call or a loser has ended.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ended {
    Finished,
    Cancelled,
    Aborted,
}

/// Wakers to be dropped when no lock is held.
pub(super) type Left = (Option<Waker>, Option<Waker>);

impl State {
    pub(super) fn new(replicas: Replicas) -> Self {
        Self {
            replicas,
            phase: Phase::Open,
            calls: 0,
            losers: 0,
            running: Waiters::default(),
            to_end: Waiters::default(),
            calls_ended: Ends::default(),
            losers_ended: Ends::default(),
        }
    }

    /// A call, unless the client is closed.
    pub(super) fn begin(&mut self, options: CallOptions, now: Instant) -> Option<Call> {
        if self.phase > Phase::Open {
            return None;
        }
        self.calls += 1;
        Some(self.replicas.begin(options, now))
    }

    /// Reserves places for losers. The answer is for how many.
    pub(super) fn keep(&mut self, losers: usize, at_most: usize) -> usize {
        let room = if self.phase == Phase::Aborting { 0 } else { at_most };
        let kept = losers.min(room.saturating_sub(self.losers));
        self.losers += kept;
        kept
    }

    #[must_use = "wakers are dropped when no lock is held"]
    pub(super) fn call_ended(
        &mut self,
        ticket: Option<Ticket>,
        ended: Ended,
        later: &mut AfterUnlock,
    ) -> Left {
        self.calls -= 1;
        if self.phase > Phase::Open {
            self.calls_ended.count(ended);
        }
        self.leave(ticket, later)
    }

    #[must_use = "wakers are dropped when no lock is held"]
    pub(super) fn loser_ended(
        &mut self,
        ticket: Option<Ticket>,
        ended: Ended,
        later: &mut AfterUnlock,
    ) -> Left {
        self.losers -= 1;
        if self.phase > Phase::Open {
            self.losers_ended.count(ended);
        }
        self.leave(ticket, later)
    }

    fn leave(&mut self, ticket: Option<Ticket>, later: &mut AfterUnlock) -> Left {
        if self.is_idle() {
            later.wake(self.to_end.all());
        }
        ticket.map_or((None, None), |ticket| self.running.leave(ticket))
    }

    pub(super) fn is_idle(&self) -> bool {
        self.calls == 0 && self.losers == 0
    }

    /// Has everything end that is running.
    pub(super) fn abort(&mut self, later: &mut AfterUnlock) {
        self.phase = Phase::Aborting;
        let waiting = self.running.all();
        later.wake(if seeded::is(Bug::AbortWakesNobody) { Vec::new() } else { waiting });
    }
}
