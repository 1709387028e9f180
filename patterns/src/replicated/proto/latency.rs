//! Response times: a histogram of fixed size that also counts attempts that were cancelled.

use std::fmt;
use std::mem;
use std::time::Duration;

use crate::seeded::{self, Bug};

/// Buckets of equal width in each power of two.
const DIVISIONS: usize = 1 << DIVISION_BITS;
const DIVISION_BITS: u32 = 3;

/// The last bucket begins below 2^36 µs, about 19 hours, and counts everything longer.
const BUCKETS: usize = (36 - DIVISION_BITS as usize + 1) * DIVISIONS;

/// Samples after which a new generation begins and the one before the last is forgotten.
///
/// A generation is forgotten as a whole. Halving the counts instead would lose those of 1, which are
/// the rare long times.
const GENERATION: u16 = 512;

/// Response times of a server in its last attempts: the current generation of samples and the one
/// before it.
///
/// A cancelled attempt counts too, as an answer that would have come later. So a server that has
/// stopped does not keep its good record. Percentiles are the product-limit estimate (Kaplan and
/// Meier, *Nonparametric estimation from incomplete observations*, 1958). A percentile that only
/// cancelled attempts reach is the longest of them, which is a lower bound.
///
/// The size is fixed, about 2 KiB. Recording takes constant time, a percentile one pass over the buckets.
///
/// ```
/// use std::time::Duration;
/// use pushdown_patterns::replicated::Latency;
///
/// let mut latency = Latency::default();
/// for _ in 0..9 {
///     latency.answered(Duration::from_millis(2));
/// }
/// latency.cancelled(Duration::from_millis(40));
/// let (median, worst) = (latency.percentile(50).unwrap(), latency.percentile(99).unwrap());
/// assert!(median > Duration::from_millis(2) && median < Duration::from_micros(2_300));
/// assert!(worst > Duration::from_millis(40));
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Latency {
    young: Generation,
    old: Generation,
}

#[derive(Clone, PartialEq, Eq)]
struct Generation {
    answered: [u16; BUCKETS],
    cancelled: [u16; BUCKETS],
    samples: u16,
}

impl Default for Generation {
    fn default() -> Self {
        Self { answered: [0; BUCKETS], cancelled: [0; BUCKETS], samples: 0 }
    }
}

impl Latency {
    /// Counts an answer after this time.
    pub fn answered(&mut self, after: Duration) {
        self.young.answered[bucket(after)] += 1;
        self.count();
    }

    /// Counts an attempt that was cancelled after this time.
    pub fn cancelled(&mut self, after: Duration) {
        if !seeded::is(Bug::DeadServerIsPerfect) {
            self.young.cancelled[bucket(after)] += 1;
            self.count();
        }
    }

    fn count(&mut self) {
        self.young.samples += 1;
        if self.young.samples == GENERATION {
            self.old = mem::take(&mut self.young);
        }
    }

    /// Returns the number of attempts that the percentiles are computed from.
    pub fn samples(&self) -> usize {
        usize::from(self.young.samples + self.old.samples)
    }

    /// Returns the time within which so many of a hundred attempts are answered, or `None` without a
    /// sample.
    ///
    /// It is greater than the exact percentile, by no more than an eighth of it and 1 µs. A percentile
    /// of 100 or more is the longest time recorded.
    pub fn percentile(&self, percentile: u8) -> Option<Duration> {
        // The tolerance covers the rounding of a thousand factors.
        let unanswered_at_most = 1.0 - f64::from(percentile) / 100.0 + 1e-9;
        let mut unanswered = 1.0;
        let Self { young, old } = self;
        let mut longer = young.samples + old.samples;
        for bucket in 0..BUCKETS {
            let answered = young.answered[bucket] + old.answered[bucket];
            let cancelled = young.cancelled[bucket] + old.cancelled[bucket];
            if answered + cancelled == 0 {
                continue;
            }
            unanswered *= 1.0 - f64::from(answered) / f64::from(longer);
            longer -= answered + cancelled;
            if unanswered <= unanswered_at_most || longer == 0 {
                return Some(end(bucket));
            }
        }
        None
    }
}

/// Returns the bucket of a time, from its first four significant bits and the number of bits that
/// follow.
fn bucket(time: Duration) -> usize {
    let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    if micros < DIVISIONS as u64 {
        return micros as usize;
    }
    let shift = micros.ilog2() - DIVISION_BITS;
    (shift as usize * DIVISIONS + (micros >> shift) as usize).min(BUCKETS - 1)
}

/// Returns the shortest time above a bucket.
fn end(bucket: usize) -> Duration {
    let next = bucket + 1;
    let micros = if next < DIVISIONS {
        next as u64
    } else {
        ((DIVISIONS + next % DIVISIONS) as u64) << (next / DIVISIONS - 1)
    };
    Duration::from_micros(micros)
}

impl fmt::Debug for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Latency")
            .field("samples", &self.samples())
            .field("median", &self.percentile(50))
            .field("p99", &self.percentile(99))
            .finish_non_exhaustive()
    }
}
