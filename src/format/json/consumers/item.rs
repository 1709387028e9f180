//! A value taken out of a document.

use crate::parser::Events;

/// The events of [`Items`](super::Items).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selected {}

impl Events for Selected {
    type Event<'a> = Item<'a>;
}

/// A value at the pattern of [`Items`](super::Items).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item<'a> {
    pub(super) text: &'a str,
    pub(super) offset: u64,
}

impl<'a> Item<'a> {
    /// The value as it is written, without the white space around it.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The offset of its first byte in the input.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Reads the value with serde. The type may borrow from it.
    ///
    /// ```
    /// use pushdown::PushParser;
    /// use pushdown::json::{Items, Machine, Options, Pattern};
    ///
    /// let parser = Machine::located(Options::new());
    /// let mut items = Items::new(parser, Pattern::new("/*")?);
    /// let mut pairs = Vec::new();
    /// let _ = items.feed_with(b"[[1, 2], [3, 4]]", |item| pairs.push(item.parse::<(u8, u8)>()));
    /// let pairs = pairs.into_iter().collect::<Result<Vec<_>, _>>()?;
    /// assert_eq!(pairs, [(1, 2), (3, 4)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the value does not fit the type, or is nested more than 127 levels deep, the limit of serde_json.
    /// Line and column count from the value's first byte.
    #[cfg(feature = "serde")]
    pub fn parse<T: serde_core::Deserialize<'a>>(&self) -> serde_json::Result<T> {
        serde_json::from_str(self.text)
    }
}
