//! The comparison of several parsers.

use std::format;

use super::budget::Deadline;
use super::check::Check;
use super::cuttings::Plan;
use super::law::{Breach, Law};
use super::outcome::Outcome;
use super::scenario::Scenario;
use super::violation::Violation;
use crate::parser::Status;

/// Compares the first parser with the others on every prefix, and in any case on the whole input. Its
/// answer is the expected one. Returns the number of prefixes that were compared.
pub(super) fn compare(
    checks: &[Check<'_, '_>],
    plan: &Plan,
    deadline: Deadline,
) -> Result<usize, Violation> {
    let Some((first, others @ [_, ..])) = checks.split_first() else { return Ok(0) };
    let mut compared = 0;
    for &prefix in &plan.prefixes {
        if deadline.is_over() {
            break;
        }
        for other in others {
            first.agrees_with(other, prefix)?;
        }
        compared += 1;
    }
    for other in others {
        first.agrees_with(other, first.input.len())?;
        first.was_seen_like(other)?;
    }
    Ok(compared)
}

impl Check<'_, '_> {
    /// Compares the parser with another on the first `len` bytes.
    fn agrees_with(&self, other: &Self, len: usize) -> Result<(), Violation> {
        let scenario = Scenario::whole(len);
        let mut expected = self.outcome(&scenario)?;
        let mut found = other.outcome(&scenario)?;
        let both = [self, other].map(|check| check.candidate.declared);
        if both.iter().any(|declared| declared.loose) {
            expected.loosen();
            found.loosen();
        }
        let deferred = both.iter().any(|declared| declared.deferred);
        if deferred && found.finished.is_err() {
            found.log = None;
        }
        let reported_so_far = || {
            if deferred && found.status != Status::Success {
                return Ok(());
            }
            same_amount(&expected, &found)
        };
        expected.same(&found).and_then(|()| reported_so_far()).map_err(|breach| {
            let expected = format!("{}, like {}", breach.expected, self.candidate.name);
            let breach = Breach { law: Law::Agreement, expected, ..breach };
            other.violation(scenario.clone(), breach)
        })
    }

    /// Compares what both were seen to have reported after each prefix, which concerns more prefixes than
    /// the plan has if the input is long.
    fn was_seen_like(&self, other: &Self) -> Result<(), Violation> {
        if self.candidate.declared.deferred || other.candidate.declared.deferred {
            return Ok(());
        }
        self.differences(other).iter().try_for_each(|&len| self.agrees_with(other, len))
    }
}

/// Compares the amounts that two parsers have reported before `finish`, whose events are the same in the
/// end.
fn same_amount(expected: &Outcome, found: &Outcome) -> Result<(), Breach> {
    let (Some(log), Some(one), Some(other)) = (&found.log, expected.reported, found.reported)
    else {
        return Ok(());
    };
    if one == other {
        return Ok(());
    }
    let before_the_end = |extent| format!("{} before the end", log.last_at(extent));
    Err(Law::Prompt.broken(before_the_end(one), before_the_end(other)))
}
