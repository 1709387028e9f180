//! Wakers under a lock: stored and cloned there, woken and dropped after the unlock.

use std::task::{Context, Waker};

use crate::panics::{contain, discard};
use crate::trace::{self, Event, Told};

/// Wakers to wake, wakers to drop and events to emit, when this is dropped: after the unlock, as part of
/// a [`Locked`](crate::sync::Locked).
///
/// Each is taken separately: if one panics, the rest are still woken and the caller carries on.
#[derive(Debug, Default)]
#[must_use = "dropping it wakes"]
pub(crate) struct AfterUnlock(Option<Vec<Deferred>>);

#[derive(Debug)]
enum Deferred {
    Wake(Waker),
    /// The destructor of a waker is user code too.
    Discard(Waker),
    /// And so is a subscriber of events.
    Tell(Told),
}

impl AfterUnlock {
    pub(crate) fn wake(&mut self, wakers: impl IntoIterator<Item = Waker>) {
        self.extend(wakers.into_iter().map(Deferred::Wake));
    }

    /// Drops wakers without waking them.
    pub(crate) fn discard(&mut self, wakers: impl IntoIterator<Item = Waker>) {
        self.extend(wakers.into_iter().map(Deferred::Discard));
    }

    /// Emits an event.
    #[cfg_attr(not(feature = "tracing"), expect(dead_code, reason = "there are no events"))]
    pub(crate) fn tell(&mut self, told: Told) {
        self.extend([Deferred::Tell(told)].into_iter());
    }

    /// Returns whether there is nothing to wake or drop.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Makes room for this many wakers.
    pub(crate) fn reserve(&mut self, wakers: usize) {
        if wakers > 0 {
            self.0.get_or_insert_default().reserve(wakers);
        }
    }

    fn extend(&mut self, mut deferred: impl Iterator<Item = Deferred>) {
        if let Some(first) = deferred.next() {
            let all = self.0.get_or_insert_default();
            all.push(first);
            all.extend(deferred);
        }
    }
}

#[inline(never)]
fn run(all: Vec<Deferred>) {
    for deferred in all {
        match deferred {
            Deferred::Wake(waker) => {
                if contain(|| waker.wake()).is_err() {
                    trace::emit(|| Event::PanicContained { code: "a waker" });
                }
            }
            Deferred::Discard(waker) => discard(waker),
            Deferred::Tell(told) => told.emit(),
        }
    }
}

impl Drop for AfterUnlock {
    /// Part of every unlock, and mostly there is nothing to do.
    #[inline]
    fn drop(&mut self) {
        if let Some(all) = self.0.take() {
            run(all);
        }
    }
}

/// Follows the unlock: wakers, and then a user value to drop.
pub(crate) struct WakeAndDrop<V> {
    pub(crate) wakers: AfterUnlock,
    pub(crate) discarded: Option<V>,
}

// Not derived: that would ask for `V: Default`.
impl<V> Default for WakeAndDrop<V> {
    fn default() -> Self {
        Self { wakers: AfterUnlock::default(), discarded: None }
    }
}

/// The waker of the one task that waits here, if any.
#[derive(Debug, Default)]
pub(crate) struct WakerSlot(Option<Waker>);

impl WakerSlot {
    /// Stores the waker of the task in place of the previous one.
    pub(crate) fn register(&mut self, cx: &Context<'_>, after: &mut AfterUnlock) {
        if !self.0.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            after.discard(self.0.replace(cx.waker().clone()));
        }
    }

    /// Wakes the task. It registers again if it still waits.
    #[inline]
    pub(crate) fn wake(&mut self, after: &mut AfterUnlock) {
        if let Some(waker) = self.0.take() {
            after.wake([waker]);
        }
    }

    /// Forgets the task.
    pub(crate) fn clear(&mut self, after: &mut AfterUnlock) {
        after.discard(self.0.take());
    }
}
