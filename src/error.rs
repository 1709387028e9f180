//! Errors as the caller of a parser sees them ([`Error`]), as a body returns them ([`Failure`]), and
//! as a read reports them to a body ([`End`]).

use core::fmt;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Error {
    /// The kind of error.
    pub kind: ErrorKind,
    /// The position, in bytes from the start of the input. Everything before it was consumed; the
    /// byte at it was not.
    pub offset: u64,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at offset {}", self.kind, self.offset)
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
    /// An error that the body defines.
    Custom(u32),
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
            Self::Custom(code) => return write!(f, "error {code}"),
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
    /// This chunk is used up. Only [machines](crate::engine::machine) see this: the step returns it,
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
            End::Finished | End::Abandoned => Cause::Error(ErrorKind::UnexpectedEnd),
            End::Stalled => Cause::Error(ErrorKind::Stalled),
            End::InputEmpty => Cause::InputEmpty,
        })
    }
}
