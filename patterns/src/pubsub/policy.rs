//! What a subscriber may cost the others.

use core::num::NonZeroUsize;
use core::time::Duration;

/// What happens when a subscriber does not read as fast as is published.
///
/// A queue stands in front of every subscriber. The policy says how much it holds, and who bears it
/// when it is full: the publishers, the events, or the subscriber.
///
/// | policy | loses events | publishers wait | memory |
/// |---|---|---|---|
/// | [`Block`](Self::Block) | never | up to the limit | bounded |
/// | [`DropNewest`](Self::DropNewest), [`DropOldest`](Self::DropOldest) | yes, counted | never | bounded |
/// | [`Queue`](Self::Queue) | never; is disconnected instead | never | as you say |
/// | [`Disconnect`](Self::Disconnect) | yes, counted, for a while | never | bounded |
///
/// What a subscriber has missed appears in its stream as a [`Gap`](super::Item::Gap), at the place of
/// what is missing. A subscriber that is disconnected misses all that it has not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Publishers wait until there is room. If one has waited as long as the limit says, for this
    /// subscriber or for others before, and this one has no room, it gets an error, and nobody
    /// receives its event.
    Block {
        /// How many events the queue holds.
        capacity: NonZeroUsize,
        /// How long a publisher waits. [`Duration::MAX`] stands for ever; think twice.
        limit: Duration,
    },
    /// A subscriber whose queue is full misses what is published.
    DropNewest {
        /// How many events the queue holds.
        capacity: NonZeroUsize,
    },
    /// A subscriber whose queue is full misses the oldest event in it.
    DropOldest {
        /// How many events the queue holds.
        capacity: NonZeroUsize,
    },
    /// A queue with limits of your choice. A subscriber that goes beyond one is disconnected.
    Queue {
        /// How many events the queue holds.
        items: Limit,
        /// How large the events in it may be together, as the server has been told to
        /// [measure](super::mutex::Server::with_sizes) them.
        bytes: Limit,
    },
    /// A subscriber whose queue is full misses what is published. If it has missed everything since
    /// the grace began, with the first event that it missed, the next one after it disconnects it.
    Disconnect {
        /// How many events the queue holds.
        capacity: NonZeroUsize,
        /// For how long it may miss everything.
        grace: Duration,
    },
}

/// How much a [queue](Policy::Queue) holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// As much as that.
    AtMost(NonZeroUsize),
    /// Anything: one subscriber that does not read can then use up all memory.
    Unbounded,
}

impl Limit {
    /// How much more there may be.
    pub(super) fn room(self, used: u64) -> u64 {
        match self {
            Self::AtMost(limit) => (limit.get() as u64).saturating_sub(used),
            Self::Unbounded => u64::MAX,
        }
    }
}

/// What the constructors of [`Policy`] take for a capacity.
fn at_least_one(capacity: usize) -> NonZeroUsize {
    NonZeroUsize::new(capacity).expect("a queue holds at least one event")
}

/// # Panics
/// All of these panic if the capacity is 0.
impl Policy {
    /// [`Policy::Block`].
    pub fn block(capacity: usize, limit: Duration) -> Self {
        Self::Block { capacity: at_least_one(capacity), limit }
    }

    /// [`Policy::DropNewest`].
    pub fn drop_newest(capacity: usize) -> Self {
        Self::DropNewest { capacity: at_least_one(capacity) }
    }

    /// [`Policy::DropOldest`].
    pub fn drop_oldest(capacity: usize) -> Self {
        Self::DropOldest { capacity: at_least_one(capacity) }
    }

    /// [`Policy::Disconnect`].
    pub fn disconnect(capacity: usize, grace: Duration) -> Self {
        Self::Disconnect { capacity: at_least_one(capacity), grace }
    }
}
