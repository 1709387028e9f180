//! One parser on one input: runs, and the comparisons of their outcomes.

use core::cell::{Cell, RefCell};
use core::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

use super::budget::Checking;
use super::candidate::Candidate;
use super::law::{Breach, Law};
use super::outcome::Outcome;
use super::report::Checked;
use super::scenario::Scenario;
use super::seen::Seen;
use super::violation::Violation;
use crate::parser::Status;

/// Runs that may be spent on removing cuts that do not matter, and the bytes that may be fed in them.
/// They bound the time of a failing test.
const MAX_SIMPLIFYING_RUNS: usize = 4 << 10;
const MAX_SIMPLIFYING_BYTES: usize = 64 << 20;

/// A parser and the input it is checked on.
pub(super) struct Check<'c, 'a> {
    pub(super) candidate: &'c Candidate<'a>,
    pub(super) input: &'c [u8],
    pub(super) seed: u64,
    seen: RefCell<Seen>,
    runs: Cell<u64>,
    cuttings: Cell<usize>,
    prefixes: Cell<usize>,
}

impl<'c, 'a> Check<'c, 'a> {
    pub(super) fn new(candidate: &'c Candidate<'a>, input: &'c [u8], seed: u64) -> Self {
        Self {
            candidate,
            input,
            seed,
            seen: RefCell::new(Seen::new(input.len())),
            runs: Cell::new(0),
            cuttings: Cell::new(0),
            prefixes: Cell::new(0),
        }
    }

    pub(super) fn checked(&self) -> Checked {
        Checked {
            name: self.candidate.name.clone(),
            runs: self.runs.get(),
            cuttings: self.cuttings.get(),
            prefixes: self.prefixes.get(),
            work_checked: self.candidate.counts_work(),
        }
    }

    /// Returns the state of the check, in which so many cuttings and prefixes are planned.
    pub(super) fn checking(&self, planned: usize) -> Checking<'c> {
        Checking {
            parser: &self.candidate.name,
            runs: self.runs.get(),
            tried: self.cuttings.get() + self.prefixes.get(),
            planned,
        }
    }

    pub(super) fn count_run(&self) {
        self.runs.set(self.runs.get() + 1);
    }

    pub(super) fn count_cutting(&self) {
        self.cuttings.set(self.cuttings.get() + 1);
    }

    pub(super) fn count_prefix(&self) {
        self.prefixes.set(self.prefixes.get() + 1);
    }

    /// Returns the lengths of the prefixes after which another parser was seen to have reported something
    /// else.
    pub(super) fn differences(&self, other: &Self) -> std::vec::Vec<usize> {
        self.seen.borrow().differences(&other.seen.borrow()).collect()
    }

    pub(super) fn outcome(&self, scenario: &Scenario) -> Result<Outcome, Violation> {
        self.run(scenario, None).map_err(|breach| self.violation(scenario.clone(), breach))
    }

    pub(super) fn expect(
        &self,
        expected: &Outcome,
        scenario: Scenario,
    ) -> Result<Outcome, Violation> {
        self.run(&scenario, Some(expected))
            .map_err(|breach| self.simplify(expected, scenario, breach))
    }

    /// Removes cuts, many at once and then fewer, while the same law stays broken.
    fn simplify(
        &self,
        expected: &Outcome,
        mut scenario: Scenario,
        mut breach: Breach,
    ) -> Violation {
        let mut group = scenario.cutting.cuts().len();
        let mut at = 0;
        let affordable = MAX_SIMPLIFYING_BYTES / (self.input.len() + 1);
        for _ in 0..MAX_SIMPLIFYING_RUNS.min(affordable) {
            let cuts = scenario.cutting.cuts().len();
            if cuts <= 1 || group == 0 {
                break;
            }
            if at >= cuts {
                group /= 2;
                at = 0;
                continue;
            }
            let simpler = Scenario {
                cutting: scenario.cutting.without(at..cuts.min(at + group)),
                ..scenario.clone()
            };
            match self.run(&simpler, Some(expected)) {
                Err(found) if found.law == breach.law => (scenario, breach) = (simpler, found),
                _ => at += group,
            }
        }
        self.violation(scenario, breach)
    }

    pub(super) fn violation(&self, scenario: Scenario, breach: Breach) -> Violation {
        Violation::new(&self.candidate.name, self.input, self.seed, scenario, breach)
    }

    /// Runs a new parser, and compares the outcome with the expected one and, after each chunk, with what
    /// was seen there before.
    pub(super) fn run(
        &self,
        scenario: &Scenario,
        expected: Option<&Outcome>,
    ) -> Result<Outcome, Breach> {
        self.count_run();
        let events = expected.map_or(0, |expected| expected.events);
        let run = || self.candidate.run(scenario, self.input, events);
        catch_unwind(AssertUnwindSafe(run))
            .unwrap_or_else(|payload| Err(Breach::panic(&*payload)))
            .and_then(|found| {
                let declared = self.candidate.declared;
                let empty = found.status == Status::Success && found.consumed == 0;
                if empty && !declared.may_be_empty && !declared.loose {
                    return Err(Law::Empty.broken("a value of one byte or more", "one of no bytes"));
                }
                let discards = found.finished.is_ok() && found.output.is_none();
                if discards && !declared.may_discard && !declared.loose {
                    return Err(Law::Output.broken("an output", "none"));
                }
                if let Some(expected) = expected {
                    expected.same_with_starts(&found)?;
                }
                self.seen.borrow_mut().compare(&found)?;
                Ok(found)
            })
            .map_err(|breach| scenario.blames(breach))
    }
}
