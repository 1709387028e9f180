//! A list of what waits, and for what: the counterpart of Go's dump of all goroutines.
//!
//! Every caller that waits in a pattern, and every task or thread that a pattern runs, is registered
//! with what it waits for, at which peer, since when, and by which line of user code. [`dump`] lists
//! them in groups of equals, the largest first. It needs no runtime and asks no task, so it answers even
//! while all of them are stuck.
//!
//! ```
//! use std::time::Duration;
//! use pushdown_patterns::debug;
//! use pushdown_patterns::pubsub::{Policy, mutex::Server};
//!
//! let server = Server::<str>::new().named("events");
//! let stuck = server.subscribe(Policy::block(1, Duration::MAX)).unwrap();
//! server.blocking_publish("one").unwrap();
//! let publisher = std::thread::spawn({
//!     let server = server.clone();
//!     move || server.blocking_publish("two")
//! });
//! let is_stuck = |group: &debug::Group| (group.pattern, group.name) == ("pubsub", "publish");
//! while !debug::dump().groups().iter().any(is_stuck) {
//!     std::thread::yield_now();
//! }
//! println!("{}", debug::dump());
//! // 1 waiting
//! // 1 pubsub events publish: waits for room at subscriber 1 for 52.1 µs, src/main.rs:10
//! # drop(stuck);
//! # publisher.join().unwrap().unwrap();
//! ```
//!
//! The reason and the peer are current also where a caller is not polled when they change: a call of a
//! multiplexer that was queued waits for a reply once its request is written, and a publisher for
//! whichever subscriber has no room.
//!
//! A wait that does not park costs nothing. One that does costs two visits to a table and one reading
//! of the clock. Without the feature `debug` nothing is registered. `examples/debug_http.rs` serves the
//! list over HTTP and prints it on Ctrl-\.

use core::fmt;
use core::panic::Location;
use core::time::Duration;
use std::collections::BTreeMap;
use std::string::String;
use std::time::Instant;
use std::vec::Vec;

pub use crate::waits::Peer;
use crate::waits::{self, Row, Why};

/// Waiters, tasks or threads that do the same, like goroutines with the same stack.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Group {
    /// The pattern: `pubsub`, for example.
    pub pattern: &'static str,
    /// The function that was called, or the task: `publish` or `owner`, for example.
    pub name: &'static str,
    /// The client, server, run or connection that they belong to.
    pub system: Option<Peer>,
    /// The thing they wait for. `None` for tasks and threads that a pattern runs: while they wait, they are
    /// in another group as well.
    pub waits_for: Option<&'static str>,
    /// The peer that they wait for, or run at.
    pub peer: Option<Peer>,
    /// The word for that peer: `server`, for example.
    pub peer_kind: Option<&'static str>,
    /// The line of user code that called the function.
    pub location: Option<&'static Location<'static>>,
    /// Their number.
    pub count: usize,
    /// Time for which the first of them has been waiting or running.
    pub longest: Duration,
    /// Time for which the last of them has been waiting or running.
    pub shortest: Duration,
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { count, pattern, .. } = self;
        match &self.system {
            None => write!(f, "{count} {pattern} ")?,
            Some(Peer::Number(number)) => write!(f, "{count} {pattern} #{number} ")?,
            Some(Peer::Name(name)) => write!(f, "{count} {pattern} {name} ")?,
        }
        write!(f, "{}: ", self.name)?;
        match self.waits_for {
            Some(what) => write!(f, "waits for {what}")?,
            None => f.write_str("runs")?,
        }
        if let Some(peer) = &self.peer {
            let kind = self.peer_kind.into_iter().flat_map(|kind| [" ", kind]);
            write!(f, " at{} {peer}", kind.collect::<String>())?;
        }
        let (shortest, longest) = (rounded(self.shortest), rounded(self.longest));
        write!(f, " for {shortest}")?;
        if longest != shortest {
            write!(f, " to {longest}")?;
        }
        match self.location {
            Some(location) => write!(f, ", {}:{}", location.file(), location.line()),
            None => Ok(()),
        }
    }
}

/// Returns a time as text, with one decimal place and a space before its unit.
fn rounded(time: Duration) -> String {
    let text = format!("{time:.1?}");
    let unit = text.find(|digit: char| digit != '.' && !digit.is_ascii_digit());
    let (number, unit) = text.split_at(unit.unwrap_or(text.len()));
    format!("{number} {unit}")
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

/// The number of waiters and that of tasks, and then one group per line.
impl fmt::Display for Dump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sum = |waits: bool| -> usize {
            let groups = self.groups.iter().filter(|group| group.waits_for.is_some() == waits);
            groups.map(|group| group.count).sum()
        };
        match sum(false) {
            0 => writeln!(f, "{} waiting", sum(true))?,
            running => writeln!(f, "{} waiting, {running} running", sum(true))?,
        }
        self.groups.iter().try_for_each(|group| writeln!(f, "{group}"))
    }
}

/// Lists everything that waits in the patterns of this process, or runs for them.
///
/// Takes time proportional to their number, about a millisecond for ten thousand. Never waits for a
/// task, nor for a lock that is held longer than a registration takes.
pub fn dump() -> Dump {
    let mut groups = BTreeMap::<_, Group>::new();
    let now = Instant::now();
    waits::visit(|Row { site, location, system, why: Why { what, peer, .. }, since }| {
        let waited = now.saturating_duration_since(since);
        let key = (site.pattern, site.name, system.clone(), what, peer.clone(), location);
        let group = groups.entry(key).or_insert_with(|| Group {
            pattern: site.pattern,
            name: site.name,
            system,
            waits_for: what,
            peer,
            peer_kind: site.peers,
            location,
            count: 0,
            longest: waited,
            shortest: waited,
        });
        group.count += 1;
        group.longest = group.longest.max(waited);
        group.shortest = group.shortest.min(waited);
    });
    let mut groups: Vec<_> = groups.into_values().collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.count));
    Dump { groups }
}
