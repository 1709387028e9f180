//! The entry point: parsers go in, and a report or a violation comes out.

use core::convert::Infallible;
use core::fmt;
use std::boxed::Box;
use std::string::String;
use std::vec::Vec;

use super::check::{Candidate, Check};
use super::cuttings::Plan;
use super::law::Law;
use super::log::Log;
use super::report::Report;
use super::scenario::Scenario;
use super::subject::{Recorded, Recorder};
use super::violation::Violation;
use super::work::Work;
use crate::parser::PushParser;

/// Parsers to check, and to compare if there are several. The [module](super) has examples.
#[must_use = "a harness checks nothing until it is given an input"]
pub struct Harness<'a, R> {
    record: R,
    candidates: Vec<Candidate<'a>>,
    seed: u64,
}

impl<'a, R> Harness<'a, R> {
    /// Creates a harness without parsers. `record` writes the events of a parser to a log: see
    /// [`Recorder`].
    pub fn new(record: R) -> Self {
        Self { record, candidates: Vec::new(), seed: 0 }
    }

    /// Replaces the recorder for the parsers added after this call, whose events may have another
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
    /// Harness::new(|log: &mut Log, Event::Text(piece): Event<'_>| log.text(piece))
    ///     .parser("pieces", quoted::Machine::new)
    ///     .recorder(|log: &mut Log, byte: u8| log.text(&[byte]))
    ///     .parser("bytes", || Parser::new(quoted_bytes))
    ///     .check(br#""say \"hi\"""#)?;
    /// # Ok::<(), pushdown::testing::Violation>(())
    /// ```
    pub fn recorder<S>(self, record: S) -> Harness<'a, S> {
        Harness { record, candidates: self.candidates, seed: self.seed }
    }

    /// Selects other random cuttings, and other samples of a long input.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Adds a parser. `make` is called for every run.
    pub fn parser<P>(self, name: impl Into<String>, make: impl Fn() -> P + 'a) -> Self
    where
        P: PushParser<Output: fmt::Debug> + 'a,
        R: Recorder<P::Events> + 'a,
    {
        self.add(name, false, make, Recorded::without_work)
    }

    /// Adds a parser that counts its [`Work`], so that the work can be checked.
    pub fn with_work<P>(self, name: impl Into<String>, make: impl Fn() -> P + 'a) -> Self
    where
        P: PushParser<Output: fmt::Debug> + Work + 'a,
        R: Recorder<P::Events> + 'a,
    {
        self.add(name, false, make, Recorded::with_work)
    }

    /// Adds a parser that reports its events only when it succeeds. Its events are compared with
    /// those of other parsers only where it succeeds.
    pub fn deferred<P>(self, name: impl Into<String>, make: impl Fn() -> P + 'a) -> Self
    where
        P: PushParser<Output: fmt::Debug> + 'a,
        R: Recorder<P::Events> + 'a,
    {
        self.add(name, true, make, Recorded::without_work)
    }

    /// Declares that the parser added last may succeed without consuming anything, say because the
    /// part that it reads is optional. It is then exempt from [`Law::Empty`].
    ///
    /// ```
    /// use pushdown::engine::stackless::{Input, Parser};
    /// use pushdown::testing::{self, Harness, Law};
    /// use pushdown::{End, Failure};
    ///
    /// async fn spaces(input: &mut Input<'_>) -> Result<(), Failure> {
    ///     loop {
    ///         match input.next_if(|byte| byte == b' ').await {
    ///             Ok(Some(_)) => {}
    ///             Ok(None) | Err(End::Finished) => return Ok(()),
    ///             Err(end) => return Err(end.into()),
    ///         }
    ///     }
    /// }
    ///
    /// let spaces = || Parser::new(spaces);
    /// let harness = Harness::new(testing::no_events).parser("spaces", spaces);
    /// assert_eq!(harness.check(b"x").unwrap_err().law(), Law::Empty);
    /// harness.may_be_empty().check(b"x")?;
    /// # Ok::<(), pushdown::testing::Violation>(())
    /// ```
    ///
    /// # Panics
    /// If no parser was added yet.
    pub fn may_be_empty(mut self) -> Self {
        let last = self.candidates.last_mut();
        last.expect("a parser was added").may_be_empty = true;
        self
    }

    fn add<P>(
        mut self,
        name: impl Into<String>,
        deferred: bool,
        make: impl Fn() -> P + 'a,
        recorded: fn(P, R) -> Recorded<P, R>,
    ) -> Self
    where
        P: PushParser<Output: fmt::Debug> + 'a,
        R: Recorder<P::Events> + 'a,
    {
        let record = self.record;
        self.candidates.push(Candidate {
            name: name.into(),
            deferred,
            may_be_empty: false,
            make: Box::new(move || Box::new(recorded(make(), record))),
        });
        self
    }

    /// Checks that every parser keeps every [`Law`] on this input.
    ///
    /// # Errors
    /// The first law found broken, with the simplest cutting that shows it. A harness without
    /// parsers breaks [`Law::AnyParser`].
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
            pausing_runs: plan.pausing().count(),
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
