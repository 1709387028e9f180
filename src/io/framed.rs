//! A stream of messages over an [`AsyncRead`], and a sink of messages over an [`AsyncWrite`].
//!
//! A [`Reader`] feeds the bytes it reads to a [`stackless`](crate::engine::stackless) parser, whose body
//! reads one message and returns it. A [`Writer`] encodes messages into a buffer, and writes many at once.
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
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::io;
use std::vec::Vec;

use futures_core::Stream;
use futures_sink::Sink;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::engine::stackless::{DynTask, Parser};
use crate::error::{Error, ErrorKind};
use crate::io::ReadError;
use crate::parser::{PushParser, Status};

/// The most bytes a [`Reader`] reads at once, and the number of bytes from which on a [`Writer`] writes
/// before it takes another message.
///
/// A Linux socket moves about as much in one call, so a larger buffer saves no calls. In a writer it
/// bounds what a peer that reads nothing can make us hold, but for one message.
const BUFFER: usize = 64 << 10;

/// A stream of the messages that a parser reads, one after the other, wherever they are cut.
///
/// The stream ends with the reader, and then gives an error if a message [has
/// begun](PushParser::has_begun) and its parser does not accept the end there. It also ends after any
/// error, of the reader or of the parser; a message of no bytes is one, because there would be no end of
/// them: [`ErrorKind::NoProgress`]. The offset of a [parse error](ReadError::Parse) counts from the start
/// of the stream.
pub struct Reader<R, M> {
    reader: R,
    parser: Parser<dyn DynTask<Events = (), Output = M> + Send>,
    buffer: Vec<u8>,
    /// The part of the buffer that was read but not parsed.
    rest: core::ops::Range<usize>,
    /// The offset at which the current message begins.
    start: u64,
    over: bool,
}

impl<R: AsyncRead + Unpin, M> Reader<R, M> {
    /// Creates a stream of the messages that the parser finds in the reader's bytes.
    pub fn new<P>(reader: R, parser: Parser<P>) -> Self
    where
        P: DynTask<Events = (), Output = M> + Send + 'static,
    {
        Self {
            reader,
            parser: parser.erase(),
            buffer: std::vec![0; BUFFER],
            rest: 0..0,
            start: 0,
            over: false,
        }
    }

    /// Parses the rest of the buffer, up to the end of the next message.
    fn parse(&mut self) -> Result<Option<M>, ReadError> {
        let progress = self.parser.feed(&self.buffer[self.rest.clone()]);
        self.rest.start += progress.consumed;
        match progress.status {
            Status::NeedMoreInput => Ok(None),
            Status::Success => {
                let end = self.parser.offset();
                if end == self.start {
                    return Err(Error::new(ErrorKind::NoProgress, end).into());
                }
                let message = self.parser.take_output();
                self.start = end;
                self.parser.next_value();
                Ok(message)
            }
            Status::BadInput => {
                let error = self.parser.error().expect("bad input has an error");
                Err(ReadError::Parse(*error))
            }
        }
    }

    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<M>, ReadError>> {
        loop {
            if !self.rest.is_empty()
                && let Some(message) = self.parse()?
            {
                return Poll::Ready(Ok(Some(message)));
            }
            let mut room = ReadBuf::new(&mut self.buffer);
            match ready!(Pin::new(&mut self.reader).poll_read(cx, &mut room)) {
                Ok(()) => self.rest = 0..room.filled().len(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Poll::Ready(Err(error.into())),
            }
            if self.rest.is_empty() {
                if !self.parser.has_begun() {
                    return Poll::Ready(Ok(None));
                }
                self.parser.finish()?;
                return Poll::Ready(Ok(self.parser.take_output()));
            }
        }
    }
}

impl<R: AsyncRead + Unpin, M> Stream for Reader<R, M> {
    type Item = Result<M, ReadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.over {
            return Poll::Ready(None);
        }
        let message = ready!(this.poll_message(cx)).transpose();
        this.over = !matches!(message, Some(Ok(_)));
        Poll::Ready(message)
    }
}

// The parser is behind a box, so moving the reader does not move its future.
impl<R: Unpin, M> Unpin for Reader<R, M> {}

impl<R, M> fmt::Debug for Reader<R, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("parser", &self.parser).finish_non_exhaustive()
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
