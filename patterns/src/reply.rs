//! The answer to one request, from the task that owns a state to whoever asked.

use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::sync::Mutex;

/// Who asked waits here. Dropping it says that the answer is not wanted any more.
#[derive(Debug)]
pub(crate) struct Answer<T>(Arc<Mutex<Slot<T>>>);

/// Who was asked answers here. Dropping it says that there will be no answer.
#[derive(Debug)]
pub(crate) struct Reply<T>(Arc<Mutex<Slot<T>>>);

#[derive(Debug)]
enum Slot<T> {
    Asked(Option<Waker>),
    Answered(T),
    /// Nobody asks any more, or nobody will answer.
    Over,
}

pub(crate) fn question<T>() -> (Reply<T>, Answer<T>) {
    let slot = Arc::new(Mutex::new(Slot::Asked(None)));
    (Reply(slot.clone()), Answer(slot))
}

/// Which question, as long as either end of it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Question(usize);

impl<T> Answer<T> {
    pub(crate) fn question(&self) -> Question {
        Question(Arc::as_ptr(&self.0).addr())
    }

    /// `None` if there will be no answer.
    pub(crate) fn poll(&self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let _replaced;
        let mut slot = self.0.lock();
        if let Slot::Asked(waker) = &mut *slot {
            _replaced = waker.replace(cx.waker().clone());
            return Poll::Pending;
        }
        match mem::replace(&mut *slot, Slot::Over) {
            Slot::Answered(answer) => Poll::Ready(Some(answer)),
            _ => Poll::Ready(None),
        }
    }
}

impl<T> Reply<T> {
    pub(crate) fn question(&self) -> Question {
        Question(Arc::as_ptr(&self.0).addr())
    }

    /// Whether the answer is still wanted.
    pub(crate) fn is_wanted(&self) -> bool {
        matches!(*self.0.lock(), Slot::Asked(_))
    }

    /// Answers.
    pub(crate) fn send(self, answer: T) {
        self.end(Slot::Answered(answer));
    }

    /// An answer that is not wanted, and the waker of who wanted it, are dropped without the lock.
    fn end(&self, end: Slot<T>) {
        let mut slot = self.0.lock();
        let Slot::Asked(waker) = &mut *slot else { return };
        let waker = waker.take();
        *slot = end;
        drop(slot);
        waker.into_iter().for_each(Waker::wake);
    }
}

impl<T> Drop for Reply<T> {
    fn drop(&mut self) {
        self.end(Slot::Over);
    }
}

impl<T> Drop for Answer<T> {
    fn drop(&mut self) {
        let _given_up = mem::replace(&mut *self.0.lock(), Slot::Over);
    }
}
