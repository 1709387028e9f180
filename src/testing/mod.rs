//! The cut and equality harness: is the law kept?
//!
//! Give it a constructor of a push parser, ours or yours, say how an event is written down, and give
//! it an input:
//!
//! ```
//! use pushdown::quoted::{self, Event};
//! use pushdown::testing::{Harness, Log};
//!
//! fn record(log: &mut Log, Event::Text(part): Event<'_>) {
//!     log.text(part);
//! }
//!
//! let report = Harness::new(record)
//!     .parser("machine", quoted::Machine::new)
//!     .parser("stackless", quoted::Stackless::new)
//!     .check(br#""a\"b" rest"#)?;
//! println!("{report}");
//! # Ok::<(), pushdown::testing::Violation>(())
//! ```
//!
//! A parser that keeps state where a cut can lose it is found out, and the cut is named. Here the
//! machine's one step reads twice, so what the first read has learnt is lost at a cut between:
//!
//! ```
//! use core::ops::ControlFlow::{self, Break};
//! use pushdown::Failure;
//! use pushdown::engine::machine::{Input, Machine, Parser};
//! use pushdown::testing::{self, Harness, Law};
//!
//! struct MinusOne;
//!
//! impl Machine for MinusOne {
//!     type Events = ();
//!     type Output = ();
//!
//!     fn step(&mut self, input: &mut Input<'_>) -> Result<ControlFlow<()>, Failure> {
//!         input.expect(b'-')?;
//!         input.expect(b'1')?;
//!         Ok(Break(()))
//!     }
//!
//!     fn reset(&mut self) {}
//! }
//!
//! let harness = Harness::new(testing::no_events).parser("-1", || Parser::new(MinusOne));
//! let violation = harness.check(b"-1").unwrap_err();
//! assert_eq!(violation.law(), Law::Status);
//! assert_eq!(violation.cutting().cuts(), [1]);
//! assert_eq!(
//!     violation.to_string(),
//!     r#"-1 breaks a law: the status is the same for every cutting
//!   input:    b"-1"
//!   fed:      2 of 2 bytes, cut at 1, then finished
//!   expected: Success
//!   found:    BadInput"#
//! );
//! ```
//!
//! # What is checked
//! Each [`Law`]. What is expected is what the parser makes of the input in one chunk. That is compared
//! with what new parsers make of it
//!
//! * at every 2-way cut, in single bytes, in single bytes with empty chunks between, and at
//!   [`RANDOM_CUTTINGS`] random cuttings, each with a sink and without;
//! * character by character, and through pointers;
//! * with a sink that comes after the first chunk, of any length;
//! * after a parser was fed any prefix, finished or not, and was reset.
//!
//! Besides, every prefix is fed whole and in single bytes (the last [`SINGLE_BYTES_OF_A_PREFIX`] of
//! it), and finished, and several parsers have to agree on every prefix. Each answer is judged by
//! itself too, so a parser that waits without consuming is reported. Only one that does not return
//! from a call can keep the harness waiting.
//!
//! # What it costs
//! About 10 runs of a parser for each byte of the input, so the time is quadratic, until the limits
//! are reached: of a long input [`MAX_TWO_WAY_CUTS`] 2-way cuts and [`MAX_PREFIXES`] prefixes are
//! tried, spread evenly, and from there on the time is linear. The [`Report`] says how many. Memory
//! is linear.
//!
//! # Limits
//! A parser that is wrong in the same way for every cutting keeps the law: give the harness a second
//! parser. Under `panic = "abort"` the first panic ends the program.

mod check;
mod cuttings;
mod log;
mod outcome;
mod random;
mod report;
mod scenario;
mod subject;
mod trial;
mod violation;
mod work;

use core::convert::Infallible;
use core::fmt;
use std::boxed::Box;
use std::string::String;
use std::vec::Vec;

use crate::parser::PushParser;
use check::{Candidate, Check};
use cuttings::Plan;
use scenario::Scenario;
use subject::Recorded;

pub use cuttings::{
    Cutting, MAX_PREFIXES, MAX_TWO_WAY_CUTS, RANDOM_CUTTINGS, SINGLE_BYTES_OF_A_PREFIX,
};
pub use log::Log;
pub use report::{Checked, Report};
pub use subject::Recorder;
pub use violation::{Law, Violation};
pub use work::{WORK_PER_BYTE, WORK_PER_EVENT, Work};

/// Parsers to be checked, and compared if there are several. The [module](self) has examples.
#[must_use = "a harness checks nothing until it is given an input"]
pub struct Harness<'a, R> {
    record: R,
    candidates: Vec<Candidate<'a>>,
    seed: u64,
}

impl<'a, R> Harness<'a, R> {
    /// A harness without parsers yet. `record` writes their events down: see [`Recorder`].
    pub fn new(record: R) -> Self {
        Self { record, candidates: Vec::new(), seed: 0 }
    }

    /// Writes the events of the parsers that follow down in another way, for they may be of another
    /// type.
    ///
    /// ```
    /// use pushdown::PushParser;
    /// use pushdown::engine::stackless::{Input, Parser};
    /// use pushdown::quoted::{self, Event};
    /// use pushdown::testing::{Harness, Log};
    ///
    /// enum Bytes {}
    ///
    /// impl pushdown::Events for Bytes {
    ///     type Event<'a> = u8;
    /// }
    ///
    /// async fn quoted_bytes(input: &mut Input<'_, Bytes>) -> Result<(), pushdown::Failure> {
    ///     input.expect(b'"').await?;
    ///     loop {
    ///         let byte = match input.next().await? {
    ///             b'"' => return Ok(()),
    ///             b'\\' => input.next().await?,
    ///             other => other,
    ///         };
    ///         input.emit(byte);
    ///     }
    /// }
    ///
    /// Harness::new(|log: &mut Log, Event::Text(part): Event<'_>| log.text(part))
    ///     .parser("parts", quoted::Machine::new)
    ///     .recorder(|log: &mut Log, byte: u8| log.text(&[byte]))
    ///     .parser("bytes", || Parser::new(quoted_bytes))
    ///     .check(br#""say \"hi\"""#)?;
    /// # Ok::<(), pushdown::testing::Violation>(())
    /// ```
    pub fn recorder<S>(self, record: S) -> Harness<'a, S> {
        Harness { record, candidates: self.candidates, seed: self.seed }
    }

    /// Chooses other random cuttings, and other samples of a long input.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Adds a parser. `make` is called for every run.
    pub fn parser<P>(self, name: impl Into<String>, make: impl Fn() -> P + 'a) -> Self
    where
        P: PushParser + 'a,
        R: Recorder<P::Events> + 'a,
    {
        self.add(name, false, make, Recorded::uncounted)
    }

    /// Adds a parser that counts its work, so that the work can be checked.
    pub fn with_work<P>(self, name: impl Into<String>, make: impl Fn() -> P + 'a) -> Self
    where
        P: PushParser + Work + 'a,
        R: Recorder<P::Events> + 'a,
    {
        self.add(name, false, make, Recorded::with_work)
    }

    /// Adds a parser that reports its events only when it succeeds. Those of an input that is bad
    /// or has ended early are not compared with the events of other parsers.
    pub fn deferred<P>(self, name: impl Into<String>, make: impl Fn() -> P + 'a) -> Self
    where
        P: PushParser + 'a,
        R: Recorder<P::Events> + 'a,
    {
        self.add(name, true, make, Recorded::uncounted)
    }

    fn add<P>(
        mut self,
        name: impl Into<String>,
        deferred: bool,
        make: impl Fn() -> P + 'a,
        recorded: fn(P, R) -> Recorded<P, R>,
    ) -> Self
    where
        P: PushParser + 'a,
        R: Recorder<P::Events> + 'a,
    {
        let record = self.record;
        self.candidates.push(Candidate {
            name: name.into(),
            deferred,
            make: Box::new(move || Box::new(recorded(make(), record))),
        });
        self
    }

    /// Holds every parser to every law on this input.
    ///
    /// # Errors
    /// The first law that is found broken, with the simplest cutting that shows it.
    pub fn check(&self, input: &[u8]) -> Result<Report, Violation> {
        let plan = Plan::new(input.len(), self.seed);
        let checks: Vec<_> =
            self.candidates.iter().map(|candidate| Check::new(candidate, input)).collect();
        let Some((first, others)) = checks.split_first() else {
            let breach = Law::AnyParser.broken("a parser", "none");
            let whole = Scenario::whole(input.len());
            return Err(Violation::new("the harness", input, whole, breach));
        };
        for check in &checks {
            check.alone(&plan)?;
        }
        if !others.is_empty() {
            for &prefix in &plan.prefixes {
                first.agrees_with(others, prefix)?;
            }
        }
        Ok(Report {
            bytes: input.len(),
            two_way_cuts: plan.two_way.len(),
            random_cuttings: plan.random.len(),
            prefixes: plan.prefixes.len(),
            parsers: checks.iter().map(Check::checked).collect(),
        })
    }
}

impl<R> fmt::Debug for Harness<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.candidates.iter().map(|candidate| &candidate.name);
        f.debug_list().entries(names).finish()
    }
}

/// The [`Recorder`] of parsers that report no events.
pub fn no_events(_: &mut Log, event: Infallible) {
    match event {}
}
