//! The state that all calls share.

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};
use std::vec::Vec;

use super::bucket::Bucket;
use super::line::{Line, NotYet, Place};
use super::stats::{AttemptEnd, CallEnds, ServerStats, Stats};
use crate::replicated::options::{Budget, Hedge};
use crate::seeded::{self, Bug};

/// A percentile of fewer samples than this is not relied on.
const ENOUGH_SAMPLES: usize = 20;

/// The preferred server, the budget, and the counts of each server.
#[derive(Clone, Debug)]
pub struct Replicas {
    hedge: Hedge,
    preference: Preference,
    bucket: Bucket,
    line: Line,
    calls: u64,
    hedges: u64,
    hedges_denied: u64,
    hedges_won: u64,
    ended: CallEnds,
    servers: Vec<ServerStats>,
}

/// The server that is asked first. The version distinguishes a preference from an older one for the
/// same server, so that only a call that began under this one can change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Preference {
    pub(super) server: usize,
    version: u64,
}

impl Replicas {
    /// Creates the state of a client whose servers have not been asked yet. The first one is preferred.
    pub fn new(servers: NonZeroUsize, hedge: Hedge, budget: Budget) -> Self {
        Self {
            hedge,
            preference: Preference { server: 0, version: 0 },
            bucket: Bucket::new(budget),
            line: Line::default(),
            calls: 0,
            hedges: 0,
            hedges_denied: 0,
            hedges_won: 0,
            ended: CallEnds::default(),
            servers: std::vec![ServerStats::default(); servers.get()],
        }
    }

    /// Returns the index of the server that is asked first.
    pub fn preferred(&self) -> usize {
        self.preference.server
    }

    /// Returns the counts so far.
    pub fn stats(&self) -> Stats {
        Stats {
            preferred: self.preference.server,
            moves: self.preference.version,
            calls: self.calls,
            hedges: self.hedges,
            hedges_denied: self.hedges_denied,
            hedges_won: self.hedges_won,
            ended: self.ended,
            servers: self.servers.clone(),
        }
    }

    /// Returns the number of attempts so far that were started because an earlier one was slow.
    pub fn hedges(&self) -> u64 {
        self.hedges
    }

    /// Returns whether at least half of the budget has been saved up.
    pub(crate) fn is_half_full(&self) -> bool {
        self.bucket.is_half_full()
    }

    /// Returns the counts of the calls that have ended, for the driver to keep: it knows all ends.
    pub(crate) fn ended(&mut self) -> &mut CallEnds {
        &mut self.ended
    }

    /// Counts a reply to a hedge that was the first one.
    pub(crate) fn handle_hedge_won(&mut self) {
        self.hedges_won += 1;
    }

    /// Takes the end of an attempt that no call was waiting for any more.
    ///
    /// # Panics
    /// If there is no such server.
    pub fn handle_end(&mut self, server: usize, end: AttemptEnd, took: Duration) {
        self.servers[server].count(end, took);
    }

    /// Returns the number of a call that has to be polled: it waits for the budget, and its turn has
    /// come. Ask again until this returns `None`, after any call has done anything.
    pub fn poll_wake(&mut self) -> Option<u64> {
        self.line.poll_wake()
    }

    /// Counts a new call, and returns the preference it begins with and the number of servers.
    pub(super) fn begin(&mut self, now: Instant) -> (Preference, usize) {
        self.calls += 1;
        self.bucket.earn(now);
        if !self.line.is_empty() && self.bucket.next(now) == Some(now) {
            self.line.wake();
        }
        (self.preference, self.servers.len())
    }

    /// Returns the number of the latest call, from 1.
    pub(super) fn latest(&self) -> u64 {
        self.calls
    }

    pub(super) fn attempt_started(&mut self, server: usize, now: Instant) {
        self.servers[server].attempts += 1;
        if seeded::is(Bug::HedgePaysEarly) {
            self.bucket.next(now);
            self.bucket.pay();
        }
    }

    /// Pays for an extra request of a call, or leaves the call waiting in line.
    pub(super) fn pay_for_hedge(
        &mut self,
        call: u64,
        place: &mut Option<Place>,
        now: Instant,
    ) -> Result<(), NotYet> {
        let (token, waited) = (self.bucket.next(now), place.is_some());
        let turn = self.line.poll_turn(call, place, token, now);
        if turn.is_ok() {
            self.bucket.pay();
            self.hedges += 1;
        } else if !waited {
            self.hedges_denied += 1;
        }
        turn
    }

    /// Removes a call from the line, if it is there.
    pub(super) fn leave_line(&mut self, place: &mut Option<Place>) {
        self.line.leave(place);
    }

    /// Prefers a server, unless the preference has changed since a call began with it.
    pub(super) fn prefer(&mut self, server: usize, since: Preference) {
        let unchanged = self.preference == since
            || seeded::is(Bug::LateWinnerUndoes)
            || seeded::is(Bug::PreferenceHasNoVersion) && self.preference.server == since.server;
        if unchanged && server != since.server {
            self.preference = Preference { server, version: self.preference.version + 1 };
        }
    }

    /// Returns how long to wait for a server before another one is asked too.
    pub(super) fn delay(&self, server: usize) -> Option<Duration> {
        match self.hedge {
            Hedge::Never => None,
            Hedge::After(delay) => Some(delay),
            Hedge::Percentile { percentile, at_least, at_most } => {
                let latency = &self.servers[server].latency;
                let known = latency.samples() >= ENOUGH_SAMPLES;
                let usual = if known { latency.percentile(percentile) } else { None };
                Some(usual.unwrap_or(at_most).max(at_least).min(at_most))
            }
        }
    }
}
