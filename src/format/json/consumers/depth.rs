//! The depth of events: [`Depth`].

use crate::format::json::Event;

/// Counts the arrays and objects around each event.
///
/// ```
/// use pushdown::{PushParser, json};
///
/// let (mut depth, mut depths) = (json::Depth::new(), Vec::new());
/// let mut parser = json::Machine::new();
/// let _ = parser.feed_with(b"[null, [[]]]", |event| depths.push(depth.see(&event)));
/// assert_eq!(depths, [0, 1, 1, 2, 2, 1, 0]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth(u32);

impl Depth {
    /// Starts outside of any value.
    pub const fn new() -> Self {
        Self(0)
    }

    /// Takes the next event, and returns the number of arrays and objects around it. A bracket is not
    /// within the value that it opens or closes, so both of a pair have the same depth.
    #[inline]
    pub fn see(&mut self, event: &Event<'_>) -> u32 {
        match event {
            Event::BeginObject | Event::BeginArray => {
                let depth = self.0;
                self.0 = depth.saturating_add(1);
                depth
            }
            Event::EndObject | Event::EndArray => {
                self.0 = self.0.saturating_sub(1);
                self.0
            }
            _ => self.0,
        }
    }
}
