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
//!   input has its cursor at its end; the port's range is read only after a resume, and every resume
//!   is preceded by [`Port::lend`]; [`Port::take_back`] follows every resume that was lent a sink,
//!   because nothing unwinds through a switch: the trampoline catches every panic. The sink cannot
//!   reach its own parser, which the caller has borrowed.
//!   (`drop/abandoned.rs: a_body_sees_that_it_is_abandoned_and_its_last_events_are_discarded`)
//! * **I2. No slice of a chunk outlives the call that lends the chunk.** A slice borrows the
//!   `&mut Input`, only a read suspends, and every read needs the `&mut Input`.
//!   (`compile_fail/coroutine.rs: a_slice_is_gone_after_the_next_read`)
//! * **I3. `start <= cursor <= end`, in one allocation: the chunk.** The cursor moves forward over
//!   bytes that were just seen before the end, and back by one byte if it is past the start.
//!   (`hostile/lent.rs: a_stop_that_lies_does_not_make_a_scan_read_past_the_chunk`)
//! * **I4. An `Input` serves only the run it was made for.** `'p` is invariant and chosen by the
//!   trampoline, so no two inputs have one type, and none can be swapped for another or stored.
//!   (`compile_fail/coroutine.rs: a_body_cannot_choose_the_lifetime_of_its_input`)
//! * **I5. Frame and body outlive every run, at one address.** They lie at the top of the stack and
//!   are dropped when the body is not running and the coroutine is not resumed again; only the
//!   trampoline borrows the body. (`drop/main.rs: a_parser_can_be_dropped_anywhere`)
//! * **I6. A suspended coroutine never changes thread.** The parser is not `Send`, and neither is the
//!   input, so the body's side of the switch stays where it is too.
//!   (`compile_fail/mod.rs: a_coroutine_cannot_change_its_thread` and
//!   `compile_fail/coroutine.rs: an_input_cannot_go_to_another_thread`)
//!
//! The invariants of the stacks are at the head of `stack/slab.rs`.

use core::cell::Cell;
use core::mem;
use core::ops::Range;
use core::ptr::{self, NonNull};

use crate::engine::overshoot::Overshoot;
use crate::parser::{Events, LocalSink};

/// The message of a switch to the driver: false when the body is hungry, true when it has ended. It
/// is small, so that it travels in a register.
pub(super) type Ended = bool;

/// The reason why the driver resumes a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// To parse the chunk.
    Feed,
    /// To end, because the input is finished.
    Finish,
    /// To end, because the parser is reset or dropped.
    Abandon,
}

/// The state that the driver and the body share.
pub(super) struct Port<E: Events> {
    /// With `end`: the chunk of the last resume. Dangling between two calls (I1).
    pub(super) start: Cell<*const u8>,
    pub(super) end: Cell<*const u8>,
    /// The offset of `start`.
    pub(super) base: Cell<u64>,
    pub(super) command: Cell<Command>,
    /// Set once the body has used up its reads after the end.
    pub(super) exhausted: Cell<bool>,
    /// `None` between two calls (I1).
    pub(super) sink: Cell<Option<NonNull<LocalSink<'static, E>>>>,
    pub(super) max_depth: u32,
    /// The addresses at the end of the stack that nested calls must not enter.
    pub(super) reserve: Range<usize>,
    pub(super) overshoot: Cell<Overshoot>,
}

impl<E: Events> Port<E> {
    pub(super) fn new(max_depth: u32, reserve: Range<usize>) -> Self {
        Self {
            start: Cell::new(ptr::null()),
            end: Cell::new(ptr::null()),
            base: Cell::new(0),
            command: Cell::new(Command::Feed),
            exhausted: Cell::new(false),
            sink: Cell::new(None),
            max_depth,
            reserve,
            overshoot: Cell::new(Overshoot::NONE),
        }
    }

    pub(super) fn address(&self) -> usize {
        ptr::from_ref(self).addr()
    }

    /// Lends a chunk and a sink for one resume.
    ///
    /// # Safety
    /// I1: a resume follows before the chunk ends, and [`take_back`](Self::take_back) before the sink
    /// ends.
    #[inline(always)]
    pub(super) unsafe fn lend(&self, chunk: &[u8], base: u64, sink: Option<&mut LocalSink<'_, E>>) {
        debug_assert!(self.sink.get().is_none(), "I1");
        let range = chunk.as_ptr_range();
        self.start.set(range.start);
        self.end.set(range.end);
        self.base.set(base);
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

    /// Ends the loan of the sink (I1).
    #[inline(always)]
    pub(super) fn take_back(&self) {
        self.sink.set(None);
    }
}
