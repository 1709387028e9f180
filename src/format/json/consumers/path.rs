//! The path of events: [`Path`].

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write};
use core::iter;

use super::Pattern;
use super::pattern::Segment;
use crate::format::json::Event;
use crate::text::Text;

/// The bytes that the keys of a path may have together.
const DEFAULT_MAX_KEYS: usize = 64 << 10;

/// Keeps the path from the top of the document to the value that is being reported.
///
/// ```
/// use pushdown::PushParser;
/// use pushdown::json::{Event, Machine, Path, Pattern};
///
/// let name = Pattern::new("/users/*/name")?;
/// let (mut path, mut paths, mut nulls) = (Path::new(), Vec::new(), Vec::new());
/// let _ = Machine::new().feed_with(br#"{"users": [true, {"name": null}]}"#, |event| {
///     path.see(&event);
///     paths.push(path.to_string());
///     if path.matches(&name) && event == Event::Null {
///         nulls.push(path.to_string());
///     }
/// });
/// assert_eq!(paths, [
///     "", "/users", "/users", "/users/0", "/users/1", "/users/1/name", "/users/1/name",
///     "/users/1", "/users", "",
/// ]);
/// assert_eq!(nulls, ["/users/1/name"]);
/// # Ok::<(), pushdown::Error>(())
/// ```
///
/// # Limits
/// The keys of a path are held up to 64 KiB together, or as [`max_keys`](Self::max_keys) says. A key that
/// goes beyond is not held: only `*` matches it, and it is displayed as `…`. Each array and each object
/// around a value takes some memory, which the parser's limit of depth bounds.
#[derive(Clone, Debug)]
pub struct Path {
    levels: Vec<Level>,
    /// The keys of the path, one after the other.
    keys: String,
    open: Open,
    max_keys: usize,
}

/// An array or an object, and the segment that names its value which is being reported.
#[derive(Clone, Copy, Debug)]
enum Level {
    /// The index; `None` before the first value.
    Array(Option<u64>),
    /// The key, which begins at `start` of the keys.
    Object { start: usize, key: Key },
}

#[derive(Clone, Copy, Debug)]
enum Key {
    /// Before the first key.
    None,
    /// Ends here.
    Held(usize),
    /// Was too long to be held.
    Lost,
}

/// The text that goes on in the next event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    No,
    Key,
    Value,
}

/// A segment of the path.
enum Found<'a> {
    Index(u64),
    Key(&'a str),
    Lost,
}

impl Path {
    /// Starts outside of any value.
    pub const fn new() -> Self {
        Self { levels: Vec::new(), keys: String::new(), open: Open::No, max_keys: DEFAULT_MAX_KEYS }
    }

    /// Limits the bytes of the keys of a path, together.
    #[must_use]
    pub fn max_keys(self, bytes: usize) -> Self {
        Self { max_keys: bytes, ..self }
    }

    /// Takes the next event. The path is then that of its value: of the array or the object that it begins
    /// or ends, of the value that a key names, or of a text, whole or not.
    pub fn see(&mut self, event: &Event<'_>) {
        match event {
            Event::Key(piece) => self.name(*piece),
            Event::BeginObject => {
                self.count();
                self.levels.push(Level::Object { start: self.keys.len(), key: Key::None });
            }
            Event::BeginArray => {
                self.count();
                self.levels.push(Level::Array(None));
            }
            Event::EndObject | Event::EndArray => {
                if let Some(Level::Object { start, .. }) = self.levels.pop() {
                    self.keys.truncate(start);
                }
            }
            Event::String(piece) | Event::Number(piece) => {
                if self.open == Open::No {
                    self.count();
                }
                self.open = if piece.more { Open::Value } else { Open::No };
            }
            Event::Bool(_) | Event::Null => self.count(),
        }
    }

    /// The number of keys and indices in the path.
    pub fn depth(&self) -> usize {
        let unnamed = matches!(
            self.levels.last(),
            Some(Level::Array(None) | Level::Object { key: Key::None, .. })
        );
        self.levels.len() - usize::from(unnamed)
    }

    /// Returns true if the path matches the pattern. While a key is not whole, the path of what it names
    /// matches nothing.
    pub fn matches(&self, pattern: &Pattern) -> bool {
        self.open != Open::Key
            && self.depth() == pattern.segments().len()
            && iter::zip(self.found(), pattern.segments()).all(|(found, segment)| match found {
                Found::Index(index) => segment.matches_index(index),
                Found::Key(key) => segment.matches_key(key),
                Found::Lost => *segment == Segment::Any,
            })
    }

    /// Forgets a document whose end will not come, because its parser has failed.
    pub fn clear(&mut self) {
        self.levels.clear();
        self.keys.clear();
        self.open = Open::No;
    }

    /// Begins a value: the next of an array, or that of the last key.
    fn count(&mut self) {
        if let Some(Level::Array(index)) = self.levels.last_mut() {
            *index = Some(index.map_or(0, |index| index.saturating_add(1)));
        }
    }

    fn name(&mut self, piece: Text<'_>) {
        if let Some(Level::Object { start, key }) = self.levels.last_mut() {
            if self.open == Open::No {
                self.keys.truncate(*start);
                *key = Key::Held(*start);
            }
            if matches!(key, Key::Held(_)) {
                if piece.text.len() <= self.max_keys.saturating_sub(self.keys.len()) {
                    self.keys.push_str(piece.text);
                    *key = Key::Held(self.keys.len());
                } else {
                    self.keys.truncate(*start);
                    *key = Key::Lost;
                }
            }
        }
        self.open = if piece.more { Open::Key } else { Open::No };
    }

    fn found(&self) -> impl Iterator<Item = Found<'_>> {
        self.levels.iter().filter_map(|level| match *level {
            Level::Array(index) => index.map(Found::Index),
            Level::Object { key: Key::None, .. } => None,
            Level::Object { start, key: Key::Held(end) } => {
                Some(Found::Key(&self.keys[start..end]))
            }
            Level::Object { key: Key::Lost, .. } => Some(Found::Lost),
        })
    }
}

impl Default for Path {
    fn default() -> Self {
        Self::new()
    }
}

/// Writes the path as a JSON Pointer (RFC 6901).
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for found in self.found() {
            f.write_char('/')?;
            match found {
                Found::Index(index) => write!(f, "{index}")?,
                Found::Lost => f.write_char('…')?,
                Found::Key(key) => {
                    for c in key.chars() {
                        match c {
                            '~' => f.write_str("~0")?,
                            '/' => f.write_str("~1")?,
                            c => f.write_char(c)?,
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    fn key(text: &str, more: bool) -> Event<'_> {
        Event::Key(Text { text, more })
    }

    fn seen<'e>(path: &mut Path, events: impl IntoIterator<Item = Event<'e>>) -> String {
        for event in events {
            path.see(&event);
        }
        path.to_string()
    }

    #[test]
    fn a_string_in_pieces_is_one_value() {
        let piece = |text, more| Event::String(Text { text, more });
        let mut path = Path::new();
        seen(&mut path, [Event::BeginArray, piece("a", true), piece("b", true)]);
        assert_eq!(seen(&mut path, [piece("", false)]), "/0");
        assert_eq!(seen(&mut path, [piece("c", false)]), "/1");
    }

    #[test]
    fn a_key_that_is_not_whole_matches_nothing() {
        let (any, a) = (Pattern::new("/*").unwrap(), Pattern::new("/a").unwrap());
        let mut path = Path::new();
        seen(&mut path, [Event::BeginObject, key("a", true)]);
        assert!(!path.matches(&any) && !path.matches(&a));
        seen(&mut path, [key("", false)]);
        assert!(path.matches(&any) && path.matches(&a));
    }

    #[test]
    fn the_next_key_replaces_the_last_and_what_is_below_it() {
        let mut path = Path::new();
        let below = [Event::BeginObject, key("long name", false), Event::Null, Event::EndObject];
        seen(&mut path, [Event::BeginObject, key("a", false)]);
        assert_eq!(seen(&mut path, below), "/a");
        assert_eq!(seen(&mut path, [key("b", false)]), "/b");
        assert_eq!(seen(&mut path, [Event::Null, Event::EndObject]), "");
        assert_eq!(path.keys, "");
    }

    #[test]
    fn keys_are_displayed_as_in_a_json_pointer() {
        let mut path = Path::new();
        assert_eq!(seen(&mut path, [Event::BeginObject, key("~/*", false)]), "/~0~1*");
        assert_eq!(seen(&mut path, [Event::BeginObject, key("", false)]), "/~0~1*/");
        assert_eq!(path.depth(), 2);
    }

    #[test]
    fn a_key_too_long_to_be_held_matches_the_star_alone() {
        let (any, a) = (Pattern::new("/*").unwrap(), Pattern::new("/abcd").unwrap());
        for pieces in [&["abcd"][..], &["ab", "cd"], &["abcd", ""]] {
            let mut path = Path::new().max_keys(3);
            seen(&mut path, [Event::BeginObject, key("abc", false)]);
            assert_eq!(path.to_string(), "/abc");
            let last = pieces.len() - 1;
            for (at, piece) in pieces.iter().enumerate() {
                path.see(&key(piece, at < last));
            }
            assert_eq!(path.to_string(), "/…", "{pieces:?}");
            assert!(path.matches(&any) && !path.matches(&a), "{pieces:?}");
            // It takes no room from those below it.
            assert_eq!(seen(&mut path, [Event::BeginObject, key("xyz", false)]), "/…/xyz");
            assert_eq!(seen(&mut path, [Event::Null, Event::EndObject, key("x", false)]), "/x");
        }
    }

    #[test]
    fn a_cleared_path_begins_a_new_document() {
        let mut path = Path::new();
        seen(&mut path, [Event::BeginObject, key("a", true)]);
        path.clear();
        assert_eq!(seen(&mut path, [Event::BeginArray, Event::Null]), "/0");
    }
}
