//! Policies for slow subscribers.

use core::num::NonZeroUsize;
use core::time::Duration;

/// The treatment of a subscriber that reads more slowly than events are published.
///
/// Every subscriber has a queue. Its policy says how much the queue holds, and what gives way when it
/// is full: the publishers wait, events are dropped, or the subscriber is disconnected.
///
/// | policy | loses events | publishers wait | memory |
/// |---|---|---|---|
/// | [`Block`](Self::Block) | never | up to the limit | bounded |
/// | [`DropNewest`](Self::DropNewest), [`DropOldest`](Self::DropOldest) | yes, counted | never | bounded |
/// | [`Queue`](Self::Queue) | never; is disconnected instead | never | bounded by its limits, if any |
/// | [`Disconnect`](Self::Disconnect) | yes, counted, for a while | never | bounded |
///
/// Missed events appear in the stream as a [`Gap`](super::Item::Gap), in their place. A subscriber
/// that is disconnected misses everything in its queue.
///
/// With the event that it reads, a reader takes a few of those after it out of the queue: at most 15, and
/// at most an eighth of what the queue holds, so none below a capacity of eight, and none with a limit of
/// bytes. They leave room, and no policy acts on them any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Publishers wait for room. A publisher that has waited for `limit` in total, for this
    /// subscriber or others, fails if this subscriber still has no room, and no subscriber receives
    /// its event.
    Block {
        /// The number of events that the queue holds.
        capacity: NonZeroUsize,
        /// The time for which a publisher waits. With [`Duration::MAX`] it waits forever, and one
        /// stuck subscriber can block every publisher.
        limit: Duration,
    },
    /// While the queue is full, the subscriber misses new events.
    DropNewest {
        /// The number of events that the queue holds.
        capacity: NonZeroUsize,
    },
    /// When the queue is full, a new event replaces the oldest one.
    DropOldest {
        /// The number of events that the queue holds.
        capacity: NonZeroUsize,
    },
    /// A queue with limits of your choice. A subscriber that exceeds one is disconnected.
    Queue {
        /// The number of events that the queue holds.
        items: Limit,
        /// The total size of the events that it holds. The server needs a measure:
        /// [`measured`](super::mutex::Server::measured) or
        /// [`with_sizes`](super::mutex::Server::with_sizes).
        bytes: Limit,
    },
    /// While the queue is full, the subscriber misses new events. The first event missed starts the
    /// grace period, room for an event ends it, and an event that is missed after `grace` disconnects
    /// the subscriber.
    Disconnect {
        /// The number of events that the queue holds.
        capacity: NonZeroUsize,
        /// The time for which the subscriber may miss every event.
        grace: Duration,
    },
}

/// A limit of a [queue](Policy::Queue).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// At most this much.
    AtMost(NonZeroUsize),
    /// No limit: one subscriber that does not read can use up all memory.
    Unbounded,
}

impl Limit {
    /// Returns how much more fits.
    pub(super) fn room(self, used: u64) -> u64 {
        match self {
            Self::AtMost(limit) => (limit.get() as u64).saturating_sub(used),
            Self::Unbounded => u64::MAX,
        }
    }
}

/// Checks the capacity given to a constructor of [`Policy`].
fn at_least_one(capacity: usize) -> NonZeroUsize {
    NonZeroUsize::new(capacity).expect("a queue holds at least one event")
}

/// # Panics
/// All of these panic if the capacity is 0.
impl Policy {
    /// Creates a [`Policy::Block`].
    pub fn block(capacity: usize, limit: Duration) -> Self {
        Self::Block { capacity: at_least_one(capacity), limit }
    }

    /// Creates a [`Policy::DropNewest`].
    pub fn drop_newest(capacity: usize) -> Self {
        Self::DropNewest { capacity: at_least_one(capacity) }
    }

    /// Creates a [`Policy::DropOldest`].
    pub fn drop_oldest(capacity: usize) -> Self {
        Self::DropOldest { capacity: at_least_one(capacity) }
    }

    /// Creates a [`Policy::Disconnect`].
    pub fn disconnect(capacity: usize, grace: Duration) -> Self {
        Self::Disconnect { capacity: at_least_one(capacity), grace }
    }
}
