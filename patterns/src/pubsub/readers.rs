//! Who waits for the next event.

use std::mem;
use std::task::Waker;
use std::vec::Vec;

use crate::sync::{AtomicU64, Mutex, Ordering};
use crate::wakers::AfterUnlock;

/// The readers of a server, and the number of the last event.
///
/// A reader that finds nothing leaves its waker here, and then looks once more. Whoever changes what
/// a reader may find does so first, and then wakes. So one of the two sees the other.
#[derive(Debug)]
pub(super) struct Readers {
    published: AtomicU64,
    waiting: Mutex<Waiting>,
}

/// A reader has a place as long as it is there. Places are used again.
#[derive(Debug, Default)]
struct Waiting {
    places: Vec<Seat>,
    free: Vec<usize>,
    /// The places in which a waker was left since all were woken.
    taken: Vec<usize>,
}

#[derive(Debug, Default)]
struct Seat {
    waker: Option<Waker>,
    is_taken: bool,
}

impl Readers {
    pub(super) fn new() -> Self {
        Self { published: AtomicU64::new(0), waiting: Mutex::new(Waiting::default()) }
    }

    /// The number of the last event.
    pub(super) fn published(&self) -> u64 {
        self.published.load(Ordering::Acquire)
    }

    /// An event has been published: everybody is woken.
    pub(super) fn publish(&self, seq: u64, later: &mut AfterUnlock) {
        self.published.store(seq, Ordering::Release);
        self.wake_all(later);
    }

    pub(super) fn wake_all(&self, later: &mut AfterUnlock) {
        let Waiting { places, taken, .. } = &mut *self.waiting.lock();
        for place in taken.drain(..) {
            places[place].is_taken = false;
            later.wake(places[place].waker.take());
        }
    }

    pub(super) fn wake(&self, place: usize, later: &mut AfterUnlock) {
        later.wake(self.waiting.lock().places[place].waker.take());
    }

    pub(super) fn join(&self) -> usize {
        let mut waiting = self.waiting.lock();
        waiting.free.pop().unwrap_or_else(|| {
            waiting.places.push(Seat::default());
            waiting.places.len() - 1
        })
    }

    pub(super) fn leave(&self, place: usize) {
        let _waker;
        let mut waiting = self.waiting.lock();
        _waker = waiting.places[place].waker.take();
        waiting.free.push(place);
    }

    /// Leaves a waker. The old one comes back, to be dropped when no lock is held.
    pub(super) fn wait(&self, place: usize, waker: &Waker) -> Option<Waker> {
        let Waiting { places, taken, .. } = &mut *self.waiting.lock();
        let seat = &mut places[place];
        if !mem::replace(&mut seat.is_taken, true) {
            taken.push(place);
        }
        match &seat.waker {
            Some(old) if old.will_wake(waker) => None,
            _ => seat.waker.replace(waker.clone()),
        }
    }
}
