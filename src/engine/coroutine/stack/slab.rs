//! Slabs of stacks, and each thread's pool of those that are free.

use core::cell::{Cell, RefCell};
use core::mem::ManuallyDrop;
use core::ptr::NonNull;
use std::io;
use std::rc::Rc;
use std::thread_local;
use std::vec::Vec;

use corosensei::stack::{MIN_STACK_SIZE, STACK_ALIGNMENT, Stack, StackPointer};

use super::system;

/// How many free stacks of a thread keep their memory. That of the others goes back to the system.
const WARM: usize = 64;

/// How much address space a slab takes, unless [`MOST`] stacks need less or one needs more.
const SLAB: usize = 64 << 20;

/// How many stacks a slab has at most.
const MOST: usize = 1024;

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool::new()) };
}

/// Stacks that lie next to one another in one reservation, all of one size.
struct Slab {
    start: NonNull<u8>,
    /// Of the whole reservation: `count` times guard and stack.
    len: usize,
    /// The size of a stack without its guard: whole pages.
    size: usize,
    /// The size of a guard: one page.
    guard: usize,
    count: usize,
    /// How many stacks have been used at least once, and so have a guard: the first ones.
    carved: Cell<usize>,
    /// Those of them that are free and have no memory.
    free: RefCell<Vec<usize>>,
}

impl Slab {
    /// Reserves a slab of up to `most` stacks, of fewer if there is not enough address space.
    fn new(size: usize, most: usize) -> io::Result<Self> {
        let guard = system::page_size();
        let guarded = size.checked_add(guard).ok_or(io::ErrorKind::OutOfMemory)?;
        let mut count = (SLAB / guarded).clamp(1, most);
        loop {
            let len = count * guarded;
            match system::reserve(len) {
                Ok(start) => {
                    let (carved, free) = (Cell::new(0), RefCell::default());
                    return Ok(Self { start, len, size, guard, count, carved, free });
                }
                Err(error) if count == 1 => return Err(error),
                Err(_) => count /= 2,
            }
        }
    }

    /// Takes a free stack, if there is one.
    fn take(&self) -> io::Result<Option<usize>> {
        if let Some(index) = self.free.borrow_mut().pop() {
            return Ok(Some(index));
        }
        let index = self.carved.get();
        if index == self.count {
            return Ok(None);
        }
        // SAFETY: the guard's page lies in the slab, below a stack that was never used.
        unsafe { system::guard(self.bottom(index).sub(self.guard), self.guard)? };
        self.carved.set(index + 1);
        Ok(Some(index))
    }

    /// Takes a stack back, without its memory.
    fn put(&self, index: usize) {
        // SAFETY: the pages are the stack's, which nobody uses.
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
        // SAFETY: within the reservation, as the index is below the count.
        unsafe { self.start.add(index * (self.guard + self.size) + self.guard) }
    }
}

impl Drop for Slab {
    fn drop(&mut self) {
        // SAFETY: reserved with this length; whoever uses a stack of it has a share in it.
        unsafe { system::release(self.start, self.len) };
    }
}

/// A stack that nobody runs on, with its share in its slab.
struct Free {
    slab: Rc<Slab>,
    index: usize,
}

/// The free stacks of a thread.
struct Pool {
    /// Those that have kept their memory. The last to come back is the first to go out.
    warm: Vec<Free>,
    /// The slabs that have others.
    slabs: Vec<Rc<Slab>>,
}

impl Pool {
    const fn new() -> Self {
        Self { warm: Vec::new(), slabs: Vec::new() }
    }

    fn take(&mut self, size: usize) -> io::Result<Free> {
        if let Some(at) = self.warm.iter().rposition(|free| free.slab.size == size) {
            return Ok(self.warm.swap_remove(at));
        }
        loop {
            let found = self.slabs.iter().rposition(|slab| slab.size == size);
            let Some(at) = found else {
                self.slabs.push(Rc::new(Slab::new(size, MOST)?));
                continue;
            };
            let slab = Rc::clone(&self.slabs[at]);
            let index = slab.take()?;
            if slab.is_full() {
                self.slabs.swap_remove(at);
            }
            if let Some(index) = index {
                return Ok(Free { slab, index });
            }
        }
    }

    fn put(&mut self, free: Free) {
        if self.warm.len() < WARM { self.warm.push(free) } else { self.put_away(free) }
    }

    fn put_away(&mut self, Free { slab, index }: Free) {
        let was_full = slab.is_full();
        slab.put(index);
        if slab.is_unused() {
            // Its memory is with the system already, and now its address space goes back too.
            self.slabs.retain(|other| !Rc::ptr_eq(other, &slab));
        } else if was_full {
            self.slabs.push(slab);
        }
    }
}

/// Gives the memory of this thread's free stacks back to the system.
pub(in super::super) fn release_idle() {
    let _ = POOL.try_with(|pool| {
        if let Ok(mut pool) = pool.try_borrow_mut() {
            while let Some(free) = pool.warm.pop() {
                pool.put_away(free);
            }
        }
    });
}

/// A stack in use. It goes back to the pool of its thread.
pub(in super::super) struct Pooled {
    free: ManuallyDrop<Free>,
    /// Where it begins: its highest address that is free.
    base: StackPointer,
}

impl Pooled {
    /// A stack of at least `size` bytes, rounded up to whole pages.
    pub(in super::super) fn new(size: usize) -> io::Result<Self> {
        let size = size
            .max(MIN_STACK_SIZE)
            .checked_next_multiple_of(system::page_size())
            .ok_or(io::ErrorKind::OutOfMemory)?;
        let taken = POOL.try_with(|pool| pool.try_borrow_mut().map(|mut pool| pool.take(size)));
        let free = match taken {
            Ok(Ok(free)) => free?,
            // The thread is ending, and its pool is gone.
            _ => Pool::new().take(size)?,
        };
        // SAFETY: the end of a stack is at most the end of its slab.
        let base = unsafe { free.slab.bottom(free.index).add(size) }.addr();
        Ok(Self { free: ManuallyDrop::new(free), base })
    }

    /// Places a value at the top of the stack, which then begins below it. Nobody drops it.
    ///
    /// # Panics
    /// When the stack is too small for it.
    pub(in super::super) fn place<V>(&mut self, value: V) -> NonNull<V> {
        let align = align_of::<V>().max(STACK_ALIGNMENT);
        let top = self.base.get() - size_of::<V>();
        let top = top - top % align;
        assert!(top > self.lowest());
        let bottom = self.free.slab.bottom(self.free.index);
        // SAFETY: between the lowest address and the base, so on this stack, which nobody uses yet.
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
        // SAFETY: it is not used again.
        let free = unsafe { ManuallyDrop::take(&mut self.free) };
        // Where the pool is gone, the slab goes with its last stack.
        let _ = POOL.try_with(|pool| {
            if let Ok(mut pool) = pool.try_borrow_mut() {
                pool.put(free);
            }
        });
    }
}

// SAFETY: `size` bytes, at least the minimum, which belong to this stack alone as long as it lives,
// with a guard below that `limit` includes. Pages are aligned to more than a stack has to be.
unsafe impl Stack for Pooled {
    #[inline]
    fn base(&self) -> StackPointer {
        self.base
    }

    #[inline]
    fn limit(&self) -> StackPointer {
        let Free { slab, index } = &*self.free;
        // SAFETY: the guard lies in the slab, below its stack.
        unsafe { slab.bottom(*index).sub(slab.guard) }.addr()
    }
}
