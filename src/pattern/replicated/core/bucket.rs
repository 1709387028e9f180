//! The bucket of tokens behind a [`Budget`].

use crate::pattern::replicated::Budget;
use crate::pattern::seeded::{self, Bug};

/// What one extra request costs; a call brings in as many as the budget has per cent.
const TOKEN: u64 = 100;

/// Holds the tokens that extra requests are paid with. It is full at first.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    budget: Budget,
    tokens: u64,
}

impl Bucket {
    pub(super) fn new(budget: Budget) -> Self {
        Self { budget, tokens: capacity(budget) }
    }

    /// A call has begun.
    pub(super) fn earn(&mut self) {
        self.tokens = (self.tokens + u64::from(self.budget.percent)).min(capacity(self.budget));
    }

    /// Pays for an extra request, if there is enough.
    pub(super) fn pay(&mut self) -> bool {
        let pays = self.tokens >= TOKEN;
        if pays && !seeded::is(Bug::BudgetIsNotSpent) {
            self.tokens -= TOKEN;
        }
        pays
    }
}

fn capacity(budget: Budget) -> u64 {
    u64::from(budget.burst) * TOKEN
}
