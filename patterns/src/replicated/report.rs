//! The report of a shutdown.

use super::proto::{CallEnds, Stats};
use crate::trace::Event;

/// The report of a shutdown: how everything that was running has ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// Calls that were running when the client was closed.
    pub calls: EndCounts,
    /// Losers that were running then, or have been left by those calls since.
    pub losers: EndCounts,
    /// The counts of the client and its servers, over the lifetime of the client.
    pub stats: Stats,
}

impl Report {
    pub(super) fn event(&self) -> Event {
        let Self { calls, losers, .. } = self;
        Event::ClientClosed {
            finished: calls.finished + losers.finished,
            cancelled: calls.cancelled + losers.cancelled,
            aborted: calls.aborted + losers.aborted,
        }
    }
}

/// Counts of calls or losers, by the way in which they ended.
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

/// The end of a call or of a loser.
#[derive(Clone, Copy, Debug)]
pub(super) enum EndKind {
    Replied,
    Failed,
    TimedOut,
    Cancelled,
    Aborted,
}

impl CallEnds {
    pub(super) fn add(&mut self, end: EndKind) {
        *match end {
            EndKind::Replied => &mut self.replied,
            EndKind::Failed => &mut self.failed,
            EndKind::TimedOut => &mut self.timed_out,
            EndKind::Cancelled => &mut self.cancelled,
            EndKind::Aborted => &mut self.aborted,
        } += 1;
    }
}

impl EndCounts {
    pub(super) fn add(&mut self, end: EndKind) {
        *match end {
            EndKind::Replied | EndKind::Failed | EndKind::TimedOut => &mut self.finished,
            EndKind::Cancelled => &mut self.cancelled,
            EndKind::Aborted => &mut self.aborted,
        } += 1;
    }
}
