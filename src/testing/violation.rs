//! The report on a parser that breaks a law.

use core::fmt;
use std::boxed::Box;
use std::format;
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
    /// `harness()` stands for the harness. [`Law::Depth`] is the exception: it takes the call of
    /// [`check_depth`](super::Harness::check_depth) that has found it.
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
    /// let test = harness.shrink(violation).regression_test();
    /// assert_eq!(
    ///     test,
    ///     r#"/// length breaks a law: the events are the same for every cutting
    /// #[test]
    /// fn events_of_length() {
    ///     // 2 of 2 bytes, cut at 1, then finished
    ///     let chunks: [&[u8]; 2] = [b"a", b"a"];
    ///     // expected: event 0: 2
    ///     // found:    event 0: 1
    ///     harness().check_chunks(&chunks).unwrap();
    /// }
    /// "#
    /// );
    /// ```
    pub fn regression_test(&self) -> String {
        let Details { parser, input, seed, scenario, breach } = &*self.0;
        let Breach { law, expected, found } = breach;
        let name = name_of_test(*law, parser);
        let fed = scenario.describe(input.len());
        let rest = (scenario.len < input.len()).then_some(scenario.len);
        let cutting = rest.map_or(scenario.cutting.clone(), |at| scenario.cutting.with([at]));
        let chunks: Vec<_> =
            cutting.chunks(input).map(|chunk| format!("b\"{}\"", chunk.escape_ascii())).collect();
        let (count, chunks) = (chunks.len(), chunks.join(", "));
        let seed = if *seed == 0 { String::new() } else { format!(".seed({seed})") };
        let [parser, expected, found] = [parser, expected, found].map(|text| in_a_line(text));
        format!(
            "/// {parser} breaks a law: {law}
#[test]
fn {name}() {{
    // {fed}
    let chunks: [&[u8]; {count}] = [{chunks}];
    // expected: {expected}
    // found:    {found}
    harness(){seed}.check_chunks(&chunks).unwrap();
}}
"
        )
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

/// Text that can stand in a comment of one line: events and panics may have several, and rustc refuses
/// characters that change the direction of a text.
fn in_a_line(text: &str) -> String {
    let mut line = String::new();
    for c in text.chars() {
        match c {
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => line.extend(c.escape_unicode()),
            _ if c.is_control() => line.extend(c.escape_default()),
            _ => line.push(c),
        }
    }
    line
}

/// The name of a test: of the law `EmptyText` and the parser `my-parser`, `empty_text_of_my_parser`.
fn name_of_test(law: Law, parser: &str) -> String {
    let mut name = String::new();
    for c in format!("{law:?}").chars() {
        if c.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(c);
    }
    name.push_str("_of_");
    name.push_str(parser);
    name.replace(|c: char| !c.is_ascii_alphanumeric(), "_").to_ascii_lowercase()
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
