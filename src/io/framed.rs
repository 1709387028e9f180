//! Messages out of bytes, and bytes out of messages: between a socket and the multiplexer.
//!
//! A [`Reader`] feeds what the socket brings to a [`stackless`](crate::engine::stackless) body, straight-line code that reads one
//! message and returns it. A [`Writer`] collects encoded messages and writes many at once.
//!
//! ```
//! use pushdown::engine::stackless::{Input, Parser};
//! use pushdown::io::framed::{Reader, Writer};
//!
//! // Messages with one byte in front that says how long they are.
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
//! let (read, write) = (&b"\x03one"[..], Vec::new());
//! let stream = Reader::new(read, Parser::new(body));
//! let sink = Writer::new(write, encode);
//! # let _ = (stream, sink);
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

/// How much is read at once, and from how much on a [`Writer`] writes before it takes more. A socket of
/// Linux takes and gives about as much in one call.
const BUFFER: usize = 64 << 10;

/// A stream of messages, read by a parser: one value after the other, cut anywhere.
///
/// It ends where the reader does, unless a message [has begun](PushParser::has_begun) and its parser
/// does not accept the end there. A message of no bytes is an error, because there would be no end of
/// them: [`ErrorKind::NoProgress`]. After an error the stream is over.
pub struct Reader<R, M> {
    reader: R,
    parser: Parser<dyn DynTask<Events = (), Output = M> + Send>,
    buffer: Vec<u8>,
    /// What of the buffer was read and is yet to be parsed.
    rest: core::ops::Range<usize>,
    /// Where the message before this one ended, in bytes from the start.
    start: u64,
    over: bool,
}

impl<R: AsyncRead + Unpin, M> Reader<R, M> {
    /// A stream of the messages that the parser makes of what the reader reads.
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

    /// The next message of what is in the buffer.
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
            Status::BadInput => Err(self.verdict()),
        }
    }

    fn verdict(&self) -> ReadError {
        ReadError::Parse(*self.parser.error().expect("the input is bad"))
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

// The parser is boxed.
impl<R: Unpin, M> Unpin for Reader<R, M> {}

impl<R, M> fmt::Debug for Reader<R, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("parser", &self.parser).finish_non_exhaustive()
    }
}

/// A sink of messages, which are encoded at once and written when it is flushed, or when there are many.
pub struct Writer<W, F> {
    writer: W,
    encode: F,
    buffer: Vec<u8>,
    /// How much of the buffer was written.
    written: usize,
}

impl<W: AsyncWrite + Unpin, F> Writer<W, F> {
    /// A sink that writes what `encode` appends for each message.
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
        // One large message does not keep its memory for ever.
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
