//! What can go wrong. In every case nothing has happened.

use core::fmt;
use std::sync::Arc;

use super::SubscriberId;
use crate::Effect;

/// The server has been shut down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

/// Why an event was not published. Nobody receives it.
#[non_exhaustive]
pub enum PublishError<E: ?Sized> {
    /// The server has been shut down.
    Closed(Arc<E>),
    /// A subscriber had no room when the publisher had waited as long as its policy lets it.
    TimedOut {
        /// The event that was not published.
        event: Arc<E>,
        /// Who had no room.
        subscriber: SubscriberId,
    },
}

/// Why a channel was not subscribed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubscribeError {
    /// The server has been shut down.
    Closed,
    /// This channel is subscribed already.
    Twice(SubscriberId),
}

/// Why nothing was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CancelError {
    /// There is no such subscription, or no more.
    NotSubscribed,
}

impl<E: ?Sized> PublishError<E> {
    /// The event that was not published.
    pub fn into_event(self) -> Arc<E> {
        match self {
            Self::Closed(event) | Self::TimedOut { event, .. } => event,
        }
    }

    /// Always [`Effect::DidNotHappen`].
    pub fn effect(&self) -> Effect {
        Effect::DidNotHappen
    }
}

impl SubscribeError {
    /// Always [`Effect::DidNotHappen`].
    pub fn effect(self) -> Effect {
        Effect::DidNotHappen
    }
}

impl CancelError {
    /// Always [`Effect::DidNotHappen`].
    pub fn effect(self) -> Effect {
        Effect::DidNotHappen
    }
}

impl Closed {
    /// Always [`Effect::DidNotHappen`].
    pub fn effect(self) -> Effect {
        Effect::DidNotHappen
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

/// Without the event, which may be anything.
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
            Self::Twice(id) => write!(f, "the channel is subscribed already, as {id}"),
        }
    }
}

impl fmt::Display for CancelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no such subscription")
    }
}

impl core::error::Error for Closed {}
impl<E: ?Sized> core::error::Error for PublishError<E> {}
impl core::error::Error for SubscribeError {}
impl core::error::Error for CancelError {}

impl From<Closed> for SubscribeError {
    fn from(_: Closed) -> Self {
        Self::Closed
    }
}
