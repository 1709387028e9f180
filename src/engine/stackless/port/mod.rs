//! The state that the driver and an `async` body share, and the invariants of the engine.
//!
//! ```text
//!   Task, pinned                          what the body holds
//!  ┌─────────────────────┐
//!  │ port                │◄──────────────  Input<'p> { port: &'p Port }   lent as `&mut`
//!  │   cursor ──► chunk  │
//!  │   sink, state, limit│
//!  │   calls ──► frames  │
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
//! * **I3. [`HUNGRY`] implies that the cursor is at the end and that every slice alive is empty.** Only a
//!   read sets it, after it has found the chunk used up while it held the `&mut Input`; a slice taken
//!   later in the same poll is empty. It is cleared before each poll, and wherever more of the chunk
//!   is shown: by `fail`, which moves the cursor back, and by [`Port::clamp`].
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
//! * **I8. A limit or a pause only moves `end`, between the cursor and the end of the chunk.** `held`
//!   counts the bytes of the chunk behind `end`, and [`Port::take_all_back`] clears it.
//!   (`contract/bounds.rs: a_bound_in_an_earlier_chunk_shows_nothing_of_a_later_one`)
//!
//! The invariants of nested calls, I9 to I12, are at the head of `call_stack.rs`.

mod bounds;
#[cfg(feature = "alloc")]
mod calls;
mod emit;

#[cfg(feature = "alloc")]
use alloc::boxed::Box;
use core::cell::Cell;
#[cfg(feature = "alloc")]
use core::cell::OnceCell;
use core::mem;
use core::ptr::{self, NonNull};
use core::slice;
use core::task::{Context, Poll};

#[cfg(feature = "alloc")]
use super::call_stack::{CallStack, Root};
use crate::engine::READS_AFTER_END;
use crate::engine::composed::common_prefix;
use crate::engine::error_start::ErrorStart;
use crate::engine::limit::Limit;
use crate::engine::overshoot::Overshoot;
use crate::error::{End, ErrorKind, Failure};
use crate::parser::{EventSink, Events};
#[cfg(feature = "alloc")]
use crate::scan::Delimiter;
pub(crate) use emit::ToSink;

/// The body waits for its own input (I3). The only flag that a run without calls, limits and pauses
/// ever sets, so that its hot paths have one comparison for all of them.
const HUNGRY: u8 = 1;
/// There will be no more input.
const ENDED: u8 = 1 << 1;
/// There is a [`Limit`].
const LIMITED: u8 = 1 << 2;
/// The sink has paused the parser: what is left of the chunk is not read in this poll.
const PAUSED: u8 = 1 << 3;
/// There is a call stack, so it may not be the root that goes on.
#[cfg(feature = "alloc")]
const NESTED: u8 = 1 << 4;
/// A call waits for the driver to poll it, in this same `feed`.
const CALLED: u8 = 1 << 5;
/// Bytes between values were skipped in this poll.
const SKIPPED: u8 = 1 << 6;

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
    /// The flags above.
    flags: Cell<u8>,
    /// Reads that the end or the limit may still refuse before the body is dropped where it stands.
    refusals: Cell<u8>,
    limit: Cell<Limit>,
    /// The bytes of the chunk behind `end` (I8).
    held: Cell<usize>,
    /// The position where the part began that an error is about, if the body has told it.
    error_start: Cell<Option<ErrorStart>>,
    /// The offset of the value's first byte. Bytes skipped between values lie before it.
    value_start: Cell<u64>,
    overshoot: Cell<Overshoot>,
    /// The position of the window at its last event.
    pub(super) told: Cell<usize>,
    #[cfg_attr(not(feature = "alloc"), allow(dead_code, reason = "calls are allocated"))]
    max_depth: u32,
    /// Made by the first nested call. The port is pinned by then, so the box does not move (I5).
    #[cfg(feature = "alloc")]
    calls: OnceCell<Box<CallStack>>,
    #[cfg(feature = "alloc")]
    root: &'static Root,
}

// SAFETY: I6. The raw pointers lead to shared bytes, and to a sink that is `Send`.
unsafe impl<E: Events> Send for Port<E> {}
// SAFETY: I6: a `&Port` is used only by the holder of the `&mut Task` or of its `&mut Input`.
unsafe impl<E: Events> Sync for Port<E> {}

impl<E: Events> Port<E> {
    pub(super) const fn new(max_depth: u32, #[cfg(feature = "alloc")] root: &'static Root) -> Self {
        Self {
            start: Cell::new(ptr::null()),
            cursor: Cell::new(ptr::null()),
            end: Cell::new(ptr::null()),
            seen: Cell::new(ptr::null()),
            base: Cell::new(0),
            sink: Cell::new(None),
            flags: Cell::new(0),
            refusals: Cell::new(0),
            limit: Cell::new(Limit::NONE),
            held: Cell::new(0),
            error_start: Cell::new(None),
            value_start: Cell::new(0),
            overshoot: Cell::new(Overshoot::NONE),
            told: Cell::new(0),
            max_depth,
            #[cfg(feature = "alloc")]
            calls: OnceCell::new(),
            #[cfg(feature = "alloc")]
            root,
        }
    }

    /// Lends a chunk and a sink for one poll. Returns true if that poll needs care: a frame goes on
    /// and not the root, or not all of the chunk may be read.
    ///
    /// # Safety
    /// I1: [`take_back`](Self::take_back) is called before either of them ends.
    #[inline(always)]
    pub(super) unsafe fn lend(
        &self,
        chunk: &[u8],
        base: u64,
        sink: Option<&mut EventSink<'_, E>>,
    ) -> bool {
        let range = chunk.as_ptr_range();
        self.start.set(range.start);
        self.cursor.set(range.start);
        self.end.set(range.end);
        self.seen.set(ptr::null());
        self.base.set(base);
        self.told.set(0);
        if let Some(sink) = sink {
            let sink = NonNull::from(sink);
            // SAFETY: I1: only the lifetime changes, and the caller ends the use in time.
            let sink = unsafe {
                mem::transmute::<NonNull<EventSink<'_, E>>, NonNull<EventSink<'static, E>>>(sink)
            };
            self.sink.set(Some(sink));
        }
        let special = self.flags.get() & !HUNGRY;
        self.flags.set(special);
        special != 0
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

    /// Like [`take_back`](Self::take_back), for a poll that may have been limited or paused (I8).
    pub(super) fn take_all_back(&self) -> usize {
        self.held.set(0);
        self.clear(PAUSED | CALLED);
        self.take_back()
    }

    /// Returns true if the body waits for its own input (I3), and nothing else is unusual.
    #[inline(always)]
    pub(super) fn is_just_hungry(&self) -> bool {
        self.flags.get() == HUNGRY
    }

    pub(super) fn is_hungry(&self) -> bool {
        self.is(HUNGRY)
    }

    /// Returns true if a call waits for the driver, which is then going to poll it.
    pub(super) fn take_called(&self) -> bool {
        let called = self.is(CALLED);
        self.clear(CALLED);
        called
    }

    /// Begins a run: nothing that an earlier one left behind holds for it.
    pub(super) fn begin(&self) {
        self.error_start.set(None);
        self.set_limit(Limit::NONE);
        #[cfg(feature = "alloc")]
        if let Some(calls) = self.frames() {
            calls.begin();
        }
    }

    /// Makes every further read of an empty range return [`End::Finished`].
    pub(super) fn finish(&self) {
        self.refusals.set(READS_AFTER_END);
        self.set(ENDED);
    }

    /// The error of a body that has used up the reads that the end or a limit refuses.
    pub(super) fn exhausted(&self) -> Option<ErrorKind> {
        if self.refusals.get() > 0 {
            None
        } else if self.at_limit() {
            Failure::from(self.limit.get().end()).kind()
        } else {
            self.is(ENDED).then_some(ErrorKind::UnexpectedEnd)
        }
    }

    /// Prepares a new run.
    pub(super) fn reopen(&self, offset: u64) {
        self.clear(ENDED | SKIPPED);
        self.value_start.set(offset);
        self.overshoot.set(Overshoot::NONE);
    }

    /// The start of the part that an error is about, if the body has told it.
    pub(super) fn error_start(&self) -> Option<ErrorStart> {
        self.error_start.get()
    }

    /// The offset at which the value begins, if it has changed.
    pub(super) fn take_value_start(&self) -> Option<u64> {
        let skipped = self.is(SKIPPED);
        self.clear(SKIPPED);
        skipped.then(|| self.value_start.get())
    }

    /// Bytes before the cursor, from `offset` on, lie between values if the value has not begun.
    pub(super) fn skipped_between(&self, offset: u64) {
        if offset == self.value_start.get() {
            self.value_start.set(self.offset());
            self.set(SKIPPED);
        }
    }

    /// Records the start of the part that an error at the cursor is about.
    pub(super) fn set_error_start(&self, start: u64) {
        self.error_start.set(Some(ErrorStart { start, blamed: self.offset() }));
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
            self.clear(HUNGRY);
        }
        self.mark_seen();
    }

    #[inline(always)]
    pub(super) fn len(&self) -> usize {
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

    /// The chunk as far as it may be read, and the place of the cursor in it.
    ///
    /// # Safety
    /// I2: `'a` ends before the poll does, unless that poll drops the future.
    #[inline(always)]
    pub(super) unsafe fn visible<'a>(&self) -> (&'a [u8], usize) {
        let start = self.start.get();
        let at = self.cursor.get().addr() - start.addr();
        match self.end.get().addr() - start.addr() {
            0 => (&[], at),
            // SAFETY: I7: a part of the chunk.
            len => (unsafe { slice::from_raw_parts(start, len) }, at),
        }
    }

    /// The offset of the chunk's first byte.
    #[inline(always)]
    pub(super) fn base(&self) -> u64 {
        self.base.get()
    }

    /// Puts the cursor at a place of the chunk as far as it may be read, not before where it is.
    #[inline(always)]
    pub(super) fn seek(&self, at: usize) {
        let consumed = self.cursor.get().addr() - self.start.get().addr();
        // Checked without a pause, which has hidden the rest when its event was emitted.
        assert!(at >= consumed, "a position of the window");
        if self.is(PAUSED) {
            self.advance_past_pause(at - consumed);
        } else {
            self.advance(at - consumed);
        }
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

    #[inline(always)]
    pub(super) fn starts_with(&self, bytes: &[u8]) -> bool {
        // SAFETY: I2: used here alone.
        unsafe { self.rest() }.starts_with(bytes)
    }

    /// The length of what the chunk has of the bytes, and whether a byte of it differs.
    pub(super) fn common_prefix(&self, bytes: &[u8]) -> (usize, bool) {
        // SAFETY: I2: used here alone.
        let rest = unsafe { self.rest() };
        let count = common_prefix(rest, bytes);
        (count, count < rest.len().min(bytes.len()))
    }

    /// One poll of a scan: past the stop, or else to the end of the chunk. With `LEAVE` the stop is not
    /// taken, and is then the byte to blame.
    #[inline(always)]
    pub(super) fn scan<const LEAVE: bool>(
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
                self.found(rest.len(), at);
                stopped
            }
            None => (rest, None),
        };
        self.advance(piece.len() + usize::from(stop.is_some() && !LEAVE));
        if LEAVE {
            self.mark_seen();
        }
        if !piece.is_empty() {
            take(piece);
        }
        match stop {
            Some(stop) => Poll::Ready(Ok(stop)),
            None => self.starve(cx),
        }
    }

    /// Counts a scan of `len` bytes that has stopped at `at`.
    #[inline(always)]
    pub(super) fn found(&self, len: usize, at: usize) {
        self.overshoot.set(self.overshoot.get().found(len, at));
    }

    /// Like [`scan`](Self::scan), up to a delimiter. `report` returns true if the sink has paused.
    #[cfg(feature = "alloc")]
    pub(super) fn scan_before(
        &self,
        cx: &Context<'_>,
        delimiter: &mut Delimiter,
        mut report: impl FnMut(&[u8]) -> bool,
    ) -> Poll<Result<(), End>> {
        // SAFETY: I2: used only until `search` returns; `report` cannot keep it.
        let rest = unsafe { self.rest() };
        let taken = delimiter.search(self.offset(), rest, &mut report);
        self.overshoot.set(self.overshoot.get().more(taken.inspected_more));
        self.advance_past_pause(taken.count);
        if taken.found {
            return Poll::Ready(Ok(()));
        }
        let poll = self.starve(cx);
        if let Poll::Ready(Err(end)) = poll {
            let withheld = delimiter.release(self.offset(), end);
            if !withheld.is_empty() {
                report(withheld);
            }
        }
        poll
    }

    #[inline(always)]
    fn is(&self, flag: u8) -> bool {
        self.flags.get() & flag != 0
    }

    fn set(&self, flag: u8) {
        self.flags.set(self.flags.get() | flag);
    }

    #[inline(always)]
    fn clear(&self, flag: u8) {
        self.flags.set(self.flags.get() & !flag);
    }
}
