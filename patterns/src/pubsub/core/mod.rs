//! The server without locks, tasks and clock.
//!
//! ```text
//! Registry ── Tail ─→ Segment  ←─ Segment  ←─ Segment       the log, shared
//!    │                    ↑           ↑
//!    ├─ Queue: open run ──┘           │                     what each has not read
//!    └─ Queue: run, gap, run ─────────┘
//! ```
//!
//! An event is written once, into a log that all subscribers share, so publishing takes the same time
//! for one and for a thousand. A [`Queue`] says what its subscriber has not read, and decides what to
//! do about too much of that. The [`Registry`] knows who is subscribed, and up to which event nobody
//! need be asked. Both shapes are made of these: one puts the registry under a lock, the other gives
//! it to a task.
//!
//! Nothing here runs code of the user. Payloads that are no longer wanted come out as an
//! [`Aftermath`], to be dropped where no lock is held.
//!
//! ```
//! use std::cell::RefCell;
//! use std::rc::Rc;
//! use std::sync::Arc;
//! use std::time::Instant;
//! use pushdown_patterns::pubsub::Policy;
//! use pushdown_patterns::pubsub::core::{Aftermath, Place, Queue, Read, Registry};
//!
//! let mut registry = Registry::new();
//! let queue = Rc::new(RefCell::new(Queue::new(Policy::drop_newest(1))));
//! registry.subscribe(queue.clone());
//!
//! let mut aftermath = Aftermath::default();
//! for event in ["one", "two"] {
//!     registry.publish(Arc::<str>::from(event), event.len(), Instant::now, &mut aftermath);
//! }
//! let (mut place, published) = (Place::new(), || 2);
//! assert_eq!(queue.borrow_mut().read(&mut place, published), Read::Event { seq: 1, room: false });
//! assert_eq!(**place.event(1), *"one");
//! assert_eq!(queue.borrow_mut().read(&mut place, published), Read::Gap(1));
//! assert_eq!(queue.borrow_mut().read(&mut place, published), Read::Empty);
//! ```

mod log;
mod queue;
mod registry;

use core::cell::RefCell;
use core::fmt;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::vec::Vec;

use crate::wakers::AfterUnlock;

pub use log::Segment;
pub use queue::{Place, Queue, Read};
use queue::{Run, Unread};
pub use registry::{Full, Outlet, Registry};

/// What is left to be done when no lock is held; dropping it does it.
///
/// First those who wait are woken, then payloads are dropped.
#[must_use = "it is dropped when no lock is held"]
pub struct Aftermath<E: ?Sized> {
    pub(super) wakers: AfterUnlock,
    segments: Vec<Arc<Segment<E>>>,
    runs: VecDeque<Run<E>>,
}

impl<E: ?Sized> Aftermath<E> {
    fn discard(&mut self, unread: Unread<E>) {
        self.wakers.wake(unread.to_cut);
        self.runs.extend(unread.runs);
    }
}

impl<E: ?Sized> Default for Aftermath<E> {
    fn default() -> Self {
        Self { wakers: AfterUnlock::default(), segments: Vec::new(), runs: VecDeque::new() }
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
