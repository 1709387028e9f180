//! The registry of what waits, and for what. The module `debug` lists it.

use core::fmt;
use std::sync::Arc;

cfg_select! {
    feature = "debug" => {
        mod table;
        pub(crate) use table::{Entry, visit};
    }
    _ => {
        mod nothing;
        pub(crate) use nothing::Entry;
    }
}

/// The subscriber, server or connection that something waits for or runs at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[cfg_attr(
    not(feature = "debug"),
    allow(unreachable_pub, reason = "public in the module of that feature")
)]
pub enum Peer {
    /// A number, as the pattern numbers its peers.
    Number(u64),
    /// A name.
    Name(Arc<str>),
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// A point in the code where something waits, or a task or thread that a pattern runs.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "debug"), expect(dead_code, reason = "read by the feature `debug` alone"))]
pub(crate) struct Site {
    pub(crate) pattern: &'static str,
    /// The function called, or the task.
    pub(crate) name: &'static str,
    /// `None` for a task or thread of the pattern, for as long as it exists.
    pub(crate) waits_for: Option<&'static str>,
}

impl Site {
    pub(crate) const fn wait(
        pattern: &'static str,
        name: &'static str,
        waits_for: &'static str,
    ) -> Self {
        Self { pattern, name, waits_for: Some(waits_for) }
    }

    pub(crate) const fn task(pattern: &'static str, name: &'static str) -> Self {
        Self { pattern, name, waits_for: None }
    }

    pub(crate) fn at<'p>(&'static self, peer: &'p Peer) -> At<'p> {
        At { site: self, peer: Some(peer) }
    }
}

/// A site and its peer.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "debug"), expect(dead_code, reason = "read by the feature `debug` alone"))]
pub(crate) struct At<'p> {
    pub(crate) site: &'static Site,
    pub(crate) peer: Option<&'p Peer>,
}

impl From<&'static Site> for At<'_> {
    fn from(site: &'static Site) -> Self {
        Self { site, peer: None }
    }
}
