//! The answers of [`Core`](super::Core).

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
        /// The tag of the dropped call.
        of: T,
        /// The tag of the cancel, in protocols where a cancel is a call.
        tag: Option<T>,
    },
    /// There is nothing to send.
    Nothing,
    /// A call waits, but no tag is free, or too many calls are in flight or tags in quarantine.
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

/// Numbers of calls and tags that a multiplexer holds, and of replies that it has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Calls that have not been sent yet.
    pub waiting: usize,
    /// Calls that were sent and whose callers wait.
    pub in_flight: usize,
    /// Calls that are over, but whose callers have not noticed yet.
    pub unclaimed: usize,
    /// Tags of dropped calls that must not be assigned yet.
    pub quarantined: usize,
    /// Replies to dropped calls so far.
    pub late: u64,
    /// Replies to no call so far.
    pub unexpected: u64,
    /// Unsolicited messages so far that found no room.
    pub discarded: u64,
}
