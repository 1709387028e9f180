//! The report of a shutdown.

use super::proto::Stats;

/// How a client has ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// Calls that were running when the client was closed.
    pub calls: EndCounts,
    /// Losers that were running then, or have been left by those calls since.
    pub losers: EndCounts,
    /// What the client and its servers have done in the client's lifetime.
    pub stats: Stats,
}

/// How many calls, or losers, ended in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EndCounts {
    /// Those that completed, with a reply or with an error.
    pub finished: usize,
    /// Those that were given up: calls that were dropped, losers that ran out of time.
    pub cancelled: usize,
    /// Those that the shutdown aborted.
    pub aborted: usize,
}

/// How a call or a loser has ended.
#[derive(Clone, Copy, Debug)]
pub(super) enum EndKind {
    Finished,
    Cancelled,
    Aborted,
}

impl EndCounts {
    pub(super) fn add(&mut self, end: EndKind) {
        *match end {
            EndKind::Finished => &mut self.finished,
            EndKind::Cancelled => &mut self.cancelled,
            EndKind::Aborted => &mut self.aborted,
        } += 1;
    }
}
