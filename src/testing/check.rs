//! What is run, and compared with what.

use core::cell::Cell;
use core::panic::AssertUnwindSafe;
use std::boxed::Box;
use std::format;
use std::panic::catch_unwind;
use std::string::String;

use super::cuttings::{Cutting, Plan};
use super::outcome::Outcome;
use super::report::Checked;
use super::scenario::{Life, Manner, Scenario};
use super::subject::Subject;
use super::violation::{Breach, Law, Violation};

/// How many runs may be spent on leaving out cuts that do not matter.
const SIMPLIFYING: usize = 4 << 10;

/// An offset that does not fit 32 bits.
const FAR: u64 = 1 << 40;

/// A parser that was given to the harness.
pub(super) struct Candidate<'a> {
    pub(super) name: String,
    pub(super) make: Box<dyn Fn() -> Box<dyn Subject + 'a> + 'a>,
    /// Whether it reports its events only when it succeeds.
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

    /// Holds the parser to every law that concerns it alone.
    pub(super) fn alone(&self, plan: &Plan) -> Result<(), Violation> {
        let len = self.input.len();
        let whole = self.outcome(&Scenario::whole(len))?;
        for cutting in plan.cuttings() {
            for manner in [Manner::Heard, Manner::Unheard] {
                self.expect(&whole, Scenario::new(len, cutting.clone(), manner))?;
            }
        }
        self.expect(&whole, Scenario::new(len, Cutting::whole(), Manner::Characters))?;
        let single_bytes = Cutting::single_bytes(len);
        self.expect(&whole, Scenario::new(len, single_bytes, Manner::BehindPointers))?;
        for &prefix in &plan.prefixes {
            self.prefix(prefix)?;
            self.rest_after(prefix)?;
            for (finished, reset_to) in [(false, 0), (true, 0), (false, FAR)] {
                let before = Some(Life { len: prefix, finished, reset_to });
                self.expect(&whole, Scenario { before, ..Scenario::whole(len) })?;
            }
        }
        Ok(())
    }

    /// The input may end anywhere.
    fn prefix(&self, len: usize) -> Result<(), Violation> {
        let whole = self.outcome(&Scenario::whole(len))?;
        self.expect(&whole, Scenario::new(len, Cutting::tail(len), Manner::Heard))?;
        self.expect(&whole, Scenario::new(len, Cutting::whole(), Manner::Unheard))
    }

    /// Somebody may begin to listen anywhere.
    fn rest_after(&self, cut: usize) -> Result<(), Violation> {
        let [heard, unheard] = [true, false].map(|first_heard| {
            Scenario::new(self.input.len(), Cutting::at(cut), Manner::Rest { first_heard })
        });
        self.expect(&self.outcome(&heard)?, unheard)
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

    /// Leaves cuts out, many at once and then fewer, while the same law stays broken.
    fn simplify(
        &self,
        expected: &Outcome,
        mut scenario: Scenario,
        mut breach: Breach,
    ) -> Violation {
        let mut group = scenario.cutting.cuts().len();
        let mut at = 0;
        for _ in 0..SIMPLIFYING {
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

    /// Runs a new parser, and compares what came of it with what is expected.
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
