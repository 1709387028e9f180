//! Where the parsers of a thread wait: a list in the manner of Go's goroutine dump.
//!
//! A parser that waits for more input stands at a line of its body. [`dump`] lists the live parsers that
//! were last fed on the calling thread, in groups of those that wait at the same place, the largest group
//! first.
//!
//! ```
//! use pushdown::engine::stackless::{Input, Parser};
//! use pushdown::{Failure, PushParser, debug};
//!
//! async fn greeting(input: &mut Input<'_>) -> Result<(), Failure> {
//!     input.expect_all(b"hello ").await?;
//!     input.skip_until([b'\n']).await?; // three parsers wait here
//!     Ok(())
//! }
//!
//! let mut parsers: Vec<_> = (0..4).map(|_| Parser::new(greeting)).collect();
//! for (parser, received) in parsers.iter_mut().zip(["hello w", "hello wor", "hel", "hello "]) {
//!     let _ = parser.feed(received.as_bytes());
//! }
//! println!("{}", debug::dump());
//! // 4 waiting
//! // 3 stackless parser: waits for input, src/main.rs:6
//! // 1 stackless parser: waits for input, src/main.rs:5
//! # let counts: Vec<_> = debug::dump().groups().iter().map(|group| group.count).collect();
//! # assert_eq!(counts, [3, 1]);
//! ```
//!
//! | engine | shows | costs, with this feature |
//! |---|---|---|
//! | `stackless`, `generator` | the line of the read that waits | an allocation per parser and, for each call of `feed`, the update of its entry |
//! | `coroutine` | its whole stack, and the line of the read | an allocation per parser; a stack is looked at when it is asked for |
//! | `machine` | its state, by `Debug` of the parser. It is a plain value and has no entry in the list | nothing |
//!
//! The format is that of `pushdown_patterns::debug`, which lists tasks, but without times: no clock is read
//! for a parser.
//!
//! ```text
//! COUNT waiting
//! COUNT ENGINE parser: waits for input[, FILE:LINE]
//!     FUNCTION[, FILE:LINE:COLUMN]
//! ```
//!
//! A parser that is running is not listed, nor one between two values. A parser that has moved to another
//! thread is listed where it was fed last. One parser alone is asked by `waits_at` or `backtrace` of its
//! engine, and any by its `Debug`.
//!
//! The line of a read is always there. A stack has the names and lines that the program's symbols and
//! debug information have: `debug = "line-tables-only"` in the profile is enough.

#[cfg(feature = "coroutine")]
mod backtrace;
mod list;
mod stack;

use core::cmp::Reverse;
use core::fmt;
use core::panic::Location;
use std::collections::BTreeMap;
use std::vec::Vec;

use list::Place;

#[cfg(feature = "coroutine")]
pub(crate) use list::add_coroutine;
pub(crate) use list::{Entry, Site};
pub use stack::{Call, Stack};

/// Parsers of one engine that wait at the same place.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Group {
    /// The engine: `stackless`, for example.
    pub engine: &'static str,
    /// The line of the body that waits. `None` for a coroutine, which has a stack.
    pub location: Option<&'static Location<'static>>,
    /// The calls on the stack of a coroutine.
    pub stack: Option<Stack>,
    /// Their number.
    pub count: usize,
}

/// A line, and one more, indented, for each call on the stack of a coroutine.
impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} parser: waits for input", self.count, self.engine)?;
        if let Some(location) = self.location {
            write!(f, ", {}:{}", location.file(), location.line())?;
        }
        for call in self.stack.iter().flat_map(Stack::calls) {
            write!(f, "\n    {call}")?;
        }
        Ok(())
    }
}

/// All groups, the largest first.
#[derive(Clone, Debug)]
pub struct Dump {
    groups: Vec<Group>,
}

impl Dump {
    /// Returns the groups, the largest first.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }
}

/// The number of parsers that wait, and then the groups.
impl fmt::Display for Dump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting: usize = self.groups.iter().map(|group| group.count).sum();
        writeln!(f, "{waiting} waiting")?;
        self.groups.iter().try_for_each(|group| writeln!(f, "{group}"))
    }
}

/// Adds where a parser waits to what its `Debug` prints.
pub(crate) fn add_field(parser: &mut fmt::DebugStruct<'_, '_>, at: Option<impl fmt::Display>) {
    if let Some(at) = at {
        parser.field("waits_at", &format_args!("{at}"));
    }
}

/// Lists the parsers that were last fed on this thread and wait for more input.
///
/// Takes time in proportion to their number, and a backtrace, some 0.1 ms, for each coroutine.
pub fn dump() -> Dump {
    let mut counts = BTreeMap::new();
    list::visit(|place| *counts.entry(place).or_default() += 1);
    let group = |(place, count)| match place {
        Place::Read(engine, location) => {
            Group { engine, location: Some(location), stack: None, count }
        }
        Place::Stack(stack) => {
            Group { engine: "coroutine", location: None, stack: Some(stack), count }
        }
    };
    let mut groups: Vec<_> = counts.into_iter().map(group).collect();
    groups.sort_by_key(|group| Reverse(group.count));
    Dump { groups }
}
