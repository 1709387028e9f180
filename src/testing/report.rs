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
/// assert!(report.is_complete());
/// assert_eq!(
///     report.to_string(),
///     "\
/// 11-byte input: 12 of 12 two-way cuts, single bytes, empty chunks between, \
/// 35 cuttings into equal chunks, 64 random cuttings, 18 runs with pauses, 12 of 12 prefixes
///   machine: 407 runs, work linear"
/// );
/// # Ok::<(), pushdown::testing::Violation>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// Length of the input.
    pub bytes: usize,
    /// 2-way cuts that were planned.
    pub two_way_cuts: usize,
    /// Cuttings into chunks of one size.
    pub equal_chunks: usize,
    /// Random cuttings.
    pub random_cuttings: usize,
    /// Runs whose sink pauses after every event or after random ones.
    pub pausing_runs: usize,
    /// All cuttings that were planned.
    pub cuttings: usize,
    /// Prefixes to be fed and finished, fed before a reset and, if there are several parsers, compared.
    pub prefixes: usize,
    /// Prefixes on which several parsers were compared.
    pub compared: usize,
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
    /// Cuttings that were tried.
    pub cuttings: usize,
    /// Prefixes that were tried.
    pub prefixes: usize,
    /// Set if its [`Work`](super::Work) was checked.
    pub work_checked: bool,
}

impl Report {
    /// Returns true if everything that was planned was tried: if no [budget](super::Harness::budget) has
    /// stopped it.
    pub fn is_complete(&self) -> bool {
        let all_compared = self.parsers.len() < 2 || self.compared == self.prefixes;
        all_compared && self.parsers.iter().all(|parser| self.is_complete_for(parser))
    }

    fn is_complete_for(&self, parser: &Checked) -> bool {
        parser.cuttings == self.cuttings && parser.prefixes == self.prefixes
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            bytes,
            two_way_cuts,
            equal_chunks,
            random_cuttings,
            pausing_runs,
            cuttings,
            prefixes,
            compared,
            parsers,
        } = self;
        let positions = bytes + 1;
        write!(
            f,
            "{bytes}-byte input: {two_way_cuts} of {positions} two-way cuts, single bytes, empty \
             chunks between, {equal_chunks} cuttings into equal chunks, {random_cuttings} random \
             cuttings, {pausing_runs} runs with pauses, {prefixes} of {positions} prefixes"
        )?;
        for parser in parsers {
            let Checked { name, runs, work_checked, .. } = parser;
            let work = if *work_checked { "linear" } else { "not checked" };
            write!(f, "\n  {name}: {runs} runs, work {work}")?;
            if !self.is_complete_for(parser) {
                let Checked { cuttings: tried, prefixes: fed, .. } = parser;
                write!(
                    f,
                    "; stopped by the budget after {tried} of {cuttings} cuttings and {fed} of \
                     {prefixes} prefixes"
                )?;
            }
        }
        if parsers.len() > 1 {
            write!(f, "\n  all {} agree", parsers.len())?;
            if compared < prefixes {
                write!(f, " on {compared} of {prefixes} prefixes")?;
            }
        }
        Ok(())
    }
}
