//! The errors. After each of them nothing has happened: the effect of a failed operation is always
//! [`Effect::DidNotHappen`](Effect::DidNotHappen).

use core::fmt;
use std::sync::Arc;

use super::item::SubscriberId;
use crate::Effect;

/// The server has been shut down. Always [`Effect::DidNotHappen`](Effect::DidNotHappen).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

/// Why an event was not published. No subscriber receives it: always
/// [`Effect::DidNotHappen`](Effect::DidNotHappen).
#[non_exhaustive]
pub enum PublishError<E: ?Sized> {
    /// The server has been shut down.
    Closed(Arc<E>),
    /// A subscriber had no room after the publisher had waited for as long as its policy allows.
    TimedOut {
        /// The event that was not published.
        event: Arc<E>,
        /// The subscriber without room.
        subscriber: SubscriberId,
    },
}

/// Why nothing was subscribed. Always
/// [`Effect::DidNotHappen`](Effect::DidNotHappen).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubscribeError {
    /// The server has been shut down.
    Closed,
    /// This channel is already subscribed.
    Twice(SubscriberId),
    /// The policy limits the bytes of a queue, and the server has no
    /// [measure](super::mutex::Server::with_sizes) for its events.
    Unmeasured,
}

/// Why nothing was cancelled. Always [`Effect::DidNotHappen`](Effect::DidNotHappen).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CancelError {
    /// There is no such subscription, or it has ended.
    NotSubscribed,
}

/// Why [`Subscription::try_recv`](super::Subscription::try_recv) returned no item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryRecvError {
    /// There is no item at the moment.
    Empty,
    /// The stream has ended.
    Ended,
}

impl<E: ?Sized> PublishError<E> {
    /// Returns [`Effect::DidNotHappen`]: no subscriber receives the event.
    pub fn effect(&self) -> Effect {
        Effect::DidNotHappen
    }

    /// Returns the event that was not published.
    pub fn into_event(self) -> Arc<E> {
        match self {
            Self::Closed(event) | Self::TimedOut { event, .. } => event,
        }
    }
}

const CLOSED: &str = "the server has been shut down";

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(CLOSED)
    }
}

impl<E: ?Sized> fmt::Display for PublishError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed(_) => f.write_str(CLOSED),
            Self::TimedOut { subscriber, .. } => write!(f, "{subscriber} had no room in time"),
        }
    }
}

/// Leaves out the event, which need not implement `Debug`.
impl<E: ?Sized> fmt::Debug for PublishError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed(_) => f.write_str("Closed"),
            Self::TimedOut { subscriber, .. } => {
                f.debug_struct("TimedOut").field("subscriber", subscriber).finish_non_exhaustive()
            }
        }
    }
}

impl fmt::Display for SubscribeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str(CLOSED),
            Self::Twice(id) => write!(f, "the channel is already subscribed, as {id}"),
            Self::Unmeasured => f.write_str("the server has no measure for a limit of bytes"),
        }
    }
}

impl fmt::Display for CancelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no such subscription")
    }
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "there is no item at the moment",
            Self::Ended => "the stream has ended",
        })
    }
}

impl core::error::Error for Closed {}
impl<E: ?Sized> core::error::Error for PublishError<E> {}
impl core::error::Error for SubscribeError {}
impl core::error::Error for CancelError {}
impl core::error::Error for TryRecvError {}

impl From<Closed> for SubscribeError {
    fn from(_: Closed) -> Self {
        Self::Closed
    }
}
