//! Delays before the next attempt at something that has failed.

use core::time::Duration;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

/// A delay of `min` after the first failure, twice as long after each further one, and at most `max`.
///
/// The second half of each delay is random, so that those which failed together do not try again
/// together.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    min: Duration,
    max: Duration,
    random: u64,
}

impl Backoff {
    /// Without a seed the delays of each back-off differ.
    pub(crate) fn new((min, max): (Duration, Duration), seed: Option<u64>) -> Self {
        Self { min, max, random: seed.unwrap_or_else(|| RandomState::new().hash_one(0)) }
    }

    /// Returns the delay after so many failures in a row.
    pub(crate) fn delay(&mut self, failures: u32) -> Duration {
        let doubled = 1u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
        let delay = self.min.saturating_mul(doubled).min(self.max);
        let half = delay / 2;
        let span = u64::try_from(half.as_nanos()).unwrap_or(u64::MAX);
        let part = (u128::from(self.next()) * u128::from(span)) >> 64;
        half + Duration::from_nanos(u64::try_from(part).expect("less than the span"))
    }

    /// The generator splitmix64.
    fn next(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut random = self.random;
        random = (random ^ (random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        random = (random ^ (random >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        random ^ (random >> 31)
    }
}
