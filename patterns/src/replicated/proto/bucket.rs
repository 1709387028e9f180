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

    /// Pays for an extra request if there are enough tokens.
    pub(super) fn pay(&mut self, now: Instant) -> bool {
        self.fill(now);
        let pays = self.tokens >= TOKEN;
        if pays && !seeded::is(Bug::BudgetIsNotSpent) {
            self.tokens -= TOKEN;
        }
        pays
    }

    /// Adds the tokens earned by time since the last call. A fraction of a token is carried over.
    fn fill(&mut self, now: Instant) {
        let filled = self.filled.get_or_insert(now);
        let rate = u64::from(self.budget.per_second) * TOKEN;
        let Some(nanos_per_token) = 1_000_000_000_u64.checked_div(rate) else { return };
        let nanos_per_token = nanos_per_token.max(1);
        let elapsed = now.saturating_duration_since(*filled).as_nanos();
        let count = u64::try_from(elapsed).unwrap_or(u64::MAX) / nanos_per_token;
        *filled += Duration::from_nanos(count * nanos_per_token);
        self.add(count);
    }

    fn add(&mut self, tokens: u64) {
        self.tokens = self.tokens.saturating_add(tokens).min(capacity(self.budget));
    }
}

fn capacity(budget: Budget) -> u64 {
    u64::from(budget.burst) * TOKEN
}
