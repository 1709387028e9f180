//! Parsing from a `Stream` of chunks, such as the body of an HTTP message.

use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::io;

use futures_core::Stream;
use futures_core::stream::FusedStream;

use crate::io::ReadError;
use crate::io::sequence::Sequence;
use crate::parser::PushParser;

/// Creates a stream of the values that the parser finds in the chunks, wherever they are cut.
///
/// ```
/// # use std::pin::Pin;
/// # use std::task::{Context, Poll};
/// use futures_core::Stream;
/// use pushdown::io::{ReadError, stream};
/// use pushdown::json::Raw;
///
/// # struct Iter<I>(I);
/// # impl<I: Iterator + Unpin> Stream for Iter<I> {
/// #     type Item = I::Item;
/// #     fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<I::Item>> {
/// #         Poll::Ready(self.0.next())
/// #     }
/// # }
/// # fn next<S: Stream + Unpin>(stream: &mut S) -> Option<S::Item> {
/// #     let cx = &mut Context::from_waker(std::task::Waker::noop());
/// #     match Pin::new(stream).poll_next(cx) {
/// #         Poll::Ready(item) => item,
/// #         Poll::Pending => None,
/// #     }
/// # }
/// // Chunks may be of any type that lends bytes, such as `bytes::Bytes`.
/// let chunks = ["[1, ", "2] \"thr", "ee\" HTTP/1.1"];
/// # let chunks = Iter(chunks.into_iter().map(Ok));
/// let mut values = stream::values(chunks, Raw::new());
/// // With the futures crate: `values.next().await`.
/// assert_eq!(&*next(&mut values).unwrap()?, "[1, 2]");
/// assert_eq!(&*next(&mut values).unwrap()?, "\"three\"");
///
/// let (_chunks, _parser, unread) = values.into_parts();
/// assert_eq!(unread.unwrap().as_ref(), b" HTTP/1.1");
/// # Ok::<(), ReadError>(())
/// ```
///
/// A parser in the middle of a value goes on with it, and one that has ended with the next value.
pub fn values<S, B, P>(chunks: S, parser: P) -> Values<S, B, P>
where
    S: Stream<Item = io::Result<B>> + Unpin,
    B: AsRef<[u8]>,
    P: PushParser,
{
    Values { chunks, unread: None, sequence: Sequence::new(parser) }
}

/// The values of a stream of chunks, as a stream. Made by [`values`]; where they end is [described
/// here](crate::io#streams-of-values).
///
/// An error in the stream of chunks is an item of this one, which then goes on where it was. No chunk is
/// taken before the one in hand is used up, so this stream can be dropped, or given back in parts, at any
/// time.
#[derive(Debug)]
pub struct Values<S, B, P> {
    chunks: S,
    unread: Option<Unread<B>>,
    sequence: Sequence<P>,
}

/// A chunk of which a part has been parsed. [`AsRef`] lends the other part, which is never empty.
#[derive(Clone, Debug)]
pub struct Unread<B> {
    /// The whole chunk.
    pub chunk: B,
    /// The number of bytes of it that have been parsed.
    pub consumed: usize,
}

impl<B: AsRef<[u8]>> AsRef<[u8]> for Unread<B> {
    fn as_ref(&self) -> &[u8] {
        &self.chunk.as_ref()[self.consumed..]
    }
}

impl<S, B, P> Values<S, B, P> {
    /// The parser, whose offset counts the bytes parsed.
    pub fn parser(&self) -> &P {
        self.sequence.parser()
    }

    /// Returns the stream of chunks, the parser, and the rest of the last chunk, if there is one: after a
    /// value what follows it, after bad input the offending byte and what follows.
    pub fn into_parts(self) -> (S, P, Option<Unread<B>>) {
        (self.chunks, self.sequence.into_parser(), self.unread)
    }
}

impl<S, B, P> Stream for Values<S, B, P>
where
    S: Stream<Item = io::Result<B>> + Unpin,
    B: AsRef<[u8]>,
    P: PushParser,
{
    type Item = Result<P::Output, ReadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { chunks, unread, sequence } = self.get_mut();
        if sequence.is_over() {
            return Poll::Ready(None);
        }
        let read = loop {
            if let Some(rest) = unread {
                let (consumed, result) = sequence.handle_chunk(rest.as_ref());
                rest.consumed += consumed;
                if rest.as_ref().is_empty() {
                    *unread = None;
                }
                if result.is_some() {
                    break Ok(result);
                }
            }
            match ready!(Pin::new(&mut *chunks).poll_next(cx)) {
                Some(Ok(chunk)) => *unread = Some(Unread { chunk, consumed: 0 }),
                Some(Err(error)) => break Err(error),
                None => break Ok(None),
            }
        };
        Poll::Ready(sequence.handle_read(read))
    }
}

impl<S, B, P> FusedStream for Values<S, B, P>
where
    S: Stream<Item = io::Result<B>> + Unpin,
    B: AsRef<[u8]>,
    P: PushParser,
{
    fn is_terminated(&self) -> bool {
        self.sequence.is_over()
    }
}

// Neither the parser nor the chunk is ever pinned.
impl<S: Unpin, B, P> Unpin for Values<S, B, P> {}
