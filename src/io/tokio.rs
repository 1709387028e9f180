//! Parsing from tokio's `AsyncBufRead`. The reader's own buffer is the chunk, and only the bytes that
//! the parser consumed are taken out of it.
//!
//! **Everything here is cancel-safe**: what has been taken out of the reader has been parsed, in the same
//! poll. A future that is dropped loses nothing, and the next call goes on where it was.
//!
//! Interrupted reads are retried.

use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::io;

use futures_core::Stream;
use futures_core::stream::FusedStream;
use tokio::io::AsyncBufRead;

use crate::io::ReadError;
use crate::io::blocking::{try_finish_with, try_value, value};
use crate::io::sequence::Sequence;
use crate::parser::{Events, PushParser, Status};

/// Feeds the parser from a reader until it ends: [`io::parse`](crate::io::parse) for an async reader.
///
/// ```
/// use pushdown::{PushParser, io, json};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let mut socket = &b"[1, 2] and more"[..]; // as a `tokio::io::BufReader` of a TcpStream
/// let mut parser = json::Raw::new();
/// io::tokio::parse(&mut socket, &mut parser).await?;
/// assert_eq!(parser.take_output().as_deref(), Some("[1, 2]"));
/// assert_eq!(socket, b" and more");
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`ReadError::Io`] if the reader fails; the call can then be repeated. [`ReadError::Parse`] if
/// the input is bad; the offending byte is then the next one in the reader.
pub async fn parse<R, P>(reader: &mut R, parser: &mut P) -> Result<(), ReadError>
where
    R: AsyncBufRead + Unpin + ?Sized,
    P: PushParser + ?Sized,
{
    if parser.status() == Status::NeedMoreInput {
        poll_fn(|cx| poll_drive(reader, cx, |chunk| value(parser.feed(chunk)))).await?;
    }
    Ok(parser.finish()?)
}

/// Like [`parse`], and passes each event to `sink`.
///
/// # Errors
/// As [`parse`].
pub async fn parse_with<R, P>(
    reader: &mut R,
    mut parser: &mut P,
    mut sink: impl for<'e> FnMut(<P::Events as Events>::Event<'e>) + Send,
) -> Result<(), ReadError>
where
    R: AsyncBufRead + Unpin + ?Sized,
    P: PushParser + ?Sized,
{
    if parser.status() == Status::NeedMoreInput {
        let mut feed = |chunk: &[u8]| value(PushParser::feed_with(&mut parser, chunk, &mut sink));
        poll_fn(|cx| poll_drive(reader, cx, &mut feed)).await?;
    }
    Ok(PushParser::finish_with(&mut parser, sink)?)
}

/// Like [`parse_with`], with a sink that can fail, and stops where it does, as
/// [`io::try_parse_with`](crate::io::try_parse_with) does.
///
/// # Errors
/// The error of the sink, or an error of [`parse`], converted.
pub async fn try_parse_with<R, P, E>(
    reader: &mut R,
    mut parser: &mut P,
    mut sink: impl for<'e> FnMut(<P::Events as Events>::Event<'e>) -> Result<(), E> + Send,
) -> Result<(), E>
where
    R: AsyncBufRead + Unpin + ?Sized,
    P: PushParser + ?Sized,
    E: From<ReadError> + Send,
{
    if parser.status() == Status::NeedMoreInput {
        let mut feed = |chunk: &[u8]| {
            let (progress, result) = PushParser::try_feed_with(&mut parser, chunk, &mut sink);
            try_value(progress, result)
        };
        let read = poll_fn(|cx| poll_drive(reader, cx, &mut feed)).await;
        if let Some(result) = read.map_err(ReadError::Io)? {
            result?;
        }
    }
    try_finish_with(parser, sink)
}

/// Creates a stream of the values that the parser finds in the reader, one after the other.
///
/// ```
/// use pushdown::{io, json};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let socket = &b"[1, 2] true\n\"three\"\n"[..]; // as a `tokio::io::BufReader` of a TcpStream
/// let mut values = io::tokio::values(socket, json::Raw::new());
/// let mut texts = Vec::new();
/// while let Some(value) = values.next().await {
///     texts.push(value?);
/// }
/// assert_eq!(texts, ["[1, 2]", "true", "\"three\""].map(Into::into));
/// # Ok::<(), io::ReadError>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A parser in the middle of a value goes on with it, and one that has ended with the next value. Reader and
/// parser may be `&mut` references.
pub fn values<R, P>(reader: R, parser: P) -> Values<R, P>
where
    R: AsyncBufRead + Unpin,
    P: PushParser,
{
    Values { reader, sequence: Sequence::new(parser) }
}

/// The values of a reader, as a stream. Made by [`values`]; where they end is [described
/// here](crate::io#streams-of-values).
///
/// Bytes that follow a value stay in the reader until the next poll. After an error of the reader, the stream
/// goes on where it was. After bad input the reader stands before the offending byte, and the stream is over;
/// [`into_parts`](Self::into_parts) gives both back.
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

impl<R: AsyncBufRead + Unpin, P: PushParser> Values<R, P> {
    /// Waits for the next value: `StreamExt::next` without another crate.
    pub async fn next(&mut self) -> Option<Result<P::Output, ReadError>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl<R: AsyncBufRead + Unpin, P: PushParser> Stream for Values<R, P> {
    type Item = Result<P::Output, ReadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { reader, sequence } = self.get_mut();
        if sequence.is_over() {
            return Poll::Ready(None);
        }
        let read = ready!(poll_drive(reader, cx, |chunk| sequence.handle_chunk(chunk)));
        Poll::Ready(sequence.handle_read(read))
    }
}

impl<R: AsyncBufRead + Unpin, P: PushParser> FusedStream for Values<R, P> {
    fn is_terminated(&self) -> bool {
        self.sequence.is_over()
    }
}

// The parser is never pinned.
impl<R: Unpin, P> Unpin for Values<R, P> {}

/// Reads until `feed` has a result, and returns it. At the end of the reader there is none.
fn poll_drive<R, T>(
    reader: &mut R,
    cx: &mut Context<'_>,
    mut feed: impl FnMut(&[u8]) -> (usize, Option<T>),
) -> Poll<io::Result<Option<T>>>
where
    R: AsyncBufRead + Unpin + ?Sized,
{
    loop {
        let chunk = match ready!(Pin::new(&mut *reader).poll_fill_buf(cx)) {
            Ok([]) => return Poll::Ready(Ok(None)),
            Ok(chunk) => chunk,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Poll::Ready(Err(error)),
        };
        let (consumed, result) = feed(chunk);
        Pin::new(&mut *reader).consume(consumed);
        if result.is_some() {
            return Poll::Ready(Ok(result));
        }
    }
}
