//! What waits, and for what: the counterpart of Go's dump of all goroutines.
//!
//! Every caller that waits in a pattern, and every task or thread that a pattern runs, is registered
//! with what it waits for, since when, and at whom. [`dump`] lists them in groups of the same, the
//! largest first. It needs no runtime and asks no task, so it answers while all of them are stuck:
//! that is when it is wanted.
//!
//! ```
//! use std::time::Duration;
//! use pushdown_patterns::debug;
//! use pushdown_patterns::pubsub::{Policy, mutex::Server};
//!
//! let server = Server::<str>::new();
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
//! println!("{}", debug::dump()); // 1 pubsub publish: waits for room since 52 µs
//! # drop(stuck);
//! # publisher.join().unwrap().unwrap();
//! ```
//!
//! A wait that does not park costs nothing. One that does costs two visits to a table, some 20 ns, and
//! one reading of the clock. Without the feature `debug` nothing is registered and nothing is spent.
//! `examples/debug_http.rs` serves the list over HTTP, and prints it on Ctrl-\.

use core::fmt;
use core::time::Duration;
use std::collections::BTreeMap;
use std::time::Instant;
use std::vec::Vec;

pub use super::waits::Peer;
use crate::waits;

/// Those that do the same: like goroutines with the same stack.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Group {
    /// The pattern: `pubsub`, for example.
    pub pattern: &'static str,
    /// What the caller has called, or which task it is: `publish`, or `owner`.
    pub name: &'static str,
    /// What they wait for. `None` for tasks and threads that a pattern runs; what they wait for, if
    /// they do, is in another group.
    pub waits_for: Option<&'static str>,
    /// At whom.
    pub peer: Option<Peer>,
    /// How many they are.
    pub count: usize,
    /// For how long the first of them has been waiting, or running.
    pub longest: Duration,
    /// For how long the last of them has.
    pub shortest: Duration,
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}: ", self.count, self.pattern, self.name)?;
        match self.waits_for {
            Some(what) => write!(f, "waits for {what}")?,
            None => f.write_str("runs")?,
        }
        if let Some(peer) = &self.peer {
            write!(f, " at {peer}")?;
        }
        write!(f, " since {:.1?}", self.longest)?;
        if self.count > 1 {
            write!(f, " to {:.1?}", self.shortest)?;
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
    /// The groups, the largest first.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }
}

/// One group a line.
impl fmt::Display for Dump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.groups.iter().try_for_each(|group| writeln!(f, "{group}"))
    }
}

/// Everything that waits in the patterns of this process, or runs for them.
///
/// Takes time proportional to their number, about a millisecond for ten thousand. Never waits for a
/// task, nor for a lock that is held for longer than it takes to register.
pub fn dump() -> Dump {
    let mut groups = BTreeMap::<_, Group>::new();
    let now = Instant::now();
    waits::visit(|site, peer, since| {
        let waited = now.saturating_duration_since(since);
        let key = (site.pattern, site.name, site.waits_for, peer.cloned());
        let group = groups.entry(key).or_insert_with(|| Group {
            pattern: site.pattern,
            name: site.name,
            waits_for: site.waits_for,
            peer: peer.cloned(),
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
