//! The state of one call.

use std::time::Instant;
use std::vec::Vec;

use super::line::{NotYet, Place};
use super::replicas::{Preference, Replicas};
use super::stats::AttemptEnd;
use crate::Effect;
use crate::replicated::options::CallOptions;
use crate::seeded::{self, Bug};

/// The next thing to do for a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the call counts on it being done"]
pub enum Action {
    /// Ask this server. The attempt counts as started.
    Start(usize),
    /// End the call. Attempts may still be running.
    Finish(Outcome),
}

/// The end of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// This server has replied.
    Won(usize),
    /// Every server that could be asked was asked, and each has failed.
    Failed,
    /// There is no server, and none was asked.
    NoServers,
    /// The deadline came first.
    TimedOut,
}

/// The attempts of a call, in list order, beginning with the preferred server and wrapping around.
///
/// Each server is asked at most once, so an attempt is named by its server. The list is that of the
/// moment: a server that joins is a candidate for calls that are running, and one that has left is not.
///
/// ```
/// # use std::num::NonZeroUsize;
/// # use std::time::Instant;
/// # use pushdown_patterns::Effect;
/// # use pushdown_patterns::replicated::proto::{Action, Call, Outcome, Replicas};
/// # use pushdown_patterns::replicated::{Budget, CallOptions, Hedge, Prefer};
/// # let (now, two) = (Instant::now(), NonZeroUsize::new(2).unwrap());
/// let mut replicas = Replicas::new(two, Prefer::Sticky, Hedge::Never, Budget::default());
/// let mut call = Call::new(&mut replicas, CallOptions::new(), now);
/// assert_eq!(call.poll_action(&mut replicas, now), Some(Action::Start(0)));
/// call.handle_failure(&mut replicas, 0, Effect::MayHaveHappened, now);
/// assert_eq!(call.poll_action(&mut replicas, now), Some(Action::Start(1)));
/// call.handle_failure(&mut replicas, 1, Effect::MayHaveHappened, now);
/// assert_eq!(call.poll_action(&mut replicas, now), Some(Action::Finish(Outcome::Failed)));
/// ```
#[derive(Clone, Debug)]
pub struct Call {
    number: u64,
    /// The preference that the call began with.
    since: Preference,
    idempotent: bool,
    deadline: Option<Instant>,
    asked: Asked,
    /// Attempts to start at once: the first, and one for each that failed.
    owed: usize,
    /// When another server is asked because the last one is slow, or, in line for the budget, when to
    /// try again.
    hedge_at: Option<Instant>,
    /// Set while it waits for the budget.
    place: Option<Place>,
    probe: Probe,
    /// Set if there was no other server to ask when it looked last.
    is_out: bool,
    outcome: Option<Outcome>,
}

/// The part that a call has in finding out whether the first server of the list is back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Probe {
    None,
    /// The call begins with that server.
    Due,
    /// That server has been asked, and one extra request is paid.
    Paid,
}

/// An attempt.
#[derive(Clone, Copy, Debug)]
struct Asking {
    server: usize,
    /// The place of the server when it was asked.
    place: usize,
    /// `None` once the attempt has ended.
    started: Option<Instant>,
}

/// The attempts, in the order in which they were started. The first one takes no allocation, since
/// usually there is no other.
#[derive(Clone, Debug, Default)]
struct Asked {
    first: Option<Asking>,
    others: Vec<Asking>,
}

impl Asked {
    fn iter(&self) -> impl DoubleEndedIterator<Item = &Asking> {
        self.first.iter().chain(&self.others)
    }

    fn push(&mut self, asking: Asking) {
        if self.first.is_none() {
            self.first = Some(asking);
        } else {
            self.others.push(asking);
        }
    }

    fn has(&self, server: usize) -> bool {
        self.iter().any(|asking| asking.server == server)
    }

    /// Ends the attempt at a server, and returns when it was started.
    fn end(&mut self, server: usize) -> Option<Instant> {
        let mut all = self.first.iter_mut().chain(&mut self.others);
        all.find(|asking| asking.server == server)?.started.take()
    }
}

impl Call {
    /// Begins a call. Its timeout counts from now.
    pub fn new(replicas: &mut Replicas, options: CallOptions, now: Instant) -> Self {
        let mut call = Self::not_begun(options);
        call.begin(replicas, options, now);
        call
    }

    /// A call that asks no server before it has [begun](Self::begin), which is done in place.
    #[inline]
    pub(in crate::replicated) fn not_begun(options: CallOptions) -> Self {
        Self {
            number: 0,
            since: Preference::default(),
            idempotent: options.idempotent,
            deadline: None,
            asked: Asked::default(),
            owed: 1,
            hedge_at: None,
            place: None,
            probe: Probe::None,
            is_out: false,
            outcome: None,
        }
    }

    #[inline]
    pub(in crate::replicated) fn begin(
        &mut self,
        replicas: &mut Replicas,
        options: CallOptions,
        now: Instant,
    ) {
        (self.number, self.since) = replicas.begin(now);
        self.deadline = options.timeout.and_then(|timeout| now.checked_add(timeout));
        if options.idempotent && replicas.pay_for_probe(now) {
            self.probe = Probe::Due;
        }
    }

    /// Returns the number of the call, from 1, by which [`Replicas::poll_wake`] names it.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Returns the servers whose attempts are running, the one asked first first, and when each
    /// attempt was started.
    pub fn running(&self) -> impl DoubleEndedIterator<Item = (usize, Instant)> {
        self.asked.iter().filter_map(|asking| Some((asking.server, asking.started?)))
    }

    /// Returns whether the call is in line for the budget.
    pub fn waits_for_budget(&self) -> bool {
        self.place.is_some()
    }

    /// Returns whether the call would ask another server if there were one that it has not asked. It has
    /// to be polled when a server joins.
    pub fn is_out(&self) -> bool {
        self.is_out && (self.owed > 0 || self.hedge_at.is_some())
    }

    /// Returns the next thing to do, or `None` if there is nothing to do until an attempt ends,
    /// [`poll_timeout`](Self::poll_timeout) has passed, [`Replicas::poll_wake`] names the call, or a server
    /// joins that [is needed](Self::is_out).
    ///
    /// Poll it after each event until it returns `None` or [`Action::Finish`]. A call that is over keeps
    /// returning `Finish`.
    pub fn poll_action(&mut self, replicas: &mut Replicas, now: Instant) -> Option<Action> {
        if let Some(outcome) = self.outcome
            && !seeded::is(Bug::HedgeAfterTheWinner)
        {
            return Some(Action::Finish(outcome));
        }
        if self.deadline.is_some_and(|deadline| now >= deadline) {
            return Some(self.give_up(replicas, Outcome::TimedOut, now));
        }
        let next = self.next(replicas);
        self.is_out = next.is_none();
        if let Some(place) = next
            && (self.owed > 0 || self.hedges(replicas, now))
        {
            self.owed = self.owed.saturating_sub(1);
            return Some(self.start(replicas, place, now));
        }
        if next.is_none() && self.place.is_some() {
            // The server that it would have asked has left. It asks one that joins as soon as it may.
            replicas.leave_line(&mut self.place);
            self.hedge_at = Some(now);
        }
        if self.running().next().is_none() {
            let none = self.asked.first.is_none();
            let outcome = if none { Outcome::NoServers } else { Outcome::Failed };
            return Some(self.give_up(replicas, outcome, now));
        }
        None
    }

    /// Returns when to poll again if no attempt has ended before.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let hedge_at = self.hedge_at.filter(|_| !self.is_out);
        hedge_at.into_iter().chain(self.deadline).min()
    }

    /// Takes a reply. The first one wins, and its server becomes the preferred one unless another call
    /// has changed that in the meantime, or it has left. Later replies count in the statistics.
    ///
    /// # Panics
    /// If no attempt at this server is running.
    pub fn handle_reply(&mut self, replicas: &mut Replicas, server: usize, now: Instant) {
        self.end(replicas, server, AttemptEnd::Succeeded, now);
        if self.outcome.is_none() {
            self.outcome = Some(Outcome::Won(server));
            replicas.leave_line(&mut self.place);
            replicas.prefer(server, self.since, now);
        }
    }

    /// Takes an error. The next server is asked at once, unless it is not safe to ask again.
    ///
    /// # Panics
    /// If no attempt at this server is running.
    pub fn handle_failure(
        &mut self,
        replicas: &mut Replicas,
        server: usize,
        effect: Effect,
        now: Instant,
    ) {
        self.end(replicas, server, AttemptEnd::Failed, now);
        self.replace(effect);
    }

    /// Takes a panic of an attempt. Treated as a failure whose effect is unknown.
    ///
    /// # Panics
    /// If no attempt at this server is running.
    pub fn handle_panic(&mut self, replicas: &mut Replicas, server: usize, now: Instant) {
        self.end(replicas, server, AttemptEnd::Panicked, now);
        self.replace(Effect::MayHaveHappened);
    }

    /// Takes the cancellation of an attempt. No other is started for it.
    ///
    /// # Panics
    /// If no attempt at this server is running.
    pub fn handle_cancel(&mut self, replicas: &mut Replicas, server: usize, now: Instant) {
        self.end(replicas, server, AttemptEnd::Cancelled, now);
    }

    /// Takes that an attempt was dropped because its server leaves, which
    /// [counts](Replicas::handle_end) separately. Treated as a failure whose effect is unknown. Returns
    /// when it was started.
    ///
    /// # Panics
    /// If no attempt at this server is running.
    pub fn handle_leave(&mut self, server: usize) -> Instant {
        let started = self.asked.end(server).expect("an attempt ends once");
        self.replace(Effect::MayHaveHappened);
        started
    }

    /// Takes the drop of the call, which waits for the budget no longer.
    pub fn handle_drop(&mut self, replicas: &mut Replicas) {
        replicas.leave_line(&mut self.place);
    }

    fn end(&mut self, replicas: &mut Replicas, server: usize, end: AttemptEnd, now: Instant) {
        let started = self.asked.end(server).expect("an attempt ends once");
        replicas.handle_end(server, end, now.saturating_duration_since(started));
    }

    fn replace(&mut self, effect: Effect) {
        let safe = self.idempotent || effect == Effect::DidNotHappen;
        self.owed += usize::from(safe && !seeded::is(Bug::ErrorWaitsForTheDelay));
        if seeded::is(Bug::FirstErrorWins) {
            self.outcome = Some(Outcome::Failed);
        }
    }

    /// Returns the place of the next server to ask, until all in the list have been asked.
    ///
    /// The list may have changed since the last one was asked. No server is left out then, whatever the
    /// place from which it is searched.
    fn next(&self, replicas: &Replicas) -> Option<usize> {
        let servers = replicas.servers();
        let preferred = self.since.server.filter(|&server| !self.asked.has(server));
        let preferred = preferred.and_then(|server| replicas.place(server));
        let start = match (self.asked.iter().next_back(), preferred) {
            (None, _) if self.probe == Probe::Due => 0,
            (_, Some(place)) => place,
            (None, None) => replicas.preferred_place(),
            (Some(last), None) => replicas.place(last.server).map_or(last.place, |place| place + 1),
        };
        let places = (start..start + servers).map(|place| place % servers);
        { places }.find(|&place| !self.asked.has(replicas.server(place)))
    }

    /// Returns whether to ask another server now because the last one is slow, and pays for it.
    fn hedges(&mut self, replicas: &mut Replicas, now: Instant) -> bool {
        if self.place.is_none() && self.hedge_at.is_none_or(|at| now < at) {
            return false;
        }
        if self.probe == Probe::Paid {
            self.probe = Probe::None;
            replicas.hedge_after_probe();
            return true;
        }
        let turn = replicas.pay_for_hedge(self.number, &mut self.place, now);
        if let Err(NotYet(until)) = turn {
            self.hedge_at = until;
        }
        turn.is_ok()
    }

    fn start(&mut self, replicas: &mut Replicas, place: usize, now: Instant) -> Action {
        let server = replicas.server(place);
        self.asked.push(Asking { server, place, started: Some(now) });
        if self.probe == Probe::Due {
            self.probe = Probe::Paid;
        }
        replicas.leave_line(&mut self.place);
        let delay = if self.idempotent { replicas.delay(place) } else { None };
        self.hedge_at = delay.and_then(|delay| now.checked_add(delay));
        replicas.attempt_started(place, now);
        Action::Start(server)
    }

    /// Ends the call without a reply. If there is a server that was not asked, the next call begins
    /// with it: calls that may ask only one server would otherwise ask a dead one for ever.
    fn give_up(&mut self, replicas: &mut Replicas, outcome: Outcome, now: Instant) -> Action {
        if let Some(place) = self.next(replicas) {
            replicas.prefer(replicas.server(place), self.since, now);
        }
        replicas.leave_line(&mut self.place);
        self.outcome = Some(outcome);
        Action::Finish(outcome)
    }
}
