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
//! of the clock. Without the feature `debug` nothing is registered.
//!
//! # As text
//! A [`Dump`] displays itself as lines that change only with a major version:
//!
//! ```text
//! COUNT waiting[, COUNT running]
//! COUNT PATTERN [SYSTEM ]FUNCTION: (waits for WHAT|runs)[ at [KIND ]PEER] for TIME[ to TIME][, FILE:LINE]
//! ```
//!
//! The first line has the totals, each other one a group, the largest first. Control characters in the
//! names of systems and peers are escaped, so a name is never more than a part of its line.
//!
//! # As a page for a browser
//! [`Dump::html`] is the same as an HTML page, for the web server of your program:
//!
//! ```
//! use pushdown_patterns::debug;
//!
//! /// Returns the body of an answer with the type `text/html; charset=utf-8`.
//! fn page(query: &str) -> String {
//!     debug::dump().html().query(query).to_string()
//! }
//! assert!(page("pattern=mux").contains("0 waiting"));
//! ```
//!
//! In axum that is `Html(dump().html().query(&query.unwrap_or_default()).to_string())`, where `query` is
//! the [`RawQuery`](https://docs.rs/axum/latest/axum/extract/struct.RawQuery.html) of the request. A
//! handler needs a worker of its runtime, so a server that is to answer while all workers of the program
//! are stuck has a runtime of its own, as in `examples/debug_http`, which serves text and page, and
//! prints the text on Ctrl-\.

mod html;
mod text;

use core::panic::Location;
use core::time::Duration;
use std::collections::BTreeMap;
use std::time::Instant;
use std::vec::Vec;

pub use self::html::Html;
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

    /// Returns the number of callers, tasks and threads that wait.
    pub fn waiting(&self) -> usize {
        count(self.groups.iter().filter(|group| group.waits_for.is_some()))
    }

    /// Returns the number of tasks and threads of the patterns. While they wait, they count as
    /// [waiting](Self::waiting) too.
    pub fn running(&self) -> usize {
        count(self.groups.iter().filter(|group| group.waits_for.is_none()))
    }

    /// Returns the dump as an HTML page.
    pub fn html(&self) -> Html<'_> {
        Html::new(self)
    }
}

/// Returns the number of members of these groups.
fn count<'a>(groups: impl Iterator<Item = &'a Group>) -> usize {
    groups.map(|group| group.count).sum()
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
