//! A list of what waits, and for what: the counterpart of Go's dump of all goroutines.
//!
//! Every caller that waits in a pattern, and every task or thread that a pattern runs, is registered
//! with what it waits for, at which peer, and since when. [`dump`] lists them in groups of equals, the
//! largest first. It needs no runtime and asks no task, so it answers even while all of them are stuck.
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
//! A wait that does not park costs nothing. One that does costs two visits to a table and one reading
//! of the clock. Without the feature `debug` nothing is registered. `examples/debug_http.rs` serves the
//! list over HTTP and prints it on Ctrl-\.

use core::fmt;
use core::time::Duration;
use std::collections::BTreeMap;
use std::time::Instant;
use std::vec::Vec;

use crate::waits;
pub use crate::waits::Peer;

/// Waiters, tasks or threads that do the same, like goroutines with the same stack.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Group {
    /// The pattern: `pubsub`, for example.
    pub pattern: &'static str,
    /// The function that was called, or the task: `publish` or `owner`, for example.
    pub name: &'static str,
    /// The thing they wait for. `None` for tasks and threads that a pattern runs: while they wait, they are
    /// in another group as well.
    pub waits_for: Option<&'static str>,
    /// The peer that they wait for, or run at.
    pub peer: Option<Peer>,
    /// How many there are.
    pub count: usize,
    /// Time for which the first of them has been waiting or running.
    pub longest: Duration,
    /// Time for which the last of them has been waiting or running.
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
    /// Returns the groups, the largest first.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }
}

/// One group per line.
impl fmt::Display for Dump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
