//! Values from events.

use super::build::Build;
use super::machine::Grammar;
use super::{Extent, Options, Value};
use crate::engine::machine::Parser;
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
