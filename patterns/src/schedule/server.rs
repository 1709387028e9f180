//! A server's identity within a run, its counters, and why it left.

use core::fmt;

use crate::trace::Event;
use crate::waits::Peer;

/// A server's number within one run. The first to join is 0; no number is used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerId(pub(super) usize);

impl ServerId {
    pub(super) fn peer(self) -> Peer {
        Peer::Number(self.0 as u64)
    }

    /// Returns the number as an index into [`Report::servers`](super::Report::servers).
    pub const fn index(self) -> usize {
        self.0
    }
}

impl fmt::Display for ServerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "server {}", self.0)
    }
}

/// The calls of one server, by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServerCounts {
    /// Calls that completed their task.
    pub completed: u64,
    /// Calls that failed.
    pub failed: u64,
    /// Calls that were dropped, or lost to another copy of the task.
    pub cancelled: u64,
}

/// The reason why a server left before the end of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LeaveReason {
    /// A call reported it [dead](super::FailureKind::ServerDead).
    Dead,
    /// It reached the limit of [consecutive failures](super::Options::server_failures).
    FailedTooOften,
    /// It was retired, through [`Control::retire`](super::Control::retire) or by
    /// [a call](super::Attempt::retire).
    Retired,
    /// Its worker was dropped, because the runtime shut down.
    Lost,
}

impl LeaveReason {
    /// Returns the event of a server that takes no more tasks.
    pub(super) fn event(self, server: ServerId) -> Event {
        let lost = |reason| Event::ServerLost { server: server.0, reason };
        match self {
            Self::Dead => lost("dead"),
            Self::FailedTooOften => lost("failed too often"),
            Self::Retired => Event::ServerRetired { server: server.0 },
            Self::Lost => lost("its worker was dropped"),
        }
    }
}
