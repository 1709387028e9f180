//! The top of a coroutine's stack: the state that parser and trampoline share, and the trampoline.

use core::cell::{Cell, UnsafeCell};
use core::mem;
use core::panic::AssertUnwindSafe;
use core::ptr::NonNull;
use std::panic::catch_unwind;
use std::thread;

use corosensei::Yielder;

use super::input::Input;
use super::port::{ABANDONED, Port, Special};
use crate::error::Failure;
use crate::parser::Events;

/// The state that the trampoline shares with its parser.
pub(super) struct Frame<E: Events, T> {
    pub(super) port: Port<E>,
    /// True while the body is on the stack.
    pub(super) running: Cell<bool>,
    /// The result of the last run, until the parser takes it.
    pub(super) result: Cell<Option<thread::Result<Result<T, Failure>>>>,
    /// Drops the [`StackTop`] that this frame is the beginning of.
    drop: unsafe fn(NonNull<Self>),
}

impl<E: Events, T> Frame<E, T> {
    /// Drops the frame and the body beside it. A panic of the body's destructors is discarded.
    ///
    /// # Safety
    /// `frame` is the beginning of a [`StackTop`] that is not used again (I5).
    pub(super) unsafe fn drop_with_body(frame: NonNull<Self>) {
        // SAFETY: upheld by the caller.
        discard_with(|| unsafe { (frame.as_ref().drop)(frame) });
    }
}

/// The values at the top of a stack. The frame comes first, so that a pointer to the whole is a
/// pointer to the frame.
#[repr(C)]
pub(super) struct StackTop<B, E: Events, T> {
    frame: Frame<E, T>,
    /// Borrowed by the trampoline while it runs (I5).
    body: UnsafeCell<B>,
}

impl<B, E: Events, T> StackTop<B, E, T> {
    pub(super) fn new(port: Port<E>, body: B) -> Self {
        let frame = Frame {
            port,
            running: Cell::new(false),
            result: Cell::new(None),
            drop: drop_top::<B, E, T>,
        };
        Self { frame, body: UnsafeCell::new(body) }
    }
}

/// # Safety
/// `frame` is the beginning of such a stack top, which is not used again (I5).
unsafe fn drop_top<B, E: Events, T>(frame: NonNull<Frame<E, T>>) {
    // SAFETY: upheld by the caller.
    unsafe { frame.cast::<StackTop<B, E, T>>().drop_in_place() };
}

/// The first function on the stack: runs the body once for each value.
pub(super) fn trampoline<B, E, T>(yielder: &Yielder<(), Special>, top: &StackTop<B, E, T>) -> !
where
    B: for<'p> FnMut(&mut Input<'p, E>) -> Result<T, Failure>,
    E: Events,
{
    let frame = &top.frame;
    loop {
        frame.running.set(true);
        let mut input = Input::new(&frame.port, yielder);
        // SAFETY: I5: nothing else borrows the body.
        let body = unsafe { &mut *top.body.get() };
        let result = catch_unwind(AssertUnwindSafe(|| body(&mut input)));
        // A sink that panicked in a window was told of bytes that have been read.
        let told = if result.is_err() { frame.port.told.get() } else { 0 };
        frame.port.consumed.set(input.consumed().max(told));
        if frame.port.is(ABANDONED) {
            discard_with(|| drop(result));
        } else {
            frame.result.set(Some(result));
        }
        frame.running.set(false);
        yielder.suspend(true);
    }
}

/// Makes a call that drops something. Its panic is discarded, and so is that of its payload.
fn discard_with(call: impl FnOnce()) {
    let Err(payload) = catch_unwind(AssertUnwindSafe(call)) else { return };
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        mem::forget(payload);
    }
}
