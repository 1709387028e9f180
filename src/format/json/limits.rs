//! Limits of a value, and the options of a parser.

use crate::engine::DEFAULT_MAX_DEPTH;

/// Limits of a value, so that nothing a peer sends makes memory or work grow beyond them.
///
/// A parser has them in its [`Options`]; a body of your own gives them to [`value`](super::value), whose
/// documentation has an example, or to [`value_async`](super::value_async).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub(super) depth: u32,
    pub(super) string: u64,
    pub(super) number: u64,
}

impl Limits {
    /// A depth of [`DEFAULT_MAX_DEPTH`], and no limit of length: texts are reported in pieces, and take
    /// no memory here.
    pub const fn new() -> Self {
        Self { depth: DEFAULT_MAX_DEPTH, string: u64::MAX, number: u64::MAX }
    }

    /// Limits how deep arrays and objects nest. A bracket one level deeper is
    /// [`TooDeep`](crate::ErrorKind::TooDeep).
    ///
    /// More than 128 levels take a bit of memory each.
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

    /// Limits the bytes of a string or of a name, decoded. A byte more is
    /// [`TooLong`](crate::ErrorKind::TooLong).
    #[must_use]
    pub const fn max_string(self, bytes: u64) -> Self {
        Self { string: bytes, ..self }
    }

    /// Limits the bytes of a number. A byte more is [`TooLong`](crate::ErrorKind::TooLong).
    #[must_use]
    pub const fn max_number(self, bytes: u64) -> Self {
        Self { number: bytes, ..self }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new()
    }
}

/// Options of a parser.
///
/// ```
/// use pushdown::json::{Extent, Machine, Options};
/// use pushdown::{Error, ErrorKind, PushParser};
///
/// let options = Options::new().extent(Extent::Stream).max_depth(2).max_string(1_000);
/// let mut parser = Machine::with_options(options);
/// let _ = parser.feed(b"[[0]] [[[0]]]");
/// assert_eq!(parser.error(), Some(&Error::new(ErrorKind::TooDeep, 8)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    pub(super) limits: Limits,
    pub(super) extent: Extent,
}

/// The part of the input that a parser takes for its own.
///
/// ```
/// use pushdown::PushParser;
/// use pushdown::json::{Extent, Machine, Options};
///
/// let input = b"{\"id\": 1}\n{\"id\": 2}\n";
/// let consumed = |extent| Machine::with_options(Options::new().extent(extent)).feed(input).consumed;
/// assert_eq!(consumed(Extent::Value), 9);
/// assert_eq!(consumed(Extent::Document), 10, "an error at the second value");
/// assert_eq!(consumed(Extent::Stream), 20);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Extent {
    /// One value. `Success` comes with its last byte; the byte that ends a number is not consumed. White
    /// space before the value is skipped, and does not count as
    /// [begun](crate::PushParser::has_begun).
    Value,
    /// One value, with white space around it. `Success` comes with `finish` alone, so on a connection that
    /// stays open use another.
    #[default]
    Document,
    /// Any number of values, one after the other, with or without white space between them: JSON Lines,
    /// NDJSON, or values that are just concatenated. Between two values of which neither is an array or an
    /// object there must be white space: `1true` and `"a""b"` are errors. `finish` is `Ok` between values.
    Stream,
}

impl Extent {
    /// Returns true if a value may come now. `after_scalar` is set after a value: true if that was neither an
    /// array nor an object. `is_apart` tells if there is white space between the two.
    #[cfg(feature = "alloc")]
    pub(super) fn allows(
        self,
        is_scalar: bool,
        after_scalar: Option<bool>,
        is_apart: bool,
    ) -> bool {
        match after_scalar {
            None => true,
            Some(after_scalar) => {
                self == Self::Stream && (is_apart || !(after_scalar && is_scalar))
            }
        }
    }
}

impl Options {
    /// The default [`Limits`], and [`Extent::Document`].
    pub const fn new() -> Self {
        Self { limits: Limits::new(), extent: Extent::Document }
    }

    /// [`Limits::max_depth`]
    ///
    /// # Panics
    /// As [`Limits::max_depth`].
    #[must_use]
    pub const fn max_depth(self, levels: u32) -> Self {
        Self { limits: self.limits.max_depth(levels), ..self }
    }

    /// [`Limits::max_string`]
    #[must_use]
    pub const fn max_string(self, bytes: u64) -> Self {
        Self { limits: self.limits.max_string(bytes), ..self }
    }

    /// [`Limits::max_number`]
    #[must_use]
    pub const fn max_number(self, bytes: u64) -> Self {
        Self { limits: self.limits.max_number(bytes), ..self }
    }

    /// Sets the part of the input that the parser takes.
    #[must_use]
    pub const fn extent(self, extent: Extent) -> Self {
        Self { extent, ..self }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}
