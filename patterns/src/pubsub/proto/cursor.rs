//! A reader's position in the log.

use core::fmt;
use std::sync::Arc;
use std::vec::Vec;

use super::log::Segment;

/// A reader's position: the segment of the event it read last.
///
/// Segments that it has left are kept until [`clear`](Self::clear). Dropping them drops payloads, so
/// `clear` is called where no lock is held.
pub struct Cursor<E: ?Sized> {
    segment: Option<Arc<Segment<E>>>,
    left: Vec<Arc<Segment<E>>>,
}

impl<E: ?Sized> Cursor<E> {
    /// Creates a cursor that has read nothing.
    pub fn new() -> Self {
        Self { segment: None, left: Vec::new() }
    }

    /// Moves to a segment.
    pub(super) fn enter(&mut self, segment: &Arc<Segment<E>>) {
        if !self.segment.as_ref().is_some_and(|own| Arc::ptr_eq(own, segment)) {
            self.left.extend(self.segment.replace(segment.clone()));
        }
    }

    /// Keeps a segment that the queue no longer needs, until the next [`clear`](Self::clear).
    pub(super) fn keep(&mut self, segment: Arc<Segment<E>>) {
        self.left.push(segment);
    }

    /// Leaves the last segment: the stream has ended.
    pub(super) fn finish(&mut self) {
        self.left.extend(self.segment.take());
    }

    /// Returns the event that was read last.
    ///
    /// # Panics
    /// If `seq` is not the number of that event.
    pub fn event(&self, seq: u64) -> &Arc<E> {
        let event = self.segment.as_ref().and_then(|segment| segment.get(seq));
        event.expect("the event that was read last is in the cursor's segment").0
    }

    /// Drops the segments that were left.
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
        f.debug_struct("Cursor").field("segment", &self.segment).finish_non_exhaustive()
    }
}
