//! Wakers under a lock: stored and cloned there, woken and dropped after it.

use std::task::{Context, Waker};

use crate::panics::contain;

/// Wakers to wake, and wakers to drop, once no lock is held: when this is dropped.
///
/// Each is woken separately: if one panics, the rest are still woken and the caller carries on.
#[derive(Debug, Default)]
#[must_use = "dropping it wakes"]
pub(crate) struct AfterUnlock {
    wake: Vec<Waker>,
    replaced: Vec<Waker>,
}

impl AfterUnlock {
    pub(crate) fn wake(&mut self, wakers: impl IntoIterator<Item = Waker>) {
        self.wake.extend(wakers);
    }

    /// Drops wakers that nobody has to wake any more: a waker's destructor is user code too.
    pub(crate) fn discard(&mut self, wakers: impl IntoIterator<Item = Waker>) {
        self.replaced.extend(wakers);
    }
}

impl Drop for AfterUnlock {
    fn drop(&mut self) {
        for waker in self.wake.drain(..) {
            let _ = contain(|| waker.wake());
        }
    }
}

/// The waker of the one task that waits here, if it does.
#[derive(Debug, Default)]
pub(crate) struct WakerSlot(Option<Waker>);

#[allow(dead_code, reason = "until every waker has moved here")]
impl WakerSlot {
    /// Stores the task's waker in place of the one that was there.
    pub(crate) fn register(&mut self, cx: &Context<'_>, after: &mut AfterUnlock) {
        if !self.0.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            after.discard(self.0.replace(cx.waker().clone()));
        }
    }

    /// Wakes the task, which registers again if it still waits.
    pub(crate) fn wake(&mut self, after: &mut AfterUnlock) {
        after.wake(self.0.take());
    }

    /// Forgets the task.
    pub(crate) fn clear(&mut self, after: &mut AfterUnlock) {
        after.discard(self.0.take());
    }
}
