//! Published events, in segments that all subscribers share.

use core::fmt;
use core::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::thread;

use crate::sync::Once;

/// Events per segment. Publishing touches every queue once per segment, so a longer segment makes
/// publishing cheaper, but keeps events alive for longer after their last reader.
pub const SEGMENT_EVENTS: usize =
    if cfg!(any(pushdown_model = "loom", pushdown_model = "shuttle")) { 2 } else { 32 };

/// A segment with this many bytes takes no more events, so large events are not kept alive only to
/// fill it up.
pub const SEGMENT_BYTES: u64 = 64 << 10;

/// Events with consecutive numbers. The publisher writes each slot once; from then on it is read
/// without a lock.
pub(super) struct Segment<E: ?Sized> {
    first: u64,
    slots: [Once<Slot<E>>; SEGMENT_EVENTS],
}

/// An event, and the size of the log up to and including it.
struct Slot<E: ?Sized> {
    event: Arc<E>,
    total: u64,
}

impl<E: ?Sized> Segment<E> {
    fn new(first: u64) -> Arc<Self> {
        Arc::new(Self { first, slots: std::array::from_fn(|_| Once::new()) })
    }

    /// Returns the event with this number and the size of the log up to it, if this segment has it.
    pub(super) fn get(&self, seq: u64) -> Option<(&Arc<E>, u64)> {
        let slot = self.slots.get(usize::try_from(seq.checked_sub(self.first)?).ok()?)?.get()?;
        Some((&slot.event, slot.total))
    }

    /// Copies the events in `from..to`, all of them published, into a segment of their own, so that
    /// they do not keep their neighbours alive.
    pub(super) fn excerpt(&self, from: u64, to: u64) -> Arc<Self> {
        let excerpt = Self::new(from);
        for (slot, seq) in excerpt.slots.iter().zip(from..to) {
            let Some((event, total)) = self.get(seq) else { break };
            let _ = slot.set(Slot { event: event.clone(), total });
        }
        excerpt
    }
}

/// Drops every payload, even if the drop of one panics. The first panic resumes afterwards, unless
/// the thread is already unwinding.
impl<E: ?Sized> Drop for Segment<E> {
    fn drop(&mut self) {
        let mut first = None;
        for slot in &mut self.slots {
            let dropped = catch_unwind(AssertUnwindSafe(|| drop(mem::take(slot))));
            first = first.or(dropped.err());
        }
        if let Some(panic) = first
            && !thread::panicking()
        {
            resume_unwind(panic);
        }
    }
}

impl<E: ?Sized> fmt::Debug for Segment<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Segment").field("first", &self.first).finish_non_exhaustive()
    }
}

/// The end of the log, where events are written.
#[derive(Debug)]
pub(super) struct Tail<E: ?Sized> {
    segment: Arc<Segment<E>>,
    /// The number of the next event.
    next: u64,
    /// The size in bytes of all events before it.
    total: u64,
    /// `total` at the start of the segment.
    start: u64,
}

impl<E: ?Sized> Tail<E> {
    pub(super) fn new() -> Self {
        Self { segment: Segment::new(1), next: 1, total: 0, start: 0 }
    }

    pub(super) fn next(&self) -> u64 {
        self.next
    }

    pub(super) fn total(&self) -> u64 {
        self.total
    }

    pub(super) fn segment(&self) -> &Arc<Segment<E>> {
        &self.segment
    }

    /// Starts a new segment if the next event needs one, and returns the old one.
    pub(super) fn roll(&mut self) -> Option<Arc<Segment<E>>> {
        let written = self.next - self.segment.first;
        let full = written == SEGMENT_EVENTS as u64 || self.total - self.start >= SEGMENT_BYTES;
        full.then(|| {
            self.start = self.total;
            self.renew()
        })
    }

    /// Starts a new segment and returns the old one.
    pub(super) fn renew(&mut self) -> Arc<Segment<E>> {
        mem::replace(&mut self.segment, Segment::new(self.next))
    }

    /// Writes the next event, which readers see from now on.
    pub(super) fn write(&mut self, event: Arc<E>, bytes: usize) -> u64 {
        let seq = self.next;
        self.total = self.total.saturating_add(bytes as u64);
        self.next += 1;
        let slot = &self.segment.slots[(seq - self.segment.first) as usize];
        let written = slot.set(Slot { event, total: self.total });
        debug_assert!(written.is_ok(), "each slot is written once");
        seq
    }
}
