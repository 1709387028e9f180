//! The state that the driver and a coroutine body share, and the invariants of the engine.
//!
//! ```text
//!   the caller's stack                 the coroutine's stack
//!  ┌────────────────────┐             ┌───────────────────────────┐
//!  │ feed(chunk)        │             │ Frame                     │
//!  │   Parser           │             │   port: start, end, ...   │
//!  │     frame ─────────┼────────────►│ body                      │
//!  │     coroutine ─────┼─ switches ─►│ trampoline                │
//!  └────────────────────┘             │   Input                   │
//!                                     │     cursor, end ──► chunk │
//!                                     │   body(&mut Input)        │
//!                                     └───────────────────────────┘
//! ```
//!
//! # The invariants
//! After each invariant: the test that fails without it. Those of memory fail under AddressSanitizer.
//!
//! * **I1. A chunk and a sink are reachable only during the call that lends them.** A suspended
//!   input has its cursor at its end, and takes both from the port when it is resumed; the port's range
//!   is read only while the body runs, and every resume is preceded by [`Port::lend`] and
//!   followed by [`Port::take_back`], because nothing unwinds through a switch: the trampoline catches
//!   every panic. The sink cannot reach its own parser, which the caller has borrowed.
//!   (`drop/abandoned.rs: a_body_sees_that_it_is_abandoned_and_its_last_events_are_discarded`)
//! * **I2. No slice of a chunk outlives the call that lends the chunk.** A slice borrows the
//!   `&mut Input`, only a read suspends, and every read needs the `&mut Input`.
//!   (`compile_fail/coroutine.rs: a_slice_is_gone_after_the_next_read`)
//! * **I3. `start <= cursor <= end`, in one allocation: the chunk.** The cursor moves forward over
//!   bytes that were just seen before the end, and back by one byte if it is past the start. A limit or
//!   a pause only moves the `end` of the input, between the cursor and the end of the chunk, which the
//!   port keeps.
//!   (`hostile/lent.rs: a_stop_that_lies_does_not_make_a_scan_read_past_the_chunk` and
//!   `coroutine/bounds.rs: a_bound_in_an_earlier_chunk_shows_nothing_of_a_later_one`)
//! * **I4. An `Input` serves only the run it was made for.** `'p` is invariant and chosen by the
//!   trampoline, so no two inputs have one type, and none can be swapped for another or stored.
//!   (`compile_fail/coroutine.rs: a_body_cannot_choose_the_lifetime_of_its_input`)
//! * **I5. Frame and body outlive every run, at one address.** They lie at the top of the stack and
//!   are dropped when the body is not running and the coroutine is not resumed again; only the
//!   trampoline borrows the body. A parser that runs is not dropped at all: its process is ending.
//!   (`drop/main.rs: a_parser_can_be_dropped_anywhere` and
//!   `coroutine/stacks.rs: a_process_may_exit_in_a_body_or_a_sink_of_a_parser_in_a_thread_local`)
//! * **I6. A suspended coroutine never changes thread.** The parser is not `Send`, and neither is the
//!   input, so the body's side of the switch stays where it is too.
//!   (`compile_fail/mod.rs: a_coroutine_cannot_change_its_thread` and
//!   `compile_fail/coroutine.rs: an_input_cannot_go_to_another_thread`) The sink of an inner parser,
//!   which must be `Send`, carries the thread that it may be called on.
//!   (`coroutine/embedding.rs: an_inner_parser_that_emits_on_another_thread_panics_there`)
//! * **I7. A stack that unwinds is not left.** A read that finds its body unwinding answers at once. So
//!   a panic reaches the call that it happened in, and the thread is not `panicking()` afterwards.
//!   (`coroutine/unwinding.rs: a_panic_reaches_its_own_call_whatever_its_destructors_read`)
//!
//! The invariants of the stacks are at the head of `stack/slab.rs`.

use core::cell::Cell;
use core::mem;
use core::ops::Range;
use core::ptr::{self, NonNull};

use crate::engine::READS_AFTER_END;
use crate::engine::error_start::ErrorStart;
use crate::engine::limit::Limit;
use crate::engine::overshoot::Overshoot;
use crate::error::End;
use crate::parser::{Events, LocalSink};

/// The message of a switch to the driver: false if the body waits for more input and has used up the
/// chunk, true if there is more to know. It is small, so that it travels in a register.
pub(super) type Special = bool;

/// There is a [`Limit`].
pub(super) const LIMITED: u8 = 1;
/// The sink has paused the parser: what is left of the chunk is not read in this call.
pub(super) const PAUSED: u8 = 1 << 1;
/// Bytes between values were skipped in this call.
pub(super) const SKIPPED: u8 = 1 << 2;
/// There will be no more input.
pub(super) const ENDED: u8 = 1 << 3;
/// The thread was unwinding already when it resumed the body (I7).
pub(super) const UNWINDING: u8 = 1 << 4;
/// The body is suspended for good.
pub(super) const LOST: u8 = 1 << 5;
/// With [`ENDED`]: the parser is reset or dropped.
pub(super) const ABANDONED: u8 = 1 << 6;

/// The state that the driver and the body share.
pub(super) struct Port<E: Events> {
    /// With `end`: the chunk that is lent, all of it. Null between two calls (I1).
    pub(super) start: Cell<*const u8>,
    pub(super) end: Cell<*const u8>,
    /// The offset of `start`.
    pub(super) base: Cell<u64>,
    /// The flags above. Zero in a run without limits, pauses and the like, so that its hot paths have
    /// one comparison for all of them.
    pub(super) flags: Cell<u8>,
    /// Reads that the end or the limit may still refuse before the body is given up.
    pub(super) refusals: Cell<u8>,
    /// The number of times that the body was unwound because it used them up, and caught that.
    pub(super) given_up: Cell<u8>,
    /// The answer that the body has seen too often.
    pub(super) last_end: Cell<End>,
    limit: Cell<Limit>,
    /// The number of bytes of the chunk that were consumed, when the body switches with a [`Special`] message.
    pub(super) consumed: Cell<usize>,
    /// The position of the window at its last event.
    pub(super) told: Cell<usize>,
    /// The position where the part began that an error is about, if the body has told it.
    error_start: Cell<Option<ErrorStart>>,
    /// The offset of the value's first byte. Bytes skipped between values lie before it.
    value_start: Cell<u64>,
    /// `None` between two calls (I1).
    pub(super) sink: Cell<Option<NonNull<LocalSink<'static, E>>>>,
    pub(super) max_depth: u32,
    /// The addresses of the stack that nested calls may use.
    pub(super) allowed: Range<usize>,
    pub(super) overshoot: Cell<Overshoot>,
}

impl<E: Events> Port<E> {
    pub(super) fn new(max_depth: u32, allowed: Range<usize>) -> Self {
        Self {
            start: Cell::new(ptr::null()),
            end: Cell::new(ptr::null()),
            base: Cell::new(0),
            flags: Cell::new(0),
            refusals: Cell::new(READS_AFTER_END),
            given_up: Cell::new(0),
            last_end: Cell::new(End::Finished),
            limit: Cell::new(Limit::NONE),
            consumed: Cell::new(0),
            told: Cell::new(0),
            error_start: Cell::new(None),
            value_start: Cell::new(0),
            sink: Cell::new(None),
            max_depth,
            allowed,
            overshoot: Cell::new(Overshoot::NONE),
        }
    }

    pub(super) fn address(&self) -> usize {
        ptr::from_ref(self).addr()
    }

    /// Lends a chunk and a sink for one resume.
    ///
    /// # Safety
    /// I1: a resume follows, and then [`take_back`](Self::take_back), before either of them ends.
    #[inline(always)]
    pub(super) unsafe fn lend(&self, chunk: &[u8], base: u64, sink: Option<&mut LocalSink<'_, E>>) {
        debug_assert!(!self.is_lent() && self.sink.get().is_none(), "I1");
        let range = chunk.as_ptr_range();
        self.start.set(range.start);
        self.end.set(range.end);
        self.base.set(base);
        self.told.set(0);
        if let Some(sink) = sink {
            // SAFETY: I1: only the lifetime changes, and the caller ends the use in time.
            let sink = unsafe {
                mem::transmute::<NonNull<LocalSink<'_, E>>, NonNull<LocalSink<'static, E>>>(
                    sink.into(),
                )
            };
            self.sink.set(Some(sink));
        }
    }

    /// Ends the loan (I1).
    #[inline(always)]
    pub(super) fn take_back(&self, sink: bool) {
        self.start.set(ptr::null());
        // Not asked of the cell, which would have to be read after the switch.
        if sink {
            self.sink.set(None);
        }
    }

    /// Returns true during a call: the body is running, or waits for one that it has made.
    pub(super) fn is_lent(&self) -> bool {
        !self.start.get().is_null()
    }

    /// Makes every further read return an end: [`ENDED`], and [`ABANDONED`] if that is the reason.
    pub(super) fn close(&self, flags: u8) {
        self.refusals.set(READS_AFTER_END);
        self.set(flags);
    }

    /// Prepares a new run: nothing that the one before has left behind holds for it.
    pub(super) fn reopen(&self, offset: u64) {
        if self.is(LIMITED) {
            self.limit.set(Limit::NONE);
        }
        self.flags.set(0);
        self.given_up.set(0);
        self.error_start.set(None);
        self.value_start.set(offset);
        self.overshoot.set(Overshoot::NONE);
    }

    /// The start of the part that an error is about, if the body has told it.
    pub(super) fn error_start(&self) -> Option<ErrorStart> {
        self.error_start.get()
    }

    pub(super) fn set_error_start(&self, start: u64, blamed: u64) {
        self.error_start.set(Some(ErrorStart { start, blamed }));
    }

    /// The offset at which the value begins, if it has changed.
    pub(super) fn take_value_start(&self) -> Option<u64> {
        let skipped = self.is(SKIPPED);
        self.clear(SKIPPED);
        skipped.then(|| self.value_start.get())
    }

    /// Bytes from one offset to another lie between values, if the value has not begun.
    pub(super) fn skipped_between(&self, from: u64, to: u64) {
        if from == self.value_start.get() {
            self.value_start.set(to);
            self.set(SKIPPED);
        }
    }

    /// The offset of the byte after the first `consumed` ones of the chunk.
    pub(super) fn offset(&self, consumed: usize) -> u64 {
        self.base.get().saturating_add(consumed as u64)
    }

    pub(super) fn is_paused(&self) -> bool {
        self.is(PAUSED)
    }

    /// Pauses the body: its next read finds nothing. At the end of the input, where there is nothing in
    /// any case, it makes no difference.
    #[cold]
    pub(super) fn pause(&self) {
        self.set(PAUSED);
    }

    pub(super) fn limit(&self) -> Limit {
        self.limit.get()
    }

    /// Sets the limit of the reads to come.
    pub(super) fn set_limit(&self, limit: Limit) {
        self.limit.set(limit);
        if limit.is_none() {
            self.clear(LIMITED);
        } else {
            self.set(LIMITED);
        }
        if !self.is(ENDED) {
            self.refusals.set(READS_AFTER_END);
        }
    }

    pub(super) fn at_limit(&self, consumed: usize) -> bool {
        self.is(LIMITED) && self.limit.get().is_reached(self.offset(consumed))
    }

    /// The number of bytes of the chunk that the limit leaves, after the `consumed` first ones.
    fn left(&self, consumed: usize) -> usize {
        let len = self.end.get().addr() - self.start.get().addr() - consumed;
        self.limit.get().visible(self.offset(consumed), len)
    }

    /// The end of what may be read, after the `consumed` first bytes of the chunk, as a limit and a
    /// pause leave it.
    #[cold]
    #[inline(never)]
    pub(super) fn visible_end(&self, consumed: usize) -> *const u8 {
        let left = if self.is(PAUSED) { 0 } else { self.left(consumed) };
        // SAFETY: I3: so many bytes follow the start of the chunk.
        unsafe { self.start.get().add(consumed + left) }
    }

    /// The end of what may be read once `count` bytes more are consumed. They may have been lent before
    /// the sink paused the parser.
    ///
    /// # Panics
    /// If there are fewer.
    #[cold]
    #[inline(never)]
    pub(super) fn visible_end_past(&self, consumed: usize, count: usize) -> *const u8 {
        assert!(count <= self.left(consumed), "no more than is left of the chunk");
        self.visible_end(consumed + count)
    }

    #[inline(always)]
    pub(super) fn is(&self, flag: u8) -> bool {
        self.flags.get() & flag != 0
    }

    pub(super) fn set(&self, flag: u8) {
        self.flags.set(self.flags.get() | flag);
    }

    pub(super) fn clear(&self, flag: u8) {
        self.flags.set(self.flags.get() & !flag);
    }
}
