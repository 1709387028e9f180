//! The ways in which streams and subscriptions end.

use std::vec::Vec;

use super::item::SubscriberId;

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

/// The subscriptions that a server had when it was shut down, and how each ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// One entry per subscription, in the order in which they ended.
    pub ended: Vec<EndedSubscription>,
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
