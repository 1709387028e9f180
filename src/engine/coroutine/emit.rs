//! Events of an outer parser from the sink of an inner one.

use core::fmt;
use core::ptr;
use std::thread_local;

use super::port::Port;
use crate::engine::window::Out;
use crate::parser::Events;

/// Reports events of the outer parser from the sink of an inner one: see
/// [`Input::run`](super::Input::run).
pub struct Emit<'a, E: Events = ()> {
    port: &'a Port<E>,
}

impl<E: Events> Emit<'_, E> {
    /// Reports an event.
    pub fn emit(&mut self, event: E::Event<'_>) {
        emit(self.port, event);
    }
}

impl<E: Events> fmt::Debug for Emit<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emit").finish_non_exhaustive()
    }
}

/// Reports an event; returns true if that has paused the parser.
#[inline(always)]
pub(super) fn emit<E: Events>(port: &Port<E>, event: E::Event<'_>) -> bool {
    let Some(mut sink) = port.sink.get() else { return false };
    // SAFETY: I1: a sink that is set is lent to the call under way. No other `&mut` to it is alive:
    // the holder of the `&mut Input` makes this call, or the parser that it runs.
    let flow = unsafe { sink.as_mut()(event) };
    if flow.is_break() {
        port.pause();
    }
    flow.is_break()
}

/// The way from a window to the sink.
pub(crate) struct ToSink<'w, E: Events>(pub(super) &'w Port<E>);

impl<E: Events> Out for ToSink<'_, E> {
    type Events = E;

    #[inline(always)]
    fn has_sink(&self) -> bool {
        self.0.sink.get().is_some()
    }

    #[inline(always)]
    fn emit(&mut self, at: usize, event: E::Event<'_>) -> bool {
        self.0.told.set(at);
        emit(self.0, event)
    }

    #[inline(always)]
    fn count(&mut self, bytes: usize) {
        self.0.overshoot.set(self.0.overshoot.get().more(bytes));
    }
}

/// A way to the outer sink that an inner sink carries. The inner sink must be `Send`, for a parser that
/// emits on another thread; the outer one need not be.
pub(super) struct OnThread<'a, E: Events> {
    port: &'a Port<E>,
    thread: usize,
}

// SAFETY: I6: the port can be reached on the thread alone that made this.
unsafe impl<E: Events> Send for OnThread<'_, E> {}

impl<'a, E: Events> OnThread<'a, E> {
    pub(super) fn new(port: &'a Port<E>) -> Self {
        Self { port, thread: this_thread() }
    }

    /// # Panics
    /// On another thread.
    pub(super) fn emit(&mut self) -> Emit<'a, E> {
        Emit { port: self.port() }
    }

    /// # Panics
    /// On another thread.
    pub(super) fn is_paused(&mut self) -> bool {
        self.port().is_paused()
    }

    fn port(&mut self) -> &'a Port<E> {
        assert!(this_thread() == self.thread, "the sink of a coroutine stays on its thread");
        self.port
    }
}

/// A number that no other living thread has: the address of a variable of this one.
fn this_thread() -> usize {
    thread_local!(static HERE: u8 = const { 0 });
    HERE.with(|here| ptr::from_ref(here).addr())
}
