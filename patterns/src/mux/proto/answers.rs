//! What the core answers.

/// A call that was not accepted.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused<Q> {
    /// Here it is.
    pub message: Q,
    /// Why.
    pub why: Refusal,
}

/// Why a call was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The chosen tag is in use.
    DuplicateTag,
    /// As many calls wait as may wait.
    Full,
    /// No new calls are accepted.
    Closed,
}

/// What is to be done next by whoever sends.
#[derive(Debug, PartialEq, Eq)]
pub enum Take<T, Q, W> {
    /// Send this. From now on the call is in flight.
    Send {
        /// What to mark it with.
        tag: Option<T>,
        /// The message.
        message: Q,
        /// Whom to wake: it waited for this only, and not for a reply.
        waker: Option<W>,
    },
    /// Tell the other side that the call with the tag `of` was dropped.
    Cancel {
        /// The dropped call's tag.
        of: T,
        /// The tag of the cancelling call, where cancelling is one.
        tag: Option<T>,
    },
    /// Nothing to send.
    Nothing,
    /// Something to send, but no tag for it, or too much in flight or in quarantine.
    Blocked,
    /// The last call of a [drain](super::Core::drain) is over.
    Drained,
}

/// What a received message was.
#[derive(Debug, PartialEq, Eq)]
pub enum Received<R, W> {
    /// The reply that a call waits for. Wake the caller.
    Answered(Option<W>),
    /// The reply to a call that was dropped.
    Late(R),
    /// The reply to nothing.
    Unexpected(R),
}

/// What has become of a call.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome<Q, R> {
    /// It has its reply.
    Reply(R),
    /// It was sent, and has no reply.
    Sent,
    /// The connection ended. A message that was not sent comes back.
    Ended(Option<Q>),
}

/// What a call was when its caller left it.
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

/// What a multiplexer holds and has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Calls that are yet to be sent.
    pub waiting: usize,
    /// Calls that were sent and whose callers wait.
    pub in_flight: usize,
    /// Calls that are over, which their callers are yet to notice.
    pub unclaimed: usize,
    /// Tags of dropped calls that may not be used yet.
    pub quarantined: usize,
    /// Replies to dropped calls so far.
    pub late: u64,
    /// Replies to nothing so far.
    pub unexpected: u64,
    /// Unsolicited messages so far that found no room.
    pub discarded: u64,
}
