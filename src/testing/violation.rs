//! The laws, and what is said of a parser that breaks one.

use core::any::Any;
use core::fmt;
use std::boxed::Box;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use super::cuttings::Cutting;
use super::scenario::Scenario;

/// What a parser has to keep to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Law {
    /// A new parser needs more input. It stands at its first offset and has no error.
    Fresh,
    /// `NeedMoreInput` consumes the whole chunk, and no answer consumes more than that.
    Progress,
    /// The status is the same for every cutting, and `status()` repeats it.
    Status,
    /// The number of bytes consumed is the same for every cutting.
    Consumed,
    /// `offset()` is the number of bytes consumed.
    Offset,
    /// There is an error exactly after `BadInput`, and it is the same for every cutting. It stands
    /// at `offset()`, and an unexpected byte there has been seen.
    Error,
    /// The events are the same for every cutting, adjacent parts of a text joined.
    Events,
    /// No event is an empty part of a text.
    EmptyText,
    /// An empty chunk changes nothing.
    EmptyChunk,
    /// After the end nothing is consumed or reported, and the answers stay the same.
    Sticky,
    /// `finish` answers the same for every cutting and when called again. It agrees with what is
    /// known already, and moves no offset.
    Finish,
    /// A parser that was reset answers like a new one.
    Reset,
    /// A parser answers the same whether anybody takes its events or not, and reports the same
    /// events of a chunk whether anybody took those before it or not.
    Sink,
    /// `process_char` is `feed` with the bytes of a character.
    ProcessChar,
    /// A parser answers the same through a `&mut` and a `Box<dyn PushParser>`.
    Pointer,
    /// The [work](super::Work) is linear.
    Work,
    /// Nothing panics.
    Panic,
    /// All parsers answer the same.
    Agreement,
    /// A harness has a parser to check.
    AnyParser,
}

impl fmt::Display for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fresh => "a new parser needs more input and stands at its first offset",
            Self::Progress => "NeedMoreInput consumes the whole chunk, and no answer consumes more",
            Self::Status => "the status is the same for every cutting",
            Self::Consumed => "the number of bytes consumed is the same for every cutting",
            Self::Offset => "offset() is the number of bytes consumed",
            Self::Error => "error() names the offending byte, the same for every cutting",
            Self::Events => "the events are the same for every cutting",
            Self::EmptyText => "no text event is empty",
            Self::EmptyChunk => "an empty chunk changes nothing",
            Self::Sticky => "after the end nothing changes",
            Self::Finish => "finish() answers the same for every cutting, and again",
            Self::Reset => "after a reset a parser answers like a new one",
            Self::Sink => "a parser answers the same whether anybody takes its events or not",
            Self::ProcessChar => "process_char is feed with the bytes of a character",
            Self::Pointer => "a parser answers the same through a pointer",
            Self::Work => "the work is linear",
            Self::Panic => "nothing panics",
            Self::Agreement => "all parsers answer the same",
            Self::AnyParser => "there is a parser to check",
        })
    }
}

impl Law {
    /// Compares what the law demands with what was found.
    pub(super) fn holds<T: Copy + PartialEq + fmt::Debug>(
        self,
        expected: T,
        found: T,
    ) -> Result<(), Breach> {
        if expected == found {
            return Ok(());
        }
        Err(self.broken(format_args!("{expected:?}"), format_args!("{found:?}")))
    }

    pub(super) fn broken(self, expected: impl fmt::Display, found: impl fmt::Display) -> Breach {
        Breach { law: self, expected: expected.to_string(), found: found.to_string() }
    }
}

/// A law that was broken, before it is known by whom and in which run.
#[derive(Clone, Debug)]
pub(super) struct Breach {
    pub(super) law: Law,
    pub(super) expected: String,
    pub(super) found: String,
}

impl Breach {
    pub(super) fn panic(payload: &(dyn Any + Send)) -> Self {
        let message = payload
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("a panic without a message");
        Law::Panic.broken("an answer", format_args!("a panic: {message}"))
    }
}

/// A law that a parser has broken, and the cutting that shows it.
///
/// Both `Display` and `Debug` are for people, so that a test may return it or unwrap it.
///
/// ```
/// use pushdown::quoted::{Event, Machine};
/// use pushdown::testing::{Harness, Law, Log};
///
/// // Forgets to join the parts of a text.
/// let harness = Harness::new(|log: &mut Log, event: Event<'_>| log.event(format_args!("{event:?}")))
///     .parser("machine", Machine::new);
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
    scenario: Scenario,
    breach: Breach,
}

impl Violation {
    pub(super) fn new(parser: &str, input: &[u8], scenario: Scenario, breach: Breach) -> Self {
        Self(Box::new(Details { parser: parser.into(), input: input.into(), scenario, breach }))
    }

    /// The name of the parser.
    pub fn parser(&self) -> &str {
        &self.0.parser
    }

    /// The law that it breaks.
    pub fn law(&self) -> Law {
        self.0.breach.law
    }

    /// How the input was cut. Cuts that do not matter have been left out.
    pub fn cutting(&self) -> &Cutting {
        &self.0.scenario.cutting
    }

    /// What the law demands.
    pub fn expected(&self) -> &str {
        &self.0.breach.expected
    }

    /// What the parser did.
    pub fn found(&self) -> &str {
        &self.0.breach.found
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Details { parser, input, scenario, breach } = &*self.0;
        let near = scenario.cutting.cuts().first().copied().unwrap_or(0);
        writeln!(f, "{parser} breaks a law: {}", breach.law)?;
        writeln!(f, "  input:    {}", excerpt(input, near))?;
        writeln!(f, "  fed:      {}", scenario.describe(input.len()))?;
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

/// The bytes as a literal; of many bytes those around `near`, and how many there are.
pub(super) fn excerpt(bytes: &[u8], near: usize) -> String {
    const AROUND: usize = 40;
    let from = near.saturating_sub(AROUND);
    let to = bytes.len().min(near.saturating_add(AROUND));
    let shown = bytes[from..to].escape_ascii();
    if to - from == bytes.len() {
        format!("b\"{shown}\"")
    } else {
        format!("b\"{shown}\" ({from}..{to} of {} bytes)", bytes.len())
    }
}
