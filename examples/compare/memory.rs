//! Measures the memory that a suspended parser holds.

#![allow(unsafe_code, reason = "implements a counting allocator")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::fs;
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use pushdown::PushParser;

use crate::engines::{Engine, Parser};

#[global_allocator]
static HEAP: Counting = Counting { live: AtomicUsize::new(0) };

/// The system's allocator, with a count of the bytes allocated.
struct Counting {
    live: AtomicUsize,
}

// SAFETY: every call is forwarded to `System`.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.live.fetch_add(layout.size(), Relaxed);
        // SAFETY: upheld by the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        self.live.fetch_sub(layout.size(), Relaxed);
        // SAFETY: upheld by the caller.
        unsafe { System.dealloc(block, layout) }
    }
}

/// The memory that a parser holds, in bytes.
#[derive(Clone, Copy)]
pub(crate) struct Held {
    /// The parser itself and its allocations.
    pub(crate) heap: usize,
    /// The pages touched on its stack; `None` where the system does not report them.
    pub(crate) stack: Option<usize>,
}

/// Suspends many parsers inside a string, and divides the memory they hold by their number.
///
/// Call this before any other coroutine runs: a used stack in the pool would not be counted.
pub(crate) fn held(engine: &Engine) -> Held {
    const PARSERS: usize = 1000;
    const PAGE: usize = 4096;
    let mut parsers: Vec<Box<Parser>> = Vec::with_capacity(PARSERS);
    let (heap, resident) = (HEAP.live.load(Relaxed), resident());
    for _ in 0..PARSERS {
        let mut parser = (engine.new)();
        let _ = parser.feed(b"\"in the middle of");
        parsers.push(parser);
    }
    let heap = (HEAP.live.load(Relaxed) - heap) / PARSERS;
    // Rounded to pages, since the heap grows by more than it allocates.
    let stack = resident.zip(self::resident()).map(|(before, after)| {
        let each = after.saturating_sub(before + heap * PARSERS) / PARSERS;
        (each + PAGE / 2) / PAGE * PAGE
    });
    drop(black_box(parsers));
    Held { heap, stack }
}

/// Resident bytes of this process.
fn resident() -> Option<usize> {
    let rollup = fs::read_to_string("/proc/self/smaps_rollup").ok()?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Rss:"))?;
    let kilobytes: usize = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes << 10)
}
