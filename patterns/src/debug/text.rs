//! A dump as text: the format that the documentation of the module states.

use core::fmt::{self, Write};
use core::time::Duration;
use std::string::String;

use super::{Dump, Group};

/// The totals, and then one group per line.
impl fmt::Display for Dump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", Total(self.waiting(), self.running()))?;
        self.groups().iter().try_for_each(|group| writeln!(f, "{group}"))
    }
}

/// The number of waiters and that of tasks.
pub(super) struct Total(pub(super) usize, pub(super) usize);

impl fmt::Display for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(waiting, running) = self;
        write!(f, "{waiting} waiting")?;
        if *running > 0 { write!(f, ", {running} running") } else { Ok(()) }
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ", self.count, self.pattern)?;
        if let Some(system) = self.system_label() {
            write!(f, "{system} ")?;
        }
        write!(f, "{}: {} for {}", self.name, self.reason(), self.times())?;
        self.line().map_or(Ok(()), |line| write!(f, ", {line}"))
    }
}

/// The parts of a group that text and page have in common.
impl Group {
    /// Returns the name of the system, or its number.
    pub(super) fn system_label(&self) -> Option<String> {
        self.system.as_ref().map(|system| match system {
            super::Peer::Number(number) => format!("#{number}"),
            super::Peer::Name(name) => plain(name),
        })
    }

    /// Returns what it waits for, and at which peer.
    pub(super) fn reason(&self) -> String {
        let mut reason = match self.waits_for {
            Some(what) => format!("waits for {what}"),
            None => "runs".into(),
        };
        if let Some(peer) = &self.peer {
            let kind = self.peer_kind.map(|kind| format!("{kind} ")).unwrap_or_default();
            reason += &format!(" at {kind}{}", plain(&peer.to_string()));
        }
        reason
    }

    /// Returns the shortest and the longest time, or one of them if they look the same.
    pub(super) fn times(&self) -> String {
        let (shortest, longest) = (rounded(self.shortest), rounded(self.longest));
        if longest == shortest { shortest } else { format!("{shortest} to {longest}") }
    }

    /// Returns the file and the line of the call.
    pub(super) fn line(&self) -> Option<String> {
        self.location.map(|location| format!("{}:{}", location.file(), location.line()))
    }
}

/// Escapes control characters: a line break in a name would look like another group, and a terminal
/// would carry out the rest.
fn plain(name: &str) -> String {
    let mut plain = String::with_capacity(name.len());
    for character in name.chars() {
        if character.is_control() {
            let _ = write!(plain, "{}", character.escape_default());
        } else {
            plain.push(character);
        }
    }
    plain
}

/// Returns a time as text, with one decimal place and a space before its unit.
fn rounded(time: Duration) -> String {
    let text = format!("{time:.1?}");
    let unit = text.find(|digit: char| digit != '.' && !digit.is_ascii_digit());
    let (number, unit) = text.split_at(unit.unwrap_or(text.len()));
    format!("{number} {unit}")
}
