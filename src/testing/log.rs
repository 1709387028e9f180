//! The events of a run, recorded in a form that does not depend on the cuts.

use core::fmt;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use super::excerpt::excerpt;

/// The events of one run.
///
/// The pieces of a text depend on the chunks, so adjacent ones are joined.
///
/// ```
/// use pushdown::testing::Log;
///
/// let mut whole = Log::default();
/// whole.event("list");
/// whole.text(b"one");
///
/// let mut cut = Log::default();
/// cut.event("list");
/// cut.text(b"o");
/// cut.text(b"ne");
/// assert_eq!(whole, cut);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Log {
    entries: Vec<Entry>,
    /// Set if a piece of a text was empty.
    pub(super) empty_text: bool,
    /// Events reported by the parser, before texts are joined.
    pub(super) events: u64,
}

/// The length of a log. Of two logs of one input, the one that was written longer has the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Extent {
    entries: usize,
    /// The length of the last entry, if it is a text.
    text: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    Text(&'static str, Vec<u8>),
    Event(String),
}

impl Log {
    /// Records an event that is a piece of a text. An empty piece breaks
    /// [`Law::EmptyText`](super::Law::EmptyText).
    pub fn text(&mut self, piece: &[u8]) {
        self.text_of("text", piece);
    }

    /// Like [`text`](Self::text), for formats with texts of several kinds: only pieces of the same
    /// kind are joined.
    pub fn text_of(&mut self, kind: &'static str, piece: &[u8]) {
        self.empty_text |= piece.is_empty();
        match self.entries.last_mut() {
            Some(Entry::Text(last, text)) if *last == kind => text.extend(piece),
            _ => self.entries.push(Entry::Text(kind, piece.to_vec())),
        }
    }

    /// Records an event that is reported whole. Use [`format_args!`] for values of several fields.
    pub fn event(&mut self, event: impl fmt::Display) {
        self.entries.push(Entry::Event(event.to_string()));
    }

    pub(super) fn extent(&self) -> Extent {
        let text = match self.entries.last() {
            Some(Entry::Text(_, text)) => text.len(),
            _ => 0,
        };
        Extent { entries: self.entries.len(), text }
    }

    /// Describes the last entry of the part of the log that ends at `extent`.
    pub(super) fn last_at(&self, extent: Extent) -> String {
        let Some(index) = extent.entries.checked_sub(1) else {
            return "no event".into();
        };
        match self.entries.get(index) {
            Some(Entry::Text(kind, text)) => {
                let len = extent.text.min(text.len());
                format!("event {index}: {kind} {}", excerpt(&text[..len], len))
            }
            Some(Entry::Event(event)) => format!("event {index}: {event}"),
            None => format!("event {index}"),
        }
    }

    /// Returns the entries of this log and another at the first difference.
    pub(super) fn difference(&self, other: &Self) -> Option<(String, String)> {
        let same = self.entries.iter().zip(&other.entries);
        let index = same.take_while(|(one, other)| one == other).count();
        let (one, other) = (self.entries.get(index), other.entries.get(index));
        let at = match (one, other) {
            (None, None) => return None,
            (Some(Entry::Text(_, one)), Some(Entry::Text(_, other))) => {
                let same = one.iter().zip(other);
                same.take_while(|(one, other)| one == other).count()
            }
            _ => 0,
        };
        let describe = |entry: Option<&Entry>| match entry {
            None => format!("no event {index}"),
            Some(Entry::Text(kind, text)) => {
                format!("event {index}: {kind} {}", excerpt(text, at))
            }
            Some(Entry::Event(event)) => format!("event {index}: {event}"),
        };
        Some((describe(one), describe(other)))
    }
}

impl PartialEq for Log {
    fn eq(&self, other: &Self) -> bool {
        self.entries == other.entries
    }
}

impl Eq for Log {}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(write: impl FnOnce(&mut Log)) -> Log {
        let mut log = Log::default();
        write(&mut log);
        log
    }

    #[test]
    fn texts_of_two_kinds_are_not_joined() {
        let apart = log(|log| {
            log.text_of("key", b"a");
            log.text_of("value", b"b");
        });
        assert_ne!(apart, log(|log| log.text_of("key", b"ab")));
        assert_ne!(apart, log(|log| log.text_of("value", b"ab")));
    }

    #[test]
    fn the_first_difference_of_two_logs_is_shown() {
        let short = log(|log| log.text(b"ab"));
        let long = log(|log| {
            log.text(b"ab");
            log.event("end");
        });
        assert_eq!(short.difference(&short), None);
        let difference = ("no event 1".into(), "event 1: end".into());
        assert_eq!(short.difference(&long), Some(difference));
    }
}
