//! Leaving out a value: [`Skip`].

use super::Depth;
use crate::format::json::Event;

/// Recognises the events of one value, so that they can be left out.
///
/// The parser still checks the value: what is skipped is JSON.
///
/// ```
/// use pushdown::PushParser;
/// use pushdown::json::{Event, Joiner, Machine, Skip};
///
/// let (mut skip, mut keys) = (Skip::nothing(), Joiner::new());
/// let mut numbers = Vec::new();
/// let mut parser = Machine::new();
/// for chunk in [&br#"{"id": 7, "lo"#[..], br#"g": [1, {"id": 2}], "n": 3}"#] {
///     parser.try_feed_with(chunk, |event| {
///         if skip.see(&event) {
///             return Ok(());
///         }
///         match event {
///             Event::Key(piece) => {
///                 if keys.join(piece)? == Some("log") {
///                     skip = Skip::value();
///                 }
///             }
///             Event::Number(piece) => numbers.push(piece.text.to_string()),
///             _ => {}
///         }
///         Ok(())
///     }).1.map_err(|kind: pushdown::ErrorKind| kind.to_string())?;
/// }
/// assert_eq!(numbers, ["7", "3"]);
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skip {
    depth: Depth,
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Before the value.
    Before,
    /// Within the value.
    Inside,
    #[default]
    After,
}

impl Skip {
    /// Skips nothing.
    pub const fn nothing() -> Self {
        Self { depth: Depth::new(), state: State::After }
    }

    /// Skips the next value. After a key that comes in pieces, call it with the last of them.
    pub const fn value() -> Self {
        Self { depth: Depth::new(), state: State::Before }
    }

    /// Takes the next event. Returns true if it belongs to the value that is skipped, and false from
    /// the first event after it. There is no value to skip where an array or an object ends.
    #[inline]
    pub fn see(&mut self, event: &Event<'_>) -> bool {
        self.state != State::After && self.see_value(event)
    }

    fn see_value(&mut self, event: &Event<'_>) -> bool {
        if self.state == State::Before {
            match event {
                Event::Key(_) => return false,
                Event::EndObject | Event::EndArray => {
                    self.state = State::After;
                    return false;
                }
                _ => self.state = State::Inside,
            }
        }
        let more = match event {
            Event::BeginObject | Event::BeginArray => true,
            Event::String(piece) | Event::Number(piece) => piece.more,
            _ => false,
        };
        if self.depth.see(event) == 0 && !more {
            self.state = State::After;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Text;

    fn text(text: &str, more: bool) -> Text<'_> {
        Text { text, more }
    }

    #[test]
    fn a_string_in_pieces_is_skipped_to_its_last() {
        let events = [
            Event::String(text("a", true)),
            Event::String(text("", false)),
            Event::String(text("b", false)),
        ];
        let mut skip = Skip::value();
        assert_eq!(events.map(|event| skip.see(&event)), [true, true, false]);
    }

    #[test]
    fn a_value_within_the_value_does_not_end_it() {
        let events = [
            Event::BeginArray,
            Event::BeginObject,
            Event::Key(text("a", false)),
            Event::Null,
            Event::EndObject,
            Event::Number(text("1", true)),
            Event::Number(text("", false)),
            Event::EndArray,
            Event::Null,
        ];
        let mut skip = Skip::value();
        let mut expected = [true; 9];
        expected[8] = false;
        assert_eq!(events.map(|event| skip.see(&event)), expected);
    }

    #[test]
    fn the_end_of_an_empty_array_leaves_nothing_to_skip() {
        let events = [Event::EndArray, Event::Null];
        let mut skip = Skip::value();
        assert_eq!(events.map(|event| skip.see(&event)), [false, false]);
    }

    #[test]
    fn a_key_before_the_value_is_not_skipped() {
        let events = [Event::Key(text("a", false)), Event::Bool(true), Event::Null];
        let mut skip = Skip::value();
        assert_eq!(events.map(|event| skip.see(&event)), [false, true, false]);
    }
}
