//! The work at depth.

use core::fmt;
use std::format;
use std::string::String;
use std::vec::Vec;

use super::check::Check;
use super::cuttings::Cutting;
use super::law::Law;
use super::outcome::Outcome;
use super::scenario::{Mode, Scenario};
use super::violation::Violation;
use crate::parser::Status;

/// The work for a byte at depth may be this many times that at depth 1. Entering a level and leaving it
/// are steps of their own, of which a flat value may have none; going through all the levels for each
/// byte costs hundreds.
const GROWTH: u64 = 8;

/// The work of parsers at depth, by their own count. See
/// [`Harness::check_depth`](super::Harness::check_depth).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DepthReport {
    /// The greater of the two depths; the other is 1.
    pub deepest: usize,
    /// The parsers, in the order in which they were added.
    pub parsers: Vec<CheckedDepth>,
}

/// A parser that has succeeded at both depths.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CheckedDepth {
    /// The name that it was added with.
    pub name: String,
    /// Bytes inspected and steps made for each byte, fed one by one, at depth 1 and at the greater one;
    /// `None` if the parser does not count its work.
    pub work_per_byte: Option<[f64; 2]>,
}

impl fmt::Display for DepthReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { deepest, parsers } = self;
        write!(f, "values of depth 1 and {deepest}, whole and in single bytes")?;
        for CheckedDepth { name, work_per_byte } in parsers {
            match work_per_byte {
                Some([one, deep]) => {
                    write!(f, "\n  {name}: {one:.2} steps for a byte, and {deep:.2} at depth")?;
                }
                None => write!(f, "\n  {name}: work not checked")?,
            }
        }
        Ok(())
    }
}

/// Compares the work of each parser on two values.
pub(super) fn compare(
    shallow: &[Check<'_, '_>],
    deep: &[Check<'_, '_>],
    deepest: usize,
) -> Result<DepthReport, Violation> {
    let mut parsers = Vec::new();
    for (one, deep) in shallow.iter().zip(deep) {
        let per_byte = |len, effort: Option<u64>| effort.map(|effort| effort as f64 / len as f64);
        let limits = one.succeeds()?;
        let found = deep.succeeds()?;
        for (cutting, (limit, found)) in deep.cuttings().into_iter().zip(limits.iter().zip(&found))
        {
            let (Some(limit), Some(found)) = (limit.effort, found.effort) else { continue };
            let (one_len, len) = (one.input.len() as u64, deep.input.len() as u64);
            if found * one_len > GROWTH * limit.max(one_len) * len {
                let breach = Law::Depth.broken(
                    format_args!("about {limit} steps for {one_len} bytes, as at depth 1"),
                    format_args!("{found} for {len} at depth {deepest}"),
                );
                let scenario = Scenario::new(deep.input.len(), cutting, Mode::WithSink);
                return Err(deep.violation(scenario, breach));
            }
        }
        let [one_by_one, deep_by_one] = [limits[1].effort, found[1].effort];
        let work_per_byte = per_byte(one.input.len(), one_by_one)
            .zip(per_byte(deep.input.len(), deep_by_one))
            .map(<[f64; 2]>::from);
        parsers.push(CheckedDepth { name: one.candidate.name.clone(), work_per_byte });
    }
    if parsers.iter().all(|parser| parser.work_per_byte.is_none()) {
        let breach = Law::AnyParser.broken("a parser that counts its work", "none");
        return Err(deep[0].violation(Scenario::whole(deep[0].input.len()), breach));
    }
    Ok(DepthReport { deepest, parsers })
}

impl Check<'_, '_> {
    fn cuttings(&self) -> [Cutting; 2] {
        [Cutting::whole(), Cutting::single_bytes(self.input.len())]
    }

    /// Feeds a value that is whole.
    fn succeeds(&self) -> Result<Vec<Outcome>, Violation> {
        let run = |cutting| {
            let scenario = Scenario::new(self.input.len(), cutting, Mode::WithSink);
            let outcome = self.outcome(&scenario)?;
            if outcome.status == Status::Success || outcome.finished.is_ok() {
                return Ok(outcome);
            }
            let found = format!("{:?}, {:?} at the end", outcome.status, outcome.finished);
            let breach = Law::Depth.broken("a value that ends in Success", found);
            Err(self.violation(scenario, breach))
        };
        self.cuttings().into_iter().map(run).collect()
    }
}
