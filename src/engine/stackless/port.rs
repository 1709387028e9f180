//! The state that the driver and an `async` body share, and the invariants of the engine.
//!
//! ```text
//!   Task, pinned                          what the body holds
//!  ┌─────────────────────┐
//!  │ port                │◄──────────────  Input<'p> { port: &'p Port }   lent as `&mut`
//!  │   cursor ──► chunk  │
//!  │   sink, hungry, ... │
//!  │ future ─ borrows port and body
//!  │ body                │
//!  └─────────────────────┘
//! ```
//!
//! # The invariants
//! After each invariant: the test that fails without it. Those of memory fail under AddressSanitizer.
//!
//! * **I1. A chunk and a sink are reachable only during the poll that they are lent to.**
//!   [`Port::lend`] sets both; [`Port::take_back`] clears both, and runs even if the poll unwinds.
//!   (`drop/main.rs: a_sink_can_panic_anywhere`)
//! * **I2. No slice of a chunk outlives the poll that it was lent to.** A slice borrows the
//!   `&mut Input`, every read needs that `&mut Input`, and the future is kept after a poll only if
//!   that poll ended in such a read (I3). A poll that ends otherwise drops the future, slices and
//!   all, before the chunk goes back.
//!   (`hostile/lent.rs: a_body_that_waits_for_something_else_is_dropped_while_its_slice_is_still_lent`)
//! * **I3. `hungry` implies that the cursor is at the end and that every slice alive is empty.** Only a
//!   read sets it, after it has found the chunk used up while it held the `&mut Input`; a slice taken
//!   later in the same poll is empty. The driver clears it before each poll, and `fail` when it
//!   moves the cursor back.
//!   (`hostile/lent.rs: a_byte_put_back_after_a_pending_read_is_not_kept_across_a_foreign_wait`)
//! * **I4. An `Input` serves only the run it was made for.** `'p` is invariant and chosen by the
//!   driver, so no two inputs have one type, and none can be swapped for another or stored.
//!   (`compile_fail/stackless.rs: a_body_cannot_choose_the_lifetime_of_its_input`)
//! * **I5. The port and the body outlive the future, at one address.** They are pinned together. The
//!   future is live from when `make` has written it until `drop_future`, which precedes all else in
//!   `Drop`. (`drop/main.rs: a_parser_can_be_dropped_anywhere` and
//!   `compile_fail/stackless.rs: a_pinned_task_cannot_be_moved_out`)
//! * **I6. Port, body and sink are touched by one thread at a time.** The driver holds the
//!   `&mut Task`; the body holds the `&mut Input` that the driver lent. A scoped thread that was given
//!   the latter is joined before the poll returns, and the sink is `Send`. The sink cannot reach its
//!   own parser. (`compile_fail/mod.rs: a_sink_that_is_not_send_is_refused_where_a_body_may_emit_elsewhere`)
//! * **I7. `start <= cursor <= end`, in one allocation: the chunk, or three equal pointers.** The cursor
//!   moves forward by a count that [`Port::advance`] checks, and back by one byte if it is past the
//!   start. (`hostile/lent.rs: a_stop_that_lies_does_not_make_a_scan_read_past_the_chunk`)

use core::cell::Cell;
use core::mem;
use core::ptr::{self, NonNull};
use core::slice;
use core::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

use crate::engine::READS_AFTER_END;
use crate::engine::overshoot::Overshoot;
use crate::error::End;
use crate::parser::{EventSink, Events};

/// The state that the driver and the body share.
pub(super) struct Port<E: Events> {
    /// `start <= cursor <= end` (I7).
    start: Cell<*const u8>,
    cursor: Cell<*const u8>,
    end: Cell<*const u8>,
    /// The position of the cursor when the byte after it became the one to blame.
    seen: Cell<*const u8>,
    /// The offset of `start`.
    base: Cell<u64>,
    /// `None` outside a poll (I1).
    sink: Cell<Option<NonNull<EventSink<'static, E>>>>,
    /// Set when the body waits for its own input (I3).
    hungry: Cell<bool>,
    /// Reads still allowed after the end; `None` while the input goes on.
    ended: Cell<Option<u8>>,
    overshoot: Cell<Overshoot>,
}

// SAFETY: I6. The raw pointers lead to shared bytes, and to a sink that is `Send`.
unsafe impl<E: Events> Send for Port<E> {}
// SAFETY: I6: a `&Port` is used only by the holder of the `&mut Task` or of its `&mut Input`.
unsafe impl<E: Events> Sync for Port<E> {}

impl<E: Events> Port<E> {
    pub(super) const fn new() -> Self {
        Self {
            start: Cell::new(ptr::null()),
            cursor: Cell::new(ptr::null()),
            end: Cell::new(ptr::null()),
            seen: Cell::new(ptr::null()),
            base: Cell::new(0),
            sink: Cell::new(None),
            hungry: Cell::new(false),
            ended: Cell::new(None),
            overshoot: Cell::new(Overshoot::NONE),
        }
    }

    /// Lends a chunk and a sink for one poll.
    ///
    /// # Safety
    /// I1: [`take_back`](Self::take_back) is called before either of them ends.
    #[inline(always)]
    pub(super) unsafe fn lend(&self, chunk: &[u8], base: u64, sink: Option<&mut EventSink<'_, E>>) {
        let range = chunk.as_ptr_range();
        self.start.set(range.start);
        self.cursor.set(range.start);
        self.end.set(range.end);
        self.seen.set(ptr::null());
        self.base.set(base);
        self.hungry.set(false);
        if let Some(sink) = sink {
            let sink = NonNull::from(sink);
            // SAFETY: I1: only the lifetime changes, and the caller ends the use in time.
            let sink = unsafe {
                mem::transmute::<NonNull<EventSink<'_, E>>, NonNull<EventSink<'static, E>>>(sink)
            };
            self.sink.set(Some(sink));
        }
    }

    /// Ends the loan (I1) and returns how many bytes of the chunk were consumed.
    #[inline(always)]
    pub(super) fn take_back(&self) -> usize {
        let consumed = self.cursor.get().addr() - self.start.get().addr();
        self.cursor.set(self.start.get());
        self.end.set(self.start.get());
        if self.sink.get().is_some() {
            self.sink.set(None);
        }
        consumed
    }

    /// Returns true if the body waits for its own input (I3).
    #[inline(always)]
    pub(super) fn is_hungry(&self) -> bool {
        self.hungry.get()
    }

    /// Makes every further read of an empty range return [`End::Finished`].
    pub(super) fn finish(&self) {
        self.ended.set(Some(READS_AFTER_END));
    }

    /// Returns true once the body has used up its reads after the end.
    pub(super) fn is_exhausted(&self) -> bool {
        self.ended.get() == Some(0)
    }

    /// Prepares a new run.
    pub(super) fn reopen(&self) {
        self.ended.set(None);
        self.overshoot.set(Overshoot::NONE);
    }

    #[cfg(any(feature = "generator", feature = "testing"))]
    pub(super) fn overshoot(&self) -> Overshoot {
        self.overshoot.get()
    }

    /// The offset of the cursor.
    pub(super) fn offset(&self) -> u64 {
        let consumed = self.cursor.get().addr() - self.start.get().addr();
        self.base.get().saturating_add(consumed as u64)
    }

    #[inline(always)]
    pub(super) fn has_sink(&self) -> bool {
        self.sink.get().is_some()
    }

    /// Makes the byte at the cursor the one to blame.
    #[inline(always)]
    pub(super) fn mark_seen(&self) {
        self.seen.set(self.cursor.get());
    }

    /// Puts the cursor before the byte to blame.
    pub(super) fn blame(&self) {
        let cursor = self.cursor.get();
        if cursor != self.seen.get() && cursor != self.start.get() {
            // SAFETY: I7: the cursor is past the start, so the byte before it is in the chunk.
            self.cursor.set(unsafe { cursor.sub(1) });
            // I3: the chunk is no longer used up.
            self.hungry.set(false);
        }
        self.mark_seen();
    }

    #[inline(always)]
    fn len(&self) -> usize {
        self.end.get().addr() - self.cursor.get().addr()
    }

    /// # Safety
    /// I2: `'a` ends before the poll does, unless that poll drops the future.
    #[inline(always)]
    pub(super) unsafe fn rest<'a>(&self) -> &'a [u8] {
        if self.len() == 0 {
            return &[];
        }
        // SAFETY: I7: a part of the chunk.
        unsafe { slice::from_raw_parts(self.cursor.get(), self.len()) }
    }

    #[inline(always)]
    pub(super) fn advance(&self, count: usize) {
        assert!(count <= self.len());
        // SAFETY: I7: stays within the chunk.
        self.cursor.set(unsafe { self.cursor.get().add(count) });
    }

    #[inline(always)]
    pub(super) fn byte(&self) -> Option<u8> {
        // SAFETY: I7: the cursor is before the end, so it points to a byte of the chunk.
        (self.len() > 0).then(|| unsafe { *self.cursor.get() })
    }

    #[inline(always)]
    pub(super) fn next(&self) -> Option<u8> {
        let byte = self.byte()?;
        self.advance(1);
        Some(byte)
    }

    /// One poll of a scan: up to the stop, or else to the end of the chunk.
    #[inline(always)]
    pub(super) fn scan(
        &self,
        cx: &Context<'_>,
        find: impl FnOnce(&[u8]) -> Option<usize>,
        take: impl FnOnce(&[u8]),
    ) -> Poll<Result<u8, End>> {
        // SAFETY: I2: used only until `take` returns; neither closure can keep it.
        let rest = unsafe { self.rest() };
        let found = if rest.is_empty() { None } else { find(rest) };
        let (piece, stop) = match found {
            Some(at) => {
                let stopped = (&rest[..at], Some(rest[at]));
                self.overshoot.set(self.overshoot.get().found(rest.len(), at));
                stopped
            }
            None => (rest, None),
        };
        self.advance(piece.len() + usize::from(stop.is_some()));
        if !piece.is_empty() {
            take(piece);
        }
        match stop {
            Some(stop) => Poll::Ready(Ok(stop)),
            None => self.starve(cx),
        }
    }

    #[inline(always)]
    pub(super) fn emit(&self, event: E::Event<'_>) {
        if let Some(mut sink) = self.sink.get() {
            // SAFETY: I1: a sink that is set is lent to the poll under way. I6: no other `&mut` to it is
            // alive.
            unsafe { sink.as_mut()(event) }
        }
    }

    /// The answer of a read that has found the chunk used up.
    #[inline(always)]
    pub(super) fn starve<T>(&self, cx: &Context<'_>) -> Poll<Result<T, End>> {
        debug_assert_eq!(self.len(), 0, "I3");
        if self.ended.get().is_some() || !is_own(cx.waker()) {
            return self.refuse(cx);
        }
        self.hungry.set(true);
        Poll::Pending
    }

    #[cold]
    fn refuse<T>(&self, cx: &Context<'_>) -> Poll<Result<T, End>> {
        match self.ended.get() {
            _ if !is_own(cx.waker()) => Poll::Ready(Err(End::Stalled)),
            Some(0) | None => Poll::Pending,
            Some(reads) => {
                self.ended.set(Some(reads - 1));
                Poll::Ready(Err(End::Finished))
            }
        }
    }
}

static VTABLE: RawWakerVTable = RawWakerVTable::new(|_| RAW_WAKER, |_| {}, |_| {}, |_| {});
const RAW_WAKER: RawWaker = RawWaker::new(ptr::null(), &VTABLE);
// SAFETY: the functions do nothing, and a clone is the same waker again.
static WAKER: Waker = unsafe { Waker::from_raw(RAW_WAKER) };

/// The waker that a driver polls with. It wakes nothing: the next chunk is a call.
///
/// It is not [`Waker::noop`], whose vtable need not have one address.
pub(super) fn waker() -> &'static Waker {
    &WAKER
}

/// Returns true if the poll comes from our driver. A foreign executor would wait for ever.
#[inline(always)]
fn is_own(waker: &Waker) -> bool {
    ptr::eq(waker.vtable(), &raw const VTABLE)
}
