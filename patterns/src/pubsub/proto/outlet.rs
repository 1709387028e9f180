//! Access to the queues.

use core::cell::RefCell;
use std::rc::Rc;

use super::queue::Queue;

/// Access to the queue of a subscriber, wherever it is kept.
pub trait Outlet {
    /// The payload of the events.
    type Event: ?Sized;

    /// Calls `f` with the queue.
    fn with<R>(&self, f: impl FnOnce(&mut Queue<Self::Event>) -> R) -> R;
}

/// Access without a lock.
impl<E: ?Sized> Outlet for Rc<RefCell<Queue<E>>> {
    type Event = E;

    fn with<R>(&self, f: impl FnOnce(&mut Queue<E>) -> R) -> R {
        f(&mut self.borrow_mut())
    }
}
