//! The token bucket of a [`Budget`].

use std::time::{Duration, Instant};

use crate::replicated::options::Budget;
use crate::seeded::{self, Bug};

/// Tokens for one extra request. A call earns as many as the budget has per cent.
const TOKEN: u64 = 100;

/// The tokens that pay for extra requests. Full at first.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    budget: Budget,
    tokens: u64,
    /// The time up to which earned tokens have been added.
    filled: Option<Instant>,
}

impl Bucket {
    pub(super) fn new(budget: Budget) -> Self {
        Self { budget, tokens: capacity(budget), filled: None }
    }

    /// Adds the tokens that a call earns.
    pub(super) fn earn(&mut self, now: Instant) {
        self.filled.get_or_insert(now);
        self.add(self.budget.percent.into());
    }

    /// Returns when there are enough tokens for an extra request: now, or after some time in which no
    /// call earns any. `None` if time brings none.
    pub(super) fn next(&mut self, now: Instant) -> Option<Instant> {
        self.fill(now);
        let missing = TOKEN.saturating_sub(self.tokens);
        if missing == 0 {
            return Some(now);
        }
        let reachable = capacity(self.budget) >= TOKEN;
        let nanos = self.nanos_per_token().filter(|_| reachable)?;
        self.filled?.checked_add(Duration::from_nanos(missing * nanos))
    }

    /// Returns whether it was at least half full when the time was last told.
    pub(super) fn is_half_full(&self) -> bool {
        2 * self.tokens >= capacity(self.budget)
    }

    /// Pays for an extra request, as far as there are tokens.
    pub(super) fn pay(&mut self) {
        if !seeded::is(Bug::BudgetIsNotSpent) {
            self.tokens = self.tokens.saturating_sub(TOKEN);
        }
    }

    /// Adds the tokens earned by time since the last call. A fraction of a token is carried over.
    fn fill(&mut self, now: Instant) {
        let filled = self.filled.get_or_insert(now);
        let elapsed = now.saturating_duration_since(*filled).as_nanos();
        let Some(nanos) = self.nanos_per_token() else { return };
        let count = u64::try_from(elapsed).unwrap_or(u64::MAX) / nanos;
        self.filled = self.filled.map(|filled| filled + Duration::from_nanos(count * nanos));
        self.add(count);
    }

    /// Returns the time that brings a hundredth of an extra request.
    fn nanos_per_token(&self) -> Option<u64> {
        let rate = u64::from(self.budget.per_second) * TOKEN;
        1_000_000_000_u64.checked_div(rate).map(|nanos| nanos.max(1))
    }

    fn add(&mut self, tokens: u64) {
        self.tokens = self.tokens.saturating_add(tokens).min(capacity(self.budget));
    }
}

fn capacity(budget: Budget) -> u64 {
    u64::from(budget.burst) * TOKEN
}
