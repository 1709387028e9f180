//! Stacks, kept for the next coroutine of the same thread.

use core::cell::RefCell;
use core::mem::ManuallyDrop;
use std::io;
use std::thread_local;
use std::vec::Vec;

use corosensei::stack::{DefaultStack, Stack, StackPointer};

/// How many stacks a thread keeps.
const KEPT: usize = 64;

thread_local! {
    static POOL: RefCell<Vec<(usize, DefaultStack)>> = const { RefCell::new(Vec::new()) };
}

/// A stack that goes back to its thread's pool.
pub(super) struct Pooled {
    stack: ManuallyDrop<DefaultStack>,
    size: usize,
}

impl Pooled {
    /// A stack of at least `size` bytes, from the pool if it has one.
    pub(super) fn new(size: usize) -> io::Result<Self> {
        let kept = POOL.try_with(|pool| {
            let mut pool = pool.try_borrow_mut().ok()?;
            let at = pool.iter().rposition(|(kept, _)| *kept == size)?;
            Some(pool.swap_remove(at).1)
        });
        let stack = match kept {
            Ok(Some(stack)) => stack,
            _ => DefaultStack::new(size)?,
        };
        Ok(Self {
            stack: ManuallyDrop::new(stack),
            size,
        })
    }

    /// The lowest address above the guard page.
    pub(super) fn lowest(&self) -> usize {
        self.base().get() - self.size
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        // SAFETY: it is not used again.
        let stack = unsafe { ManuallyDrop::take(&mut self.stack) };
        // Where the pool is full, in use or already gone, the stack is unmapped.
        let _ = POOL.try_with(|pool| {
            if let Ok(mut pool) = pool.try_borrow_mut()
                && pool.len() < KEPT
            {
                pool.push((self.size, stack));
            }
        });
    }
}

// SAFETY: handed on from `DefaultStack`.
unsafe impl Stack for Pooled {
    #[inline]
    fn base(&self) -> StackPointer {
        self.stack.base()
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
        self.stack
            .update_teb_fields(stack_limit, guaranteed_stack_bytes);
    }
}
