//! What can go wrong, as the caller of a parser sees it ([`Error`]), as a body reports it
//! ([`Failure`]) and as a read tells a body that there is nothing more to read ([`End`]).

use core::fmt;

/// Why a parser ended with [`Status::BadInput`](crate::Status::BadInput), and where.
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
    /// What went wrong.
    pub kind: ErrorKind,
    /// Where, in bytes from the start of the input: everything before it was consumed, the byte
    /// at it was not.
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
    /// An `async` body waited for something that is not its input, so no chunk could ever wake it.
    Stalled,
    /// The body or the sink panicked. The panic itself reached the caller of `feed`.
    Panicked,
    /// A kind of the body's own.
    Custom(u32),
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnexpectedByte => "unexpected byte",
            Self::UnexpectedEnd => "unexpected end of input",
            Self::TooLong => "value too long",
            Self::TooDeep => "value nested too deeply",
            Self::Stalled => "parser waits for something other than its input",
            Self::Panicked => "parser panicked",
            Self::Custom(code) => return write!(f, "error {code}"),
        })
    }
}

/// Why a read gave a body no byte.
///
/// A body normally hands it on with `?`, which turns it into a [`Failure`]. A body that can accept
/// the end of the input, say after the last digit of a number, matches on [`End::Finished`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum End {
    /// `finish` was called: there will be no more input.
    Finished,
    /// The parser is being dropped or reset. The body should return; nobody sees what it returns.
    /// Only bodies of the `coroutine` engine are told; an `async` body is dropped.
    Abandoned,
    /// This chunk is used up. Only [machines](crate::engine::machine) see it: the step returns it,
    /// and is called again with the next chunk.
    InputEmpty,
    /// The read was polled by an executor of somebody else's, which no chunk could ever wake.
    /// Only `async` bodies see it.
    Stalled,
}

/// A body's own verdict that its input is bad: what it returns as `Err`.
///
/// The parser adds the offset. It comes from `input.fail(kind)`, or from an [`End`] by `?`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a failure has to be returned by the body"]
pub struct Failure(Cause);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    Error(ErrorKind),
    InputEmpty,
}

impl Failure {
    /// The cursor is already where the error's offset will be: `fail` of every input sees to it.
    pub(crate) fn new(kind: ErrorKind) -> Self {
        Self(Cause::Error(kind))
    }

    /// What went wrong, or `None` if nothing did and only the chunk is used up.
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
