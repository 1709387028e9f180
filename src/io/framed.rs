//! A stream of messages over an `AsyncRead`, and a sink of messages over an `AsyncWrite`.
//!
//! A [`Reader`] feeds the bytes it reads to a parser whose output is a message. A [`Writer`] encodes messages
//! into a buffer, and writes many at once.
//!
//! ```
//! # use std::{future::poll_fn, pin::Pin};
//! # use futures_core::Stream;
//! # use futures_sink::Sink;
//! use pushdown::engine::stackless::{Input, Parser};
//! use pushdown::io::framed::{Reader, Writer};
//!
//! // Messages that follow their length, which is one byte.
//! let body = async |input: &mut Input<'_>| {
//!     let length = usize::from(input.next().await?);
//!     let mut message = Vec::new();
//!     while message.len() < length {
//!         message.extend_from_slice(input.take(length - message.len()).await?);
//!     }
//!     Ok(message)
//! };
//! let encode = |message: Vec<u8>, bytes: &mut Vec<u8>| {
//!     bytes.push(message.len() as u8);
//!     bytes.extend(message);
//! };
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
//! # runtime.block_on(async {
//! let mut written = Vec::new();
//! let mut stream = Reader::new(&b"\x03one\x03two"[..], Parser::new(body));
//! let mut sink = Writer::new(&mut written, encode);
//!
//! // With the futures crate: `stream.next().await` and `sink.send(message?).await?`.
//! while let Some(message) = poll_fn(|cx| Pin::new(&mut stream).poll_next(cx)).await {
//!     poll_fn(|cx| Pin::new(&mut sink).poll_ready(cx)).await?;
//!     Pin::new(&mut sink).start_send(message?)?;
//! }
//! poll_fn(|cx| Pin::new(&mut sink).poll_flush(cx)).await?;
//! drop(sink);
//! assert_eq!(written, b"\x03one\x03two");
//! # Ok::<(), Box<dyn std::error::Error>>(()) })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use core::fmt;
use core::ops::Range;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::io;
use std::vec::Vec;

use futures_core::Stream;
use futures_core::stream::FusedStream;
use futures_sink::Sink;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::io::ReadError;
use crate::io::sequence::{Read, Sequence};
use crate::parser::PushParser;

/// The most bytes a [`Reader`] reads at once, and the number of bytes from which on a [`Writer`] writes
/// before it takes another message.
///
/// A Linux socket moves about as much in one call, so a larger buffer saves no calls. In a writer it
/// bounds what a peer that reads nothing can make us hold, but for one message.
const BUFFER: usize = 64 << 10;

/// A stream of the values that a parser finds in the bytes of a reader, one after the other, wherever they
/// are cut. Where they end is [described here](crate::io#streams-of-values).
///
/// It is [`tokio::values`](crate::io::tokio::values) with a buffer of its own, and as cancel-safe: what has been
/// read is parsed, or in the buffer. After an error of the reader, the stream goes on where it was. Interrupted
/// reads are retried.
pub struct Reader<R, P> {
    reader: R,
    sequence: Sequence<P>,
    buffer: Vec<u8>,
    /// The part of the buffer that was read but not parsed.
    rest: Range<usize>,
}

impl<R: AsyncRead + Unpin, P: PushParser> Reader<R, P> {
    /// Creates a stream of the values that the parser finds in the reader's bytes. A parser in the middle of a
    /// value goes on with it, and one that has ended with the next value.
    pub fn new(reader: R, parser: P) -> Self {
        let sequence = Sequence::new(parser);
        Self { reader, sequence, buffer: std::vec![0; BUFFER], rest: 0..0 }
    }

    /// Reads until the sequence has a result, and returns it. At the end of the reader there is none.
    fn poll_drive(&mut self, cx: &mut Context<'_>) -> Poll<Read<P::Output>> {
        loop {
            if !self.rest.is_empty() {
                let chunk = &self.buffer[self.rest.clone()];
                let (consumed, result) = self.sequence.handle_chunk(chunk);
                self.rest.start += consumed;
                if result.is_some() {
                    return Poll::Ready(Ok(result));
                }
            }
            let mut room = ReadBuf::new(&mut self.buffer);
            match ready!(Pin::new(&mut self.reader).poll_read(cx, &mut room)) {
                Ok(()) => self.rest = 0..room.filled().len(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Poll::Ready(Err(error)),
            }
            if self.rest.is_empty() {
                return Poll::Ready(Ok(None));
            }
        }
    }
}

impl<R, P> Reader<R, P> {
    /// The parser, whose offset counts the bytes parsed.
    pub fn parser(&self) -> &P {
        self.sequence.parser()
    }

    /// Returns the reader, the parser, and the bytes that were read but not parsed: after bad input they begin
    /// with the offending byte.
    pub fn into_parts(mut self) -> (R, P, Vec<u8>) {
        self.buffer.truncate(self.rest.end);
        self.buffer.drain(..self.rest.start);
        (self.reader, self.sequence.into_parser(), self.buffer)
    }
}

impl<R: AsyncRead + Unpin, P: PushParser> Stream for Reader<R, P> {
    type Item = Result<P::Output, ReadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.sequence.is_over() {
            return Poll::Ready(None);
        }
        let read = ready!(this.poll_drive(cx));
        Poll::Ready(this.sequence.handle_read(read))
    }
}

impl<R: AsyncRead + Unpin, P: PushParser> FusedStream for Reader<R, P> {
    fn is_terminated(&self) -> bool {
        self.sequence.is_over()
    }
}

// The parser is never pinned.
impl<R: Unpin, P> Unpin for Reader<R, P> {}

impl<R, P: fmt::Debug> fmt::Debug for Reader<R, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("parser", self.parser()).finish_non_exhaustive()
    }
}

/// A sink that encodes messages into a buffer, and writes it when flushed or when it is full.
///
/// Closing the sink writes the buffer, and then shuts the writer down.
pub struct Writer<W, F> {
    writer: W,
    encode: F,
    buffer: Vec<u8>,
    /// Number of bytes of the buffer that have been written.
    written: usize,
}

impl<W: AsyncWrite + Unpin, F> Writer<W, F> {
    /// Creates a sink. `encode` appends the bytes of a message to the buffer.
    pub fn new<M>(writer: W, encode: F) -> Self
    where
        F: FnMut(M, &mut Vec<u8>),
    {
        Self { writer, encode, buffer: Vec::new(), written: 0 }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.buffer.len() {
            let rest = &self.buffer[self.written..];
            match ready!(Pin::new(&mut self.writer).poll_write(cx, rest)) {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Ok(count) => self.written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        self.buffer.clear();
        // Otherwise one large message would keep its memory for good.
        self.buffer.shrink_to(2 * BUFFER);
        self.written = 0;
        Poll::Ready(Ok(()))
    }
}

impl<M, W, F> Sink<M> for Writer<W, F>
where
    W: AsyncWrite + Unpin,
    F: FnMut(M, &mut Vec<u8>) + Unpin,
{
    type Error = io::Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.buffer.len() < BUFFER { Poll::Ready(Ok(())) } else { this.poll_write(cx) }
    }

    fn start_send(self: Pin<&mut Self>, message: M) -> io::Result<()> {
        let this = self.get_mut();
        (this.encode)(message, &mut this.buffer);
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_write(cx))?;
        Pin::new(&mut this.writer).poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_write(cx))?;
        Pin::new(&mut this.writer).poll_shutdown(cx)
    }
}

impl<W, F> fmt::Debug for Writer<W, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unwritten = self.buffer.len() - self.written;
        f.debug_struct("Writer").field("unwritten", &unwritten).finish_non_exhaustive()
    }
}
