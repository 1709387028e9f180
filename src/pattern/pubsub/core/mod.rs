//! The server without locks, tasks and clock.
//!
//! A [`Registry`] knows who is subscribed, and the order; a [`Queue`] knows what one subscriber has
//! not read, and what its policy does about too much of that. Both shapes are made of these two: one
//! puts the registry under a lock, the other gives it to a task.
//!
//! Neither runs code of the user. Payloads that are no longer wanted, and readers that are to be
//! woken, come out as an [`Aftermath`], to be dropped where no lock is held.
//!
//! ```
//! use std::cell::RefCell;
//! use std::rc::Rc;
//! use std::sync::Arc;
//! use std::task::Waker;
//! use std::time::Instant;
//! use pushdown::pattern::pubsub::{Item, Policy};
//! use pushdown::pattern::pubsub::core::{Aftermath, Queue, Read, Registry};
//!
//! let mut registry = Registry::new();
//! let queue = Rc::new(RefCell::new(Queue::new(Policy::drop_newest(1))));
//! registry.subscribe(queue.clone());
//!
//! let mut aftermath = Aftermath::default();
//! for event in ["one", "two"] {
//!     registry.publish(&Arc::from(event), 3, Instant::now, &mut aftermath);
//! }
//! let mut read = || match queue.borrow_mut().read(Waker::noop()) {
//!     Read::Item { item, .. } => item,
//!     _ => panic!("there is something to read"),
//! };
//! assert_eq!(read(), Item::Event { seq: 1, event: Arc::<str>::from("one") });
//! assert_eq!(read(), Item::Gap { missed: 1 });
//! ```

mod queue;
mod registry;

use core::cell::RefCell;
use core::fmt;
use std::rc::Rc;
use std::task::Waker;
use std::vec::Vec;

use crate::pattern::waiters::WakeLater;

pub use queue::{Pushed, Queue, Read, Unread};
pub use registry::{Full, Outlet, Registry};

/// What is left to be done when no lock is held; dropping it does it.
///
/// First readers are woken, then payloads are dropped.
#[must_use = "it is dropped when no lock is held"]
pub struct Aftermath<E: ?Sized> {
    wakers: WakeLater,
    dropped: Vec<Pushed<E>>,
}

impl<E: ?Sized> Aftermath<E> {
    pub(crate) fn wake(&mut self, waker: Option<Waker>) {
        self.wakers.push(waker);
    }

    pub(crate) fn wake_all(&mut self, wakers: Vec<Waker>) {
        self.wakers.extend(wakers);
    }

    fn discard(&mut self, pushed: Pushed<E>) {
        match pushed {
            Pushed::Queued | Pushed::Missed => {}
            Pushed::Evicted(_) | Pushed::Disconnected(_) => self.dropped.push(pushed),
        }
    }
}

impl<E: ?Sized> Default for Aftermath<E> {
    fn default() -> Self {
        Self { wakers: WakeLater::default(), dropped: Vec::new() }
    }
}

impl<E: ?Sized> fmt::Debug for Aftermath<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aftermath").field("wakers", &self.wakers).finish_non_exhaustive()
    }
}

/// Without locks.
impl<E: ?Sized> Outlet for Rc<RefCell<Queue<E>>> {
    type Event = E;

    fn with<R>(&self, f: impl FnOnce(&mut Queue<E>) -> R) -> R {
        f(&mut self.borrow_mut())
    }
}
