//! The part of the log that a queue has not read.

use std::collections::VecDeque;
use std::sync::Arc;
use std::vec::Vec;

use super::log::Segment;

/// A run of events up to the end of the log. It grows with the log, and carries its floor: it holds
/// the last `lag` events at most.
///
/// | lag | the run of |
/// |---|---|
/// | no limit | a queue that takes every event |
/// | its capacity | a queue that drops the oldest events |
/// | 0 | a queue that takes no event: it is full, or its subscriber does not know of it yet |
pub(super) struct OpenRun<E: ?Sized> {
    /// From the one with the next event to the last one of the log.
    pub(super) segments: VecDeque<Arc<Segment<E>>>,
    /// The position of the next event to read.
    pub(super) next: u64,
    pub(super) lag: u64,
    /// The position at which the stream ends. `u64::MAX` until that is known.
    pub(super) end: u64,
}

impl<E: ?Sized> OpenRun<E> {
    pub(super) fn new(lag: u64) -> Self {
        Self { segments: VecDeque::new(), next: 1, lag, end: u64::MAX }
    }

    /// Starts at the position `next`, which will be written into this segment.
    pub(super) fn begin(&mut self, next: u64, segment: &Arc<Segment<E>>) {
        self.next = next;
        self.segments.push_back(segment.clone());
    }

    /// Follows the log into a new segment, which starts at the position `next`.
    pub(super) fn roll(
        &mut self,
        next: u64,
        segment: &Arc<Segment<E>>,
        dropped: &mut Vec<Arc<Segment<E>>>,
    ) {
        // One without events was started because events were lost upstream. They may be many.
        if self.segments.back().is_some_and(|last| last.first == next) {
            dropped.extend(self.segments.pop_back());
        }
        self.segments.push_back(segment.clone());
        let floor = next.saturating_sub(self.lag);
        dropped.extend(std::iter::from_fn(|| self.leave(floor)));
    }

    /// Returns a segment that has no events from this position on.
    pub(super) fn leave(&mut self, position: u64) -> Option<Arc<Segment<E>>> {
        let next = self.segments.get(1)?;
        if next.first <= position { self.segments.pop_front() } else { None }
    }

    /// Skips what is below the floor, and returns how much. `published` is the position of the last
    /// event of the log.
    pub(super) fn skip(&mut self, published: u64) -> u64 {
        let floor = self.end.min(published + 1).saturating_sub(self.lag);
        let missed = floor.saturating_sub(self.next);
        self.next += missed;
        missed
    }

    /// Returns the number of positions from the next event up to `next`, or to the end.
    pub(super) fn span(&self, next: u64) -> u64 {
        self.end.min(next).saturating_sub(self.next)
    }

    /// Returns the number of events that it holds.
    pub(super) fn len(&self, next: u64) -> u64 {
        self.span(next).min(self.lag)
    }

    /// Returns whether everything up to the end of the stream was read.
    pub(super) fn is_over(&self) -> bool {
        self.end <= self.next
    }

    /// Returns the size of the log before the position `next`, at its end.
    pub(super) fn total_before(&self, next: u64) -> u64 {
        self.segments.back().map_or(0, |segment| segment.total_before(next))
    }
}
