//! The laws that concern one parser alone.

use core::panic::AssertUnwindSafe;
use std::format;
use std::panic::catch_unwind;

use super::budget::{Checking, Deadline};
use super::check::Check;
use super::cuttings::{Cutting, Plan};
use super::law::{Breach, Law};
use super::log::Log;
use super::outcome::{Outcome, Pause};
use super::scenario::{EarlierUse, Mode, Scenario};
use super::violation::Violation;

/// Bytes that may be fed to check that the pauses of a run have taken effect in time, and the pauses that
/// are checked at least.
const MAX_BYTES_PAUSED: usize = 256 << 10;
const MIN_PAUSES: usize = 8;
const MAX_PAUSES: usize = 64;

/// An offset that does not fit 32 bits.
const FAR: u64 = 1 << 40;

impl Check<'_, '_> {
    /// Checks every law that concerns this parser alone. What is left of the plan when the time is over is
    /// not tried.
    pub(super) fn alone(
        &self,
        plan: &Plan,
        deadline: Deadline,
        progress: &dyn Fn(&Checking<'_>),
    ) -> Result<(), Violation> {
        let len = self.input.len();
        let loose = self.candidate.declared.loose;
        let planned = plan.cuttings().count() + plan.prefixes.len();
        let whole = self.outcome(&Scenario::whole(len))?;
        for cutting in plan.cuttings() {
            if deadline.is_over() {
                // The parser is looked at after every byte, even if the time is over.
                let single_bytes = Cutting::single_bytes(len);
                self.expect(&whole, Scenario::new(len, single_bytes, Mode::WithSink))?;
                return Ok(());
            }
            self.expect(&whole, Scenario::new(len, cutting.clone(), Mode::WithSink))?;
            if !loose {
                self.expect(&whole, Scenario::new(len, cutting, Mode::WithoutSink))?;
            }
            self.count_cutting();
            progress(&self.checking(planned));
        }
        if !loose {
            self.ends(&whole)?;
            self.other_ways_in(&whole, plan, deadline)?;
        }
        for &prefix in &plan.prefixes {
            if deadline.is_over() {
                return Ok(());
            }
            self.prefix(prefix)?;
            if !loose {
                self.sink_after(prefix)?;
                for (finished, reset_to) in [(false, 0), (true, 0), (false, FAR)] {
                    let before = Some(EarlierUse { len: prefix, finished, reset_to });
                    self.expect(&whole, Scenario { before, ..Scenario::whole(len) })?;
                }
            }
            self.count_prefix();
            progress(&self.checking(planned));
        }
        Ok(())
    }

    /// Checks characters, pointers and pauses.
    fn other_ways_in(
        &self,
        whole: &Outcome,
        plan: &Plan,
        deadline: Deadline,
    ) -> Result<(), Violation> {
        let len = self.input.len();
        self.expect(whole, Scenario::new(len, Cutting::whole(), Mode::Characters))?;
        let single_bytes = Cutting::single_bytes(len);
        self.expect(whole, Scenario::new(len, single_bytes, Mode::ThroughPointers))?;
        for (cutting, seed) in plan.pausing() {
            if deadline.is_over() {
                break;
            }
            self.pausing(whole, cutting, seed)?;
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
        let timed = (MAX_BYTES_PAUSED / (len + 1)).clamp(MIN_PAUSES, MAX_PAUSES);
        for pause in pauses.iter().take(timed) {
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
        self.count_run();
        let mut log = Log::default();
        let feed = || self.candidate.feed().feed(&self.input[..before], Some(&mut log));
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
        if !self.candidate.declared.loose {
            self.expect(&whole, Scenario::new(len, Cutting::whole(), Mode::WithoutSink))?;
        }
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
}
