//! The time that a check may take, and the news of how far it is.

use std::time::{Duration, Instant};

/// The state of a check under way. See [`Harness::progress`](super::Harness::progress).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Checking<'c> {
    /// The parser that is being run.
    pub parser: &'c str,
    /// Runs of this parser so far.
    pub runs: u64,
    /// Cuttings and prefixes that were tried with it.
    pub tried: usize,
    /// Cuttings and prefixes that are planned for it.
    pub planned: usize,
}

/// The time at which the parsers of a check stop.
#[derive(Clone, Copy)]
pub(super) struct Budget {
    start: Instant,
    limit: Option<Duration>,
    shares: u32,
}

/// The time at which one parser stops.
#[derive(Clone, Copy)]
pub(super) struct Deadline(Option<Instant>);

impl Budget {
    /// Divides the time among the parsers, and one more share for their comparison.
    pub(super) fn new(limit: Option<Duration>, parsers: usize) -> Self {
        Self { start: Instant::now(), limit, shares: parsers as u32 + 1 }
    }

    /// The end of a share. A parser has what those before it have left over.
    pub(super) fn share(&self, index: usize) -> Deadline {
        let share = |limit: Duration| (limit / self.shares).saturating_mul(index as u32 + 1);
        // A limit that no clock can reach is none.
        Deadline(self.limit.and_then(|limit| self.start.checked_add(share(limit))))
    }
}

impl Deadline {
    pub(super) fn is_over(&self) -> bool {
        self.0.is_some_and(|deadline| Instant::now() >= deadline)
    }
}
