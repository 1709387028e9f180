//! Whole messages: [`Messages`] and [`LentMessages`].

use core::convert::Infallible;

use super::draft::{Draft, Fields};
use super::machine::{Consumer, Grammar, Reader};
use super::message::{Lent, Message, event_type};
use super::receiver::{Blank, Receiver};
use super::{Field, Text};
use crate::engine::machine::Parser;
use crate::engine::window::{Out, Window};
use crate::error::{Error, ErrorKind};
use crate::parser::{
    EventSink, LocalParser, Progress, PushParser, State, Status, delegate, local_parser,
};

/// Bytes of a message, unless [`Messages::max_len`] says otherwise.
///
/// Messages of a chat completion have a few hundred. A peer that never sends a blank line makes a parser hold
/// as many bytes as this.
const DEFAULT_MAX_LEN: usize = 1 << 20;

/// A parser of one message, whose output is a [`Message`].
///
/// It succeeds with the byte that completes the message, which is the end of its blank line: `\r` without
/// waiting for a `\n`. It reports no events. For the next message call
/// [`next_value`](PushParser::next_value); the [module](super) has an example. A `\n` behind that `\r`, like
/// any blank line before a message, does not count as [begun](PushParser::has_begun).
///
/// The end of the input discards a message that is not complete, as the standard says: `finish` is `Ok`, and
/// there is no output.
///
/// An `id` or a `retry` of a block without data comes with the next message. `data`, `event` and `id` of a
/// message together have at most 1 MiB, or as [`max_len`](Self::max_len) says. The byte with which they become
/// longer is [`TooLong`](ErrorKind::TooLong).
///
/// Each text of a message is an allocation. [`LentMessages`] makes none for a message of one line that lies in one chunk.
#[derive(Clone, Debug)]
pub struct Messages {
    state: State,
    reader: Reader,
    build: Build,
    output: Option<Message>,
}

impl Messages {
    /// Creates a parser at the start of a stream.
    pub fn new() -> Self {
        Self { state: State::new(), reader: Reader::START, build: Build::new(), output: None }
    }

    /// Limits the bytes of a message.
    ///
    /// ```
    /// use pushdown::{Error, ErrorKind, PushParser, sse::Messages};
    ///
    /// let mut parser = Messages::new().max_len(8);
    /// let _ = parser.feed(b"data: 1234\ndata: 5678\n\n");
    /// assert_eq!(parser.error(), Some(&Error::new(ErrorKind::TooLong, 20)));
    /// ```
    #[must_use]
    pub fn max_len(mut self, bytes: usize) -> Self {
        self.build.max_len = bytes;
        self
    }

    /// Parses a chunk with the reader of the machine. Each message is a call, for which the machine's input, sink and
    /// memory would be as much work again.
    #[inline]
    fn parse(&mut self, chunk: &[u8]) -> Progress {
        let Self { state, reader, build, output } = self;
        state.feed(chunk, |state| {
            let mut at = 0;
            if !state.has_begun() && is_end(chunk[0]) {
                // Blank lines, which mean nothing here.
                at = chunk.iter().take_while(|byte| is_end(**byte)).count();
                let _ = state.need_more(at);
                state.skip_between();
            }
            let base = state.offset().saturating_sub(at as u64);
            let begin = at;
            while at < chunk.len() {
                let len = chunk.len().min(at.saturating_add(build.room()));
                let mut window = Window::new(&chunk[..len], at, base, Nowhere);
                let fields = Fields::new(&mut build.draft);
                reader.read(&mut window, &mut Making { fields, output });
                let end = window.at;
                if let Err(kind) = build.check() {
                    debug_assert_eq!(len - at, 1, "more bytes than there is surely room for");
                    return Progress { consumed: at, ..state.fail(at - begin, kind) };
                }
                at = end;
                if output.is_some() {
                    return Progress { consumed: at, ..state.succeed(at - begin) };
                }
            }
            Progress { consumed: at, ..state.need_more(at - begin) }
        })
    }
}

fn is_end(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

/// A parser of messages that lends each of them to the sink, as a [`MessageRef`](super::MessageRef): with the byte that
/// completes it, and all that a chunk has in one call.
///
/// Of a message that lies in one chunk and has one line of data nothing is allocated or copied. Other text is collected in
/// buffers, which serve the next message. So this is the fast way to messages that are used where they arrive, such as JSON
/// in `data`. Like [`Machine`] it never succeeds, and `finish` is `Ok` anywhere. In all else it does what [`Messages`] does.
///
/// ```
/// use pushdown::{PushParser, sse::LentMessages};
///
/// let mut total = 0;
/// let mut parser = LentMessages::new();
/// for chunk in [&b"data: 1\n\ndata: 2\n\ndata: 3"[..], b"0\n\n: the end"] {
///     let _ = parser.feed_with(chunk, |message| total += message.data.parse().unwrap_or(0));
/// }
/// assert_eq!((total, parser.finish()), (33, Ok(())));
/// ```
///
/// [`Machine`]: super::Machine
#[derive(Clone, Debug)]
pub struct LentMessages(Parser<Grammar<Lend>>);

impl LentMessages {
    /// Creates a parser at the start of a stream.
    pub fn new() -> Self {
        Self(Parser::new(Grammar::new(Lend { build: Build::new() })))
    }

    /// Limits the bytes of a message, as [`Messages::max_len`] does.
    #[must_use]
    pub fn max_len(mut self, bytes: usize) -> Self {
        self.0.machine_mut().consumer.build.max_len = bytes;
        self
    }

    /// [`PushParser::feed_with`] for sinks that stay on this thread.
    pub fn feed_local(
        &mut self,
        chunk: &[u8],
        sink: impl for<'e> FnMut(super::MessageRef<'e>),
    ) -> Progress {
        self.0.feed_local(chunk, sink)
    }
}

/// The message so far, and how long it may be.
#[derive(Clone, Debug)]
struct Build {
    draft: Draft,
    max_len: usize,
}

impl Build {
    fn new() -> Self {
        Self { draft: Draft::default(), max_len: DEFAULT_MAX_LEN }
    }

    /// The number of bytes of which the text is surely not longer than there is room for: it has at most three bytes
    /// for each, those of a character that was cut before, and a line feed between two lines of data. At least one.
    #[inline(always)]
    fn room(&self) -> usize {
        (self.max_len.saturating_sub(self.draft.len() + 4) / 3).max(1)
    }

    /// Returns an error if the last byte was one too many. It was read alone then: see `room`.
    #[inline(always)]
    fn check(&self) -> Result<(), ErrorKind> {
        if self.draft.len() > self.max_len { Err(ErrorKind::TooLong) } else { Ok(()) }
    }
}

/// Makes one message.
struct Making<'w> {
    fields: Fields<'w>,
    output: &'w mut Option<Message>,
}

impl<'w> Receiver<'w> for Making<'w> {
    type Events = ();

    #[inline(always)]
    fn whole<O: Out<Events = ()>>(&mut self, _: &mut Window<'w, O>, name: Field, text: &'w str) {
        self.fields.whole(name, text);
    }

    #[inline(always)]
    fn piece<O: Out<Events = ()>>(&mut self, _: &mut Window<'w, O>, name: Field, piece: Text<'_>) {
        self.fields.piece(name, piece);
    }

    #[inline(always)]
    fn blank<O: Out<Events = ()>>(&mut self, window: &mut Window<'w, O>, blank: Blank) {
        match blank {
            Blank::Dispatch => {
                let message = self.fields.message();
                let (event, id) = (event_type(message.event), message.id.map(Into::into));
                let (retry, data) = (message.retry, self.fields.take_data());
                *self.output = Some(Message { event, data, id, retry });
                self.fields.clear();
                // The rest is not this message's.
                window.chunk = &window.chunk[..window.at];
            }
            Blank::Discard => self.fields.discard(),
        }
    }
}

/// The way to a sink that is not there.
struct Nowhere;

impl Out for Nowhere {
    type Events = ();

    #[inline(always)]
    fn has_sink(&self) -> bool {
        false
    }

    fn emit(&mut self, _: usize, event: Infallible) -> bool {
        match event {}
    }

    fn count(&mut self, _: usize) {}
}

/// Lends messages.
#[derive(Clone, Debug)]
struct Lend {
    build: Build,
}

impl Consumer for Lend {
    type Events = Lent;

    #[inline(always)]
    fn receiver(&mut self) -> impl Receiver<'_, Events = Lent> {
        Lending { fields: Fields::new(&mut self.build.draft) }
    }

    #[inline(always)]
    fn room(&self) -> usize {
        self.build.room()
    }

    #[inline(always)]
    fn check(&self) -> Result<(), ErrorKind> {
        self.build.check()
    }

    fn reset(&mut self) {
        self.build.draft.clear();
    }
}

struct Lending<'w> {
    fields: Fields<'w>,
}

impl<'w> Receiver<'w> for Lending<'w> {
    type Events = Lent;

    #[inline(always)]
    fn whole<O: Out<Events = Lent>>(&mut self, _: &mut Window<'w, O>, name: Field, text: &'w str) {
        self.fields.whole(name, text);
    }

    #[inline(always)]
    fn piece<O: Out<Events = Lent>>(
        &mut self,
        _: &mut Window<'w, O>,
        name: Field,
        piece: Text<'_>,
    ) {
        self.fields.piece(name, piece);
    }

    #[inline(always)]
    fn blank<O: Out<Events = Lent>>(&mut self, window: &mut Window<'w, O>, blank: Blank) {
        match blank {
            Blank::Dispatch => {
                window.emit(|| self.fields.message());
                self.fields.clear();
            }
            Blank::Discard => self.fields.discard(),
        }
    }
}

impl Default for Messages {
    fn default() -> Self {
        Self::new()
    }
}

impl PushParser for Messages {
    type Events = ();
    type Output = Message;

    #[inline]
    fn feed(&mut self, chunk: &[u8]) -> Progress {
        self.parse(chunk)
    }

    fn feed_dyn(&mut self, chunk: &[u8], _: &mut EventSink<'_, ()>) -> Progress {
        self.parse(chunk)
    }

    /// Ends the stream, and discards a message that is not complete: `Ok`, and no output.
    fn finish_dyn(&mut self, _: &mut EventSink<'_, ()>) -> Result<(), Error> {
        if self.state.status() == Status::NeedMoreInput {
            let _ = self.state.succeed(0);
        }
        self.state.result()
    }

    #[inline]
    fn state(&self) -> &State {
        &self.state
    }

    #[inline]
    fn reset_at(&mut self, offset: u64) {
        self.state = State::at(offset);
        self.reader = Reader::START;
        self.build.draft.clear();
        self.output = None;
    }

    #[inline]
    fn take_output(&mut self) -> Option<Message> {
        self.output.take()
    }
}

impl Default for LentMessages {
    fn default() -> Self {
        Self::new()
    }
}

impl PushParser for LentMessages {
    type Events = Lent;
    type Output = ();
    delegate!(self => self.0);
}

impl LocalParser for LentMessages {
    local_parser!(self => self.0);
}
