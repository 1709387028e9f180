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
    /// The deadline came first.
    TimedOut,
}

/// The attempts of a call, in list order, beginning with the preferred server and wrapping around.
///
/// Each server is asked at most once, so an attempt is named by its server.
///
/// ```
/// # use std::num::NonZeroUsize;
/// # use std::time::Instant;
/// # use pushdown_patterns::Effect;
/// # use pushdown_patterns::replicated::proto::{Action, Call, Outcome, Replicas};
/// # use pushdown_patterns::replicated::{Budget, CallOptions, Hedge};
/// # let now = Instant::now();
/// let mut replicas = Replicas::new(NonZeroUsize::new(2).unwrap(), Hedge::Never, Budget::default());
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
    servers: usize,
    idempotent: bool,
    deadline: Option<Instant>,
    /// When each attempt was started; `None` once it has ended.
    attempts: Vec<Option<Instant>>,
    /// Attempts to start at once: the first, and one for each that failed.
    owed: usize,
    /// When another server is asked because the last one is slow, or, in line for the budget, when to
    /// try again.
    hedge_at: Option<Instant>,
    /// Set while it waits for the budget.
    place: Option<Place>,
    outcome: Option<Outcome>,
}

impl Call {
    /// Begins a call. Its timeout counts from now.
    pub fn new(replicas: &mut Replicas, options: CallOptions, now: Instant) -> Self {
        let (since, servers) = replicas.begin(now);
        Self {
            number: replicas.latest(),
            since,
            servers,
            idempotent: options.idempotent,
            deadline: options.timeout.and_then(|timeout| now.checked_add(timeout)),
            attempts: Vec::new(),
            owed: 1,
            hedge_at: None,
            place: None,
            outcome: None,
        }
    }

    /// Returns the number of the call, from 1, by which [`Replicas::poll_wake`] names it.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Returns the servers whose attempts are running, the one asked first first, and when each
    /// attempt was started.
    pub fn running(&self) -> impl DoubleEndedIterator<Item = (usize, Instant)> {
        let started = |(index, started): (usize, &Option<Instant>)| {
            started.map(|started| (self.server(index), started))
        };
        self.attempts.iter().enumerate().filter_map(started)
    }

    /// Returns whether the call is in line for the budget.
    pub fn waits_for_budget(&self) -> bool {
        self.place.is_some()
    }

    /// Returns the next thing to do, or `None` if there is nothing to do until an attempt ends,
    /// [`poll_timeout`](Self::poll_timeout) has passed, or [`Replicas::poll_wake`] names the call.
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
            return Some(self.give_up(replicas, Outcome::TimedOut));
        }
        if let Some(server) = self.next()
            && (self.owed > 0 || self.hedges(replicas, now))
        {
            self.owed = self.owed.saturating_sub(1);
            return Some(self.start(replicas, server, now));
        }
        if self.attempts.iter().all(Option::is_none) {
            return Some(self.give_up(replicas, Outcome::Failed));
        }
        None
    }

    /// Returns when to poll again if no attempt has ended before.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let hedge_at = self.next().and(self.hedge_at);
        hedge_at.into_iter().chain(self.deadline).min()
    }

    /// Takes a reply. The first one wins, and its server becomes the preferred one unless another call
    /// has changed that in the meantime. Later replies count in the statistics.
    ///
    /// # Panics
    /// If no attempt at this server is running.
    pub fn handle_reply(&mut self, replicas: &mut Replicas, server: usize, now: Instant) {
        self.end(replicas, server, AttemptEnd::Succeeded, now);
        if self.outcome.is_none() {
            self.outcome = Some(Outcome::Won(server));
            replicas.leave_line(&mut self.place);
            replicas.prefer(server, self.since);
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

    /// Takes the drop of the call, which waits for the budget no longer.
    pub fn handle_drop(&mut self, replicas: &mut Replicas) {
        replicas.leave_line(&mut self.place);
    }

    fn end(&mut self, replicas: &mut Replicas, server: usize, end: AttemptEnd, now: Instant) {
        let index = (server + self.servers - self.since.server) % self.servers;
        let running = self.attempts.get_mut(index).and_then(Option::take);
        let started = running.expect("an attempt ends once");
        replicas.handle_end(server, end, now.saturating_duration_since(started));
    }

    fn replace(&mut self, effect: Effect) {
        let safe = self.idempotent || effect == Effect::DidNotHappen;
        self.owed += usize::from(safe && !seeded::is(Bug::ErrorWaitsForTheDelay));
        if seeded::is(Bug::FirstErrorWins) {
            self.outcome = Some(Outcome::Failed);
        }
    }

    /// Returns the next server to ask, until all have been asked.
    fn next(&self) -> Option<usize> {
        let asked = self.attempts.len();
        (asked < self.servers).then(|| self.server(asked))
    }

    fn server(&self, index: usize) -> usize {
        (self.since.server + index) % self.servers
    }

    /// Returns whether to ask another server now because the last one is slow, and pays for it.
    fn hedges(&mut self, replicas: &mut Replicas, now: Instant) -> bool {
        if self.place.is_none() && self.hedge_at.is_none_or(|at| now < at) {
            return false;
        }
        let turn = replicas.pay_for_hedge(self.number, &mut self.place, now);
        if let Err(NotYet(until)) = turn {
            self.hedge_at = until;
        }
        turn.is_ok()
    }

    fn start(&mut self, replicas: &mut Replicas, server: usize, now: Instant) -> Action {
        self.attempts.push(Some(now));
        replicas.leave_line(&mut self.place);
        let delay = if self.idempotent { replicas.delay(server) } else { None };
        self.hedge_at = delay.and_then(|delay| now.checked_add(delay));
        replicas.attempt_started(server, now);
        Action::Start(server)
    }

    /// Ends the call without a reply. If there is a server that was not asked, the next call begins
    /// with it: calls that may ask only one server would otherwise ask a dead one for ever.
    fn give_up(&mut self, replicas: &mut Replicas, outcome: Outcome) -> Action {
        if let Some(server) = self.next() {
            replicas.prefer(server, self.since);
        }
        replicas.leave_line(&mut self.place);
        self.outcome = Some(outcome);
        Action::Finish(outcome)
    }
}
