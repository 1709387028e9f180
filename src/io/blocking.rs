//! Parsing from a [`BufRead`]. The reader's own buffer is the chunk, and only the bytes that the
//! parser consumed are taken out of it.

use core::iter::FusedIterator;
use std::io::{self, BufRead};

use crate::io::ReadError;
use crate::io::sequence::Sequence;
use crate::parser::{Events, Progress, PushParser, Status};

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
    if parser.status() == Status::NeedMoreInput {
        drive(reader, |chunk| value(parser.feed(chunk)))?;
    }
    Ok(parser.finish()?)
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
    mut parser: &mut P,
    mut sink: impl for<'e> FnMut(<P::Events as Events>::Event<'e>) + Send,
) -> Result<(), ReadError>
where
    R: BufRead + ?Sized,
    P: PushParser + ?Sized,
{
    if parser.status() == Status::NeedMoreInput {
        drive(reader, |chunk| value(PushParser::feed_with(&mut parser, chunk, &mut sink)))?;
    }
    Ok(PushParser::finish_with(&mut parser, sink)?)
}

/// Like [`parse_with`], with a sink that can fail, and stops where it does.
///
/// The reader stands where the parser has [paused](PushParser#pausing), and the call can be repeated. Of the
/// events that one byte completes, those after the one that the sink has refused are lost.
///
/// ```
/// use std::io::Write;
/// use pushdown::{PushParser, io, quoted};
///
/// let (mut string, mut out) = (&b"\"longer than there is room\""[..], [0; 8]);
/// let mut room = &mut out[..];
/// let mut parser = quoted::Machine::new();
/// let error = io::try_parse_with(&mut string, &mut parser, |quoted::Event::Text(piece)| {
///     room.write_all(piece)
/// });
/// assert_eq!(error.unwrap_err().kind(), std::io::ErrorKind::WriteZero);
/// ```
///
/// # Errors
/// The error of the sink, or an error of [`parse`], converted.
pub fn try_parse_with<R, P, E>(
    reader: &mut R,
    mut parser: &mut P,
    mut sink: impl for<'e> FnMut(<P::Events as Events>::Event<'e>) -> Result<(), E> + Send,
) -> Result<(), E>
where
    R: BufRead + ?Sized,
    P: PushParser + ?Sized,
    E: From<ReadError> + Send,
{
    if parser.status() == Status::NeedMoreInput {
        let feed = |chunk: &[u8]| {
            let (progress, result) = PushParser::try_feed_with(&mut parser, chunk, &mut sink);
            try_value(progress, result)
        };
        if let Some(result) = drive(reader, feed).map_err(ReadError::Io)? {
            result?;
        }
    }
    try_finish_with(parser, sink)
}

/// Ends the input of a parser, unless it has ended. The sink's error comes first.
pub(super) fn try_finish_with<P, E>(
    mut parser: &mut P,
    mut sink: impl for<'e> FnMut(<P::Events as Events>::Event<'e>) -> Result<(), E> + Send,
) -> Result<(), E>
where
    P: PushParser + ?Sized,
    E: From<ReadError> + Send,
{
    let mut result = Ok(());
    let finished = PushParser::finish_with(&mut parser, |event| {
        if result.is_ok() {
            result = sink(event);
        }
    });
    result?;
    finished.map_err(|error| ReadError::Parse(error).into())
}

/// The answer to a chunk where one value is read: the bytes that are used up, and `Some` if the parser has
/// ended.
pub(super) fn value(progress: Progress) -> (usize, Option<()>) {
    (progress.consumed, (progress.status != Status::NeedMoreInput).then_some(()))
}

/// Like [`value`], for events that went into a sink, whose error ends the reading too.
pub(super) fn try_value<E>(
    progress: Progress,
    sink: Result<(), E>,
) -> (usize, Option<Result<(), E>>) {
    let over = sink.is_err() || progress.status != Status::NeedMoreInput;
    (progress.consumed, over.then_some(sink))
}

/// Creates an iterator over the values that the parser finds in the reader, one after the other.
///
/// ```
/// use pushdown::{io, json};
///
/// let socket = std::io::BufReader::with_capacity(4, &b"[1, 2] true\n\"three\"\n"[..]);
/// let mut texts = Vec::new();
/// for value in io::values(socket, json::Raw::new()) {
///     texts.push(value?);
/// }
/// assert_eq!(texts, ["[1, 2]", "true", "\"three\""].map(Into::into));
/// # Ok::<(), io::ReadError>(())
/// ```
///
/// A parser in the middle of a value goes on with it, and one that has ended with the next value. Reader and
/// parser may be `&mut` references.
pub fn values<R: BufRead, P: PushParser>(reader: R, parser: P) -> Values<R, P> {
    Values { reader, sequence: Sequence::new(parser) }
}

/// The values of a reader. Made by [`values`]; where they end is [described here](crate::io#streams-of-values).
///
/// Bytes that follow a value stay in the reader until the next call. After an error of the reader, the next call
/// goes on where it was. Interrupted reads are retried.
///
/// # Skipping a bad value
/// After bad input the reader stands before the offending byte, and the iterator is over. Both can be had
/// back, and be used for the values that follow:
///
/// ```
/// use std::io::BufRead;
/// use pushdown::{PushParser, io, json};
///
/// let mut values = io::values(&b"1\n[2,,]\n3\n"[..], json::Raw::new());
/// assert_eq!(&*values.next().unwrap()?, "1");
/// let error = values.next().unwrap().unwrap_err();
/// assert_eq!(error.to_string(), "unexpected byte at offset 5");
/// assert!(values.next().is_none());
///
/// let (mut reader, mut parser) = values.into_parts();
/// let skipped = reader.skip_until(b'\n')?;
/// parser.reset_at(parser.offset() + skipped as u64);
/// let mut values = io::values(reader, parser);
/// assert_eq!(&*values.next().unwrap()?, "3");
/// assert_eq!(values.parser().offset(), 9);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Values<R, P> {
    reader: R,
    sequence: Sequence<P>,
}

impl<R, P> Values<R, P> {
    /// The parser, whose offset counts the bytes taken out of the reader.
    pub fn parser(&self) -> &P {
        self.sequence.parser()
    }

    /// Returns the reader and the parser, at any time.
    pub fn into_parts(self) -> (R, P) {
        (self.reader, self.sequence.into_parser())
    }
}

impl<R: BufRead, P: PushParser> Iterator for Values<R, P> {
    type Item = Result<P::Output, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.sequence.is_over() {
            return None;
        }
        let read = drive(&mut self.reader, |chunk| self.sequence.handle_chunk(chunk));
        self.sequence.handle_read(read)
    }
}

impl<R: BufRead, P: PushParser> FusedIterator for Values<R, P> {}

/// Reads until `feed` has a result, and returns it. At the end of the reader there is none.
fn drive<R, T>(
    reader: &mut R,
    mut feed: impl FnMut(&[u8]) -> (usize, Option<T>),
) -> io::Result<Option<T>>
where
    R: BufRead + ?Sized,
{
    loop {
        let chunk = match reader.fill_buf() {
            Ok([]) => return Ok(None),
            Ok(chunk) => chunk,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let (consumed, result) = feed(chunk);
        reader.consume(consumed);
        if result.is_some() {
            return Ok(result);
        }
    }
}
