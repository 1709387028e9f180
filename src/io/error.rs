//! The error of every driver.

use core::fmt;
use std::io;

use crate::error::{Error, ErrorKind};

/// The error of every driver: the source of the bytes failed, or the input is bad.
///
/// ```
/// use pushdown::io::{ReadError, parse};
/// use pushdown::{ErrorKind, quoted};
///
/// let error = parse(&mut &b"\"cut"[..], &mut quoted::Machine::new()).unwrap_err();
/// match &error {
///     ReadError::Io(error) => panic!("try again: {error}"),
///     ReadError::Parse(error) => assert_eq!((error.kind, error.offset), (ErrorKind::UnexpectedEnd, 4)),
/// }
/// assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::UnexpectedEof);
/// ```
#[derive(Debug)]
pub enum ReadError {
    /// The source failed. Nothing is lost: the parser keeps its state, and the call can be repeated
    /// with the same source or another.
    Io(io::Error),
    /// The input is bad, or it ended in the middle of the value.
    Parse(Error),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Parse(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => error.source(),
            Self::Parse(_) => None,
        }
    }
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Error> for ReadError {
    fn from(error: Error) -> Self {
        Self::Parse(error)
    }
}

/// Bad input is [`InvalidData`](io::ErrorKind::InvalidData), and an end in the middle of a value
/// [`UnexpectedEof`](io::ErrorKind::UnexpectedEof), with the [`Error`] inside.
impl From<ReadError> for io::Error {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Io(error) => error,
            ReadError::Parse(error) if error.kind == ErrorKind::UnexpectedEnd => {
                Self::new(io::ErrorKind::UnexpectedEof, error)
            }
            ReadError::Parse(error) => Self::new(io::ErrorKind::InvalidData, error),
        }
    }
}
