//! Published events, in segments that all subscribers share.
//!
//! A *position* counts the events of the log, from 1 and without holes. The *number* of an event, which
//! subscribers see, is its position plus the events lost upstream before it. All arithmetic is on
//! positions; a number is formed when an event is read.

use core::fmt;
use core::mem;
use std::sync::Arc;

use super::payload::Payload;
use crate::sync::Once;

/// Events per segment. Publishing touches every queue once per segment, so a longer segment makes
/// publishing cheaper, but keeps events alive for longer after their last reader.
pub const SEGMENT_EVENTS: usize =
    if cfg!(any(pushdown_model = "loom", pushdown_model = "shuttle")) { 2 } else { 32 };

/// A segment with this many bytes takes no more events, so large events are not kept alive only to
/// fill it up.
pub const SEGMENT_BYTES: u64 = 64 << 10;

/// Events at consecutive positions. The publisher writes each slot once; from then on it is read
/// without a lock.
pub(super) struct Segment<E: ?Sized> {
    /// The position of its first event.
    pub(super) first: u64,
    /// The number of events lost upstream before it.
    pub(super) lost: u64,
    /// The size in bytes of the log before it.
    start: u64,
    slots: [Once<Slot<E>>; SEGMENT_EVENTS],
}

/// An event, and the size of the log up to and including it.
struct Slot<E: ?Sized> {
    payload: Payload<E>,
    total: u64,
}

impl<E: ?Sized> Segment<E> {
    fn new(first: u64, lost: u64, start: u64) -> Arc<Self> {
        Arc::new(Self { first, lost, start, slots: std::array::from_fn(|_| Once::new()) })
    }

    /// Returns the event at this position and the size of the log up to it, if this segment has it.
    pub(super) fn get(&self, position: u64) -> Option<(&Payload<E>, u64)> {
        let slot = usize::try_from(position.checked_sub(self.first)?).ok()?;
        let slot = self.slots.get(slot)?.get()?;
        Some((&slot.payload, slot.total))
    }

    /// Returns the first position from this one on that is not written yet, at most `until`.
    pub(super) fn written(&self, position: u64, until: u64) -> u64 {
        let until = until.min(self.first + SEGMENT_EVENTS as u64);
        // They are written in order, and mostly there are enough.
        if self.get(until - 1).is_some() {
            return until;
        }
        (position..until).find(|position| self.get(*position).is_none()).unwrap_or(until)
    }

    /// Returns the size of the log before this position, which this segment has or is the next to take.
    pub(super) fn total_before(&self, position: u64) -> u64 {
        self.get(position - 1).map_or(self.start, |(_, total)| total)
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
    /// The position of the next event.
    next: u64,
    /// The size in bytes of all events before it.
    total: u64,
}

impl<E: ?Sized> Tail<E> {
    pub(super) fn new() -> Self {
        Self { segment: Segment::new(1, 0, 0), next: 1, total: 0 }
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
        let bytes = self.total - self.segment.start;
        let full = written == SEGMENT_EVENTS as u64 || bytes >= SEGMENT_BYTES;
        full.then(|| self.renew(0))
    }

    /// Starts a new segment, before which more events are lost upstream, and returns the old one.
    pub(super) fn renew(&mut self, lost: u64) -> Arc<Segment<E>> {
        let lost = self.segment.lost.saturating_add(lost);
        mem::replace(&mut self.segment, Segment::new(self.next, lost, self.total))
    }

    /// Writes the next event, which readers see from now on, and returns its number.
    pub(super) fn write(&mut self, event: Arc<E>, bytes: usize) -> u64 {
        let position = self.next;
        self.total = self.total.saturating_add(bytes as u64);
        self.next += 1;
        let slot = &self.segment.slots[(position - self.segment.first) as usize];
        let written = slot.set(Slot { payload: Payload::new(event), total: self.total });
        debug_assert!(written.is_ok(), "each slot is written once");
        position.saturating_add(self.segment.lost)
    }
}
