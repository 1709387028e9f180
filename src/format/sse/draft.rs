//! A message that is not complete.
//!
//! ```text
//! the fields of a block, whole in the chunk ──► slices of it (Fields) ──┬─► the message
//!                                                  │ the chunk ends     │
//! pieces, lines of data after the first ──► buffers that are kept (Draft)
//! ```
//!
//! So most messages are complete before anything is copied, and no buffer grows again for each message.

use alloc::string::String;
use core::mem;

use super::message::{DEFAULT_EVENT, MessageRef};
use super::{Field, Text};

/// Bytes of a buffer that are kept for the next message. What a large one has taken is given back.
pub(super) const KEPT: usize = 64 << 10;

/// The fields that earlier chunks have had.
#[derive(Clone, Debug, Default)]
pub(super) struct Draft {
    event: String,
    data: String,
    has_data: bool,
    /// Empty without one.
    id: String,
    has_id: bool,
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

    fn or(self, before: Option<u64>) -> Option<u64> {
        if let Self::Digits(number) = self { Some(number) } else { before }
    }
}

impl Draft {
    /// The bytes that are held.
    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        self.event.len() + self.data.len() + self.id.len() + self.new_id.len()
    }

    /// Forgets the message, and keeps the buffers.
    #[inline]
    pub(super) fn clear(&mut self) {
        for buffer in [&mut self.event, &mut self.data, &mut self.id, &mut self.new_id] {
            if buffer.capacity() > KEPT {
                *buffer = String::new();
            }
            buffer.clear();
        }
        (self.has_data, self.has_id, self.is_open, self.retry) = (false, false, false, None);
    }

    /// Takes a piece of a value.
    fn piece(&mut self, name: Field, Text { text, more }: Text<'_>) {
        let begins = !mem::replace(&mut self.is_open, more);
        match name {
            Field::Event => {
                if begins {
                    self.event.clear();
                }
                self.event.push_str(text);
            }
            Field::Data if begins => self.line(text),
            Field::Data => self.data.push_str(text),
            Field::Id => {
                self.new_id.push_str(text);
                if !more {
                    if !self.new_id.contains('\0') {
                        mem::swap(&mut self.id, &mut self.new_id);
                        self.has_id = true;
                    }
                    self.new_id.clear();
                }
            }
            Field::Retry => {
                self.new_retry = if begins { Number::Empty } else { self.new_retry }.and(text);
                if !more {
                    self.retry = self.new_retry.or(self.retry);
                }
            }
        }
    }

    /// Takes a line of data, or its first piece.
    fn line(&mut self, text: &str) {
        if mem::replace(&mut self.has_data, true) {
            self.data.push('\n');
        }
        self.data.push_str(text);
    }
}

/// The fields of a message while lines of one window are read: slices of it where there is one, and else what the draft
/// holds. It becomes part of the draft when it is dropped.
pub(super) struct Fields<'w> {
    draft: &'w mut Draft,
    event: Option<&'w str>,
    /// The only line of data so far.
    data: Option<&'w str>,
    id: Option<&'w str>,
}

impl<'w> Fields<'w> {
    #[inline(always)]
    pub(super) fn new(draft: &'w mut Draft) -> Self {
        Self { draft, event: None, data: None, id: None }
    }

    /// Takes a value.
    #[inline(always)]
    pub(super) fn whole(&mut self, name: Field, text: &'w str) {
        match name {
            Field::Event => self.event = Some(text),
            Field::Data if !self.draft.has_data && self.data.is_none() => self.data = Some(text),
            Field::Data => self.line(text),
            Field::Id if text.as_bytes().contains(&0) => {}
            Field::Id => self.id = Some(text),
            Field::Retry => self.draft.retry = Number::Empty.and(text).or(self.draft.retry),
        }
    }

    #[inline(never)]
    fn line(&mut self, text: &str) {
        if let Some(first) = self.data.take() {
            self.draft.line(first);
        }
        self.draft.line(text);
    }

    /// Takes a piece of a value.
    #[inline(never)]
    pub(super) fn piece(&mut self, name: Field, piece: Text<'_>) {
        self.keep();
        self.draft.piece(name, piece);
    }

    /// Copies the slices into the draft.
    #[inline(always)]
    fn keep(&mut self) {
        if let Some(event) = self.event.take() {
            self.draft.event.clear();
            self.draft.event.push_str(event);
        }
        if let Some(line) = self.data.take() {
            self.draft.line(line);
        }
        if let Some(id) = self.id.take() {
            self.draft.id.clear();
            self.draft.id.push_str(id);
            self.draft.has_id = true;
        }
    }

    /// The message, when it is complete.
    #[inline(always)]
    pub(super) fn message(&self) -> MessageRef<'_> {
        let event = self.event.unwrap_or(&self.draft.event);
        MessageRef {
            event: if event.is_empty() { DEFAULT_EVENT } else { event },
            data: self.data.unwrap_or(&self.draft.data),
            id: self.id.or(self.draft.has_id.then_some(&self.draft.id)),
            retry: self.draft.retry,
        }
    }

    /// Takes the data of the message: a buffer that would not be kept is not copied.
    #[inline(always)]
    pub(super) fn take_data(&mut self) -> String {
        match self.data {
            Some(line) => line.into(),
            None if self.draft.data.capacity() > KEPT => mem::take(&mut self.draft.data),
            None => self.draft.data[..].into(),
        }
    }

    /// Forgets the message.
    #[inline(always)]
    pub(super) fn clear(&mut self) {
        (self.event, self.data, self.id) = (None, None, None);
        self.draft.clear();
    }

    /// Forgets the type: it was that of a block without data.
    #[inline(always)]
    pub(super) fn discard(&mut self) {
        self.event = None;
        self.draft.event.clear();
    }
}

impl Drop for Fields<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        self.keep();
    }
}
