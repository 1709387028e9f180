//! The contract between a push parser and its caller.

mod methods;

use core::convert::Infallible;
use core::ops::ControlFlow::{self, Break, Continue};

use crate::error::Error;
pub(crate) use crate::state::{Progress, State, Status};
pub(crate) use methods::{delegate, engine_methods, local_methods, local_parser};

/// The events that a parser reports: a marker type that names them.
///
/// An event may borrow from the chunk being fed. A parser that reports nothing uses `()`.
///
/// ```
/// enum Lines {}
///
/// enum Line<'a> {
///     Text(&'a [u8]),
///     End,
/// }
///
/// impl pushdown::Events for Lines {
///     type Event<'a> = Line<'a>;
/// }
/// ```
///
/// [`events`](crate::events) has markers for events that are text alone, or that borrow nothing.
pub trait Events: 'static {
    /// One event, valid until the sink returns.
    type Event<'a>;
}

impl Events for () {
    type Event<'a> = Infallible;
}

/// A closure that takes the events of one call. `Break` [pauses](PushParser#pausing) the parser.
pub type LocalSink<'s, E> = dyn for<'e> FnMut(<E as Events>::Event<'e>) -> ControlFlow<()> + 's;

/// A [`LocalSink`] that may be called from another thread.
///
/// [`PushParser`] needs the `Send` bound because a `Send` body may lend its input to a scoped
/// thread, and emit from there. Parsers that cannot do so have a `feed_local` without the bound.
pub type EventSink<'s, E> =
    dyn for<'e> FnMut(<E as Events>::Event<'e>) -> ControlFlow<()> + Send + 's;

/// A parser of any engine, behind a pointer.
///
/// ```
/// use pushdown::{DynParser, PushParser, quoted};
///
/// let mut parser: Box<DynParser<'_, quoted::Quoted>> = Box::new(quoted::Machine::new());
/// assert_eq!(parser.feed(b"\"a\"").consumed, 3);
/// ```
pub type DynParser<'a, E, T = ()> = dyn PushParser<Events = E, Output = T> + 'a;

/// A parser that is fed its input in pieces, cut anywhere.
///
/// # The law
/// Any cutting of the same bytes gives the same events (adjacent pieces of one text joined), the
/// same final status, the same total consumed, and the same error at the same offset. And a parser
/// is prompt: the events reported after a prefix depend on that prefix alone, not on its cuts.
/// `pushdown::testing` (feature `testing`) checks the law for any implementation.
///
/// # The contract
/// * [`NeedMoreInput`](Status::NeedMoreInput): the whole chunk was consumed, unless the sink has
///   [paused](#pausing) the parser.
/// * [`Success`](Status::Success): `consumed` ends just after the last byte of the value; the rest
///   of the chunk follows the value. A value of no bytes is allowed: an optional part may be absent.
///   A loop over values that gets one has to end, with
///   [`ErrorKind::NoProgress`](crate::ErrorKind::NoProgress), because there may be no end of them.
/// * [`BadInput`](Status::BadInput): `consumed` ends just before the offending byte, and
///   [`error`](Self::error) gives the kind and the offset.
/// * [`offset`](Self::offset) counts the bytes consumed since the parser was made or last reset.
///   After `BadInput` it equals `error().offset`.
/// * **The end is sticky.** After `Success` or `BadInput`, `feed` and `process_char` consume nothing
///   and repeat the status, until [`reset`](Self::reset). They never panic and never block.
/// * **An empty chunk changes nothing**, and runs no body. A new parser answers `NeedMoreInput` until
///   its first byte, even if its body would succeed without reading.
/// * **[`finish`](Self::finish)** ends the input. A body that is still running decides whether its input
///   may end there. Then the end is sticky.
/// * **Events never outlive the call.** They may borrow from the chunk or from the body.
/// * **A panic** of the body or of the sink reaches the caller of the call it happened in. The
///   parser then repeats `BadInput` with [`ErrorKind::Panicked`](crate::ErrorKind::Panicked).
/// * **Work is linear** in the bytes fed. The harness counts it in every engine but
///   `combinator`, which is the exception.
///
/// # Pausing
/// A sink of [`feed_until`](Self::feed_until) or [`feed_dyn`](Self::feed_dyn) that returns `Break`
/// pauses the parser: it reads no more of the chunk. The call returns `NeedMoreInput` with
/// `consumed` up to there, perhaps less than the whole chunk, and feeding the rest goes on as if the
/// chunk had been cut there. A parser that has read a byte already completes what that byte ends, so
/// one more event may follow the pause, and a value that ends there is a `Success`. Events at the end
/// of the input cannot be paused.
///
/// # Use
/// The rest of the chunk is never lost, and never read twice:
///
/// ```
/// use pushdown::{PushParser, Status, quoted};
///
/// let mut parser = quoted::Machine::new();
/// assert_eq!(parser.feed(b"\"never ").status, Status::NeedMoreInput);
///
/// let chunk = b"split\" and more";
/// let progress = parser.feed(chunk);
/// assert_eq!(progress.status, Status::Success);
/// assert_eq!(&chunk[progress.consumed..], b" and more");
/// ```
///
/// Don't ignore [`Progress`] and keep feeding: an ended parser consumes nothing, so the bytes after
/// the value are lost.
///
/// ```
/// # use pushdown::{PushParser, Status, quoted};
/// # let mut parser = quoted::Machine::new();
/// for byte in b"\"a\"b" {
///     let _ = parser.feed(&[*byte]);
/// }
/// assert_eq!(parser.offset(), 3, "`b` is lost");
/// ```
///
/// # Implementing it
/// Turn a body into a parser with one of the [engines](crate::engine), or keep a [`State`] and write
/// the four required methods; there is an example at `State`.
pub trait PushParser {
    /// The events this parser reports.
    type Events: Events;
    /// The value's output; `()` if the parser makes none.
    type Output;

    /// Parses the next chunk and reports each event to `sink`.
    ///
    /// This form works on `dyn PushParser`; [`feed_with`](Self::feed_with) takes a closure by value.
    fn feed_dyn(&mut self, chunk: &[u8], sink: &mut EventSink<'_, Self::Events>) -> Progress;

    /// Ends the input and reports the last events to `sink`. See [`finish`](Self::finish).
    ///
    /// # Errors
    /// As [`finish`](Self::finish).
    fn finish_dyn(&mut self, sink: &mut EventSink<'_, Self::Events>) -> Result<(), Error>;

    /// Status, error and offset.
    fn state(&self) -> &State;

    /// Returns to the start, like [`reset`](Self::reset), and counts offsets from `offset`: errors
    /// in a value that starts in the middle of a stream then name positions of the stream.
    fn reset_at(&mut self, offset: u64);

    /// Takes the value's output; `Some` once after [`Status::Success`], and once after a
    /// [`finish`](Self::finish) that the body has accepted, unless the format discards a value that is not
    /// complete.
    fn take_output(&mut self) -> Option<Self::Output>;

    /// Parses the next chunk without a sink; the parser may skip building events.
    fn feed(&mut self, chunk: &[u8]) -> Progress {
        self.feed_dyn(chunk, &mut |_| Continue(()))
    }

    /// Parses the next chunk and reports each event to `sink`.
    ///
    /// An event may borrow from `chunk`. It cannot outlive the call of the sink.
    fn feed_with(
        &mut self,
        chunk: &[u8],
        mut sink: impl for<'e> FnMut(<Self::Events as Events>::Event<'e>) + Send,
    ) -> Progress
    where
        Self: Sized,
    {
        self.feed_dyn(chunk, &mut |event| {
            sink(event);
            Continue(())
        })
    }

    /// Parses the next chunk, and [pauses](#pausing) when the sink breaks.
    ///
    /// ```
    /// use core::ops::ControlFlow::Break;
    /// use pushdown::{PushParser, Status, quoted};
    ///
    /// let mut parser = quoted::Machine::new();
    /// let mut rest = &br#""a\nb" and more"#[..];
    /// let mut pieces = Vec::new();
    /// loop {
    ///     // One event a call, here.
    ///     let progress = parser.feed_until(rest, |quoted::Event::Text(piece)| {
    ///         pieces.push(piece.to_vec());
    ///         Break(())
    ///     });
    ///     rest = &rest[progress.consumed..];
    ///     if progress.status != Status::NeedMoreInput {
    ///         break;
    ///     }
    /// }
    /// assert_eq!((pieces.concat(), rest), (b"anb".to_vec(), &b" and more"[..]));
    /// ```
    fn feed_until(
        &mut self,
        chunk: &[u8],
        mut sink: impl for<'e> FnMut(<Self::Events as Events>::Event<'e>) -> ControlFlow<()> + Send,
    ) -> Progress
    where
        Self: Sized,
    {
        self.feed_dyn(chunk, &mut sink)
    }

    /// Parses the next chunk with a sink that can fail, and pauses where it does.
    ///
    /// The progress is returned beside the sink's error, so that nothing is lost: the rest of the
    /// chunk can be fed when the cause has been dealt with.
    fn try_feed_with<Err: Send>(
        &mut self,
        chunk: &[u8],
        mut sink: impl for<'e> FnMut(<Self::Events as Events>::Event<'e>) -> Result<(), Err> + Send,
    ) -> (Progress, Result<(), Err>)
    where
        Self: Sized,
    {
        let mut result = Ok(());
        let progress = self.feed_dyn(chunk, &mut |event| {
            // A parser may report more before it pauses: the first error stands.
            if result.is_ok() {
                result = sink(event);
            }
            if result.is_ok() { Continue(()) } else { Break(()) }
        });
        (progress, result)
    }

    /// Signals the end of the input.
    ///
    /// Returns `Ok` after `Success`, and the error after `BadInput`. Otherwise the body decides: one
    /// that accepts the end where it stands makes it `Ok`. Either way the end is sticky, and a second
    /// call returns the same.
    ///
    /// # Errors
    /// The error that [`error`](Self::error) reports from then on:
    /// [`ErrorKind::UnexpectedEnd`](crate::ErrorKind::UnexpectedEnd) unless the body fails otherwise.
    fn finish(&mut self) -> Result<(), Error> {
        self.finish_dyn(&mut |_| Continue(()))
    }

    /// Signals the end of the input and reports the last events to `sink`.
    ///
    /// # Errors
    /// As [`finish`](Self::finish).
    fn finish_with(
        &mut self,
        mut sink: impl for<'e> FnMut(<Self::Events as Events>::Event<'e>) + Send,
    ) -> Result<(), Error>
    where
        Self: Sized,
    {
        self.finish_dyn(&mut |event| {
            sink(event);
            Continue(())
        })
    }

    /// Returns to the start, for a new value. Memory and stack are kept.
    fn reset(&mut self) {
        self.reset_at(0);
    }

    /// Returns to the start, for the next value of a stream: offsets are counted on.
    fn next_value(&mut self) {
        self.reset_at(self.offset());
    }

    /// Returns true once the value has begun, which is to say that ending the input now would cut a
    /// value short. Bytes that the body skipped between values do not count.
    fn has_begun(&self) -> bool {
        self.state().has_begun()
    }

    /// The parser's status.
    fn status(&self) -> Status {
        self.state().status()
    }

    /// The error; `Some` exactly when the status is [`Status::BadInput`].
    fn error(&self) -> Option<&Error> {
        self.state().error()
    }

    /// The number of bytes consumed since the parser was made or last reset.
    fn offset(&self) -> u64 {
        self.state().offset()
    }

    /// Parses one character, as its UTF-8 bytes.
    ///
    /// If the parser ends inside the character, [`offset`](Self::offset) says where.
    #[inline]
    fn process_char(&mut self, c: char) -> Status {
        let mut utf8 = [c as u8, 0, 0, 0];
        let len = if c.is_ascii() { 1 } else { encode(c, &mut utf8) };
        self.feed(&utf8[..len]).status
    }
}

/// A parser whose sink may stay on this thread: one of `machine`, `coroutine` or `combinator`, whose
/// bodies cannot emit on another, or [`Utf8`](crate::text::Utf8). A machine
/// [runs](crate::engine#another-parser-inside) these.
pub trait LocalParser: PushParser {
    /// [`PushParser::feed_dyn`] for a sink that stays on this thread.
    fn feed_local_dyn(&mut self, chunk: &[u8], sink: &mut LocalSink<'_, Self::Events>) -> Progress;

    /// [`PushParser::finish_dyn`] for a sink that stays on this thread.
    ///
    /// # Errors
    /// As [`PushParser::finish`].
    fn finish_local_dyn(&mut self, sink: &mut LocalSink<'_, Self::Events>) -> Result<(), Error>;
}

/// Not inlined, so that ASCII does not pay for it.
#[inline(never)]
fn encode(c: char, utf8: &mut [u8; 4]) -> usize {
    c.encode_utf8(utf8).len()
}
