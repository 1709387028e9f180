//! Simpler inputs that break the same law.

use core::ops::Range;
use std::time::{Duration, Instant};
use std::vec::Vec;

use super::budget::Budget;
use super::cuttings::Plan;
use super::harness::Harness;
use super::law::Law;
use super::violation::Violation;

/// Length up to which a simpler input is checked as any other. A longer one is checked at the cuts and
/// prefixes of the violation only.
const ALL_CUTS: usize = 64;

/// Bytes that may be fed, about. They bound the time.
const MAX_BYTES: usize = 256 << 20;

/// Runs of a check that do not depend on the length, and those for each byte of a short input, about.
const RUNS: usize = 160;
const RUNS_FOR_A_BYTE: usize = 12;

/// Bytes that people read with ease, the simplest first.
const SIMPLE: [u8; 2] = [b'a', b'0'];

impl<R> Harness<'_, R> {
    /// Simplifies the input of a violation, such that the same parser still breaks the same law: removes
    /// bytes, many at once and then fewer, and puts `a` or `0` in the place of others.
    ///
    /// No byte of the result can be left out, unless the input is so long that the time is over: about
    /// as many bytes are fed as for the check of 4 KiB that has no violation, and for no longer than the
    /// [budget](Self::budget).
    /// A violation of [`Law::Depth`] stays as it is.
    ///
    /// ```
    /// use pushdown::Status;
    /// use pushdown::testing::{self, Harness, Log};
    ///
    /// /// Counts the sentences of a chunk, and so misses an end that is cut.
    /// fn sentences(_: &mut (), chunk: Option<&[u8]>, log: &mut Log) -> Status {
    ///     let Some(chunk) = chunk else { return Status::Success };
    ///     for _ in 0..String::from_utf8_lossy(chunk).matches(". ").count() {
    ///         log.event("sentence");
    ///     }
    ///     Status::NeedMoreInput
    /// }
    ///
    /// let harness = Harness::new(testing::no_events).foreign("sentences", || (), sentences);
    /// let violation = harness.check(b"It was a dark night. It rained. Suddenly").unwrap_err();
    /// let simple = harness.shrink(violation);
    /// assert_eq!((simple.input(), simple.cutting().cuts()), (&b". "[..], &[1][..]));
    /// ```
    pub fn shrink(&self, violation: Violation) -> Violation {
        if matches!(violation.law(), Law::Depth | Law::AnyParser) {
            return violation;
        }
        let start = Instant::now();
        let mut shrinking =
            Shrinking { harness: self, simplest: violation, left: MAX_BYTES, start };
        shrinking.remove();
        // Among simpler bytes, others may be left out.
        while shrinking.replace() {
            shrinking.remove();
        }
        shrinking.simplest
    }
}

struct Shrinking<'h, 'a, R> {
    harness: &'h Harness<'a, R>,
    simplest: Violation,
    /// Bytes that may still be fed. Zero where a check would take more.
    left: usize,
    start: Instant,
}

impl<R> Shrinking<'_, '_, R> {
    fn len(&self) -> usize {
        self.simplest.input().len()
    }

    /// The time that is left, if it is limited.
    fn time(&self) -> Option<Duration> {
        self.harness.budget.map(|limit| limit.saturating_sub(self.start.elapsed()))
    }

    /// Tells if it is all over: nothing is tried any more, and no input is copied.
    fn is_over(&self) -> bool {
        self.left == 0 || self.time() == Some(Duration::ZERO)
    }

    /// Removes pieces of every size until no single byte can be removed.
    fn remove(&mut self) {
        let mut size = self.len();
        while size > 0 {
            let before = self.len();
            let mut at = 0;
            while at < self.len() && !self.is_over() {
                let piece = at..self.len().min(at + size);
                let mut input = self.simplest.input().to_vec();
                input.drain(piece.clone());
                if !self.accepts(&input, |cut| moved(cut, &piece)) {
                    at += size;
                }
            }
            if size > 1 || self.len() == before {
                size /= 2;
            }
        }
    }

    /// Replaces bytes by simpler ones. Returns true if it has replaced one.
    fn replace(&mut self) -> bool {
        let mut replaced = false;
        for at in 0..self.len() {
            for simple in SIMPLE {
                if self.simplest.input()[at] == simple || self.is_over() {
                    break;
                }
                let mut input = self.simplest.input().to_vec();
                input[at] = simple;
                if self.accepts(&input, |cut| cut) {
                    replaced = true;
                    break;
                }
            }
        }
        replaced
    }

    /// Takes an input that shows the same. `to` tells the place of a cut in it.
    fn accepts(&mut self, input: &[u8], to: impl Fn(usize) -> usize) -> bool {
        let len = input.len();
        let runs = if len <= ALL_CUTS { RUNS + RUNS_FOR_A_BYTE * len } else { RUNS };
        let left = self.left.checked_sub(runs * len);
        self.left = left.unwrap_or(0);
        if left.is_none() {
            return false;
        }
        let plan = if len <= ALL_CUTS {
            Plan::new(len, self.simplest.seed())
        } else {
            let cuts: Vec<_> = self.simplest.cutting().cuts().iter().map(|&cut| to(cut)).collect();
            Plan::focused(len, self.simplest.seed(), cuts, to(self.simplest.fed()))
        };
        let budget = Budget::new(self.time(), self.harness.candidates.len());
        let Err(found) = self.harness.check_with(&plan, budget, input) else { return false };
        let Self { simplest, .. } = self;
        let accepted = (found.law(), found.parser()) == (simplest.law(), simplest.parser());
        if accepted {
            *simplest = found;
        }
        accepted
    }
}

/// The place of a cut after a piece was removed.
fn moved(cut: usize, removed: &Range<usize>) -> usize {
    if cut >= removed.end { cut - removed.len() } else { cut.min(removed.start) }
}
