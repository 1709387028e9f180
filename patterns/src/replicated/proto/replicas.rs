//! The state that all calls share.

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use super::bucket::Bucket;
use super::line::{Line, NotYet, Place};
use super::members::Members;
use super::stats::{AttemptEnd, CallEnds, ServerStats, Stats};
use crate::replicated::options::{Budget, Hedge, Prefer};
use crate::seeded::{self, Bug};

/// A percentile of fewer samples than this is not relied on.
const ENOUGH_SAMPLES: usize = 20;

/// The servers with their counts, the preferred one, and the budget.
#[derive(Clone, Debug)]
pub struct Replicas {
    prefer: Prefer,
    hedge: Hedge,
    members: Members,
    preference: Preference,
    /// The place of the preferred server in the list.
    place: usize,
    /// The time since which the first server of the list is not preferred, or of the last probe. `None`
    /// if a probe is due at once.
    probed: Option<Instant>,
    bucket: Bucket,
    line: Line,
    calls: u64,
    requests: u64,
    hedges: u64,
    hedges_denied: u64,
    hedges_won: u64,
    ended: CallEnds,
    probes: u64,
}

/// The server that is asked first. The version distinguishes a preference from an older one for the
/// same server, so that only a call that began under this one can change it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Preference {
    /// `None` while there is no server.
    pub(super) server: Option<usize>,
    version: u64,
}

impl Replicas {
    /// Creates the state of a client whose servers have not been asked yet. They are numbered from 0, and
    /// the first one is preferred.
    pub fn new(servers: NonZeroUsize, prefer: Prefer, hedge: Hedge, budget: Budget) -> Self {
        let mut members = Members::default();
        for _ in 0..servers.get() {
            members.join();
        }
        Self {
            prefer,
            hedge,
            members,
            preference: Preference { server: Some(0), version: 0 },
            place: 0,
            probed: None,
            bucket: Bucket::new(budget),
            line: Line::default(),
            calls: 0,
            requests: 0,
            hedges: 0,
            hedges_denied: 0,
            hedges_won: 0,
            ended: CallEnds::default(),
            probes: 0,
        }
    }

    /// Returns the number of the server that is asked first.
    pub fn preferred(&self) -> Option<usize> {
        self.preference.server
    }

    /// Returns the counts so far.
    pub fn stats(&self) -> Stats {
        let (servers, leaving, left) = self.members.all_stats();
        Stats {
            preferred: self.preference.server,
            moves: self.preference.version,
            calls: self.calls,
            hedges: self.hedges,
            hedges_denied: self.hedges_denied,
            hedges_won: self.hedges_won,
            ended: self.ended,
            probes: self.probes,
            left,
            servers,
            leaving,
            requests: self.requests,
        }
    }

    /// Returns the place of a server in the list, from 0.
    pub fn place(&self, server: usize) -> Option<usize> {
        self.members.place(server, self.place)
    }

    /// Returns the number of the server at a place in the list.
    ///
    /// # Panics
    /// If there is no such place.
    pub fn server(&self, place: usize) -> usize {
        self.members.number(place).expect("a place in the list")
    }

    /// Returns the number of servers in the list.
    pub fn servers(&self) -> usize {
        self.members.len()
    }

    /// Adds a server at the end of the list, and returns its number. It is preferred if it is alone.
    ///
    /// Calls that have [run out](Call::is_out) of servers have to be polled.
    ///
    /// [`Call::is_out`]: super::Call::is_out
    pub fn handle_join(&mut self) -> usize {
        let server = self.members.join();
        if self.preference.server.is_none() {
            self.change_preference(Some(0));
            self.probed = None;
        }
        server
    }

    /// Removes a server from the list, so that no other attempt at it is started. If it was preferred,
    /// the next one in list order is.
    ///
    /// Returns the place it had. The server is kept until [`poll_departed`](Self::poll_departed) or
    /// [`forget`](Self::forget).
    pub fn handle_leave(&mut self, server: usize) -> Option<usize> {
        let place = self.members.leave(server)?;
        let servers = self.members.len();
        if self.preference.server == Some(server) {
            self.change_preference((servers > 0).then(|| place % servers));
        } else if place < self.place {
            self.place -= 1;
        }
        if place == 0 {
            self.probed = None;
        }
        Some(place)
    }

    /// Takes a new order of the servers in the list.
    ///
    /// # Panics
    /// If the numbers are not those of the list.
    pub fn handle_order(&mut self, servers: &[usize]) {
        let first = self.members.number(0);
        self.members.arrange(servers);
        let place = self.preference.server.and_then(|server| self.members.place(server, 0));
        self.place = place.unwrap_or(0);
        if self.members.number(0) != first {
            self.probed = None;
        }
    }

    /// Takes the decision to drop the attempts that are running at a server that leaves.
    pub fn handle_leave_abort(&mut self, server: usize) {
        self.members.abort(server);
    }

    /// Returns whether the attempts at a server have to be dropped.
    pub fn is_aborted(&self, server: usize) -> bool {
        !self.members.is_settled() && self.members.is_aborted(server)
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
        self.members.attempt_ended(server, self.place, end, took);
    }

    /// Returns whether [`poll_wake`](Self::poll_wake) or [`poll_gone`](Self::poll_gone) may return
    /// something.
    #[inline]
    pub fn has_wakes(&self) -> bool {
        self.line.has_wakes() || self.members.has_gone()
    }

    /// Returns the number of a call that has to be polled: it waits for the budget, and its turn has
    /// come. Ask again until this returns `None`, after any call has done anything.
    pub fn poll_wake(&mut self) -> Option<u64> {
        self.line.poll_wake()
    }

    /// Returns the number of a server that has left, and whose last attempt has ended since. Ask again
    /// until this returns `None`, after any attempt has ended.
    pub fn poll_gone(&mut self) -> Option<usize> {
        self.members.poll_gone()
    }

    /// Returns the counts of a server that has left, once no attempt at it is running. Not to be called
    /// again then: the server is forgotten.
    pub fn poll_departed(&mut self, server: usize) -> Option<ServerStats> {
        self.members.departed(server)
    }

    /// Stops waiting for a server that has left. It is forgotten when its last attempt ends.
    pub fn forget(&mut self, server: usize) {
        self.members.unwatch(server);
    }

    /// Counts a new call, and returns its number, from 1, and the preference it begins with.
    pub(super) fn begin(&mut self, now: Instant) -> (u64, Preference) {
        self.calls += 1;
        self.bucket.earn(now);
        if !self.line.is_empty() && self.bucket.next(now) == Some(now) {
            self.line.wake();
        }
        (self.calls, self.preference)
    }

    /// Returns whether a call should begin with the first server of the list, because another one is
    /// preferred and the first one has not been asked for long enough. If so, an extra request is paid.
    #[inline]
    pub(super) fn pay_for_probe(&mut self, now: Instant) -> bool {
        match self.prefer {
            Prefer::First { probe } if self.place > 0 => self.pay_for_probe_each(probe, now),
            _ => false,
        }
    }

    fn pay_for_probe_each(&mut self, probe: Duration, now: Instant) -> bool {
        let is_recent = |at| now.saturating_duration_since(at) < probe;
        let is_due = !self.probed.is_some_and(is_recent) || seeded::is(Bug::EveryCallProbes);
        // Calls that wait for the budget come before a probe.
        if !is_due || !self.line.is_empty() || self.bucket.next(now) != Some(now) {
            return false;
        }
        if !seeded::is(Bug::ProbeIsFree) {
            self.bucket.pay();
        }
        self.probes += 1;
        self.probed = Some(now);
        true
    }

    /// Returns the place of the server that is preferred now.
    pub(super) fn preferred_place(&self) -> usize {
        self.place
    }

    pub(super) fn attempt_started(&mut self, place: usize, now: Instant) {
        self.requests += 1;
        self.members.attempt_started(place);
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

    /// Counts an extra request that its probe has paid for.
    pub(super) fn hedge_after_probe(&mut self) {
        self.hedges += 1;
    }

    /// Removes a call from the line, if it is there.
    #[inline]
    pub(super) fn leave_line(&mut self, place: &mut Option<Place>) {
        if place.is_some() {
            self.line.leave(place);
        }
    }

    /// Prefers a server, unless the preference has changed since a call began with it, or the server has
    /// left.
    pub(super) fn prefer(&mut self, server: usize, since: Preference, now: Instant) {
        if since.server == Some(server) {
            return;
        }
        let unchanged = self.preference == since
            || seeded::is(Bug::LateWinnerUndoes)
            || seeded::is(Bug::PreferenceHasNoVersion) && self.preference.server == since.server;
        if !unchanged {
            return;
        }
        let place = self.place(server);
        if place.is_none() && seeded::is(Bug::LeaverIsPreferred) {
            self.preference.server = Some(server);
        }
        if let Some(place) = place {
            let was_first = self.place == 0;
            self.change_preference(Some(place));
            if was_first {
                self.probed = Some(now);
            }
        }
    }

    /// Prefers the server at a place, or none.
    fn change_preference(&mut self, place: Option<usize>) {
        self.place = place.unwrap_or(0);
        let server = place.and_then(|place| self.members.number(place));
        self.preference = Preference { server, version: self.preference.version + 1 };
    }

    /// Returns how long to wait for the server at a place before another one is asked too.
    pub(super) fn delay(&self, place: usize) -> Option<Duration> {
        match self.hedge {
            Hedge::Never => None,
            Hedge::After(delay) => Some(delay),
            Hedge::Percentile { percentile, at_least, at_most } => {
                let latency = &self.members.stats(place).latency;
                let known = latency.samples() >= ENOUGH_SAMPLES;
                let usual = if known { latency.percentile(percentile) } else { None };
                Some(usual.unwrap_or(at_most).max(at_least).min(at_most))
            }
        }
    }
}
