//! The laws, and the breach of one.

use core::any::Any;
use core::fmt;
use std::string::{String, ToString};

/// A rule that every push parser keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Law {
    /// A new parser needs more input. It is at its first offset and has no error.
    Fresh,
    /// `NeedMoreInput` consumes the whole chunk, unless the sink has paused the parser, and no answer
    /// consumes more than that.
    Progress,
    /// The status is the same for every cutting, and `status()` repeats it.
    Status,
    /// The number of bytes consumed is the same for every cutting.
    Consumed,
    /// `offset()` is the number of bytes consumed.
    Offset,
    /// There is an error exactly after `BadInput`, the same for every cutting, with the same start. Its
    /// offset is `offset()`, and if it is an unexpected byte, that byte was fed.
    Error,
    /// The events are the same for every cutting, with adjacent pieces of a text joined.
    Events,
    /// A parser is prompt: its status, `has_begun()` and the events reported after each prefix, before
    /// `finish`, are the same for every cutting of that prefix.
    Prompt,
    /// No event is an empty piece of a text.
    EmptyText,
    /// The output is the same for every cutting, as `Debug` prints it. It is there exactly after
    /// `Success` or an accepted `finish`, once. A parser that [may discard](super::Harness::may_discard) may
    /// have none after the latter.
    Output,
    /// A success has consumed something: a loop over values that use no byte would never end. A
    /// candidate that [may be empty](super::Harness::may_be_empty) is exempt.
    Empty,
    /// A success comes with the last byte of the value, and needs no byte behind it. A parser that
    /// [looks ahead](super::Harness::looks_ahead) is exempt.
    Lookahead,
    /// A success consumes no byte behind the value. It has consumed one if most other bytes can stand in
    /// its place. A value that [ends with any byte](super::Harness::ends_with_any_byte) is exempt.
    Late,
    /// An empty chunk changes nothing.
    EmptyChunk,
    /// After the end nothing is consumed or reported, and the answers stay the same.
    Sticky,
    /// `finish` answers the same for every cutting and when it is called again. It agrees with the
    /// status before it, and leaves the offset.
    Finish,
    /// A parser that was reset behaves like a new one.
    Reset,
    /// A parser answers the same with and without a sink. A sink that comes after the first chunk
    /// sees the same events as one that was there from the start.
    Sink,
    /// A run that pauses gives the same as the run that is cut at those places. A pause takes effect
    /// at the next read, so at most one byte is consumed after the event.
    Pause,
    /// `process_char` does what `feed` does with the bytes of the character.
    ProcessChar,
    /// A parser behaves the same through a `&mut` and a `Box<dyn PushParser>`.
    Pointer,
    /// The [work](super::Work) is linear.
    Work,
    /// The work for a byte does not grow with the [depth](super::Harness::check_depth).
    Depth,
    /// Nothing panics.
    Panic,
    /// All parsers of a harness answer the same.
    Agreement,
    /// A harness has a parser to check, one that counts its work if that is what is compared.
    AnyParser,
}

impl fmt::Display for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fresh => "a new parser needs more input and is at its first offset",
            Self::Progress => "NeedMoreInput consumes the whole chunk, and no answer consumes more",
            Self::Status => "the status is the same for every cutting",
            Self::Consumed => "the number of bytes consumed is the same for every cutting",
            Self::Offset => "offset() is the number of bytes consumed",
            Self::Error => "error() names the offending byte, the same for every cutting",
            Self::Events => "the events are the same for every cutting",
            Self::Prompt => "status and events after a prefix are the same for every cutting of it",
            Self::EmptyText => "no text event is empty",
            Self::Output => "the output is the same for every cutting, and there once",
            Self::Empty => "a success has consumed something",
            Self::Lookahead => "a success needs no byte behind the value",
            Self::Late => "a success consumes no byte behind the value",
            Self::EmptyChunk => "an empty chunk changes nothing",
            Self::Sticky => "after the end nothing changes",
            Self::Finish => "finish() answers the same for every cutting, and when called again",
            Self::Reset => "a parser that was reset behaves like a new one",
            Self::Sink => "a parser answers the same with and without a sink",
            Self::Pause => "a pause is a cut",
            Self::ProcessChar => "process_char does what feed does with the bytes of a character",
            Self::Pointer => "a parser behaves the same through a pointer",
            Self::Work => "the work is linear",
            Self::Depth => "the work for a byte does not grow with the depth",
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

/// A law that was broken. The parser and the run are added later, in a
/// [`Violation`](super::Violation).
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
