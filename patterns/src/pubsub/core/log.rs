//! Published events, in segments that all subscribers share.

use core::fmt;
use core::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::thread;

use crate::sync::Once;

/// How many events a segment holds. Publishing touches every queue once for each segment, so a longer
/// one makes publishing cheaper, and keeps events alive longer that everybody has read.
const LEN: usize =
    if cfg!(any(pushdown_model = "loom", pushdown_model = "shuttle")) { 2 } else { 32 };

/// A segment that holds as many bytes takes no more events, so that large ones are not kept alive for
/// the sake of the number.
const BYTES: u64 = 64 << 10;

/// Events with consecutive numbers. Each place is written once, by the publisher, and may be read from
/// then on without any lock.
pub struct Segment<E: ?Sized> {
    first: u64,
    places: [Once<Place<E>>; LEN],
}

/// An event, and how many bytes all events up to this one count.
struct Place<E: ?Sized> {
    event: Arc<E>,
    total: u64,
}

impl<E: ?Sized> Segment<E> {
    fn new(first: u64) -> Arc<Self> {
        Arc::new(Self { first, places: std::array::from_fn(|_| Once::new()) })
    }

    /// The event with this number and the bytes up to it, if it has been published, and here.
    pub(super) fn get(&self, seq: u64) -> Option<(&Arc<E>, u64)> {
        let place = self.places.get(usize::try_from(seq.checked_sub(self.first)?).ok()?)?.get()?;
        Some((&place.event, place.total))
    }
}

impl<E: ?Sized> Segment<E> {
    /// A segment with the events from one number up to another alone, so that those before and after
    /// are not kept alive for their sake. They have all been published here.
    pub(super) fn excerpt(&self, from: u64, to: u64) -> Arc<Self> {
        let excerpt = Self::new(from);
        for (place, seq) in excerpt.places.iter().zip(from..to) {
            let Some((event, total)) = self.get(seq) else { break };
            let _ = place.set(Place { event: event.clone(), total });
        }
        excerpt
    }
}

/// Payloads whose drops panic do not keep others from being dropped: the first panic goes on when all
/// are, where it can.
impl<E: ?Sized> Drop for Segment<E> {
    fn drop(&mut self) {
        let mut first = None;
        for place in &mut self.places {
            let dropped = catch_unwind(AssertUnwindSafe(|| drop(mem::take(place))));
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

/// The end at which is written.
#[derive(Debug)]
pub(super) struct Tail<E: ?Sized> {
    segment: Arc<Segment<E>>,
    /// The number of the next event, and the bytes of all before it.
    next: u64,
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

    /// Begins a new segment if the next event needs one. What comes back is the old one.
    pub(super) fn roll(&mut self) -> Option<Arc<Segment<E>>> {
        let full = self.next - self.segment.first == LEN as u64 || self.total - self.start >= BYTES;
        full.then(|| {
            self.start = self.total;
            self.renew()
        })
    }

    /// Goes on in a new segment. What comes back is the old one.
    pub(super) fn renew(&mut self) -> Arc<Segment<E>> {
        mem::replace(&mut self.segment, Segment::new(self.next))
    }

    /// Publishes: from now on readers see it.
    pub(super) fn write(&mut self, event: Arc<E>, bytes: usize) -> u64 {
        let seq = self.next;
        self.total = self.total.saturating_add(bytes as u64);
        self.next += 1;
        let place = &self.segment.places[(seq - self.segment.first) as usize];
        let written = place.set(Place { event, total: self.total });
        debug_assert!(written.is_ok(), "each place is written once");
        seq
    }
}
