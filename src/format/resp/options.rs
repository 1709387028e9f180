//! The options of a parser.

use crate::engine::DEFAULT_MAX_DEPTH;

/// Bytes of a line, unless the options say otherwise: the server's own limit of an inline command.
const DEFAULT_MAX_LINE: u64 = 64 << 10;

/// Bytes of a bulk string, unless the options say otherwise: the server's own limit.
const DEFAULT_MAX_BULK: u64 = 512 << 20;

/// Elements of an aggregate, unless the options say otherwise: as many as a server can count.
const DEFAULT_MAX_ELEMENTS: u64 = 1 << 31;

/// Options of a parser.
///
/// Nothing is reserved for a length that is declared, but by [`Values`](super::Values), 64 KiB at most. So a peer that
/// declares the largest has gained nothing. A text that is reported in pieces takes no memory here.
///
/// ```
/// use pushdown::resp::{Machine, Options, Version};
/// use pushdown::{Error, ErrorKind, PushParser};
///
/// let options = Options::new().version(Version::Resp2).max_depth(2).max_bulk(1_000);
/// let mut parser = Machine::with_options(options);
/// let _ = parser.feed(b"*2\r\n$1001\r\n");
/// assert_eq!(parser.error(), Some(&Error::new(ErrorKind::TooLong, 8)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    pub(super) version: Version,
    pub(super) extent: Extent,
    pub(super) depth: u32,
    pub(super) limits: Limits,
}

/// The lengths that a parser accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// Bytes of a number.
    pub(super) line: u64,
    /// Bytes of a line that is a text.
    pub(super) text: u64,
    pub(super) bulk: u64,
    pub(super) elements: u64,
    /// Values for which there is memory.
    pub(super) values: u64,
}

/// The version of the protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Version {
    /// RESP2 alone: simple strings, errors, integers, bulk strings, arrays, and the two nulls `$-1` and
    /// `*-1`. Any other type is an error.
    Resp2,
    /// RESP3, which has RESP2 in it.
    #[default]
    Resp3,
}

/// The part of the input that a parser takes for its own.
///
/// ```
/// use pushdown::PushParser;
/// use pushdown::resp::{Extent, Machine, Options};
///
/// let input = b"+OK\r\n:1\r\n";
/// let consumed = |extent| Machine::with_options(Options::new().extent(extent)).feed(input).consumed;
/// assert_eq!(consumed(Extent::Value), 5);
/// assert_eq!(consumed(Extent::Stream), 9);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Extent {
    /// One value, and the attributes before it. `Success` comes with its last byte.
    #[default]
    Value,
    /// Any number of values, one after the other, such as all replies of a connection. `finish` is `Ok`
    /// between values. For small values it is faster, because the parser is not started again for each.
    Stream,
}

impl Options {
    /// RESP3, [`Extent::Value`], 128 levels, lines of 64 KiB, bulk strings of 512 MiB, and aggregates of
    /// 2³¹ elements.
    pub const fn new() -> Self {
        Self {
            version: Version::Resp3,
            extent: Extent::Value,
            depth: DEFAULT_MAX_DEPTH,
            limits: Limits {
                line: DEFAULT_MAX_LINE,
                text: DEFAULT_MAX_LINE,
                bulk: DEFAULT_MAX_BULK,
                elements: DEFAULT_MAX_ELEMENTS,
                values: u64::MAX,
            },
        }
    }

    /// Sets the version of the protocol.
    #[must_use]
    pub const fn version(self, version: Version) -> Self {
        Self { version, ..self }
    }

    /// Sets the part of the input that the parser takes.
    #[must_use]
    pub const fn extent(self, extent: Extent) -> Self {
        Self { extent, ..self }
    }

    /// Limits how deep aggregates nest. The type byte of one a level deeper is
    /// [`TooDeep`](crate::ErrorKind::TooDeep); a null array (`*-1`) counts as an array.
    ///
    /// # Panics
    /// Without the feature `alloc`, if there are more than 128.
    #[must_use]
    pub const fn max_depth(self, levels: u32) -> Self {
        assert!(
            cfg!(feature = "alloc") || levels <= DEFAULT_MAX_DEPTH,
            "more than 128 levels need the feature `alloc`"
        );
        Self { depth: levels, ..self }
    }

    /// Limits the bytes of a line, between its type byte and its end: of a simple string, of an error, and
    /// of any number. A byte more is [`TooLong`](crate::ErrorKind::TooLong).
    #[must_use]
    pub const fn max_line(self, bytes: u64) -> Self {
        Self { limits: Limits { line: bytes, text: bytes, ..self.limits }, ..self }
    }

    /// Limits the bytes of a bulk string, a bulk error, or a verbatim string with its format; of a streamed
    /// string, the sum of its parts. The digit with which a declared length goes beyond the limit is
    /// [`TooLong`](crate::ErrorKind::TooLong).
    #[must_use]
    pub const fn max_bulk(self, bytes: u64) -> Self {
        Self { limits: Limits { bulk: bytes, ..self.limits }, ..self }
    }

    /// Limits the elements of an aggregate; of a map, its pairs, of which there are never more than 2⁶³ - 1. The digit with which a declared count goes
    /// beyond the limit is [`TooLong`](crate::ErrorKind::TooLong), and so is the first byte of an element
    /// too many in a streamed aggregate.
    #[must_use]
    pub const fn max_elements(self, count: u64) -> Self {
        Self { limits: Limits { elements: count, ..self.limits }, ..self }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}
