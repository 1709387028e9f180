//! The entry point: parsers go in, and a report or a violation comes out.

use core::convert::Infallible;
use core::fmt;
use std::boxed::Box;
use std::string::String;
use std::time::Duration;
use std::vec::Vec;

use super::agreement::compare;
use super::budget::{Budget, Checking};
use super::candidate::{Candidate, Declared, Make};
use super::check::Check;
use super::cuttings::{Cutting, Plan};
use super::depth::{self, DepthReport};
use super::law::Law;
use super::log::Log;
use super::loose::Foreign;
use super::report::Report;
use super::scenario::Scenario;
use super::subject::{Recorded, Recorder};
use super::violation::Violation;
use super::work::Work;
use crate::parser::{PushParser, Status};

/// Parsers to check, and to compare if there are several. The [module](super) has examples.
#[must_use = "a harness checks nothing until it is given an input"]
pub struct Harness<'a, R> {
    record: R,
    pub(super) candidates: Vec<Candidate<'a>>,
    seed: u64,
    pub(super) budget: Option<Duration>,
    progress: Box<dyn Fn(&Checking<'_>) + 'a>,
}

impl<'a, R> Harness<'a, R> {
    /// Creates a harness without parsers. `record` writes the events of a parser to a log: see
    /// [`Recorder`].
    pub fn new(record: R) -> Self {
        Self { record, candidates: Vec::new(), seed: 0, budget: None, progress: Box::new(|_| ()) }
    }

    /// Replaces the recorder for the parsers added after this call, whose events may have another
    /// type.
    ///
    /// ```
    /// use pushdown::PushParser;
    /// use pushdown::engine::stackless::{Input, Parser};
    /// use pushdown::events::Of;
    /// use pushdown::quoted::{self, Event};
    /// use pushdown::testing::{Harness, Log};
    ///
    /// async fn quoted_bytes(input: &mut Input<'_, Of<u8>>) -> Result<(), pushdown::Failure> {
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
        let Self { candidates, seed, budget, progress, .. } = self;
        Harness { record, candidates, seed, budget, progress }
    }

    /// Selects other random cuttings, and other samples of a long input.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Limits the time of a check: when it is over, no more cuttings are tried. The [`Report`] says how
    /// many were. The time is divided among the parsers. [`shrink`](Self::shrink) may take as long.
    ///
    /// It decides nothing else. The input is fed whole and in single bytes in any case, and a run that
    /// has begun is completed.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use pushdown::quoted::{Event, Machine};
    /// use pushdown::testing::{Harness, Log};
    ///
    /// let harness = Harness::new(|log: &mut Log, Event::Text(piece): Event<'_>| log.text(piece))
    ///     .parser("machine", Machine::new)
    ///     .budget(Duration::ZERO);
    /// let report = harness.check(b"\"short of time\"")?;
    /// assert!(!report.is_complete());
    /// assert_eq!(report.parsers[0].runs, 2);
    /// # Ok::<(), pushdown::testing::Violation>(())
    /// ```
    pub fn budget(self, limit: Duration) -> Self {
        Self { budget: Some(limit), ..self }
    }

    /// Calls a function after each cutting and each prefix that was tried, for checks of long inputs.
    ///
    /// ```
    /// use pushdown::quoted::{Event, Machine};
    /// use pushdown::testing::{Checking, Harness, Log};
    ///
    /// let harness = Harness::new(|log: &mut Log, Event::Text(piece): Event<'_>| log.text(piece))
    ///     .parser("machine", Machine::new)
    ///     .progress(|&Checking { parser, tried, planned, .. }| {
    ///         if tried % 100 == 0 {
    ///             eprintln!("{parser}: {tried} of {planned}");
    ///         }
    ///     });
    /// harness.check(&[b'"'; 1000])?;
    /// # Ok::<(), pushdown::testing::Violation>(())
    /// ```
    pub fn progress(self, progress: impl Fn(&Checking<'_>) + 'a) -> Self {
        Self { progress: Box::new(progress), ..self }
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

    /// Adds a parser that does not implement [`PushParser`]. It is held to what such a parser has: see
    /// [`loose`](Self::loose).
    ///
    /// `feed` feeds a chunk, or `None` at the end of the input, and writes the events to the log.
    /// It returns the parser's verdict; an input is accepted if that is [`Status::Success`], before
    /// the end or at it.
    ///
    /// ```
    /// use pushdown::Status;
    /// use pushdown::testing::{self, Harness, Law, Log};
    ///
    /// /// Counts lines, as people do who have not seen `\r\n` cut in two.
    /// #[derive(Default)]
    /// struct Lines(usize);
    ///
    /// impl Lines {
    ///     fn push(&mut self, bytes: &str, mut line: impl FnMut(usize)) {
    ///         for end in bytes.replace("\r\n", "\n").matches(['\r', '\n']) {
    ///             self.0 += end.len();
    ///             line(self.0);
    ///         }
    ///     }
    /// }
    ///
    /// let feed = |lines: &mut Lines, chunk: Option<&[u8]>, log: &mut Log| match chunk {
    ///     Some(chunk) => {
    ///         lines.push(&String::from_utf8_lossy(chunk), |number| log.event(number));
    ///         Status::NeedMoreInput
    ///     }
    ///     None => Status::Success,
    /// };
    /// let harness = Harness::new(testing::no_events).foreign("lines", Lines::default, feed);
    /// harness.check(b"one\ntwo\n")?;
    /// let violation = harness.check(b"one\r\ntwo").unwrap_err();
    /// assert_eq!((violation.law(), violation.cutting().cuts()), (Law::Events, &[4][..]));
    /// # Ok::<(), pushdown::testing::Violation>(())
    /// ```
    pub fn foreign<P: 'a>(
        mut self,
        name: impl Into<String>,
        make: impl Fn() -> P + 'a,
        feed: impl Fn(&mut P, Option<&[u8]>, &mut Log) -> Status + Copy + 'a,
    ) -> Self {
        self.candidates.push(Candidate {
            name: name.into(),
            declared: Declared { loose: true, ..Declared::default() },
            make: Make::Foreign(Box::new(move || Box::new(Foreign { parser: make(), feed }))),
        });
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
            declared: Declared { deferred, ..Declared::default() },
            make: Make::Parser(Box::new(move || Box::new(recorded(make(), record)))),
        });
        self
    }
}

impl<'a, R> Harness<'a, R> {
    /// Checks that every parser keeps every [`Law`] on this input.
    ///
    /// # Errors
    /// The first law found broken, with the simplest cutting that shows it. A harness without
    /// parsers breaks [`Law::AnyParser`]. [`shrink`](Self::shrink) looks for a simpler input.
    pub fn check(&self, input: &[u8]) -> Result<Report, Violation> {
        let plan = Plan::new(input.len(), self.seed);
        let budget = Budget::new(self.budget, self.candidates.len());
        self.check_with(&plan, budget, input)
    }

    /// Like [`check`](Self::check), of the chunks joined, but tries this cutting as well. The
    /// [test of a violation](Violation::regression_test) calls it, for cuttings that chance has found.
    ///
    /// # Errors
    /// As `check`.
    pub fn check_chunks(&self, chunks: &[&[u8]]) -> Result<Report, Violation> {
        let input = chunks.concat();
        let plan = Plan::new(input.len(), self.seed).with(Cutting::between(chunks));
        let budget = Budget::new(self.budget, self.candidates.len());
        self.check_with(&plan, budget, &input)
    }

    pub(super) fn check_with(
        &self,
        plan: &Plan,
        budget: Budget,
        input: &[u8],
    ) -> Result<Report, Violation> {
        let checks = self.checks(input)?;
        for (index, check) in checks.iter().enumerate() {
            check.alone(plan, budget.share(index), &*self.progress)?;
        }
        let compared = compare(&checks, plan, budget.share(checks.len()))?;
        Ok(Report {
            bytes: input.len(),
            two_way_cuts: plan.two_way.len(),
            equal_chunks: plan.equal_chunks().count(),
            random_cuttings: plan.random.len(),
            pausing_runs: plan.pausing().count(),
            cuttings: plan.cuttings().count(),
            prefixes: plan.prefixes.len(),
            compared,
            parsers: checks.iter().map(Check::checked).collect(),
        })
    }

    /// Checks that the work for a byte is the same at every depth: [`Law::Depth`]. `input` makes a value
    /// of a given depth, and is called for a depth of 1 and for `deepest`; 1,000 is a good one.
    ///
    /// Both values are fed whole and in single bytes, and every parser has to succeed. The work is what
    /// the parsers count, never the time; at least one of them has to be added
    /// [`with_work`](Self::with_work).
    ///
    /// ```
    /// use pushdown::engine::stackless::{Input, Options};
    /// use pushdown::testing::{self, Harness};
    ///
    /// async fn group(input: &mut Input<'_>) -> Result<(), pushdown::Failure> {
    ///     input.expect(b'(').await?;
    ///     while input.peek().await? == b'(' {
    ///         input.nested(group).await?;
    ///     }
    ///     input.expect(b')').await
    /// }
    ///
    /// let report = Harness::new(testing::no_events)
    ///     .with_work("group", || Options::new().max_depth(1000).parser(group))
    ///     .check_depth(1000, |depth| ["(".repeat(depth), ")".repeat(depth)].concat().into())?;
    /// println!("{report}");
    /// # Ok::<(), pushdown::testing::Violation>(())
    /// ```
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn check_depth(
        &self,
        deepest: usize,
        input: impl Fn(usize) -> Vec<u8>,
    ) -> Result<DepthReport, Violation> {
        let [shallow, deep] = [1, deepest].map(input);
        depth::compare(&self.checks(&shallow)?, &self.checks(&deep)?, deepest)
    }

    /// One check for each parser, and one at least.
    fn checks<'c>(&'c self, input: &'c [u8]) -> Result<Vec<Check<'c, 'a>>, Violation> {
        let check = |candidate| Check::new(candidate, input, self.seed);
        let checks: Vec<_> = self.candidates.iter().map(check).collect();
        if checks.is_empty() {
            let breach = Law::AnyParser.broken("a parser", "none");
            let whole = Scenario::whole(input.len());
            return Err(Violation::new("the harness", input, self.seed, whole, breach));
        }
        Ok(checks)
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
