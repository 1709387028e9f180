//! Wakers and values for after the unlock.

use core::fmt;
use core::mem;
use std::sync::Arc;
use std::vec::Vec;

use super::log::Segment;
use super::outlet::Outlet;
use super::queue::Unread;
use crate::panics::discard;
use crate::wakers::AfterUnlock;

/// Wakers to wake and values to drop once no lock is held.
///
/// Dropping it first wakes, then drops outlets and payloads. No panic of user code gets out.
#[must_use = "it is dropped when no lock is held"]
pub struct Deferred<O: Outlet> {
    pub(crate) wakers: AfterUnlock,
    segments: Vec<Arc<Segment<O::Event>>>,
    unread: Vec<Unread<O::Event>>,
    outlets: Vec<O>,
}

impl<O: Outlet> Deferred<O> {
    /// Drops an outlet whose subscriber has left.
    pub(crate) fn discard_outlet(&mut self, outlet: O) {
        self.outlets.push(outlet);
    }

    /// Drops segments that the log or a queue no longer needs.
    pub(super) fn segments(&mut self) -> &mut Vec<Arc<Segment<O::Event>>> {
        &mut self.segments
    }

    /// Drops what a subscriber will not read, and wakes the forwarder that has to know.
    pub(super) fn discard_unread(&mut self, mut unread: Unread<O::Event>) {
        unread.to_cut.wake(&mut self.wakers);
        self.unread.push(unread);
    }
}

/// The outlet of a channel wakes the channel's receiver, and its waker may panic.
impl<O: Outlet> Drop for Deferred<O> {
    fn drop(&mut self) {
        // Part of every publish, and mostly there is nothing to do.
        if !self.wakers.is_empty() {
            discard(mem::take(&mut self.wakers));
        }
        if !self.outlets.is_empty() {
            self.outlets.drain(..).for_each(discard);
        }
    }
}

impl<O: Outlet> Default for Deferred<O> {
    fn default() -> Self {
        Self {
            wakers: AfterUnlock::default(),
            segments: Vec::new(),
            unread: Vec::new(),
            outlets: Vec::new(),
        }
    }
}

impl<O: Outlet> fmt::Debug for Deferred<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deferred").field("wakers", &self.wakers).finish_non_exhaustive()
    }
}
