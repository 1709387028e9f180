//! Stacks that corosensei maps one at a time, for systems other than Unix.

use core::ptr::{self, NonNull};
use std::io;

use corosensei::stack::{DefaultStack, STACK_ALIGNMENT, Stack, StackPointer};

/// A stack in use.
pub(in super::super) struct Pooled {
    stack: DefaultStack,
    /// The highest free address, where the stack begins.
    base: StackPointer,
}

impl Pooled {
    /// Maps a stack of at least `size` bytes.
    pub(in super::super) fn new(size: usize) -> io::Result<Self> {
        // corosensei panics where this overflows.
        size.checked_add(1 << 20).ok_or(io::ErrorKind::OutOfMemory)?;
        let stack = DefaultStack::new(size)?;
        let base = stack.base();
        Ok(Self { stack, base })
    }

    /// Places a value at the top of the stack, which then begins below it. The value is not dropped
    /// with the stack.
    ///
    /// # Panics
    /// If the stack is too small for the value.
    pub(in super::super) fn push<V>(&mut self, value: V) -> NonNull<V> {
        let align = align_of::<V>().max(STACK_ALIGNMENT);
        let top = self.base.get() - size_of::<V>();
        let top = top - top % align;
        assert!(top > self.lowest());
        let place = ptr::with_exposed_provenance_mut(top);
        // SAFETY: between the lowest address and the base, so on this stack, which is not in use yet.
        unsafe {
            let place = NonNull::new_unchecked(place);
            place.write(value);
            self.base = place.addr();
            place
        }
    }

    /// The lowest address above the guard, estimated with room to spare.
    pub(in super::super) fn lowest(&self) -> usize {
        self.stack.limit().get() + (16 << 10)
    }
}

/// Does nothing: there is no pool.
pub(in super::super) fn release_idle() {}

/// Does nothing: there are no signals.
pub(in super::super) fn report_overflow() {}

// SAFETY: a part of `DefaultStack`, which upholds it.
unsafe impl Stack for Pooled {
    #[inline]
    fn base(&self) -> StackPointer {
        self.base
    }

    #[inline]
    fn limit(&self) -> StackPointer {
        self.stack.limit()
    }

    #[cfg(windows)]
    fn teb_fields(&self) -> corosensei::stack::StackTebFields {
        self.stack.teb_fields()
    }

    #[cfg(windows)]
    fn update_teb_fields(&mut self, stack_limit: usize, guaranteed_stack_bytes: usize) {
        self.stack.update_teb_fields(stack_limit, guaranteed_stack_bytes);
    }
}
