//! Driving a parser from a [`BufRead`].
//!
//! The reader's own buffer is what is cut into chunks, and only what the parser consumed is taken
//! out of it: the rest stays there for whoever reads next.
//!
//! ```
//! use std::io::Read;
//! use pushdown::{PushParser, io, quoted};
//!
//! let mut reader = std::io::BufReader::with_capacity(4, &b"\"a string\" and the rest"[..]);
//! let mut parser = quoted::Machine::new();
//! io::parse(&mut reader, &mut parser)?;
//!
//! let mut rest = String::new();
//! reader.read_to_string(&mut rest)?;
//! assert_eq!(rest, " and the rest");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use core::fmt;
use core::ops::ControlFlow::Continue;
use std::io::{self, BufRead};

use crate::error::Error;
use crate::parser::{Events, Progress, PushParser, Status};

/// Why a value could not be read.
#[derive(Debug)]
pub enum ReadError {
    /// The reader failed. Nothing is lost: the parser keeps what it has, and may be given the same
    /// reader again, or another.
    Io(io::Error),
    /// The input is bad, or has ended in the middle of the value.
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

/// Reads until the parser has ended, and leaves the rest in the reader.
///
/// At the end of the reader the parser is [finished](PushParser::finish). Interrupted reads are
/// tried again.
///
/// # Errors
/// [`ReadError::Io`] if the reader fails, after which the call can be repeated; [`ReadError::Parse`]
/// if the parser says so. The offending byte is then the next one in the reader.
pub fn parse<R, P>(reader: &mut R, parser: &mut P) -> Result<(), ReadError>
where
    R: BufRead + ?Sized,
    P: PushParser + ?Sized,
{
    if parser.status() == Status::NeedMoreInput
        && drive(reader, |chunk| parser.feed(chunk))? == Status::NeedMoreInput
    {
        return Ok(parser.finish()?);
    }
    verdict(parser)
}

/// Like [`parse`], and hands each event to `sink`.
///
/// # Errors
/// As [`parse`].
pub fn parse_with<R, P>(
    reader: &mut R,
    parser: &mut P,
    mut sink: impl for<'e> FnMut(<P::Events as Events>::Event<'e>) + Send,
) -> Result<(), ReadError>
where
    R: BufRead + ?Sized,
    P: PushParser + ?Sized,
{
    if parser.status() == Status::NeedMoreInput
        && drive(reader, |chunk| parser.feed_dyn(chunk, &mut |event| {
                sink(event);
                Continue(())
            }))? == Status::NeedMoreInput
    {
        return Ok(parser.finish_dyn(&mut |event| {
                sink(event);
                Continue(())
            })?);
    }
    verdict(parser)
}

/// Feeds until the parser has ended or the reader has: then the answer is `NeedMoreInput`.
fn drive<R>(reader: &mut R, mut feed: impl FnMut(&[u8]) -> Progress) -> io::Result<Status>
where
    R: BufRead + ?Sized,
{
    loop {
        let chunk = match reader.fill_buf() {
            Ok([]) => return Ok(Status::NeedMoreInput),
            Ok(chunk) => chunk,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let progress = feed(chunk);
        reader.consume(progress.consumed);
        if progress.status != Status::NeedMoreInput {
            return Ok(progress.status);
        }
    }
}

fn verdict<P: PushParser + ?Sized>(parser: &P) -> Result<(), ReadError> {
    parser.error().map_or(Ok(()), |error| Err(ReadError::Parse(*error)))
}
