//! Errors as the caller of a parser sees them ([`Error`]), as a body returns them ([`Failure`]), and
//! as a read reports them to a body ([`End`]).

use core::fmt;
use core::hash::{Hash, Hasher};

/// The reason and the position of a [`Status::BadInput`](crate::Status::BadInput).
///
/// ```
/// use pushdown::{ErrorKind, PushParser, quoted};
///
/// let mut parser = quoted::Machine::new();
/// let _ = parser.feed(b"x");
/// let error = parser.error().unwrap();
/// assert_eq!((error.kind, error.offset), (ErrorKind::UnexpectedByte, 0));
/// assert_eq!(error.to_string(), "unexpected byte at offset 0");
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Error {
    /// The kind of error.
    pub kind: ErrorKind,
    /// The position of the offending byte, in bytes from the start of the input: everything before it
    /// was consumed, it was not.
    pub offset: u64,
    /// The position where the part began that the error is about, if the parser knows it.
    /// Information only: errors are equal by kind and offset.
    pub start: Option<u64>,
}

impl Error {
    /// Creates an error without a start.
    pub const fn new(kind: ErrorKind, offset: u64) -> Self {
        Self { kind, offset, start: None }
    }
}

impl PartialEq for Error {
    fn eq(&self, other: &Self) -> bool {
        (self.kind, self.offset) == (other.kind, other.offset)
    }
}

impl Eq for Error {}

impl Hash for Error {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.kind, self.offset).hash(state);
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at offset {}", self.kind, self.offset)?;
        match self.start {
            Some(start) if start < self.offset => write!(f, ", in the part that begins at {start}"),
            _ => Ok(()),
        }
    }
}

impl core::error::Error for Error {}

/// The kinds of [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The grammar does not allow this byte here.
    UnexpectedByte,
    /// The input was finished in the middle of a value.
    UnexpectedEnd,
    /// The value is longer than the parser accepts.
    TooLong,
    /// The value is nested deeper than the parser accepts.
    TooDeep,
    /// The body can never go on. An `async` body waited for something other than its input, which no
    /// chunk can wake. Or a body of `coroutine` could not be ended when its parser was reset, because
    /// it kept reading and did not let itself be unwound.
    Stalled,
    /// The body or the sink panicked. The panic itself reached the caller of `feed`.
    Panicked,
    /// A value used no byte where values follow one another, so that reading them would never end.
    NoProgress,
    /// The text is not UTF-8: this byte cannot continue it.
    InvalidUtf8,
    /// An escape is half of a surrogate pair, and the other half is not beside it.
    LoneSurrogate,
    /// An error that the body defines.
    Custom(u32),
    /// An error that the body describes.
    Message(&'static str),
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnexpectedByte => "unexpected byte",
            Self::UnexpectedEnd => "unexpected end of input",
            Self::TooLong => "value too long",
            Self::TooDeep => "value nested too deeply",
            Self::Stalled => "body cannot be resumed",
            Self::Panicked => "parser panicked",
            Self::NoProgress => "value of no bytes",
            Self::InvalidUtf8 => "invalid UTF-8",
            Self::LoneSurrogate => "half of a surrogate pair",
            Self::Custom(code) => return write!(f, "error {code}"),
            Self::Message(text) => text,
        })
    }
}

/// The reason why a read returned no byte.
///
/// A body normally propagates it with `?`, which turns it into a [`Failure`]. A body that can accept
/// the end of the input, say after the last digit of a number, matches on [`End::Finished`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum End {
    /// `finish` was called: there will be no more input.
    Finished,
    /// The parser is being dropped or reset. The body should return; its result is discarded. Only
    /// bodies of the `coroutine` engine see this; an `async` body is dropped.
    Abandoned,
    /// A bound that [`at_most`](crate::engine#bounds) set has been reached: more is too long.
    TooLong,
    /// A [frame](crate::engine#bounds) is cut short, by a narrower one around it or by the end of the
    /// input.
    Truncated,
    /// This chunk is used up, or the sink has paused the parser. Only [machines](crate::engine::machine) see this: the step returns it,
    /// and is called again with the next chunk.
    InputEmpty,
    /// The read was polled under a foreign executor, whose waker no chunk can wake. Only `async`
    /// bodies see this.
    Stalled,
}

/// The error that a body returns when its input is bad.
///
/// Create one with `input.fail(kind)` or from an [`End`] with `?`; the parser adds the offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a failure has to be returned by the body"]
pub struct Failure(Cause);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    Error(ErrorKind),
    InputEmpty,
}

impl Failure {
    /// Called by the `fail` of every input, which has put the cursor where the error's offset will be.
    pub(crate) fn new(kind: ErrorKind) -> Self {
        Self(Cause::Error(kind))
    }

    /// The kind of error, or `None` if the chunk is used up and nothing is wrong.
    pub fn kind(self) -> Option<ErrorKind> {
        match self.0 {
            Cause::Error(kind) => Some(kind),
            Cause::InputEmpty => None,
        }
    }
}

impl From<End> for Failure {
    fn from(end: End) -> Self {
        Self(match end {
            End::TooLong => Cause::Error(ErrorKind::TooLong),
            End::Finished | End::Abandoned | End::Truncated => {
                Cause::Error(ErrorKind::UnexpectedEnd)
            }
            End::Stalled => Cause::Error(ErrorKind::Stalled),
            End::InputEmpty => Cause::InputEmpty,
        })
    }
}
