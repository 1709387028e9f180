//! Who waits, and for what. [`debug`](super::debug) lists it.

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

/// At whom or what something waits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[cfg_attr(
    not(feature = "debug"),
    allow(unreachable_pub, reason = "public in the module of that feature")
)]
pub enum Peer {
    /// One of several that are numbered, as the pattern numbers them.
    Number(u64),
    /// One with a name.
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

/// A place in the code where something waits, or what a pattern runs.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "debug"), expect(dead_code, reason = "read by the feature `debug` alone"))]
pub(crate) struct Site {
    pub(crate) pattern: &'static str,
    /// The function called, or the task.
    pub(crate) name: &'static str,
    /// `None` for a task or a thread of the pattern's own, as long as it is there.
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

/// A site, and at whom.
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
