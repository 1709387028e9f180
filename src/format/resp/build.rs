//! A value, made of events.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::mem;

use super::consumer::Consumer;
use super::options::Limits;
use super::token::Aggregate;
use super::{Attributed, Blob, Event, Length, Piece, Value};
use crate::engine::window::{Out, Window};

/// The memory of a value.
const SIZE: u64 = size_of::<Value>() as u64;

/// Values for which room may be made before they come, in all aggregates that are open together: 64 KiB.
const MAX_AHEAD: usize = 2048;

/// Bytes that are kept for the next text. What a large one has taken is given back.
const KEPT: usize = 256 << 10;

/// Makes a value.
///
/// Room is made for as many elements as an aggregate declares, up to half of what is left of [`MAX_AHEAD`]: so there is
/// room for those within it, too. Beyond that it is made when they come.
#[derive(Clone, Debug)]
pub(super) struct Build {
    /// The innermost aggregate. Around all others is a list, of the outermost value.
    innermost: Open,
    /// Those around it.
    around: Vec<Open>,
    /// Attributes whose value has not ended, and the number of aggregates around it.
    attributes: Vec<(usize, Vec<(Value, Value)>)>,
    /// The pieces of a text that has not ended.
    text: Vec<u8>,
    /// Values for which room may still be made before they come.
    ahead: usize,
    /// Bytes that may still be taken.
    memory: u64,
    max_memory: u64,
}

/// An aggregate that is open.
#[derive(Clone, Debug)]
struct Open {
    aggregate: Aggregate,
    /// Values for which room has been made.
    ahead: usize,
    elements: Elements,
}

#[derive(Clone, Debug)]
enum Elements {
    List(Vec<Value>),
    Pairs {
        pairs: Vec<(Value, Value)>,
        /// The last pair has a key alone.
        has_key: bool,
    },
}

impl Open {
    fn outermost() -> Self {
        Self { aggregate: Aggregate::Array, ahead: 0, elements: Elements::List(Vec::new()) }
    }

    fn new(aggregate: Aggregate, ahead: usize) -> Self {
        let elements = if aggregate.has_pairs() {
            Elements::Pairs { pairs: Vec::with_capacity(ahead / 2), has_key: false }
        } else {
            Elements::List(Vec::with_capacity(ahead))
        };
        Self { aggregate, ahead, elements }
    }
}

impl Build {
    pub(super) fn new(max_memory: u64) -> Self {
        Self {
            innermost: Open::outermost(),
            around: Vec::new(),
            attributes: Vec::new(),
            text: Vec::new(),
            ahead: MAX_AHEAD,
            memory: max_memory,
            max_memory,
        }
    }

    /// An aggregate begins.
    fn begin(&mut self, aggregate: Aggregate, length: Length) {
        self.memory = self.memory.saturating_sub(SIZE);
        let values = match length {
            Length::Counted(count) if aggregate.has_pairs() => count.saturating_mul(2),
            Length::Counted(count) => count,
            Length::Streamed => 0,
        };
        let most = self.ahead / 2;
        let ahead = usize::try_from(values).map_or(most, |values| values.min(most));
        self.ahead -= ahead;
        self.around.push(mem::replace(&mut self.innermost, Open::new(aggregate, ahead)));
    }

    /// The innermost aggregate ends.
    fn end(&mut self) {
        let Some(around) = self.around.pop() else { return };
        let Open { aggregate, ahead, elements } = mem::replace(&mut self.innermost, around);
        self.ahead += ahead;
        let value = match elements {
            Elements::List(mut list) => {
                list.shrink_to_fit();
                match aggregate {
                    Aggregate::Set => Value::Set(list),
                    Aggregate::Push => Value::Push(list),
                    _ => Value::Array(list),
                }
            }
            Elements::Pairs { mut pairs, .. } => {
                pairs.shrink_to_fit();
                if aggregate == Aggregate::Attribute {
                    self.attributes.push((self.around.len(), pairs));
                    return;
                }
                Value::Map(pairs)
            }
        };
        self.add(value);
    }

    /// Makes a place for the next value.
    #[inline(always)]
    fn place(&mut self) -> &mut Value {
        const NONE: Value = Value::Integer(0);
        match &mut self.innermost.elements {
            Elements::List(list) => list.push_mut(NONE),
            Elements::Pairs { pairs, has_key } => {
                *has_key = !*has_key;
                if *has_key {
                    &mut pairs.push_mut((NONE, NONE)).0
                } else {
                    let last = pairs.len() - 1;
                    &mut pairs[last].1
                }
            }
        }
    }

    /// Adds a value that is no text to the aggregate around it.
    #[inline(always)]
    fn add(&mut self, value: Value) {
        if self.attributes.is_empty() {
            *self.place() = value;
        } else {
            self.add_described(value);
        }
    }

    /// Adds a value with the attributes before it.
    #[cold]
    fn add_described(&mut self, mut value: Value) {
        while let Some((_, attributes)) =
            self.attributes.pop_if(|(depth, _)| *depth == self.around.len())
        {
            value = Value::Attributed(Box::new(Attributed { attributes, value }));
        }
        *self.place() = value;
    }

    #[inline(always)]
    fn scalar(&mut self, value: Value) {
        self.memory = self.memory.saturating_sub(SIZE);
        self.add(value);
    }

    /// Takes a piece of a text.
    #[inline(always)]
    fn text(&mut self, chunk: &[u8], piece: Piece<'_>, value: impl FnOnce(Blob) -> Value) {
        self.memory = self.memory.saturating_sub(piece.bytes.len() as u64);
        if !piece.more && self.text.is_empty() && self.attributes.is_empty() {
            self.memory = self.memory.saturating_sub(SIZE);
            // In place: a value is too large to go through registers.
            let place = self.place();
            *place = value(Blob::EMPTY);
            if let Some(text) = place.text_mut() {
                text.copy(piece.bytes, chunk);
            }
        } else if let Some(text) = self.piece(piece) {
            self.memory = self.memory.saturating_sub(SIZE);
            self.add_described(value(text));
        }
    }

    /// Collects a piece of a text. Returns the text, if it was the last.
    #[cold]
    fn piece(&mut self, piece: Piece<'_>) -> Option<Blob> {
        self.text.extend_from_slice(piece.bytes);
        if piece.more {
            return None;
        }
        // The buffer is kept, unless it becomes the text.
        match Blob::inline(&self.text) {
            Some(text) => {
                self.text.clear();
                Some(text)
            }
            None => Some(mem::take(&mut self.text).into()),
        }
    }
}

impl Consumer for Build {
    type Events = ();
    type Output = Value;

    #[inline(always)]
    fn take<O: Out<Events = ()>>(&mut self, window: &mut Window<'_, O>, event: Event<'_>) {
        let chunk = window.chunk;
        match event {
            Event::Simple(piece) => self.text(chunk, piece, Value::Simple),
            Event::Error(piece) => self.text(chunk, piece, Value::Error),
            Event::Integer(integer) => self.scalar(Value::Integer(integer)),
            Event::Bulk(piece) => self.text(chunk, piece, Value::Bulk),
            Event::Null(null) => self.scalar(Value::Null(null)),
            Event::Bool(bool) => self.scalar(Value::Bool(bool)),
            Event::Double(piece) => self.text(chunk, piece, Value::Double),
            Event::BigNumber(piece) => self.text(chunk, piece, Value::BigNumber),
            Event::BlobError(piece) => self.text(chunk, piece, Value::BlobError),
            Event::Verbatim { format, text } => {
                self.text(chunk, text, |text| Value::Verbatim { format, text });
            }
            Event::Array(length) => self.begin(Aggregate::Array, length),
            Event::Map(length) => self.begin(Aggregate::Map, length),
            Event::Set(length) => self.begin(Aggregate::Set, length),
            Event::Push(length) => self.begin(Aggregate::Push, length),
            Event::Attribute(length) => self.begin(Aggregate::Attribute, length),
            Event::End => self.end(),
        }
    }

    #[inline(always)]
    fn limits(&self, limits: Limits) -> Option<Limits> {
        let left = self.memory.checked_sub(SIZE)?;
        Some(Limits {
            text: limits.text.min(left),
            bulk: limits.bulk.min(left),
            values: left / SIZE,
            ..limits
        })
    }

    fn output(&mut self) -> Value {
        match &mut self.innermost.elements {
            Elements::List(list) => list.pop(),
            Elements::Pairs { .. } => None,
        }
        .expect("the outermost value has ended")
    }

    fn reset(&mut self) {
        if !self.around.is_empty() {
            self.innermost = self.around.swap_remove(0);
            self.around.clear();
        }
        if let Elements::List(list) = &mut self.innermost.elements {
            list.clear();
        }
        self.attributes.clear();
        self.text.clear();
        self.text.shrink_to(KEPT);
        self.ahead = MAX_AHEAD;
        self.memory = self.max_memory;
    }
}
