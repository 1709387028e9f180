//! The coroutine of a parser, shared with the list of the thread's parsers, which looks at its stack.
//!
//! # How a stack is looked at
//! Only the stack itself can be walked, so the body is resumed with an order: the read that it waits in
//! captures a backtrace and suspends again. Of the body nothing runs, and it cannot tell.

use core::cell::{Cell, RefCell};
use core::convert::Infallible;
use core::mem::ManuallyDrop;
use std::backtrace::Backtrace;
use std::rc::Rc;
use std::thread_local;

use corosensei::{CoroutineResult, Yielder};

use super::parser::{RESERVE, RawCoroutine};
use super::port::{Port, Special};
use crate::debug::{self, Stack};
use crate::parser::Events;

/// Bytes of the stack that a capture may take, of the reserve that nested calls leave free.
const CAPTURE: usize = 24 << 10;

thread_local! {
    static ORDER: Cell<bool> = const { Cell::new(false) };
    /// Without a destructor, so that it is there in those of other values of the thread.
    static CAPTURED: Cell<Option<ManuallyDrop<Backtrace>>> = const { Cell::new(None) };
}

/// A coroutine that may be suspended in its body.
pub(crate) struct Suspended {
    /// Borrowed while it runs.
    coroutine: RefCell<RawCoroutine>,
    /// True if it waits in a read of its body, which then answers an order.
    waits: Cell<bool>,
}

impl Suspended {
    pub(super) fn new(coroutine: RawCoroutine) -> Rc<Self> {
        let shared = Rc::new(Self { coroutine: RefCell::new(coroutine), waits: Cell::new(false) });
        debug::add_coroutine(Rc::downgrade(&shared));
        shared
    }

    /// As [`Coroutine::resume`](corosensei::Coroutine::resume).
    #[inline]
    pub(super) fn resume(&self, (): ()) -> CoroutineResult<Special, Infallible> {
        self.waits.set(false);
        self.coroutine.borrow_mut().resume(())
    }

    /// Says that the body waits in a read, until it is resumed.
    pub(super) fn set_waits(&self, waits: bool) {
        self.waits.set(waits);
    }

    /// As [`Coroutine::force_reset`](corosensei::Coroutine::force_reset).
    ///
    /// # Safety
    /// As there: nothing on the stack needs to be dropped.
    pub(super) unsafe fn force_reset(&self) {
        self.waits.set(false);
        // SAFETY: upheld by the caller.
        unsafe { self.coroutine.borrow_mut().force_reset() };
    }

    /// The stack of a body that waits. It is without calls if there is no room for a look at it, or if the
    /// read is on another stack. `None` for a body that runs, or is not half-way.
    pub(crate) fn stack(&self) -> Option<Stack> {
        if !self.waits.get() {
            return None;
        }
        let mut coroutine = self.coroutine.try_borrow_mut().ok()?;
        ORDER.set(true);
        // The body waits, so it suspends at once and does not end.
        let CoroutineResult::Yield(_) = coroutine.resume(());
        ORDER.set(false);
        let captured = CAPTURED.take().map(ManuallyDrop::into_inner);
        Some(captured.map_or_else(Stack::default, |backtrace| Stack::of(&backtrace)))
    }
}

/// Answers orders, if there are any, in a read that was just resumed.
#[inline(always)]
#[allow(clippy::inline_always, reason = "a switch in a callee is mispredicted when it returns")]
pub(super) fn answer<E: Events>(port: &Port<E>, yielder: &Yielder<(), Special>) {
    while ORDER.get() {
        capture(port, yielder);
    }
}

#[cold]
#[inline(never)]
fn capture<E: Events>(port: &Port<E>, yielder: &Yielder<(), Special>) {
    let here = 0_u8;
    // Not whether it is above the lowest address alone: the read may be on the stack of a parser inside
    // this body, whose sink reads.
    let allowed = port.allowed.start - (RESERVE - CAPTURE)..port.allowed.end;
    if allowed.contains(&(&raw const here).addr()) {
        CAPTURED.set(Some(ManuallyDrop::new(Backtrace::force_capture())));
    }
    yielder.suspend(false);
}
