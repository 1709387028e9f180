//! The ways in which streams and subscriptions end.

use std::vec::Vec;

use super::item::SubscriberId;
use crate::trace::Event;

/// Why a stream or subscription has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndReason {
    /// The subscription was cancelled.
    Cancelled,
    /// The subscriber was too slow for its [`Policy`](super::Policy).
    TooSlow,
    /// The server was shut down. All events published before are in the stream.
    Shutdown,
    /// The server was aborted, or its last handle dropped. Unread events are lost.
    Aborted,
    /// The reader was dropped, or the receiver of its channel.
    Left,
}

impl EndReason {
    /// Returns the words for events.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::TooSlow => "too slow",
            Self::Shutdown => "shut down",
            Self::Aborted => "aborted",
            Self::Left => "left",
        }
    }
}

/// The counts of a server. Those of type `u64` only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Events published.
    pub published: u64,
    /// Events lost upstream, as told by [`PubSub::missed`](super::PubSub::missed).
    pub lost: u64,
    /// Events that readers have missed, as told by the [gaps](super::Item::Gap) that they have come to.
    pub missed: u64,
    /// Subscribers.
    pub subscribers: usize,
    /// Subscribers that were too slow for their [`Policy`](super::Policy).
    pub disconnected: u64,
    /// Publishers that wait for room, those that have just given up included.
    pub publishers: usize,
    /// Publishers that got no room in time.
    pub timed_out: u64,
}

/// The subscriptions that a server had when it was shut down, and how each ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// One entry per subscription, in the order in which they ended.
    pub ended: Vec<EndedSubscription>,
}

impl Report {
    pub(super) fn event(&self) -> Event {
        let count = |outcome| self.ended.iter().filter(|ended| ended.outcome == outcome).count();
        Event::ServerClosed {
            drained: count(ReaderOutcome::Drained),
            dropped: count(ReaderOutcome::Dropped),
            aborted: count(ReaderOutcome::Aborted),
        }
    }
}

/// A subscription that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndedSubscription {
    /// The subscription.
    pub id: SubscriberId,
    /// The way in which its reader left.
    pub outcome: ReaderOutcome,
    /// The number of events that it has not read, missed ones included. One that it reads during an
    /// abort may be counted, too.
    pub undelivered: u64,
}

/// The way in which a reader left its subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReaderOutcome {
    /// The reader has read everything.
    Drained,
    /// The reader was dropped before that.
    Dropped,
    /// The shutdown ended the subscription before that.
    Aborted,
}
