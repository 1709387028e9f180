//! The record of what was reported after each prefix.

use std::format;
use std::string::String;
use std::vec::Vec;

use super::law::{Breach, Law};
use super::log::Log;
use super::outcome::{Outcome, Prefix};

/// The state of a parser after each prefix of an input, as the first run has shown it that has stopped
/// there. The runs with few cuts come first, so that is mostly the run of the prefix in one chunk.
pub(super) struct Seen(Vec<Option<(Prefix, Cut)>>);

/// The chunks that a prefix came in.
#[derive(Clone, Copy)]
enum Cut {
    OneChunk,
    SeveralChunks,
}

impl Seen {
    pub(super) fn new(len: usize) -> Self {
        Self(std::vec![None; len + 1])
    }

    /// Compares a run with those before at every prefix that both have stopped at.
    pub(super) fn compare(&mut self, found: &Outcome) -> Result<(), Breach> {
        let mut cut = Cut::OneChunk;
        for &prefix in &found.prefixes {
            match self.0[prefix.len] {
                None => self.0[prefix.len] = Some((prefix, cut)),
                Some((expected, _)) if expected == prefix => {}
                Some((expected, cut)) => {
                    let log = found.log.as_ref();
                    let like = match cut {
                        Cut::OneChunk => "as in one chunk",
                        Cut::SeveralChunks => "as for an earlier cutting",
                    };
                    let expected = format!("{}, {like}", describe(expected, log));
                    return Err(Law::Prompt.broken(expected, describe(prefix, log)));
                }
            }
            if prefix.len > 0 {
                cut = Cut::SeveralChunks;
            }
        }
        Ok(())
    }

    /// Returns the lengths of the prefixes after which two parsers differ.
    pub(super) fn differences(&self, other: &Self) -> impl Iterator<Item = usize> {
        let both = self.0.iter().zip(&other.0).filter_map(|(one, other)| one.zip(*other));
        both.filter(|((one, _), (other, _))| one != other).map(|((prefix, _), _)| prefix.len)
    }
}

fn describe(prefix: Prefix, log: Option<&Log>) -> String {
    let Prefix { len, status, has_begun, reported } = prefix;
    let event = log.map_or(String::new(), |log| log.last_at(reported));
    let begun = if has_begun { "begun" } else { "not begun" };
    format!("{status:?} after {len} bytes, {begun}, and {event}")
}
