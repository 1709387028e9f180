//! The runs that check a parser, and the comparisons of their outcomes.

use core::cell::Cell;
use core::panic::AssertUnwindSafe;
use std::boxed::Box;
use std::format;
use std::panic::catch_unwind;
use std::string::String;

use super::cuttings::{Cutting, Plan};
use super::law::{Breach, Law};
use super::outcome::Outcome;
use super::report::Checked;
use super::scenario::{EarlierUse, Mode, Scenario};
use super::subject::Subject;
use super::violation::Violation;

/// Runs that may be spent on removing cuts that do not matter. It bounds the time of a failing
/// test.
const MAX_SIMPLIFYING_RUNS: usize = 4 << 10;

/// An offset that does not fit 32 bits.
const FAR: u64 = 1 << 40;

/// A parser as the harness was given it.
pub(super) struct Candidate<'a> {
    pub(super) name: String,
    pub(super) make: Box<dyn Fn() -> Box<dyn Subject + 'a> + 'a>,
    /// Set if it reports its events only when it succeeds.
    pub(super) deferred: bool,
}

/// A parser and the input it is checked on.
pub(super) struct Check<'c, 'a> {
    candidate: &'c Candidate<'a>,
    input: &'c [u8],
    runs: Cell<u64>,
}

impl<'c, 'a> Check<'c, 'a> {
    pub(super) fn new(candidate: &'c Candidate<'a>, input: &'c [u8]) -> Self {
        Self { candidate, input, runs: Cell::new(0) }
    }

    pub(super) fn checked(&self) -> Checked {
        Checked {
            name: self.candidate.name.clone(),
            runs: self.runs.get(),
            work_checked: (self.candidate.make)().work().is_some(),
        }
    }

    /// Checks every law that concerns this parser alone.
    pub(super) fn alone(&self, plan: &Plan) -> Result<(), Violation> {
        let len = self.input.len();
        let whole = self.outcome(&Scenario::whole(len))?;
        for cutting in plan.cuttings() {
            for mode in [Mode::WithSink, Mode::WithoutSink] {
                self.expect(&whole, Scenario::new(len, cutting.clone(), mode))?;
            }
        }
        self.expect(&whole, Scenario::new(len, Cutting::whole(), Mode::Characters))?;
        let single_bytes = Cutting::single_bytes(len);
        self.expect(&whole, Scenario::new(len, single_bytes, Mode::ThroughPointers))?;
        for &prefix in &plan.prefixes {
            self.prefix(prefix)?;
            self.sink_after(prefix)?;
            for (finished, reset_to) in [(false, 0), (true, 0), (false, FAR)] {
                let before = Some(EarlierUse { len: prefix, finished, reset_to });
                self.expect(&whole, Scenario { before, ..Scenario::whole(len) })?;
            }
        }
        Ok(())
    }

    /// Checks an input that ends after `len` bytes.
    fn prefix(&self, len: usize) -> Result<(), Violation> {
        let whole = self.outcome(&Scenario::whole(len))?;
        self.expect(&whole, Scenario::new(len, Cutting::tail(len), Mode::WithSink))?;
        self.expect(&whole, Scenario::new(len, Cutting::whole(), Mode::WithoutSink))
    }

    /// Checks a sink that comes at the cut against one that was there from the start.
    fn sink_after(&self, cut: usize) -> Result<(), Violation> {
        let [from_the_start, late] = [true, false].map(|sink_before| {
            let mode = Mode::SinkAfterFirstChunk { sink_before };
            Scenario::new(self.input.len(), Cutting::at(cut), mode)
        });
        self.expect(&self.outcome(&from_the_start)?, late)
    }

    /// Compares the parser with others on the first `len` bytes. Its answer is the expected one.
    pub(super) fn agrees_with(&self, others: &[Self], len: usize) -> Result<(), Violation> {
        let scenario = Scenario::whole(len);
        let expected = self.outcome(&scenario)?;
        for other in others {
            let mut found = other.outcome(&scenario)?;
            if found.finished.is_err() && (self.candidate.deferred || other.candidate.deferred) {
                found.log = None;
            }
            expected.same(&found).map_err(|breach| {
                let expected = format!("{}, like {}", breach.expected, self.candidate.name);
                let breach = Breach { law: Law::Agreement, expected, ..breach };
                other.violation(scenario.clone(), breach)
            })?;
        }
        Ok(())
    }

    fn outcome(&self, scenario: &Scenario) -> Result<Outcome, Violation> {
        self.run(scenario, None).map_err(|breach| self.violation(scenario.clone(), breach))
    }

    fn expect(&self, expected: &Outcome, scenario: Scenario) -> Result<(), Violation> {
        match self.run(&scenario, Some(expected)) {
            Ok(_) => Ok(()),
            Err(breach) => Err(self.simplify(expected, scenario, breach)),
        }
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
        for _ in 0..MAX_SIMPLIFYING_RUNS {
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

    fn violation(&self, scenario: Scenario, breach: Breach) -> Violation {
        Violation::new(&self.candidate.name, self.input, scenario, breach)
    }

    /// Runs a new parser, and compares the outcome with the expected one.
    fn run(&self, scenario: &Scenario, expected: Option<&Outcome>) -> Result<Outcome, Breach> {
        self.runs.set(self.runs.get() + 1);
        let events = expected.map_or(0, |expected| expected.events);
        let run = || scenario.run(&mut *(self.candidate.make)(), self.input, events);
        catch_unwind(AssertUnwindSafe(run))
            .unwrap_or_else(|payload| Err(Breach::panic(&*payload)))
            .and_then(|found| match expected {
                Some(expected) => expected.same(&found).map(|()| found),
                None => Ok(found),
            })
            .map_err(|breach| scenario.blames(breach))
    }
}
