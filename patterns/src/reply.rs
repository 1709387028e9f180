//! The reply to one request, from the task that owns a state to the task that asked.

use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::sync::Mutex;
use crate::wakers::{AfterUnlock, WakeAndDrop, WakerSlot};

/// The end that waits for the answer. Dropping it says that the answer is not wanted any more.
#[derive(Debug)]
pub(crate) struct Answer<T>(Arc<Mutex<Slot<T>>>);

/// The end that answers. Dropping it says that there will be no answer.
#[derive(Debug)]
pub(crate) struct Reply<T>(Arc<Mutex<Slot<T>>>);

#[derive(Debug)]
enum Slot<T> {
    Asked(WakerSlot),
    Answered(T),
    /// The answer has been taken, is not wanted, or will not come.
    Over,
}

pub(crate) fn question<T>() -> (Reply<T>, Answer<T>) {
    let slot = Arc::new(Mutex::new(Slot::Asked(WakerSlot::default())));
    (Reply(slot.clone()), Answer(slot))
}

impl<T> Answer<T> {
    /// Returns `None` if there will be no answer.
    pub(crate) fn poll(&self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let mut locked = self.0.lock_with::<AfterUnlock>();
        let (slot, after) = locked.split();
        if let Slot::Asked(waker) = slot {
            waker.register(cx, after);
            return Poll::Pending;
        }
        match mem::replace(slot, Slot::Over) {
            Slot::Answered(answer) => Poll::Ready(Some(answer)),
            _ => Poll::Ready(None),
        }
    }
}

impl<T> Reply<T> {
    /// Returns whether the answer is still wanted.
    pub(crate) fn is_wanted(&self) -> bool {
        matches!(*self.0.lock(), Slot::Asked(_))
    }

    pub(crate) fn send(self, answer: T) {
        self.end(Slot::Answered(answer));
    }

    fn end(&self, end: Slot<T>) {
        let mut locked = self.0.lock_with::<WakeAndDrop<Slot<T>>>();
        let (slot, after) = locked.split();
        if let Slot::Asked(waker) = slot {
            waker.wake(&mut after.wakers);
            *slot = end;
        } else {
            after.discarded = Some(end);
        }
    }
}

impl<T> Drop for Reply<T> {
    fn drop(&mut self) {
        self.end(Slot::Over);
    }
}

impl<T> Drop for Answer<T> {
    fn drop(&mut self) {
        let mut locked = self.0.lock_with::<WakeAndDrop<Slot<T>>>();
        let (slot, after) = locked.split();
        after.discarded = Some(mem::replace(slot, Slot::Over));
    }
}
