//! The contract between a push parser and whoever feeds it.

use core::convert::Infallible;

use crate::error::{Error, ErrorKind};

/// What a parser makes of the input so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use = "a parser that has ended consumes nothing more"]
pub enum Status {
    /// The whole chunk was consumed and the value goes on.
    NeedMoreInput,
    /// The value is complete.
    Success,
    /// The input is not in the format; [`PushParser::error`] says why and where.
    BadInput,
}

/// What one call of `feed` did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use = "the bytes after `consumed` have not been read by anybody"]
pub struct Progress {
    /// How many bytes of the chunk belong to the value. The rest is for whoever comes next.
    pub consumed: usize,
    /// How the parser stands now.
    pub status: Status,
}

/// The events that a parser reports: a marker type that names them.
///
/// An event may borrow from the chunk being fed. A parser that reports nothing uses `()`.
///
/// ```
/// enum Lines {}
///
/// impl pushdown::Events for Lines {
///     type Event<'a> = &'a [u8];
/// }
/// ```
pub trait Events: 'static {
    /// One event, valid until the sink returns.
    type Event<'a>;
}

impl Events for () {
    type Event<'a> = Infallible;
}

/// What takes the events of one call.
pub type LocalSink<'s, E> = dyn for<'e> FnMut(<E as Events>::Event<'e>) + 's;

/// A [`LocalSink`] that may be called from another thread.
///
/// The trait asks for it because a `Send` body may lend its input to a scoped thread, and emit
/// from there. Parsers that cannot do so have a `feed_with` of their own without the bound.
pub type EventSink<'s, E> = dyn for<'e> FnMut(<E as Events>::Event<'e>) + Send + 's;

/// A parser that is handed its input in pieces, cut anywhere.
///
/// # The law
/// Any cutting of the same bytes gives the same events (adjacent runs of text joined), the same
/// final status, the same total consumed, and the same error at the same offset.
/// `pushdown::testing` (feature `testing`) checks it for any implementation.
///
/// # The contract
/// * [`NeedMoreInput`](Status::NeedMoreInput): the whole chunk was consumed.
/// * [`Success`](Status::Success): `consumed` ends just after the value's last byte.
/// * [`BadInput`](Status::BadInput): `consumed` ends just before the offending byte, and `offset()`
///   equals `error().offset`.
/// * *The end is sticky.* After `Success` or `BadInput` every further `feed` consumes nothing and
///   repeats the status, until [`reset`](Self::reset).
/// * An empty chunk changes nothing. A new parser answers `NeedMoreInput` to it even if its body
///   would succeed without reading.
/// * A panic of the body or of the sink reaches the caller of `feed`; after it the parser repeats
///   `BadInput` with [`ErrorKind::Panicked`].
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
/// Wrong: to drop the answer, and to go on feeding. What stands behind the value is then lost, for
/// the parser has ended and consumes nothing.
///
/// ```
/// # use pushdown::{PushParser, Status, quoted};
/// # let mut parser = quoted::Machine::new();
/// for byte in b"\"a\"b" {
///     let _ = parser.feed(&[*byte]);
/// }
/// assert_eq!(parser.offset(), 3);
/// ```
pub trait PushParser {
    /// The events this parser reports.
    type Events: Events;

    /// Like [`feed`](Self::feed), and hands each event to `sink` while it runs.
    ///
    /// This is the form that `dyn PushParser` has; [`feed_with`](Self::feed_with) takes a closure.
    fn feed_dyn(&mut self, chunk: &[u8], sink: &mut EventSink<'_, Self::Events>) -> Progress;

    /// Like [`finish`](Self::finish), and hands the last events to `sink`.
    ///
    /// # Errors
    /// As [`finish`](Self::finish).
    fn finish_dyn(&mut self, sink: &mut EventSink<'_, Self::Events>) -> Result<(), Error>;

    /// How the parser stands.
    fn status(&self) -> Status;

    /// Why the input is bad; `Some` exactly when the status is [`Status::BadInput`].
    fn error(&self) -> Option<&Error>;

    /// How many bytes were consumed since the parser was made or last reset.
    fn offset(&self) -> u64;

    /// Like [`reset`](Self::reset), and counts offsets from `offset` on: for a value that starts in
    /// the middle of a stream, so that its errors name positions of the stream.
    fn reset_at(&mut self, offset: u64);

    /// Parses the next chunk. Nobody takes the events, and the parser may use that.
    fn feed(&mut self, chunk: &[u8]) -> Progress {
        self.feed_dyn(chunk, &mut |_| {})
    }

    /// Parses the next chunk and hands each event to `sink`.
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
        self.feed_dyn(chunk, &mut sink)
    }

    /// Says that the input is over.
    ///
    /// After `Success` it is `Ok`, after `BadInput` the error. Otherwise the body decides: one that
    /// accepts the end where it stands makes it `Ok`. Either way the end is sticky, and a second
    /// call answers the same.
    ///
    /// # Errors
    /// The error that [`error`](Self::error) reports from then on:
    /// [`ErrorKind::UnexpectedEnd`] unless the body said otherwise.
    fn finish(&mut self) -> Result<(), Error> {
        self.finish_dyn(&mut |_| {})
    }

    /// Says that the input is over, and hands the last events to `sink`.
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
        self.finish_dyn(&mut sink)
    }

    /// Returns to the start, for a new value. Memory and stack are kept.
    fn reset(&mut self) {
        self.reset_at(0);
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

/// Not inlined, so that ASCII does not pay for it.
#[inline(never)]
fn encode(c: char, utf8: &mut [u8; 4]) -> usize {
    c.encode_utf8(utf8).len()
}

/// The methods of [`PushParser`] for a type that has another parser inside: `delegate!(self => self.0)`.
macro_rules! delegate {
    ($self:ident => $inner:expr) => {
        #[inline]
        fn feed(&mut $self, chunk: &[u8]) -> $crate::Progress {
            $crate::PushParser::feed(&mut $inner, chunk)
        }

        fn feed_dyn(
            &mut $self,
            chunk: &[u8],
            sink: &mut $crate::EventSink<'_, Self::Events>,
        ) -> $crate::Progress {
            $crate::PushParser::feed_dyn(&mut $inner, chunk, sink)
        }

        fn finish(&mut $self) -> Result<(), $crate::Error> {
            $crate::PushParser::finish(&mut $inner)
        }

        fn finish_dyn(
            &mut $self,
            sink: &mut $crate::EventSink<'_, Self::Events>,
        ) -> Result<(), $crate::Error> {
            $crate::PushParser::finish_dyn(&mut $inner, sink)
        }

        fn status(&$self) -> $crate::Status {
            $crate::PushParser::status(&$inner)
        }

        fn error(&$self) -> Option<&$crate::Error> {
            $crate::PushParser::error(&$inner)
        }

        fn offset(&$self) -> u64 {
            $crate::PushParser::offset(&$inner)
        }

        fn reset_at(&mut $self, offset: u64) {
            $crate::PushParser::reset_at(&mut $inner, offset);
        }
    };
}
pub(crate) use delegate;

impl<P: PushParser + ?Sized> PushParser for &mut P {
    type Events = P::Events;
    delegate!(self => **self);
}

#[cfg(feature = "alloc")]
impl<P: PushParser + ?Sized> PushParser for alloc::boxed::Box<P> {
    type Events = P::Events;
    delegate!(self => **self);
}

/// Where a parser stands: the part of the contract that is the same in every engine.
///
/// The running offset lives in `error.offset`, because the two are equal whenever the error is to
/// be seen; `error.kind` means something only after `BadInput`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    status: Status,
    error: Error,
}

impl Standing {
    pub(crate) fn at(offset: u64) -> Self {
        Self {
            status: Status::NeedMoreInput,
            error: Error { kind: ErrorKind::UnexpectedEnd, offset },
        }
    }

    pub(crate) fn status(&self) -> Status {
        self.status
    }

    pub(crate) fn offset(&self) -> u64 {
        self.error.offset
    }

    pub(crate) fn error(&self) -> Option<&Error> {
        matches!(self.status, Status::BadInput).then_some(&self.error)
    }

    /// What `finish` answers once the parser has ended.
    pub(crate) fn verdict(&self) -> Result<(), Error> {
        self.error().map_or(Ok(()), |error| Err(*error))
    }

    /// The answer to a chunk that must not reach the body: an empty one, or one after the end.
    #[inline]
    pub(crate) fn refuses(&self, chunk: &[u8]) -> Option<Progress> {
        let open = matches!(self.status, Status::NeedMoreInput);
        (!open || chunk.is_empty()).then_some(Progress { consumed: 0, status: self.status })
    }

    #[inline]
    pub(crate) fn need_more(&mut self, consumed: usize) -> Progress {
        self.error.offset = self.error.offset.saturating_add(consumed as u64);
        Progress { consumed, status: Status::NeedMoreInput }
    }

    pub(crate) fn succeed(&mut self, consumed: usize) -> Progress {
        self.error.offset = self.error.offset.saturating_add(consumed as u64);
        self.status = Status::Success;
        Progress { consumed, status: Status::Success }
    }

    pub(crate) fn fail(&mut self, consumed: usize, kind: ErrorKind) -> Progress {
        self.error.offset = self.error.offset.saturating_add(consumed as u64);
        self.error.kind = kind;
        self.status = Status::BadInput;
        Progress { consumed, status: Status::BadInput }
    }
}
