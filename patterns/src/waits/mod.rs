//! The registry of what waits, and for what. The module `debug` lists it.

use core::fmt;
use core::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

cfg_select! {
    feature = "debug" => {
        mod table;
        pub(crate) use table::{At, Entry, Place, Progress, Row, Why, visit};
    }
    _ => {
        mod nothing;
        pub(crate) use nothing::{At, Entry, Place, Progress, Why};
    }
}

/// A number or a name of something that waits are listed with: a client, say, or a server that it
/// waits for.
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

impl Peer {
    /// Names a client, server, run or connection. Without a name it gets a number that no other one in
    /// this process has.
    pub(crate) fn unique(name: Option<Arc<str>>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        name.map_or_else(|| Self::Number(NEXT.fetch_add(1, Ordering::Relaxed)), Self::Name)
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// The name of a server that is named after it was made, and a number until then.
#[derive(Debug)]
pub(crate) struct Name {
    number: Peer,
    given: OnceLock<Peer>,
}

impl Name {
    pub(crate) fn new() -> Self {
        Self { number: Peer::unique(None), given: OnceLock::new() }
    }

    /// A name from the beginning.
    #[cfg_attr(not(feature = "tracing"), expect(dead_code, reason = "for the names in events"))]
    pub(crate) fn of(peer: Peer) -> Self {
        Self { number: peer, given: OnceLock::new() }
    }

    pub(crate) fn set(&self, name: Arc<str>) {
        assert!(self.given.set(Peer::Name(name)).is_ok(), "the server has a name already");
    }

    pub(crate) fn get(&self) -> &Peer {
        let is_read = cfg!(any(feature = "debug", feature = "tracing"));
        let given = if is_read { self.given.get() } else { None };
        given.unwrap_or(&self.number)
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
    /// The word for its peers.
    pub(crate) peers: Option<&'static str>,
}

impl Site {
    pub(crate) const fn wait(
        pattern: &'static str,
        name: &'static str,
        waits_for: &'static str,
    ) -> Self {
        Self { pattern, name, waits_for: Some(waits_for), peers: None }
    }

    pub(crate) const fn task(pattern: &'static str, name: &'static str) -> Self {
        Self { pattern, name, waits_for: None, peers: None }
    }

    /// Sets the word for the peers: `server`, for example.
    pub(crate) const fn peers(self, peers: &'static str) -> Self {
        Self { peers: Some(peers), ..self }
    }

    /// The site, reached from the line that called the caller, which is `#[track_caller]` as well.
    #[track_caller]
    pub(crate) fn here<'p>(&'static self) -> At<'p> {
        At::from(self).by(Location::caller())
    }

    pub(crate) fn at<'p>(&'static self, peer: &'p Peer) -> At<'p> {
        At::from(self).at(peer)
    }

    pub(crate) fn of<'p>(&'static self, system: &'p Peer) -> At<'p> {
        At::from(self).of(system)
    }
}
