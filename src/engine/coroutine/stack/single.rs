//! Stacks each by itself, as corosensei maps them, where we have no way of our own.

use std::io;

use corosensei::stack::{DefaultStack, Stack, StackPointer};

/// A stack in use.
pub(in super::super) struct Pooled(DefaultStack);

impl Pooled {
    /// A stack of at least `size` bytes.
    pub(in super::super) fn new(size: usize) -> io::Result<Self> {
        // corosensei panics where this overflows.
        size.checked_add(1 << 20).ok_or(io::ErrorKind::OutOfMemory)?;
        DefaultStack::new(size).map(Self)
    }

    /// The lowest address above the guard, at a cautious estimate.
    pub(in super::super) fn lowest(&self) -> usize {
        self.0.limit().get() + (16 << 10)
    }
}

/// There is no pool.
pub(in super::super) fn release_idle() {}

// SAFETY: handed on from `DefaultStack`.
unsafe impl Stack for Pooled {
    #[inline]
    fn base(&self) -> StackPointer {
        self.0.base()
    }

    #[inline]
    fn limit(&self) -> StackPointer {
        self.0.limit()
    }

    #[cfg(windows)]
    fn teb_fields(&self) -> corosensei::stack::StackTebFields {
        self.0.teb_fields()
    }

    #[cfg(windows)]
    fn update_teb_fields(&mut self, stack_limit: usize, guaranteed_stack_bytes: usize) {
        self.0.update_teb_fields(stack_limit, guaranteed_stack_bytes);
    }
}
