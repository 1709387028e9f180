//! The text of one value: [`Raw`].

use alloc::boxed::Box;

use super::whole::{Build, Whole};
use crate::error::ErrorKind;
use crate::format::json::{Extent, Machine, Options};
use crate::parser::delegate;

/// A parser of one value, whose output is the text of it, without the white space around it.
///
/// It succeeds with the last byte of the value; a number ends at the byte after it, which is not consumed,
/// or with the input. The text has at most 16 MiB, or as [`max_len`](Self::max_len) says: a byte more is
/// [`TooLong`](ErrorKind::TooLong). It reports no events.
///
/// ```
/// use pushdown::{PushParser, json};
///
/// let mut parser = json::Raw::new();
/// let mut values = Vec::new();
/// for mut chunk in [&br#"{"id": 1} {"i"#[..], br#"d": [2, 3]}"#] {
///     loop {
///         let progress = parser.feed(chunk);
///         chunk = &chunk[progress.consumed..];
///         let Some(value) = parser.take_output() else { break };
///         values.push(value);
///         parser.next_value();
///     }
///     assert_eq!(parser.error(), None);
/// }
/// assert_eq!(values, [r#"{"id": 1}"#, r#"{"id": [2, 3]}"#].map(Into::into));
/// ```
#[derive(Clone, Debug)]
pub struct Raw(Whole<Machine, Text>);

#[derive(Clone, Debug)]
struct Text;

impl Build for Text {
    type Output = Box<str>;

    fn build(&mut self, text: &str) -> Result<Box<str>, ErrorKind> {
        Ok(text.into())
    }
}

impl Raw {
    /// Creates a parser with the default limits.
    pub fn new() -> Self {
        Self::with_options(Options::new())
    }

    /// Creates a parser with the limits of these options. Their extent is always [`Extent::Value`].
    pub fn with_options(options: Options) -> Self {
        Self(Whole::new(Machine::with_options(options.extent(Extent::Value)), Text))
    }

    /// Limits the bytes of the value.
    #[must_use]
    pub fn max_len(self, bytes: usize) -> Self {
        Self(self.0.max_len(bytes))
    }
}

impl Default for Raw {
    fn default() -> Self {
        Self::new()
    }
}

impl crate::PushParser for Raw {
    type Events = ();
    type Output = Box<str>;
    delegate!(self => self.0);
}
