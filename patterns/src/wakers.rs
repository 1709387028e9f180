//! Wakers under a lock: stored and cloned there, woken and dropped after the unlock.

use std::task::{Context, Waker};

use crate::panics::contain;

/// Wakers to wake and wakers to drop, when this is dropped: after the unlock, as part of a
/// [`Locked`](crate::sync::Locked).
///
/// Each is woken separately: if one panics, the rest are still woken and the caller carries on.
#[derive(Debug, Default)]
#[must_use = "dropping it wakes"]
pub(crate) struct AfterUnlock {
    wake: Vec<Waker>,
    discard: Vec<Waker>,
}

impl AfterUnlock {
    pub(crate) fn wake(&mut self, wakers: impl IntoIterator<Item = Waker>) {
        self.wake.extend(wakers);
    }

    /// Drops wakers without waking them. The destructor of a waker is user code too.
    pub(crate) fn discard(&mut self, wakers: impl IntoIterator<Item = Waker>) {
        self.discard.extend(wakers);
    }
}

impl Drop for AfterUnlock {
    fn drop(&mut self) {
        for waker in self.wake.drain(..) {
            let _ = contain(|| waker.wake());
        }
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
    pub(crate) fn wake(&mut self, after: &mut AfterUnlock) {
        after.wake(self.0.take());
    }

    /// Forgets the task.
    pub(crate) fn clear(&mut self, after: &mut AfterUnlock) {
        after.discard(self.0.take());
    }
}
