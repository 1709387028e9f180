//! The report on a parser that breaks a law.

use core::fmt;
use std::boxed::Box;
use std::string::String;
use std::vec::Vec;

use super::cuttings::Cutting;
use super::excerpt::excerpt;
use super::law::{Breach, Law};
use super::scenario::Scenario;

/// A law that a parser has broken, and the cutting that shows it.
///
/// `Display` and `Debug` print the same text for people, so a test can return a violation or unwrap
/// the result.
///
/// ```
/// use pushdown::quoted::{Event, Machine};
/// use pushdown::testing::{Harness, Law, Log};
///
/// // Forgets to join the pieces of a text.
/// let record = |log: &mut Log, event: Event<'_>| log.event(format_args!("{event:?}"));
/// let harness = Harness::new(record).parser("machine", Machine::new);
///
/// let input = b"\"no\"";
/// let violation = harness.check(input).unwrap_err();
/// assert_eq!(violation.law(), Law::Events);
/// assert!(violation.cutting().chunks(input).eq([b"\"n", b"o\""]));
/// ```
pub struct Violation(Box<Details>);

struct Details {
    parser: String,
    input: Vec<u8>,
    seed: u64,
    scenario: Scenario,
    breach: Breach,
}

impl Violation {
    pub(super) fn new(
        parser: &str,
        input: &[u8],
        seed: u64,
        scenario: Scenario,
        breach: Breach,
    ) -> Self {
        let (parser, input) = (parser.into(), input.into());
        Self(Box::new(Details { parser, input, seed, scenario, breach }))
    }

    /// Returns the name of the parser.
    pub fn parser(&self) -> &str {
        &self.0.parser
    }

    /// Returns the law that it breaks.
    pub fn law(&self) -> Law {
        self.0.breach.law
    }

    /// Returns the input, of which `Display` shows a part if it is long.
    pub fn input(&self) -> &[u8] {
        &self.0.input
    }

    /// Returns the [seed](super::Harness::seed) of the harness. With the same parsers, input and seed it
    /// finds the same violation.
    pub fn seed(&self) -> u64 {
        self.0.seed
    }

    /// Returns the cutting, without the cuts that do not matter.
    pub fn cutting(&self) -> &Cutting {
        &self.0.scenario.cutting
    }

    /// The bytes of the input that were fed.
    pub(super) fn fed(&self) -> usize {
        self.0.scenario.len
    }

    /// Returns a test that fails as long as the law is broken, to be pasted into a file of tests. In it,
    /// `harness()` stands for the harness.
    ///
    /// ```
    /// use pushdown::Status;
    /// use pushdown::testing::{self, Harness, Log};
    ///
    /// let length = |_: &mut (), chunk: Option<&[u8]>, log: &mut Log| {
    ///     chunk.iter().for_each(|chunk| log.event(chunk.len()));
    ///     Status::Success
    /// };
    /// let harness = Harness::new(testing::no_events).foreign("length", || (), length);
    /// let violation = harness.check(b"What?").unwrap_err();
    /// let test = harness.shrink(violation).regression_test().to_string();
    /// assert_eq!(
    ///     test,
    ///     r#"/// length breaks a law: the events are the same for every cutting
    /// #[test]
    /// fn events_of_length() {
    ///     // 2 of 2 bytes, cut at 1, then finished
    ///     let chunks: [&[u8]; 2] = [b"a", b"a"];
    ///     // expected: event 0: 2
    ///     // found:    event 0: 1
    ///     harness().check(&chunks.concat()).unwrap();
    /// }
    /// "#
    /// );
    /// ```
    pub fn regression_test(&self) -> impl fmt::Display {
        fmt::from_fn(|f| {
            let Details { parser, input, seed, scenario, breach } = &*self.0;
            let law = std::format!("{:?}", breach.law);
            let law = law.char_indices().flat_map(|(at, c)| {
                let separator = (at > 0 && c.is_ascii_uppercase()).then_some('_');
                separator.into_iter().chain([c])
            });
            let name: String =
                law.chain("_of_".chars()).chain(parser.chars()).map(identifier).collect();
            let chunks: Vec<_> = self.cutting().chunks(input).collect();
            writeln!(f, "/// {parser} breaks a law: {}", breach.law)?;
            writeln!(f, "#[test]\nfn {name}() {{")?;
            writeln!(f, "    // {}", scenario.describe(input.len()))?;
            write!(f, "    let chunks: [&[u8]; {}] = [", chunks.len())?;
            for (index, chunk) in chunks.iter().enumerate() {
                let comma = if index == 0 { "" } else { ", " };
                write!(f, "{comma}b\"{}\"", chunk.escape_ascii())?;
            }
            writeln!(f, "];\n    // expected: {}", breach.expected)?;
            writeln!(f, "    // found:    {}", breach.found)?;
            let seed = if *seed == 0 { String::new() } else { std::format!(".seed({seed})") };
            writeln!(f, "    harness(){seed}.check(&chunks.concat()).unwrap();\n}}")
        })
    }

    /// Returns what the law demands.
    pub fn expected(&self) -> &str {
        &self.0.breach.expected
    }

    /// Returns what the parser did.
    pub fn found(&self) -> &str {
        &self.0.breach.found
    }
}

/// The character for a name: `_` if the given one cannot stand there.
fn identifier(c: char) -> char {
    if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Details { parser, input, seed, scenario, breach } = &*self.0;
        let end = if scenario.len < input.len() { scenario.len } else { 0 };
        let near = scenario.cutting.cuts().first().copied().unwrap_or(end);
        writeln!(f, "{parser} breaks a law: {}", breach.law)?;
        writeln!(f, "  input:    {}", excerpt(input, near))?;
        writeln!(f, "  fed:      {}", scenario.describe(input.len()))?;
        writeln!(f, "  seed:     {seed}")?;
        writeln!(f, "  expected: {}", breach.expected)?;
        write!(f, "  found:    {}", breach.found)
    }
}

impl fmt::Debug for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::error::Error for Violation {}
