//! What a parser has reported, written down so that it does not depend on the cuts.

use core::fmt;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use super::violation::excerpt;

/// The events of one run.
///
/// Where a text is cut into events depends on the chunks, so parts of a text that follow each other
/// are joined.
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
    /// Whether a part was empty.
    pub(super) empty_text: bool,
    /// How many events the parser has reported, whatever became of them here.
    pub(super) events: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    Text(&'static str, Vec<u8>),
    Event(String),
}

impl Log {
    /// Writes down an event that is a part of a text. A part that is empty breaks the contract.
    pub fn text(&mut self, part: &[u8]) {
        self.text_of("text", part);
    }

    /// Like [`text`](Self::text), for formats with texts of several kinds: only parts of the same
    /// kind are joined.
    pub fn text_of(&mut self, kind: &'static str, part: &[u8]) {
        self.empty_text |= part.is_empty();
        match self.entries.last_mut() {
            Some(Entry::Text(last, text)) if *last == kind => text.extend(part),
            _ => self.entries.push(Entry::Text(kind, part.to_vec())),
        }
    }

    /// Writes down an event that is reported whole. [`format_args!`] makes it of anything.
    pub fn event(&mut self, event: impl fmt::Display) {
        self.entries.push(Entry::Event(event.to_string()));
    }

    /// What this log and another one say where they first differ.
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
    fn a_difference_is_shown_where_two_logs_part() {
        let short = log(|log| log.text(b"ab"));
        let long = log(|log| {
            log.text(b"ab");
            log.event("end");
        });
        assert_eq!(short.difference(&short), None);
        let parted = ("no event 1".into(), "event 1: end".into());
        assert_eq!(short.difference(&long), Some(parted));
    }
}
