//! The event that a reader has read last.

use core::fmt;
use std::sync::Arc;
use std::vec::Vec;

use super::batch::Batch;
use super::log::Segment;
use super::payload::Payload;

/// The event that a reader has read last.
///
/// Its remaining payloads are kept until [`clear`](Self::clear). Dropping it drops payloads, so `clear` is
/// called where no lock is held.
pub struct Cursor<E: ?Sized> {
    current: Option<Place<E>>,
    left: Vec<Place<E>>,
    /// Once the queue has one.
    batch: Option<Batch>,
}

/// A place of events.
pub(super) enum Place<E: ?Sized> {
    /// A segment of the log, and the position in it.
    Log(Arc<Segment<E>>, u64),
    /// A copy of its own.
    Kept(Payload<E>),
}

impl<E: ?Sized> Cursor<E> {
    /// Creates a cursor that has read nothing.
    pub fn new() -> Self {
        Self { current: None, left: Vec::new(), batch: None }
    }

    /// Enters a segment of the log, unless it is in that segment already.
    pub(super) fn enter(&mut self, segment: &Arc<Segment<E>>) -> bool {
        let is_new = match &self.current {
            Some(Place::Log(own, _)) => !Arc::ptr_eq(own, segment),
            _ => true,
        };
        if is_new {
            self.move_to(Place::Log(segment.clone(), segment.first));
        }
        is_new
    }

    /// Moves to the event at this position, if it is in the segment that the cursor is in. Returns its
    /// number, and the size of the log up to it.
    pub(super) fn advance(&mut self, position: u64) -> Option<(u64, u64)> {
        let Some(Place::Log(segment, current)) = &mut self.current else { return None };
        let (_, total) = segment.get(position)?;
        *current = position;
        Some((position.saturating_add(segment.lost), total))
    }

    /// Takes events after the one that the cursor is at, at most `ahead` and none from the position `end`
    /// on. Returns the position after them, and the size of the log up to there.
    pub(super) fn take_batch(&mut self, batch: &Batch, ahead: u64, end: u64) -> Option<(u64, u64)> {
        let (true, Some(Place::Log(segment, current))) = (ahead > 0, &self.current) else {
            return None;
        };
        let next = current + 1;
        let until = segment.written(next, next.saturating_add(ahead).min(end).max(next));
        if until == next {
            return None;
        }
        batch.set(next, until);
        let total = segment.total_before(until);
        self.batch.get_or_insert_with(|| batch.clone());
        Some((until, total))
    }

    /// Moves to the next event of the batch, if there is one, and returns its number. Needs no lock.
    #[inline]
    pub fn next_taken(&mut self) -> Option<u64> {
        let position = self.batch.as_ref()?.read()?;
        let Some(Place::Log(segment, current)) = &mut self.current else { return None };
        *current = position;
        Some(position.saturating_add(segment.lost))
    }

    /// Returns the number of events that were taken and not read.
    pub fn taken(&self) -> u64 {
        self.batch.as_ref().map_or(0, Batch::unread)
    }

    pub(super) fn move_to(&mut self, place: Place<E>) {
        self.left.extend(self.current.replace(place));
    }

    /// Keeps a segment that the queue no longer needs, until the next [`clear`](Self::clear).
    pub(super) fn keep(&mut self, segment: Arc<Segment<E>>) {
        self.left.push(Place::Log(segment, 0));
    }

    /// Leaves the last event: the stream has ended.
    pub(super) fn finish(&mut self) {
        self.left.extend(self.current.take());
    }

    /// Returns the event that was read last. After a read of anything else there is none to ask for.
    ///
    /// # Panics
    /// If no event was read.
    pub fn event(&self) -> &Arc<E> {
        let payload = match self.current.as_ref() {
            Some(Place::Log(segment, position)) => segment.get(*position).map(|(event, _)| event),
            Some(Place::Kept(payload)) => Some(payload),
            None => None,
        };
        payload.expect("an event was read, and stays in its place").get()
    }

    /// Drops what was left.
    pub fn clear(&mut self) {
        self.left.clear();
    }
}

impl<E: ?Sized> Default for Cursor<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E: ?Sized> fmt::Debug for Cursor<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let position = match &self.current {
            Some(Place::Log(_, position)) => Some(position),
            _ => None,
        };
        f.debug_struct("Cursor").field("position", &position).finish_non_exhaustive()
    }
}
