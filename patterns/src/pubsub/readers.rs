//! The readers of a server that wait for the next event.

use std::mem;
use std::task::Context;
use std::vec::Vec;

use crate::sync::{AtomicU64, Mutex, Ordering};
use crate::wakers::{AfterUnlock, WakerSlot};

/// The readers of a server, and the number of the last event.
///
/// A reader that finds nothing registers its waker, then looks once more. The server first changes
/// what a reader may find, then wakes. So either the reader sees the change, or the server sees the
/// waker.
#[derive(Debug)]
pub(super) struct Readers {
    published: AtomicU64,
    /// The number of events that readers have missed.
    missed: AtomicU64,
    waiting: Mutex<Waiting>,
}

/// A slot belongs to one reader until the reader leaves, and is then reused.
#[derive(Debug, Default)]
struct Waiting {
    slots: Vec<ReaderSlot>,
    free: Vec<usize>,
    /// The slots that were registered since all readers were last woken.
    registered: Vec<usize>,
}

#[derive(Debug, Default)]
struct ReaderSlot {
    waker: WakerSlot,
    is_registered: bool,
}

impl Readers {
    pub(super) fn new() -> Self {
        Self {
            published: AtomicU64::new(0),
            missed: AtomicU64::new(0),
            waiting: Mutex::new(Waiting::default()),
        }
    }

    /// Returns the number of the last event.
    pub(super) fn published(&self) -> u64 {
        self.published.load(Ordering::Acquire)
    }

    /// Returns the number of events that readers have missed.
    pub(super) fn missed(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }

    /// Counts events that a reader has missed.
    pub(super) fn count_missed(&self, missed: u64) {
        self.missed.fetch_add(missed, Ordering::Relaxed);
    }

    /// Makes an event visible to the readers, and wakes them.
    pub(super) fn publish(&self, seq: u64, after: &mut AfterUnlock) {
        self.published.store(seq, Ordering::Release);
        self.wake_all(after);
    }

    pub(super) fn wake_all(&self, after: &mut AfterUnlock) {
        let Waiting { slots, registered, .. } = &mut *self.waiting.lock();
        after.reserve(registered.len());
        for slot in registered.drain(..) {
            slots[slot].is_registered = false;
            slots[slot].waker.wake(after);
        }
    }

    pub(super) fn wake(&self, slot: usize, after: &mut AfterUnlock) {
        self.waiting.lock().slots[slot].waker.wake(after);
    }

    /// Returns a slot for a new reader.
    pub(super) fn join(&self) -> usize {
        let mut waiting = self.waiting.lock();
        waiting.free.pop().unwrap_or_else(|| {
            waiting.slots.push(ReaderSlot::default());
            waiting.slots.len() - 1
        })
    }

    pub(super) fn leave(&self, slot: usize) {
        let mut locked = self.waiting.lock_with();
        let (waiting, after) = locked.split();
        waiting.slots[slot].waker.clear(after);
        waiting.free.push(slot);
    }

    pub(super) fn register(&self, slot: usize, cx: &Context<'_>) {
        let mut locked = self.waiting.lock_with();
        let (Waiting { slots, registered, .. }, after) = locked.split();
        if !mem::replace(&mut slots[slot].is_registered, true) {
            registered.push(slot);
        }
        slots[slot].waker.register(cx, after);
    }
}
