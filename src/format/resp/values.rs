//! Values from events.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::mem;

use super::consumer::Consumer;
use super::machine::Grammar;
use super::options::Limits;
use super::token::Aggregate;
use super::{Attributed, Blob, Event, Extent, Options, Piece, Value};
use crate::engine::machine::Parser;
use crate::engine::window::{Out, Window};
use crate::parser::{LocalParser, PushParser, delegate, local_parser};

/// Bytes of memory of a value or a request, unless the parser is told otherwise: the server's own limit of what it
/// holds of a connection's requests.
pub(super) const DEFAULT_MAX_MEMORY: u64 = 1 << 30;

/// A parser of one value, whose output it is: see [`Value`].
///
/// It reports no events, and succeeds with the last byte of the value, so that many values are read one after the
/// other. It is a [`Machine`](super::Machine) that makes the value itself.
///
/// ```
/// use pushdown::resp::{Value, Values};
/// use pushdown::{PushParser, Status};
///
/// let mut parser = Values::new();
/// let mut replies = Vec::new();
/// for mut chunk in [&b"+OK\r\n*2\r\n$3\r\none\r\n:"[..], b"2\r\n"] {
///     while !chunk.is_empty() {
///         chunk = &chunk[parser.feed(chunk).consumed..];
///         if let Some(reply) = parser.take_output() {
///             replies.push(reply);
///             parser.next_value();
///         }
///     }
/// }
/// let array = Value::Array(vec![Value::Bulk("one".into()), Value::Integer(2)]);
/// assert_eq!(replies, [Value::Simple("OK".into()), array]);
/// ```
#[derive(Clone, Debug)]
pub struct Values(Parser<Grammar<Build>>);

impl Values {
    /// Creates a parser with the default [`Options`].
    pub fn new() -> Self {
        Self::with_options(Options::new())
    }

    /// Creates a parser. The extent of the options is always [`Extent::Value`].
    pub fn with_options(options: Options) -> Self {
        Self::make(options.extent(Extent::Value), DEFAULT_MAX_MEMORY)
    }

    /// Limits the memory of a value: the bytes of its texts, and the size of a [`Value`] for each value in it. The
    /// first byte that says that there will be more is [`TooLong`](crate::ErrorKind::TooLong): the type byte of a
    /// value, a digit of a length, or a byte of a line. 1 GiB, unless it is set.
    ///
    /// The vectors that the value is collected in may take as much again.
    ///
    /// ```
    /// use pushdown::resp::Values;
    /// use pushdown::{Error, ErrorKind, PushParser};
    ///
    /// let mut parser = Values::new().max_memory(1_000);
    /// let _ = parser.feed(b"*2\r\n$900\r\n");
    /// assert_eq!(parser.error(), None);
    /// parser.reset();
    /// let _ = parser.feed(b"*9999\r\n");
    /// assert_eq!(parser.error(), Some(&Error::new(ErrorKind::TooLong, 2)));
    /// ```
    #[must_use]
    pub fn max_memory(self, bytes: u64) -> Self {
        Self::make(self.0.machine().options, bytes)
    }

    fn make(options: Options, max_memory: u64) -> Self {
        Self(Parser::new(Grammar::new(options, Build::new(max_memory))))
    }
}

impl Default for Values {
    fn default() -> Self {
        Self::new()
    }
}

impl PushParser for Values {
    type Events = ();
    type Output = Value;
    delegate!(self => self.0);
}

impl LocalParser for Values {
    local_parser!(self => self.0);
}

#[cfg(feature = "testing")]
impl crate::testing::Work for Values {
    fn work(&self) -> u64 {
        crate::testing::Work::work(&self.0)
    }

    fn steps(&self) -> u64 {
        crate::testing::Work::steps(&self.0)
    }
}

/// The memory of a value.
const SIZE: u64 = size_of::<Value>() as u64;

/// Makes a value.
///
/// The elements of all aggregates that are open lie in one vector, and move into one of their own when theirs ends,
/// whose length is then known. So a length that was declared reserves nothing.
#[derive(Clone, Debug)]
struct Build {
    /// Values whose aggregate is still open.
    values: Vec<Value>,
    open: Vec<Open>,
    /// Attributes whose value has not ended, and the number of aggregates around it.
    attributes: Vec<(usize, Vec<(Value, Value)>)>,
    /// The pieces of a text that has not ended.
    text: Vec<u8>,
    /// Bytes that may still be taken.
    memory: u64,
    max_memory: u64,
}

/// An aggregate that is open.
#[derive(Clone, Copy, Debug)]
struct Open {
    aggregate: Aggregate,
    /// The place of its first element.
    start: usize,
}

/// Bytes that are kept for the next value. What a large one has taken is given back.
const KEPT: usize = 256 << 10;

impl Build {
    fn new(max_memory: u64) -> Self {
        Self {
            values: Vec::new(),
            open: Vec::new(),
            attributes: Vec::new(),
            text: Vec::new(),
            memory: max_memory,
            max_memory,
        }
    }

    /// An aggregate begins.
    #[inline]
    fn begin(&mut self, aggregate: Aggregate) {
        self.memory = self.memory.saturating_sub(SIZE);
        self.open.push(Open { aggregate, start: self.values.len() });
    }

    /// The innermost aggregate ends.
    fn end(&mut self) {
        let Some(Open { aggregate, start }) = self.open.pop() else { return };
        let value = match aggregate {
            Aggregate::Array => Value::Array(self.list(start)),
            Aggregate::Set => Value::Set(self.list(start)),
            Aggregate::Push => Value::Push(self.list(start)),
            Aggregate::Map => Value::Map(self.pairs(start)),
            Aggregate::Attribute => {
                let pairs = self.pairs(start);
                self.attributes.push((self.open.len(), pairs));
                return;
            }
        };
        self.add(value);
    }

    fn list(&mut self, start: usize) -> Vec<Value> {
        self.values.drain(start..).collect()
    }

    fn pairs(&mut self, start: usize) -> Vec<(Value, Value)> {
        let mut pairs = Vec::with_capacity((self.values.len() - start) / 2);
        let mut values = self.values.drain(start..);
        while let (Some(key), Some(value)) = (values.next(), values.next()) {
            pairs.push((key, value));
        }
        pairs
    }

    /// A value that is neither an aggregate nor a text.
    #[inline(always)]
    fn scalar(&mut self, value: Value) {
        self.memory = self.memory.saturating_sub(SIZE);
        self.add(value);
    }

    #[inline(always)]
    fn integer(&mut self, integer: i64) {
        self.memory = self.memory.saturating_sub(SIZE);
        if self.attributes.is_empty() {
            if let Value::Integer(slot) = self.values.push_mut(const { Value::Integer(0) }) {
                *slot = integer;
            }
        } else {
            self.described(Value::Integer(integer));
        }
    }

    /// Adds a value to the aggregate around it.
    #[inline(always)]
    fn add(&mut self, value: Value) {
        if self.attributes.is_empty() {
            self.values.push(value);
        } else {
            self.described(value);
        }
    }

    /// Adds a value with the attributes before it.
    #[cold]
    fn described(&mut self, mut value: Value) {
        while let Some((_, attributes)) =
            self.attributes.pop_if(|(depth, _)| *depth == self.open.len())
        {
            value = Value::Attributed(Box::new(Attributed { attributes, value }));
        }
        self.values.push(value);
    }

    /// Takes a piece of a text.
    #[inline(always)]
    fn text(&mut self, chunk: &[u8], piece: Piece<'_>, value: impl FnOnce(Blob) -> Value) {
        self.memory = self.memory.saturating_sub(piece.bytes.len() as u64);
        if !piece.more && self.text.is_empty() && self.attributes.is_empty() {
            self.memory = self.memory.saturating_sub(SIZE);
            if let Some(text) = self.values.push_mut(value(Blob::EMPTY)).text_mut() {
                text.copy(piece.bytes, chunk);
            }
        } else if let Some(text) = self.piece(piece) {
            self.memory = self.memory.saturating_sub(SIZE);
            self.described(value(text));
        }
    }

    /// Collects a piece of a text. Returns the text, if it was the last.
    #[cold]
    fn piece(&mut self, piece: Piece<'_>) -> Option<Blob> {
        self.text.extend_from_slice(piece.bytes);
        (!piece.more).then(|| mem::take(&mut self.text).into())
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
            Event::Integer(integer) => self.integer(integer),
            Event::Bulk(piece) => self.text(chunk, piece, Value::Bulk),
            Event::Null(null) => self.scalar(Value::Null(null)),
            Event::Bool(bool) => self.scalar(Value::Bool(bool)),
            Event::Double(piece) => self.text(chunk, piece, Value::Double),
            Event::BigNumber(piece) => self.text(chunk, piece, Value::BigNumber),
            Event::BlobError(piece) => self.text(chunk, piece, Value::BlobError),
            Event::Verbatim { format, text } => {
                self.text(chunk, text, |text| Value::Verbatim { format, text });
            }
            Event::Array(_) => self.begin(Aggregate::Array),
            Event::Map(_) => self.begin(Aggregate::Map),
            Event::Set(_) => self.begin(Aggregate::Set),
            Event::Push(_) => self.begin(Aggregate::Push),
            Event::Attribute(_) => self.begin(Aggregate::Attribute),
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
        self.values.pop().expect("the outermost value has ended")
    }

    fn reset(&mut self) {
        self.values.clear();
        self.values.shrink_to(KEPT / size_of::<Value>());
        self.open.clear();
        self.attributes.clear();
        self.text.clear();
        self.text.shrink_to(KEPT);
        self.memory = self.max_memory;
    }
}
