//! Whole messages: [`Messages`].

use alloc::borrow::Cow;
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
    pub event: Cow<'static, str>,
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
                // Blank lines, which mean nothing here. The machine is told that a mark cannot follow.
                consumed = chunk.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
                if consumed > 0 {
                    let _ = state.need_more(consumed);
                    state.skip_between();
                    machine.reset_at(state.offset());
                }
            }
            while consumed < chunk.len() {
                let rest = &chunk[consumed..];
                let room = max_len.saturating_sub(draft.len());
                let window = &rest[..rest.len().min(harmless(room))];
                let mut end = None;
                let progress = machine.feed_until(window, |event| {
                    draft.see(event, *max_len).map_break(|found| end = Some(found))
                });
                let progress = match end {
                    None => state.need_more(progress.consumed),
                    Some(Ok(message)) => {
                        *output = Some(message);
                        state.succeed(progress.consumed)
                    }
                    Some(Err(kind)) => {
                        debug_assert_eq!(
                            window.len(),
                            1,
                            "more bytes than there is surely room for"
                        );
                        state.fail(0, kind)
                    }
                };
                consumed += progress.consumed;
                if progress.status != Status::NeedMoreInput {
                    return Progress { consumed, ..progress };
                }
            }
            Progress { consumed, status: Status::NeedMoreInput }
        })
    }
}

/// Bytes of a chunk of which the text is surely not longer than this: it has at most three bytes for each,
/// those of a character that was cut before, and a line feed between two lines of data. At least one.
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
    /// The value of a field is not complete.
    is_open: bool,
    /// The value of an `id` so far.
    new_id: String,
    new_retry: Number,
}

/// The value of a `retry` so far.
#[derive(Clone, Copy, Debug, Default)]
enum Number {
    #[default]
    Empty,
    Digits(u64),
    Other,
}

impl Draft {
    /// The bytes that are held.
    fn len(&self) -> usize {
        let id = self.id.as_ref().map_or(0, String::len);
        self.event.len() + self.data.len() + id + self.new_id.len()
    }

    /// Takes an event. Breaks with the message, or if it is too long.
    fn see(&mut self, event: Event<'_>, max_len: usize) -> ControlFlow<Result<Message, ErrorKind>> {
        match event {
            Event::Field { name, value } if !self.field(name, value, max_len) => {
                Break(Err(ErrorKind::TooLong))
            }
            Event::Field { .. } => Continue(()),
            Event::Discard => {
                self.event.clear();
                Continue(())
            }
            Event::Dispatch => {
                let event = match mem::take(&mut self.event) {
                    event if event.is_empty() => Cow::Borrowed("message"),
                    event => Cow::Owned(event),
                };
                self.has_data = false;
                let (data, id) = (mem::take(&mut self.data), self.id.take());
                Break(Ok(Message { event, data, id, retry: self.retry.take() }))
            }
        }
    }

    /// Takes a piece of a field. Returns false if that is too long.
    fn field(&mut self, name: Field, Text { text, more }: Text<'_>, max_len: usize) -> bool {
        let begins = !mem::replace(&mut self.is_open, more);
        let mut before = "";
        match name {
            Field::Event if begins => self.event.clear(),
            Field::Data if begins && mem::replace(&mut self.has_data, true) => before = "\n",
            Field::Retry => {
                self.new_retry = if begins { Number::Empty } else { self.new_retry }.and(text);
                if let (Number::Digits(time), false) = (self.new_retry, more) {
                    self.retry = Some(time);
                }
                return true;
            }
            _ => {}
        }
        if before.len() + text.len() > max_len.saturating_sub(self.len()) {
            return false;
        }
        let value = match name {
            Field::Event => &mut self.event,
            Field::Data => &mut self.data,
            Field::Id | Field::Retry => &mut self.new_id,
        };
        if value.is_empty() && before.is_empty() {
            // Exactly as long as the text, which most often is whole. To grow takes more instructions.
            *value = text.into();
        } else {
            value.push_str(before);
            value.push_str(text);
        }
        if name == Field::Id && !more {
            let id = mem::take(&mut self.new_id);
            if !id.contains('\0') {
                self.id = Some(id);
            }
        }
        true
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
