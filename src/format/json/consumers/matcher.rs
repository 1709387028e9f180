//! Where in a document the values at a pattern are.

use alloc::vec::Vec;

use super::Pattern;
use super::pattern::Segment;
use crate::format::json::Event;
use crate::text::Text;

/// Finds the values at a pattern, from events.
///
/// A key is compared as its pieces come, and is not held. Of the arrays and objects around a value only
/// those are held whose paths begin the pattern, the *trail*: never more than the pattern has segments.
#[derive(Clone, Debug)]
pub(super) struct Matcher {
    pattern: Pattern,
    /// The arrays and objects of the trail that are open.
    trail: Vec<Level>,
    /// The number of those open that are not of the trail, all within its last.
    depth: u32,
    open: Open,
}

#[derive(Clone, Copy, Debug)]
enum Level {
    Array {
        /// The index of the next value.
        next: u64,
    },
    Object(Key),
}

/// The comparison of a key with its segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    /// No key has come that has no value yet, or it is another.
    Differs,
    /// The pieces so far are these many bytes of the segment.
    Begins(usize),
    Matches,
}

/// The part of the document that continues in the next event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    No,
    /// A key in pieces.
    Key,
    /// A text in pieces, which is not a value at the pattern.
    Other,
    /// A value at the pattern.
    Match,
}

/// The relation of an event to the values at the pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// It belongs to none.
    Outside,
    /// It belongs to one, and is not its last.
    Inside,
    /// It is the last of one, perhaps also the first.
    Last,
}

impl Matcher {
    pub(super) fn new(pattern: Pattern) -> Self {
        let trail = Vec::with_capacity(pattern.segments().len());
        Self { pattern, trail, depth: 0, open: Open::No }
    }

    pub(super) fn reset(&mut self) {
        self.trail.clear();
        self.depth = 0;
        self.open = Open::No;
    }

    /// Returns true if a value that began now would be at the pattern, and none has begun.
    pub(super) fn awaits(&self) -> bool {
        let is_deep_enough = self.trail.len() == self.pattern.segments().len();
        self.depth == 0 && self.open == Open::No && is_deep_enough && self.names()
    }

    #[inline]
    pub(super) fn see(&mut self, event: &Event<'_>) -> Seen {
        if self.depth > 0 { self.see_below(event) } else { self.see_on_trail(event) }
    }

    /// Takes an event below the trail: most of them, so this is the fast path.
    #[inline]
    fn see_below(&mut self, event: &Event<'_>) -> Seen {
        match event {
            Event::BeginObject | Event::BeginArray => self.depth = self.depth.saturating_add(1),
            Event::EndObject | Event::EndArray => self.depth -= 1,
            _ => {}
        }
        match self.open {
            Open::Match if self.depth == 0 => {
                self.open = Open::No;
                Seen::Last
            }
            Open::Match => Seen::Inside,
            _ => Seen::Outside,
        }
    }

    #[inline(never)]
    fn see_on_trail(&mut self, event: &Event<'_>) -> Seen {
        match event {
            Event::Key(piece) => {
                self.compare(*piece);
                Seen::Outside
            }
            Event::BeginObject => self.begin(Level::Object(Key::Differs)),
            Event::BeginArray => self.begin(Level::Array { next: 0 }),
            Event::EndObject | Event::EndArray => {
                self.trail.pop();
                Seen::Outside
            }
            Event::String(piece) | Event::Number(piece) => self.scalar(piece.more),
            Event::Bool(_) | Event::Null => self.scalar(false),
        }
    }

    fn begin(&mut self, level: Level) -> Seen {
        let matches = self.awaits();
        let names = self.names();
        self.pass();
        if names && !matches {
            self.trail.push(level);
            return Seen::Outside;
        }
        self.depth = 1;
        if matches {
            self.open = Open::Match;
            return Seen::Inside;
        }
        Seen::Outside
    }

    fn scalar(&mut self, more: bool) -> Seen {
        if self.open == Open::No {
            let matches = self.awaits();
            self.pass();
            self.open = if matches { Open::Match } else { Open::Other };
        }
        let seen = match (self.open, more) {
            (Open::Match, true) => Seen::Inside,
            (Open::Match, false) => Seen::Last,
            _ => Seen::Outside,
        };
        if !more {
            self.open = Open::No;
        }
        seen
    }

    /// Compares a key of the last object of the trail.
    fn compare(&mut self, piece: Text<'_>) {
        let (open, segment) = (self.open, self.segment());
        let before = match self.trail.last() {
            Some(Level::Object(Key::Begins(len))) if open == Open::Key => Some(*len),
            Some(Level::Object(_)) if open == Open::Key => None,
            _ => Some(0),
        };
        let key = match (segment, before) {
            (Some(Segment::Any), _) => Key::Matches,
            (Some(Segment::Name { key, .. }), Some(before)) => {
                let len = before + piece.text.len();
                if !key[before..].starts_with(piece.text) {
                    Key::Differs
                } else if piece.more {
                    Key::Begins(len)
                } else if len == key.len() {
                    Key::Matches
                } else {
                    Key::Differs
                }
            }
            _ => Key::Differs,
        };
        if let Some(Level::Object(of)) = self.trail.last_mut() {
            *of = key;
        }
        self.open = if piece.more { Open::Key } else { Open::No };
    }

    /// The segment that names the values of the last level of the trail.
    fn segment(&self) -> Option<&Segment> {
        self.trail.len().checked_sub(1).and_then(|last| self.pattern.segments().get(last))
    }

    /// Returns true if the path of the next value in the last level of the trail begins the pattern.
    fn names(&self) -> bool {
        match self.trail.last() {
            None => true,
            Some(Level::Object(key)) => *key == Key::Matches,
            Some(Level::Array { next }) => {
                self.segment().is_some_and(|segment| segment.matches_index(*next))
            }
        }
    }

    /// Passes the next value in the last level of the trail.
    fn pass(&mut self) {
        match self.trail.last_mut() {
            None => {}
            Some(Level::Object(key)) => *key = Key::Differs,
            Some(Level::Array { next }) => *next = next.saturating_add(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;

    use proptest::prelude::*;

    use super::super::Path;
    use super::*;
    use crate::PushParser;
    use crate::format::json::Machine;

    /// Documents with few keys, of which one begins another.
    fn document() -> impl Strategy<Value = String> {
        let key = prop_oneof![Just("a"), Just("ab"), Just(""), Just("0"), Just("1")];
        let scalar = prop_oneof![Just("1"), Just("\"text\""), Just("null")];
        scalar.prop_map(String::from).prop_recursive(5, 40, 4, move |value| {
            let member =
                (key.clone(), value.clone()).prop_map(|(key, value)| format!("{key:?}:{value}"));
            prop_oneof![
                prop::collection::vec(value, 0..4)
                    .prop_map(|values| format!("[{}]", values.join(","))),
                prop::collection::vec(member, 0..4)
                    .prop_map(|members| format!("{{{}}}", members.join(","))),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_matcher_and_the_path_find_the_same_values(
            document in document(),
            pattern in "(/(\\*|\\*|a|ab|0|1|)){0,4}",
            len in 1..8_usize,
        ) {
            let pattern = Pattern::new(&pattern).unwrap();
            let (mut matcher, mut path) = (Matcher::new(pattern.clone()), Path::new());
            // The depth of the path of the value that has begun.
            let mut inside = None;
            let (mut seen, mut expected) = (Vec::new(), Vec::new());
            let mut parser = Machine::new();
            for chunk in document.as_bytes().chunks(len) {
                let _ = parser.feed_with(chunk, |event| {
                    path.see(&event);
                    seen.push(matcher.see(&event));
                    if inside.is_none() && !matches!(event, Event::Key(_)) && path.matches(&pattern) {
                        let ends = matches!(event, Event::EndArray | Event::EndObject);
                        inside = (!ends).then(|| path.depth());
                    }
                    expected.push(match (inside, event) {
                        (None, _) => Seen::Outside,
                        (Some(_), Event::BeginArray | Event::BeginObject | Event::Key(_)) => Seen::Inside,
                        (Some(_), Event::String(piece) | Event::Number(piece)) if piece.more => Seen::Inside,
                        (Some(depth), _) if depth < path.depth() => Seen::Inside,
                        _ => Seen::Last,
                    });
                    if expected.last() == Some(&Seen::Last) {
                        inside = None;
                    }
                });
            }
            prop_assert_eq!(seen, expected);
        }
    }
}
