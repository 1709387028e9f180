//! The report on parsers that keep the law.

use core::fmt;
use std::string::String;
use std::vec::Vec;

/// The checks that a harness made. All of them passed.
///
/// ```
/// use pushdown::quoted::{Event, Machine};
/// use pushdown::testing::{Harness, Log};
///
/// let harness = Harness::new(|log: &mut Log, Event::Text(piece): Event<'_>| log.text(piece))
///     .with_work("machine", Machine::new);
/// let report = harness.check(br#""a\"b" rest"#)?;
/// assert_eq!(
///     report.to_string(),
///     "\
/// 11-byte input: 12 of 12 two-way cuts, single bytes, empty chunks between, \
/// 64 random cuttings, 18 runs with pauses, 12 of 12 prefixes
///   machine: 319 runs, work linear"
/// );
/// # Ok::<(), pushdown::testing::Violation>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// Length of the input.
    pub bytes: usize,
    /// 2-way cuts that were tried.
    pub two_way_cuts: usize,
    /// Random cuttings that were tried.
    pub random_cuttings: usize,
    /// Runs whose sink paused after every event or after random ones.
    pub pausing_runs: usize,
    /// Prefixes that were fed and finished, fed before a reset and, if there are several parsers,
    /// compared.
    pub prefixes: usize,
    /// The parsers, in the order in which they were added.
    pub parsers: Vec<Checked>,
}

/// A parser that keeps the law on the input.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Checked {
    /// The name that it was added with.
    pub name: String,
    /// Number of runs.
    pub runs: u64,
    /// Set if its [`Work`](super::Work) was checked.
    pub work_checked: bool,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bytes, two_way_cuts, random_cuttings, pausing_runs, prefixes, parsers } = self;
        let positions = bytes + 1;
        write!(
            f,
            "{bytes}-byte input: {two_way_cuts} of {positions} two-way cuts, single bytes, empty \
             chunks between, {random_cuttings} random cuttings, {pausing_runs} runs with pauses, \
             {prefixes} of {positions} prefixes"
        )?;
        for Checked { name, runs, work_checked } in parsers {
            let work = if *work_checked { "linear" } else { "not checked" };
            write!(f, "\n  {name}: {runs} runs, work {work}")?;
        }
        if parsers.len() > 1 {
            write!(f, "\n  all {} agree", parsers.len())?;
        }
        Ok(())
    }
}
