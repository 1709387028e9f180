//! One call.

use std::time::{Duration, Instant};
use std::vec::Vec;

use super::{End, Preference, Replicas};
use crate::Effect;
use crate::replicated::CallOptions;
use crate::seeded::{self, Bug};

/// A call that found no budget looks again after its delay, and no sooner than this: it must not spin.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// What is to be done for a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the core counts on it being done"]
pub enum Action {
    /// Ask this server. The attempt counts as started.
    Start(usize),
    /// Wait for an attempt to end.
    Wait {
        /// When to ask again even if none has.
        until: Option<Instant>,
    },
    /// The call is over. Attempts may be running yet.
    Finish(Outcome),
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// This server has answered.
    Won(usize),
    /// Every server that could be asked was asked, and none has answered.
    Failed,
    /// The deadline came first.
    TimedOut,
}

/// A call: the attempts made for it, in the order of the round that begins with the preferred server.
///
/// Each server is asked once at most, so an attempt goes by the number of its server.
///
/// ```
/// # use std::num::NonZeroUsize;
/// # use std::time::Instant;
/// # use pushdown_patterns::Effect;
/// # use pushdown_patterns::replicated::core::{Action, Outcome, Replicas};
/// # use pushdown_patterns::replicated::{Budget, CallOptions, Hedge};
/// # let now = Instant::now();
/// let mut replicas = Replicas::new(NonZeroUsize::new(2).unwrap(), Hedge::Never, Budget::default());
/// let mut call = replicas.begin(CallOptions::default(), now);
/// assert_eq!(call.tick(&mut replicas, now), Action::Start(0));
/// call.failed(&mut replicas, 0, Effect::MayHaveHappened, now);
/// assert_eq!(call.tick(&mut replicas, now), Action::Start(1));
/// call.failed(&mut replicas, 1, Effect::MayHaveHappened, now);
/// assert_eq!(call.tick(&mut replicas, now), Action::Finish(Outcome::Failed));
/// ```
#[derive(Clone, Debug)]
pub struct Call {
    /// The preference that it began with.
    since: Preference,
    servers: usize,
    idempotent: bool,
    deadline: Option<Instant>,
    /// When each attempt was started, as long as it runs.
    attempts: Vec<Option<Instant>>,
    /// How many attempts are to be started at once: the first, and one for each that failed.
    owed: usize,
    /// When another server is asked because the last one is slow.
    hedge_at: Option<Instant>,
    outcome: Option<Outcome>,
}

impl Call {
    pub(super) fn new(replicas: &Replicas, options: CallOptions, now: Instant) -> Self {
        Self {
            since: replicas.preference,
            servers: replicas.servers.len(),
            idempotent: options.idempotent,
            deadline: options.deadline.and_then(|deadline| now.checked_add(deadline)),
            attempts: Vec::new(),
            owed: 1,
            hedge_at: None,
            outcome: None,
        }
    }

    /// What is to be done now. Asked after everything that has happened, until it says to wait, or
    /// that the call is over; then it says so again.
    pub fn tick(&mut self, replicas: &mut Replicas, now: Instant) -> Action {
        if let Some(outcome) = self.outcome
            && !seeded::is(Bug::HedgeAfterTheWinner)
        {
            return Action::Finish(outcome);
        }
        if self.deadline.is_some_and(|deadline| now >= deadline) {
            return self.give_up(replicas, Outcome::TimedOut);
        }
        let next = self.next();
        if let Some(server) = next
            && (self.owed > 0 || self.hedges(replicas, now))
        {
            self.owed = self.owed.saturating_sub(1);
            return self.start(replicas, server, now);
        }
        if self.attempts.iter().all(Option::is_none) {
            return self.give_up(replicas, Outcome::Failed);
        }
        let hedge_at = next.and(self.hedge_at);
        Action::Wait { until: hedge_at.into_iter().chain(self.deadline).min() }
    }

    /// A server has replied. The first to do so wins, and becomes the preferred one, unless another
    /// call has changed that meanwhile. Later ones count for the statistics.
    ///
    /// # Panics
    /// If no attempt at this server is running.
    pub fn succeeded(&mut self, replicas: &mut Replicas, server: usize, now: Instant) {
        self.ended(replicas, server, End::Succeeded, now);
        if self.outcome.is_none() {
            self.outcome = Some(Outcome::Won(server));
            replicas.prefer(server, self.since);
        }
    }

    /// A server has failed, so the next is asked at once, unless it is not safe to ask again.
    ///
    /// # Panics
    /// If no attempt at this server is running.
    pub fn failed(&mut self, replicas: &mut Replicas, server: usize, effect: Effect, now: Instant) {
        self.ended(replicas, server, End::Failed, now);
        self.replace(effect);
    }

    /// An attempt has panicked. It is unknown what it has done, and else the same as one that failed.
    ///
    /// # Panics
    /// If no attempt at this server is running.
    pub fn panicked(&mut self, replicas: &mut Replicas, server: usize, now: Instant) {
        self.ended(replicas, server, End::Panicked, now);
        self.replace(Effect::MayHaveHappened);
    }

    /// An attempt was given up. No other is made for it.
    ///
    /// # Panics
    /// If no attempt at this server is running.
    pub fn cancelled(&mut self, replicas: &mut Replicas, server: usize, now: Instant) {
        self.ended(replicas, server, End::Cancelled, now);
    }

    fn ended(&mut self, replicas: &mut Replicas, server: usize, end: End, now: Instant) {
        let place = (server + self.servers - self.since.server) % self.servers;
        let running = self.attempts.get_mut(place).and_then(Option::take);
        let started = running.expect("an attempt ends once");
        replicas.ended(server, end, now.saturating_duration_since(started));
    }

    fn replace(&mut self, effect: Effect) {
        let safe = self.idempotent || effect == Effect::DidNotHappen;
        self.owed += usize::from(safe && !seeded::is(Bug::ErrorWaitsForTheDelay));
        if seeded::is(Bug::FirstErrorWins) {
            self.outcome = Some(Outcome::Failed);
        }
    }

    /// Who is asked next: once round the list.
    fn next(&self) -> Option<usize> {
        let asked = self.attempts.len();
        (asked < self.servers).then(|| self.server(asked))
    }

    fn server(&self, place: usize) -> usize {
        (self.since.server + place) % self.servers
    }

    /// Whether another server is to be asked now because the last one is slow.
    fn hedges(&mut self, replicas: &mut Replicas, now: Instant) -> bool {
        if self.hedge_at.is_none_or(|at| now < at) {
            return false;
        }
        let pays = replicas.bucket.pay(now);
        if pays {
            replicas.hedges += 1;
        } else {
            replicas.hedges_denied += 1;
            let delay = replicas.delay(self.server(self.attempts.len() - 1));
            self.hedge_at = delay.and_then(|delay| now.checked_add(delay.max(LOOK_AGAIN)));
        }
        pays
    }

    fn start(&mut self, replicas: &mut Replicas, server: usize, now: Instant) -> Action {
        replicas.servers[server].attempts += 1;
        self.attempts.push(Some(now));
        let delay = if self.idempotent { replicas.delay(server) } else { None };
        self.hedge_at = delay.and_then(|delay| now.checked_add(delay));
        if seeded::is(Bug::HedgePaysEarly) {
            replicas.bucket.pay(now);
        }
        Action::Start(server)
    }

    /// Ends without an answer. If there is a server that was not asked, the next call begins with it,
    /// or calls that may ask one server only would ask a dead one for ever.
    fn give_up(&mut self, replicas: &mut Replicas, outcome: Outcome) -> Action {
        if let Some(server) = self.next() {
            replicas.prefer(server, self.since);
        }
        self.outcome = Some(outcome);
        Action::Finish(outcome)
    }
}
