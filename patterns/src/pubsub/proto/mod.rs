//! The server without locks, tasks or a clock.
//!
//! ```text
//! Registry ── Tail ─→ Segment  ←─ Segment  ←─ Segment       the log, shared
//!    │                    ↑           ↑
//!    ├─ Queue: open run ──┘           │                     what each subscriber has not read
//!    └─ Queue: kept, open run ────────┘
//! ```
//!
//! An event is written once, into a log that all subscribers share, so publishing takes the same time
//! for one subscriber and for a thousand. A [`Queue`] knows what its subscriber has not read, and
//! applies its policy when that becomes too much. The [`Registry`] knows the subscribers, and up to
//! which event no queue need be asked: a queue that is full says when its reader has made room. Both
//! shapes are built on these: one puts the registry under a lock, the other gives it to a task.
//!
//! Nothing here runs user code. Payloads that are no longer wanted go into a [`Deferred`], which is
//! dropped where no lock is held.
//!
//! ```
//! use std::cell::RefCell;
//! use std::rc::Rc;
//! use std::sync::Arc;
//! use std::time::Instant;
//! use pushdown_patterns::pubsub::Policy;
//! use pushdown_patterns::pubsub::proto::{Cursor, Deferred, Queue, Read, Registry};
//!
//! let mut registry = Registry::new();
//! let queue = Rc::new(RefCell::new(Queue::new(Policy::drop_newest(1))));
//! registry.subscribe(queue.clone());
//!
//! let mut deferred = Deferred::default();
//! for event in ["one", "two"] {
//!     registry.publish(Arc::<str>::from(event), event.len(), Instant::now, &mut deferred);
//! }
//! let mut cursor = Cursor::new();
//! let mut read = || queue.borrow_mut().poll_read(&mut cursor, || registry.published());
//! assert_eq!(read(), Read::Event { seq: 1, room: true });
//! assert_eq!(read(), Read::Gap(1));
//! assert_eq!(read(), Read::Empty);
//! assert_eq!(**cursor.event(), *"one");
//! ```

mod batch;
mod cursor;
mod deferred;
mod ends;
mod log;
mod outlet;
mod payload;
mod queue;
mod registry;
mod run;
#[cfg(test)]
mod tests;

pub use batch::BATCH_EVENTS;
pub use cursor::Cursor;
pub use deferred::Deferred;
pub use ends::Ends;
pub use log::{SEGMENT_BYTES, SEGMENT_EVENTS};
pub use outlet::Outlet;
pub(super) use payload::Payload;
pub use queue::{Queue, Read};
pub use registry::{Full, Registry};
