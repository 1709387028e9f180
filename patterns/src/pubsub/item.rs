//! The items of a stream, and the identity of a subscription.

use core::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// One item of a subscriber's stream: `T` is `&Arc<E>` or `Arc<E>` for events of the type `E`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item<T> {
    /// An event.
    Event {
        /// The position in the order of all events, starting at 1.
        seq: u64,
        /// The payload.
        event: T,
    },
    /// Events are missing here, because the subscriber was too slow.
    Gap {
        /// The number of missing events.
        missed: u64,
    },
}

impl<E: ?Sized> Item<&Arc<E>> {
    /// Clones the `Arc`, not the payload.
    pub fn cloned(self) -> Item<Arc<E>> {
        match self {
            Self::Event { seq, event } => Item::Event { seq, event: event.clone() },
            Self::Gap { missed } => Item::Gap { missed },
        }
    }
}

/// The identity of a subscription, unique in the process.
///
/// It is unique among all servers, so that it never cancels a subscription to another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriberId(pub(super) u64);

impl SubscriberId {
    pub(super) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl fmt::Display for SubscriberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "subscriber {}", self.0)
    }
}
