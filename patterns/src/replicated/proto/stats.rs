//! The counts of a client and of its servers.

use std::time::Duration;
use std::vec::Vec;

use super::latency::Latency;

/// The end of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AttemptEnd {
    /// With a reply.
    Succeeded,
    /// With an error.
    Failed,
    /// With a panic.
    Panicked,
    /// Without an answer: it was dropped.
    Cancelled,
}

/// The counts of one server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerStats {
    /// Attempts started.
    pub attempts: u64,
    /// Attempts that brought a reply, late replies included.
    pub succeeded: u64,
    /// Attempts that brought an error.
    pub failed: u64,
    /// Attempts that panicked.
    pub panicked: u64,
    /// Attempts that were cancelled.
    pub cancelled: u64,
    /// Times to a reply, and times for which cancelled attempts had been waited for.
    pub latency: Latency,
}

impl ServerStats {
    /// Returns the number of attempts that have not ended.
    pub fn running(&self) -> u64 {
        self.attempts - self.succeeded - self.failed - self.panicked - self.cancelled
    }

    pub(super) fn count(&mut self, end: AttemptEnd, took: Duration) {
        match end {
            AttemptEnd::Succeeded => {
                self.succeeded += 1;
                self.latency.answered(took);
            }
            // A server that refuses at once is not a fast one.
            AttemptEnd::Failed => self.failed += 1,
            AttemptEnd::Panicked => self.panicked += 1,
            AttemptEnd::Cancelled => {
                self.cancelled += 1;
                self.latency.cancelled(took);
            }
        }
    }
}

/// The calls of a client that have ended, by the way in which they did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallEnds {
    /// With a reply.
    pub replied: u64,
    /// Without one: every server that could be asked has failed.
    pub failed: u64,
    /// Without one in time.
    pub timed_out: u64,
    /// Dropped by the caller.
    pub cancelled: u64,
    /// Aborted by a shutdown.
    pub aborted: u64,
}

/// The counts of a client and of its servers.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Stats {
    /// Index of the server that is asked first.
    pub preferred: usize,
    /// Changes of the preferred server.
    pub moves: u64,
    /// Calls begun.
    pub calls: u64,
    /// Calls that have ended.
    pub ended: CallEnds,
    /// Attempts started because an earlier one was slow.
    pub hedges: u64,
    /// Those that were the first to reply.
    pub hedges_won: u64,
    /// Times when a call had to wait for the [`Budget`](crate::replicated::Budget) of one.
    pub hedges_denied: u64,
    /// The counts of each server.
    pub servers: Vec<ServerStats>,
}

impl Stats {
    /// Returns the number of requests made, for all calls together.
    pub fn requests(&self) -> u64 {
        self.servers.iter().map(|server| server.attempts).sum()
    }

    /// Returns the number of requests that have not ended.
    pub fn running(&self) -> u64 {
        self.servers.iter().map(ServerStats::running).sum()
    }
}
