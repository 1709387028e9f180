//! The answers of [`Core`](super::Core).

use std::vec::Vec;

/// A call that was not accepted.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused<Q> {
    /// The message of the call.
    pub message: Q,
    /// The reason.
    pub why: Refusal,
}

/// The reason why a call was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The chosen tag is in use.
    DuplicateTag,
    /// As many calls are waiting as the options allow.
    Full,
    /// No new calls are accepted.
    Closed,
}

/// The next thing to send.
#[derive(Debug, PartialEq, Eq)]
pub enum Transmit<T, Q, W> {
    /// Send this message. The call is in flight from now on.
    Send {
        /// The tag to mark the message with.
        tag: Option<T>,
        /// The message.
        message: Q,
        /// The waker of a caller that has waited for this only. Of a call that has a reply, an empty
        /// one.
        waker: W,
    },
    /// Tell the peer that the call with the tag `of` was dropped.
    Cancel {
        /// The dropped call, for [`Core::cancel`](super::Core::cancel).
        entry: u64,
        /// Its tag.
        of: T,
    },
    /// Drop this message: it cancels a call that has been answered in the meantime.
    Discard(Q),
    /// There is nothing to send.
    Nothing,
    /// A request waits, but no tag is free, or too many calls are in flight or tags in quarantine.
    Blocked,
    /// The last call of a [drain](super::Core::drain) is over.
    Drained,
}

/// The meaning of a reply that was received.
#[derive(Debug, PartialEq, Eq)]
pub enum Received<R, W> {
    /// It answers a call. Wake the caller.
    Answered(W),
    /// It answers a call that was dropped.
    Late(R),
    /// It answers a cancel, or a request that undoes a late reply.
    Own(R),
    /// It answers no call.
    Unexpected(R),
}

/// The outcome of a call.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome<Q, R> {
    /// The reply.
    Reply(R),
    /// The message was sent, and has no reply.
    Sent,
    /// The connection ended. Holds the message if it was not sent.
    Ended(Option<Q>),
}

/// The stage at which a call was abandoned.
#[derive(Debug, PartialEq, Eq)]
pub enum Abandoned<Q, R> {
    /// Not sent, and it will not be.
    Waiting(Q),
    /// Sent. Its tag is in quarantine.
    InFlight,
    /// Answered.
    Answered(R),
    /// Sent, and it has no reply.
    Sent,
}

impl<Q, R> Abandoned<Q, R> {
    /// The message, if it was not sent.
    pub fn into_request(self) -> Option<Q> {
        match self {
            Self::Waiting(message) => Some(message),
            Self::InFlight | Self::Answered(_) | Self::Sent => None,
        }
    }
}

/// Everything that was held at the end of a multiplexer, for the caller to wake and to drop.
#[derive(Debug, PartialEq, Eq)]
pub struct Ended<Q, W> {
    /// The wakers of all callers.
    pub wakers: Vec<W>,
    /// Requests that have no caller and were not sent.
    pub discarded: Vec<Q>,
}

/// Numbers of calls and tags that a multiplexer holds, and of replies that it has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Calls, and messages without a reply, that have not been sent yet.
    pub waiting: usize,
    /// Calls that were sent and whose callers wait.
    pub in_flight: usize,
    /// Calls that are over, but whose callers have not noticed yet.
    pub unclaimed: usize,
    /// Dropped calls whose tags must not be assigned yet.
    pub quarantined: usize,
    /// Calls, and messages without a reply, that were accepted so far.
    pub accepted: u64,
    /// Those that were sent.
    pub sent: u64,
    /// Those that were answered.
    pub answered: u64,
    /// Those whose callers left, or whose time was over, before they were answered; without a reply,
    /// before they were sent.
    pub abandoned: u64,
    /// Replies to dropped calls so far.
    pub late: u64,
    /// Replies to no call so far.
    pub unexpected: u64,
    /// Unsolicited messages so far that found no room.
    pub discarded: u64,
}
