//! Whole messages: [`Messages`].

use alloc::string::String;
use core::mem;
use core::ops::ControlFlow::{self, Break, Continue};

use super::{Event, Field, Machine, Text};
use crate::error::{Error, ErrorKind};
use crate::parser::{EventSink, PushParser};
use crate::state::{Progress, State, Status};

/// Bytes of a message, unless [`Messages::max_len`] says otherwise.
///
/// Messages of a chat completion have a few hundred. A peer that never sends a blank line makes a parser hold
/// as many bytes as this.
const DEFAULT_MAX_LEN: usize = 1 << 20;

/// A message of an event stream.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Message {
    /// The type: `message`, unless the stream names another.
    pub event: String,
    /// The `data` fields, with line feeds between them.
    pub data: String,
    /// The `id`, if the stream has sent one since the message before. It may be empty: then there is none
    /// to go on from after a reconnection.
    pub id: Option<String>,
    /// Milliseconds before a reconnection, if the stream has said so since the message before.
    pub retry: Option<u64>,
}

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
#[derive(Clone, Debug)]
pub struct Messages {
    machine: Machine,
    draft: Draft,
    state: State,
    max_len: usize,
    output: Option<Message>,
}

impl Messages {
    /// Creates a parser at the start of a stream.
    pub fn new() -> Self {
        Self {
            machine: Machine::new(),
            draft: Draft::default(),
            state: State::new(),
            max_len: DEFAULT_MAX_LEN,
            output: None,
        }
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
    pub fn max_len(self, bytes: usize) -> Self {
        Self { max_len: bytes, ..self }
    }

    fn parse(&mut self, chunk: &[u8]) -> Progress {
        let Self { machine, draft, state, max_len, output } = self;
        state.feed(chunk, |state| {
            let mut consumed = 0;
            if !state.has_begun() {
                // Ends of blank lines, which mean nothing here.
                consumed = chunk.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
                let _ = machine.feed(&chunk[..consumed]);
                let _ = state.need_more(consumed);
                state.skip_between();
            }
            while consumed < chunk.len() {
                let rest = &chunk[consumed..];
                let room = max_len.saturating_sub(draft.len());
                let window = &rest[..rest.len().min(harmless(room))];
                let progress = machine.feed_until(window, |event| draft.see(event, *max_len));
                match mem::replace(&mut draft.end, End::None) {
                    End::None => {}
                    End::TooLong => {
                        // A single byte, which is to blame.
                        let progress = state.fail(0, ErrorKind::TooLong);
                        return Progress { consumed, ..progress };
                    }
                    End::Message(message) => {
                        *output = Some(message);
                        let progress = state.succeed(progress.consumed);
                        return Progress { consumed: consumed + progress.consumed, ..progress };
                    }
                }
                consumed += progress.consumed;
                let _ = state.need_more(progress.consumed);
            }
            Progress { consumed, status: Status::NeedMoreInput }
        })
    }
}

/// Bytes of a chunk of which the text is not longer than this, whatever they are: three for each, and those of
/// a character that was cut and of a line feed between lines of data. At least one.
fn harmless(room: usize) -> usize {
    (room.saturating_sub(4) / 3).max(1)
}

/// A message that is not complete.
#[derive(Clone, Debug, Default)]
struct Draft {
    event: String,
    data: String,
    has_data: bool,
    id: Option<String>,
    retry: Option<u64>,
    /// The value of a field is incomplete.
    is_open: bool,
    /// The value of an `id` so far.
    new_id: String,
    new_retry: Number,
    end: End,
}

/// The value of a `retry` so far.
#[derive(Clone, Copy, Debug, Default)]
enum Number {
    #[default]
    Empty,
    Digits(u64),
    Other,
}

/// The end of what the machine may read of a chunk, but for that of the chunk.
#[derive(Clone, Debug, Default)]
enum End {
    #[default]
    None,
    Message(Message),
    TooLong,
}

impl Draft {
    /// The bytes that are held.
    fn len(&self) -> usize {
        let id = self.id.as_ref().map_or(0, String::len);
        self.event.len() + self.data.len() + id + self.new_id.len()
    }

    /// Takes an event, and pauses the machine at an end.
    fn see(&mut self, event: Event<'_>, max_len: usize) -> ControlFlow<()> {
        match event {
            Event::Field { name, value } => {
                if self.piece(name, value, max_len) {
                    return Continue(());
                }
                self.end = End::TooLong;
            }
            Event::Discard => {
                self.event.clear();
                return Continue(());
            }
            Event::Dispatch => self.end = End::Message(self.dispatch()),
        }
        Break(())
    }

    /// Takes a piece of a field. Returns false if that is too long.
    fn piece(&mut self, name: Field, Text { text, more }: Text<'_>, max_len: usize) -> bool {
        let begins = !mem::replace(&mut self.is_open, more);
        let between = name == Field::Data && begins && self.has_data;
        let to = match name {
            Field::Event => &mut self.event,
            Field::Data => &mut self.data,
            Field::Id => &mut self.new_id,
            Field::Retry => {
                self.new_retry = if begins { Number::Empty } else { self.new_retry }.and(text);
                if let (Number::Digits(time), false) = (self.new_retry, more) {
                    self.retry = Some(time);
                }
                return true;
            }
        };
        if begins && name != Field::Data {
            to.clear();
        }
        if text.len() + usize::from(between) > max_len.saturating_sub(self.len()) {
            return false;
        }
        match name {
            Field::Event => self.event.push_str(text),
            Field::Data => {
                self.has_data = true;
                if between {
                    self.data.push('\n');
                }
                self.data.push_str(text);
            }
            Field::Id | Field::Retry => {
                self.new_id.push_str(text);
                if !more {
                    let id = mem::take(&mut self.new_id);
                    if !id.contains('\0') {
                        self.id = Some(id);
                    }
                }
            }
        }
        true
    }

    fn dispatch(&mut self) -> Message {
        let Self { event, data, id, retry, .. } = mem::take(self);
        Message { event: if event.is_empty() { "message".into() } else { event }, data, id, retry }
    }
}

impl Number {
    /// Adds digits. A number that is too large for 64 bits is the largest.
    fn and(self, digits: &str) -> Self {
        digits.bytes().fold(self, |number, digit| match (number, digit) {
            (Self::Empty, b'0'..=b'9') => Self::Digits((digit - b'0').into()),
            (Self::Digits(number), b'0'..=b'9') => {
                Self::Digits(number.saturating_mul(10).saturating_add((digit - b'0').into()))
            }
            _ => Self::Other,
        })
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

    fn state(&self) -> &State {
        &self.state
    }

    fn reset_at(&mut self, offset: u64) {
        self.machine.reset_at(offset);
        self.draft = Draft::default();
        self.state = State::at(offset);
        self.output = None;
    }

    fn take_output(&mut self) -> Option<Message> {
        self.output.take()
    }
}
