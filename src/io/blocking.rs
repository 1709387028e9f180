//! Parsing from a [`BufRead`]. The reader's own buffer is the chunk, and only the bytes that the
//! parser consumed are taken out of it.

use core::fmt;
use core::ops::ControlFlow::Continue;
use std::io::{self, BufRead};

use crate::error::Error;
use crate::parser::{Events, Progress, PushParser, Status};

/// The error of [`parse`] and [`parse_with`]: the reader failed, or the input is bad.
#[derive(Debug)]
pub enum ReadError {
    /// The reader failed. Nothing is lost: the parser keeps its state, and the call can be repeated
    /// with the same reader or another.
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

/// Feeds the parser from a reader until it ends. The bytes after the value stay in the reader.
///
/// At the end of the reader the parser is [finished](PushParser::finish). Interrupted reads are
/// retried. A parser that has ended already reads nothing.
///
/// Some parsers succeed only at the end of the input, such as those of [`json`](crate::json) by default.
/// On a socket that stays open they wait for ever: there use
/// [`Extent::Value`](crate::json::Extent::Value), and call this once a value, or
/// [`Extent::Stream`](crate::json::Extent::Stream) with [`parse_with`], whose sink gets each event as it
/// arrives.
///
/// ```
/// use std::io::Read;
/// use pushdown::{PushParser, io, quoted};
///
/// let mut reader = std::io::BufReader::with_capacity(4, &b"\"a string\" and the rest"[..]);
/// let mut parser = quoted::Machine::new();
/// io::parse(&mut reader, &mut parser)?;
///
/// let mut rest = String::new();
/// reader.read_to_string(&mut rest)?;
/// assert_eq!(rest, " and the rest");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`ReadError::Io`] if the reader fails; the call can then be repeated. [`ReadError::Parse`] if
/// the input is bad; the offending byte is then the next one in the reader.
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
    result(parser)
}

/// Like [`parse`], and passes each event to `sink`.
///
/// ```
/// use pushdown::{io, quoted};
///
/// let mut text = Vec::new();
/// let mut parser = quoted::Machine::new();
/// io::parse_with(&mut &b"\"a string\""[..], &mut parser, |quoted::Event::Text(piece)| {
///     text.extend_from_slice(piece);
/// })?;
/// assert_eq!(text, b"a string");
/// # Ok::<(), pushdown::io::ReadError>(())
/// ```
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
        && drive(reader, |chunk| {
            parser.feed_dyn(chunk, &mut |event| {
                sink(event);
                Continue(())
            })
        })? == Status::NeedMoreInput
    {
        return Ok(parser.finish_dyn(&mut |event| {
            sink(event);
            Continue(())
        })?);
    }
    result(parser)
}

/// Feeds until the parser ends, and returns its status. At the end of the reader that is
/// `NeedMoreInput`.
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

fn result<P: PushParser + ?Sized>(parser: &P) -> Result<(), ReadError> {
    parser.error().map_or(Ok(()), |error| Err(ReadError::Parse(*error)))
}
