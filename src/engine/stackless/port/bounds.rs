//! The part of a chunk that a limit, a pause and the end of the input leave to the reads.

use core::task::{Context, Poll};

use super::super::waker::is_own;
use super::{ENDED, HUNGRY, LIMITED, PAUSED, Port};
use crate::engine::READS_AFTER_END;
use crate::engine::limit::Limit;
use crate::error::End;
use crate::parser::Events;

impl<E: Events> Port<E> {
    pub(in crate::engine::stackless) fn is_paused(&self) -> bool {
        self.is(PAUSED)
    }

    /// Hides the rest of the chunk from the reads to come. The end of the input is not paused: what
    /// is left then comes from the body alone.
    #[cold]
    pub(super) fn pause(&self) {
        if !self.is(ENDED) {
            self.set(PAUSED);
            self.clamp();
        }
    }

    pub(in crate::engine::stackless) fn limit(&self) -> Limit {
        self.limit.get()
    }

    /// Sets the limit of the reads to come.
    pub(in crate::engine::stackless) fn set_limit(&self, limit: Limit) {
        self.limit.set(limit);
        if limit.is_none() {
            self.clear(LIMITED);
        } else {
            self.set(LIMITED);
        }
        if !self.is(ENDED) {
            self.refusals.set(READS_AFTER_END);
        }
        self.clamp();
    }

    /// Shows what the limit and a pause leave of the chunk (I8).
    pub(in crate::engine::stackless) fn clamp(&self) {
        let len = self.len() + self.held.get();
        let visible =
            if self.is(PAUSED) { 0 } else { self.limit.get().visible(self.offset(), len) };
        if visible > 0 {
            self.clear(HUNGRY);
        }
        // SAFETY: I8: `len` bytes of the chunk lie behind the cursor.
        self.end.set(unsafe { self.cursor.get().add(visible) });
        self.held.set(len - visible);
    }

    pub(super) fn at_limit(&self) -> bool {
        self.is(LIMITED) && self.limit.get().is_reached(self.offset())
    }

    /// Takes bytes of a piece that was lent before the sink could pause: they may be held by now.
    #[inline]
    pub(in crate::engine::stackless) fn advance_past_pause(&self, count: usize) {
        // Without a limit and a pause, nothing is held.
        if count <= self.len() && !self.is(LIMITED | PAUSED) {
            self.advance(count);
        } else {
            self.advance_specially(count);
        }
    }

    #[cold]
    fn advance_specially(&self, count: usize) {
        let len = self.len() + self.held.get();
        let left = self.limit.get().visible(self.offset(), len);
        assert!(count <= left, "no more than is left of the chunk");
        // SAFETY: I8: `len` bytes of the chunk lie behind the cursor.
        self.cursor.set(unsafe { self.cursor.get().add(count) });
        self.end.set(self.cursor.get());
        self.held.set(len - count);
        self.clamp();
    }

    /// The answer of a read that has found nothing to read.
    #[inline(always)]
    pub(in crate::engine::stackless) fn starve<T>(&self, cx: &Context<'_>) -> Poll<Result<T, End>> {
        debug_assert_eq!(self.len(), 0, "I3");
        if self.flags.get() & !HUNGRY != 0 || !is_own(cx.waker()) {
            return self.refuse(cx);
        }
        self.flags.set(HUNGRY);
        Poll::Pending
    }

    /// The limit is asked before a pause, which must not hide it.
    #[cold]
    fn refuse<T>(&self, cx: &Context<'_>) -> Poll<Result<T, End>> {
        if !is_own(cx.waker()) {
            return Poll::Ready(Err(End::Stalled));
        }
        let limit = self.limit.get();
        let end = if self.at_limit() {
            self.mark_seen();
            limit.end()
        } else if self.is(ENDED) {
            limit.finished()
        } else {
            self.set(HUNGRY);
            return Poll::Pending;
        };
        match self.refusals.get() {
            // The driver drops the body.
            0 => Poll::Pending,
            left => {
                self.refusals.set(left - 1);
                Poll::Ready(Err(end))
            }
        }
    }
}
