//! The runs that check a parser, and the comparisons of their outcomes.

use core::cell::Cell;
use core::panic::AssertUnwindSafe;
use std::boxed::Box;
use std::format;
use std::panic::catch_unwind;
use std::string::String;

use super::cuttings::{Cutting, Plan};
use super::law::{Breach, Law};
use super::log::Log;
use super::outcome::{Outcome, Pause};
use super::report::Checked;
use super::scenario::{EarlierUse, Mode, Scenario};
use super::subject::Subject;
use super::violation::Violation;
use crate::parser::Status;

/// Runs that may be spent on removing cuts that do not matter. It bounds the time of a failing
/// test.
const MAX_SIMPLIFYING_RUNS: usize = 4 << 10;

/// Pauses of a run that are checked to have taken effect in time. Each costs a run.
const MAX_PAUSES_TIMED: usize = 64;

/// An offset that does not fit 32 bits.
const FAR: u64 = 1 << 40;

/// A parser as the harness was given it.
pub(super) struct Candidate<'a> {
    pub(super) name: String,
    pub(super) make: Box<dyn Fn() -> Box<dyn Subject + 'a> + 'a>,
    /// Set if it reports its events only when it succeeds.
    pub(super) deferred: bool,
    /// Set if it may succeed without consuming anything.
    pub(super) may_be_empty: bool,
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
        for (cutting, seed) in plan.pausing() {
            self.pausing(&whole, cutting, seed)?;
        }
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

    /// Checks a run that pauses, against the whole and so against the run that is cut at the pauses.
    fn pausing(
        &self,
        whole: &Outcome,
        cutting: Cutting,
        seed: Option<u64>,
    ) -> Result<(), Violation> {
        let len = self.input.len();
        let scenario = Scenario::new(len, cutting, Mode::Pausing { seed });
        let pauses = self.expect(whole, scenario.clone())?.pauses;
        let cut = scenario.cutting.with(pauses.iter().map(|pause| pause.at));
        self.expect(whole, Scenario::new(len, cut, Mode::WithSink))?;
        for pause in pauses.iter().take(MAX_PAUSES_TIMED) {
            self.pause_in_time(pause).map_err(|breach| self.violation(scenario.clone(), breach))?;
        }
        Ok(())
    }

    /// Checks that a parser did not read on in spite of a pause: two bytes less, and the event at
    /// which the sink has paused is not there yet. One byte may be that which has ended a text.
    fn pause_in_time(&self, pause: &Pause) -> Result<(), Breach> {
        let (Some(before), Some(reported)) = (pause.at.checked_sub(2), pause.reported) else {
            return Ok(());
        };
        self.runs.set(self.runs.get() + 1);
        let mut log = Log::default();
        let feed = || (self.candidate.make)().feed(&self.input[..before], Some(&mut log));
        let _ = catch_unwind(AssertUnwindSafe(feed)).map_err(|payload| Breach::panic(&*payload))?;
        if log.extent() < reported {
            return Ok(());
        }
        let found = format!("{} bytes consumed, and the event was there after {before}", pause.at);
        Err(Law::Pause.broken("the first pause to take effect at the next read", found))
    }

    /// Checks an input that ends after `len` bytes.
    fn prefix(&self, len: usize) -> Result<(), Violation> {
        let whole = self.outcome(&Scenario::whole(len))?;
        self.expect(&whole, Scenario::new(len, Cutting::tail(len), Mode::WithSink))?;
        self.expect(&whole, Scenario::new(len, Cutting::whole(), Mode::WithoutSink))?;
        Ok(())
    }

    /// Checks a sink that comes at the cut against one that was there from the start.
    fn sink_after(&self, cut: usize) -> Result<(), Violation> {
        let [from_the_start, late] = [true, false].map(|sink_before| {
            let mode = Mode::SinkAfterFirstChunk { sink_before };
            Scenario::new(self.input.len(), Cutting::at(cut), mode)
        });
        self.expect(&self.outcome(&from_the_start)?, late)?;
        Ok(())
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

    fn expect(&self, expected: &Outcome, scenario: Scenario) -> Result<Outcome, Violation> {
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
            .and_then(|found| {
                let empty = found.status == Status::Success && found.consumed == 0;
                if empty && !self.candidate.may_be_empty {
                    return Err(Law::Empty.broken("a value of one byte or more", "one of no bytes"));
                }
                Ok(found)
            })
            .and_then(|found| match expected {
                Some(expected) => expected.same(&found).map(|()| found),
                None => Ok(found),
            })
            .map_err(|breach| scenario.blames(breach))
    }
}
