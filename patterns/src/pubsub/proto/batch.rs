//! Events that a reader takes from its queue in one step.

use core::fmt;
use std::sync::Arc;

use super::super::policy::{Limit, Policy};
use crate::sync::{AtomicU64, Ordering};

/// Events that a reader takes in one step. A lock and a unit of tokio's budget pay for all of them, so
/// a longer batch makes reading cheaper, but other tasks wait for longer.
pub const BATCH_EVENTS: u64 = 16;

/// Returns how many events a reader may take ahead of the one that it reads.
///
/// They make room in the queue at once. So they are few beside what the queue may hold, and none where
/// every byte counts.
pub(super) fn ahead(policy: Policy) -> u64 {
    let items = match policy {
        Policy::Block { capacity, .. }
        | Policy::DropNewest { capacity }
        | Policy::DropOldest { capacity }
        | Policy::Disconnect { capacity, .. }
        | Policy::Queue { items: Limit::AtMost(capacity), bytes: Limit::Unbounded } => {
            capacity.get()
        }
        Policy::Queue { items: Limit::Unbounded, bytes: Limit::Unbounded } => usize::MAX,
        Policy::Queue { bytes: Limit::AtMost(_), .. } => 0,
    };
    (items as u64 / 8).min(BATCH_EVENTS - 1)
}

/// The events that a reader has taken and not read: those at the positions from `next` up to `until`.
/// They have left the queue, and are in the segment that the cursor is in.
///
/// The reader reads them without the lock of the queue, under which the batch is set and revoked. It
/// alone writes `next`. The one that it reads while the batch is revoked may count as unread.
#[derive(Clone)]
pub(super) struct Batch(Arc<Positions>);

/// Aligned so that two readers share no cache line.
#[repr(align(128))]
struct Positions {
    next: AtomicU64,
    until: AtomicU64,
}

impl Batch {
    pub(super) fn new() -> Self {
        Self(Arc::new(Positions { next: AtomicU64::new(0), until: AtomicU64::new(0) }))
    }

    /// Takes the events from the position `next` up to `until`. The last batch has been read.
    pub(super) fn set(&self, next: u64, until: u64) {
        self.0.next.store(next, Ordering::Relaxed);
        self.0.until.store(until, Ordering::Release);
    }

    /// Returns the position of the next event, which is read with that.
    #[inline]
    pub(super) fn read(&self) -> Option<u64> {
        let position = self.0.next.load(Ordering::Relaxed);
        (position < self.0.until.load(Ordering::Acquire)).then(|| {
            self.0.next.store(position + 1, Ordering::Release);
            position
        })
    }

    /// Returns the number of events that were not read.
    pub(super) fn unread(&self) -> u64 {
        let until = self.0.until.load(Ordering::Acquire);
        until.saturating_sub(self.0.next.load(Ordering::Acquire))
    }

    /// Ends the batch: the reader reads no more of it. Returns the number of events that were not read.
    pub(super) fn revoke(&self) -> u64 {
        let until = self.0.until.swap(0, Ordering::AcqRel);
        until.saturating_sub(self.0.next.load(Ordering::Acquire))
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("unread", &self.unread()).finish_non_exhaustive()
    }
}
