//! The memory of nested calls.

use alloc::alloc::{alloc, dealloc, handle_alloc_error};
use core::alloc::Layout;
use core::cell::Cell;
use core::ptr;

/// Memory that is given back in the reverse order. Blocks are kept until the arena is dropped, so a
/// stack that grows and shrinks allocates nothing once it is warm.
pub(super) struct Arena {
    /// The free part of the block in use. Blocks above it are free, those below it full.
    at: Cell<*mut u8>,
    block: Cell<*mut Block>,
}

/// The state of an arena, to return to.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    at: *mut u8,
    block: *mut Block,
}

/// The head of a block; the memory that it gives out follows.
struct Block {
    below: *mut Block,
    above: *mut Block,
    end: *mut u8,
    layout: Layout,
}

/// The first block, in bytes. Each further one has twice the size of the one below it.
const FIRST_BLOCK: usize = 1 << 10;

impl Arena {
    pub(super) const fn new() -> Self {
        Self { at: Cell::new(ptr::null_mut()), block: Cell::new(ptr::null_mut()) }
    }

    pub(super) fn alloc(&self, layout: Layout) -> (*mut u8, Mark) {
        if self.block.get().is_null() {
            self.enter(Block::new(ptr::null_mut(), FIRST_BLOCK));
        }
        let mark = Mark { at: self.at.get(), block: self.block.get() };
        loop {
            let (at, block) = (self.at.get(), self.block.get());
            // SAFETY: blocks live as long as the arena.
            let room = unsafe { (*block).end }.addr() - at.addr();
            let padding = at.align_offset(layout.align());
            if padding.checked_add(layout.size()).is_some_and(|needed| needed <= room) {
                // SAFETY: all of it was just seen to lie before the end of the block.
                let memory = unsafe { at.add(padding) };
                // SAFETY: as above.
                self.at.set(unsafe { memory.add(layout.size()) });
                return (memory, mark);
            }
            // SAFETY: blocks live as long as the arena.
            let (mut above, size) = unsafe { ((*block).above, (*block).layout.size()) };
            if above.is_null() {
                above = Block::new(block, (2 * size).max(layout.size() + layout.align()));
                // SAFETY: as above.
                unsafe { (*block).above = above };
            }
            self.enter(above);
        }
    }

    pub(super) fn free(&self, mark: Mark) {
        self.at.set(mark.at);
        self.block.set(mark.block);
    }

    /// Goes on with an empty block.
    fn enter(&self, block: *mut Block) {
        self.block.set(block);
        // SAFETY: the block was allocated with at least its head.
        self.at.set(unsafe { block.add(1) }.cast());
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        let mut block = self.block.get();
        // SAFETY: all blocks are alive until the loop below.
        while !block.is_null() && !unsafe { (*block).below }.is_null() {
            // SAFETY: as above.
            block = unsafe { (*block).below };
        }
        while !block.is_null() {
            // SAFETY: this block is still alive, and not used after it is freed.
            let (above, layout) = unsafe { ((*block).above, (*block).layout) };
            // SAFETY: it was allocated with this layout.
            unsafe { dealloc(block.cast(), layout) };
            block = above;
        }
    }
}

impl Block {
    /// Allocates a block with this much memory to give out.
    fn new(below: *mut Self, size: usize) -> *mut Self {
        let layout = Layout::new::<Self>();
        let (layout, _) =
            Layout::array::<u8>(size).and_then(|memory| layout.extend(memory)).expect("a frame");
        // SAFETY: its size is not zero.
        let block = unsafe { alloc(layout) };
        if block.is_null() {
            handle_alloc_error(layout);
        }
        // SAFETY: it lies within the allocation, or one past its end.
        let end = unsafe { block.add(layout.size()) };
        let block = block.cast::<Self>();
        // SAFETY: the allocation is large enough, and aligned for it.
        unsafe { block.write(Self { below, above: ptr::null_mut(), end, layout }) };
        block
    }
}
