//! The side of nested calls, whose invariants are at the head of `call_stack.rs`.

use alloc::boxed::Box;
use core::task::Poll;

use super::super::call_stack::CallStack;
use super::{CALLED, NESTED, Port};
use crate::parser::Events;

impl<E: Events> Port<E> {
    /// The frames, if there are any.
    pub(in crate::engine::stackless) fn frames(&self) -> Option<&CallStack> {
        self.calls.get().map(|calls| &**calls)
    }

    pub(in crate::engine::stackless) fn calls(&self) -> &CallStack {
        self.calls.get_or_init(|| {
            self.set(NESTED);
            Box::new(CallStack::new())
        })
    }

    /// Counts the poll of a call or of its caller, for the harness.
    pub(in crate::engine::stackless) fn count_poll(&self) {
        self.overshoot.set(self.overshoot.get().stepped());
    }

    /// Counts a call in, unless it would be too deep.
    pub(in crate::engine::stackless) fn enter_call(&self) -> bool {
        self.calls().enter(self.max_depth)
    }

    /// Returns `true` for an address inside the future that is being polled (I9).
    pub(in crate::engine::stackless) fn is_inline(&self, address: usize) -> bool {
        let root = (&raw const *self).addr().wrapping_add(self.root.offset);
        self.calls().is_inline((root, self.root.size), address)
    }

    /// Leaves the call on top to the driver, which polls it in this same `feed`.
    pub(in crate::engine::stackless) fn leave_to_driver<T>(&self) -> Poll<T> {
        self.set(CALLED);
        Poll::Pending
    }
}
