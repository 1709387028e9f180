//! Slabs of stacks, and each thread's pool of free stacks.
//!
//! # The invariants
//! After each invariant: the test that fails without it.
//!
//! * **S1. A stack has one owner.** An index of a slab is not carved yet, or in the slab's `free`, or
//!   in one [`FreeStack`], which lies in a pool or in one [`Pooled`].
//!   (`model.rs: the_pool_does_what_a_simple_list_would_do` and
//!   `hostile/threads.rs: every_thread_has_its_own_stacks`)
//! * **S2. The reservation outlives its stacks, and goes with the last.** Each `FreeStack` has a share in
//!   its slab. (`model.rs` and
//!   `hostile/threads.rs: a_coroutine_that_ends_with_its_thread_is_abandoned_whether_stacks_remain_or_not`)
//! * **S3. Addresses stay in the reservation.** Indices are below `count`, and
//!   `len == count * (guard + size)`. (`model.rs`)
//! * **S4. Below every stack in use lies its guard, and nothing else is guarded.** (`model.rs` and
//!   `coroutine/stacks.rs: a_frame_of_c_that_steps_over_a_page_ends_the_process_before_it_reaches_the_next_stack`)

#[cfg(test)]
mod model;

use core::cell::{Cell, RefCell};
use core::mem::ManuallyDrop;
use core::ptr::NonNull;
use std::io;
use std::rc::Rc;
use std::thread_local;
use std::vec::Vec;

use corosensei::stack::{MIN_STACK_SIZE, STACK_ALIGNMENT, Stack, StackPointer};

use super::overflow::Guards;
use super::system;

/// The most free stacks of a thread that keep their memory. The others return theirs to the system.
const MAX_WARM: usize = 64;

/// The address space of a slab in bytes, unless [`MAX_COUNT`] stacks need less or one needs more.
const SLAB_LEN: usize = 64 << 20;

/// The largest number of stacks in a slab.
const MAX_COUNT: usize = 1024;

/// The size of a guard in pages. Compiled Rust touches every page of a frame that is larger than one,
/// but C does not: a frame of 8 KiB, as the C library's resolver has them, would step over a guard of
/// one page into the stack below. 64 KiB are what Go and the Linux kernel's stack gap were enlarged for,
/// too; they cost address space only.
const GUARD_PAGES: usize = 16;

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool::new()) };
}

/// Adjacent stacks in one reservation, all of one size.
struct Slab {
    start: NonNull<u8>,
    /// The length of the reservation: `count` times guard and stack (S3).
    len: usize,
    /// The size of a stack without its guard: whole pages.
    size: usize,
    /// The size of a guard: [`GUARD_PAGES`].
    guard: usize,
    count: usize,
    /// The number of stacks that have been used at least once, and so have a guard: the lowest indices.
    carved: Cell<usize>,
    /// The carved stacks that are free and have no memory.
    free: RefCell<Vec<usize>>,
    /// Tells the signal handler where the guards are.
    _guards: Guards,
}

impl Slab {
    /// Reserves a slab of up to `max_count` stacks, of fewer if address space is short.
    fn new(size: usize, max_count: usize) -> io::Result<Self> {
        let guard = GUARD_PAGES * system::page_size();
        let guarded = size.checked_add(guard).ok_or(io::ErrorKind::OutOfMemory)?;
        let mut count = (SLAB_LEN / guarded).clamp(1, max_count);
        loop {
            let len = count * guarded;
            match system::reserve(len) {
                Ok(start) => {
                    let (carved, free) = (Cell::new(0), RefCell::default());
                    let _guards = Guards::new(start.addr().get(), len, guarded, guard);
                    return Ok(Self { start, len, size, guard, count, carved, free, _guards });
                }
                Err(error) if count == 1 => return Err(error),
                Err(_) => count /= 2,
            }
        }
    }

    /// Takes a free stack; `None` if there is none.
    fn take(&self) -> io::Result<Option<usize>> {
        if let Some(index) = self.free.borrow_mut().pop() {
            return Ok(Some(index));
        }
        let index = self.carved.get();
        if index == self.count {
            return Ok(None);
        }
        // SAFETY: S3: the guard lies in the slab. S1: below a stack that was never used.
        unsafe { system::guard(self.bottom(index).sub(self.guard), self.guard)? };
        self.carved.set(index + 1);
        Ok(Some(index))
    }

    /// Takes back a stack, and returns its memory to the system.
    fn put(&self, index: usize) {
        // SAFETY: S1: the pages belong to a stack that its only owner has given back.
        unsafe { system::discard(self.bottom(index), self.size) };
        self.free.borrow_mut().push(index);
    }

    fn is_full(&self) -> bool {
        self.carved.get() == self.count && self.free.borrow().is_empty()
    }

    fn is_unused(&self) -> bool {
        self.carved.get() == self.free.borrow().len()
    }

    /// The lowest address of a stack, above its guard.
    fn bottom(&self, index: usize) -> NonNull<u8> {
        debug_assert!(index < self.count);
        // SAFETY: S3.
        unsafe { self.start.add(index * (self.guard + self.size) + self.guard) }
    }
}

impl Drop for Slab {
    fn drop(&mut self) {
        // SAFETY: reserved with this length. S2: no stack of it is left.
        unsafe { system::release(self.start, self.len) };
    }
}

/// A stack without a user, and its share in its slab (S2).
struct FreeStack {
    slab: Rc<Slab>,
    index: usize,
}

/// The free stacks of a thread.
struct Pool {
    /// The stacks that have kept their memory. The last one returned is the first one taken.
    warm: Vec<FreeStack>,
    /// The slabs that have free stacks without memory.
    slabs: Vec<Rc<Slab>>,
}

impl Pool {
    const fn new() -> Self {
        Self { warm: Vec::new(), slabs: Vec::new() }
    }

    fn take(&mut self, size: usize) -> io::Result<FreeStack> {
        if let Some(at) = self.warm.iter().rposition(|free| free.slab.size == size) {
            return Ok(self.warm.swap_remove(at));
        }
        loop {
            let found = self.slabs.iter().rposition(|slab| slab.size == size);
            let Some(at) = found else {
                self.slabs.push(Rc::new(Slab::new(size, MAX_COUNT)?));
                continue;
            };
            let slab = Rc::clone(&self.slabs[at]);
            let index = slab.take()?;
            if slab.is_full() {
                self.slabs.swap_remove(at);
            }
            if let Some(index) = index {
                return Ok(FreeStack { slab, index });
            }
        }
    }

    fn put(&mut self, free: FreeStack) {
        if self.warm.len() < MAX_WARM { self.warm.push(free) } else { self.put_cold(free) }
    }

    /// Returns the memory of all free stacks to the system.
    fn release(&mut self) {
        while let Some(free) = self.warm.pop() {
            self.put_cold(free);
        }
    }

    /// Takes back a stack without its memory.
    fn put_cold(&mut self, FreeStack { slab, index }: FreeStack) {
        let was_full = slab.is_full();
        slab.put(index);
        if slab.is_unused() {
            // The memory has been returned already. The address space follows with the last share.
            self.slabs.retain(|other| !Rc::ptr_eq(other, &slab));
        } else if was_full {
            self.slabs.push(slab);
        }
    }
}

/// Returns the memory of this thread's free stacks to the system.
pub(in super::super) fn release_idle() {
    let _ = POOL.try_with(|pool| {
        if let Ok(mut pool) = pool.try_borrow_mut() {
            pool.release();
        }
    });
}

/// A stack in use. Its `Drop` returns it to the pool of its thread.
pub(in super::super) struct Pooled {
    free: ManuallyDrop<FreeStack>,
    /// The highest free address, where the stack begins.
    base: StackPointer,
}

impl Pooled {
    /// Takes a stack of at least `size` bytes, rounded up to whole pages.
    pub(in super::super) fn new(size: usize) -> io::Result<Self> {
        let size = size
            .max(MIN_STACK_SIZE)
            .checked_next_multiple_of(system::page_size())
            .ok_or(io::ErrorKind::OutOfMemory)?;
        let taken = POOL.try_with(|pool| pool.try_borrow_mut().map(|mut pool| pool.take(size)));
        let free = match taken {
            Ok(Ok(free)) => free?,
            // The thread is ending, and its pool is destroyed.
            _ => Pool::new().take(size)?,
        };
        // SAFETY: S3: the end of a stack is at most the end of its slab.
        let base = unsafe { free.slab.bottom(free.index).add(size) }.addr();
        Ok(Self { free: ManuallyDrop::new(free), base })
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
        let bottom = self.free.slab.bottom(self.free.index);
        // SAFETY: between the lowest address and the base, so on this stack. S1: it is not in use yet.
        unsafe {
            let place = bottom.add(top - bottom.addr().get()).cast();
            place.write(value);
            self.base = place.addr();
            place
        }
    }

    /// The lowest address above the guard.
    pub(in super::super) fn lowest(&self) -> usize {
        self.free.slab.bottom(self.free.index).addr().get()
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        // SAFETY: the field is not used again.
        let free = unsafe { ManuallyDrop::take(&mut self.free) };
        // If the pool is destroyed, the slab is released with its last stack.
        let _ = POOL.try_with(|pool| {
            if let Ok(mut pool) = pool.try_borrow_mut() {
                pool.put(free);
            }
        });
    }
}

// SAFETY: S1, S2: `size` bytes, at least the minimum, belong to this stack alone as long as it lives,
// with a guard below, which `limit` includes. A page's alignment is larger than a stack's.
unsafe impl Stack for Pooled {
    #[inline]
    fn base(&self) -> StackPointer {
        self.base
    }

    #[inline]
    fn limit(&self) -> StackPointer {
        let FreeStack { slab, index } = &*self.free;
        // SAFETY: S3: the guard lies in the slab, below its stack.
        unsafe { slab.bottom(*index).sub(slab.guard) }.addr()
    }
}
