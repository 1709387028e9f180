//! How calls fail and connections end.

use core::fmt;
use std::error::Error;
use std::sync::Arc;

use super::proto::Refusal;
use crate::Effect;

/// Why a call has no reply. What was not sent comes back.
///
/// ```
/// use pushdown_patterns::Effect;
/// use pushdown_patterns::mux::{CallError, CallErrorKind};
///
/// /// Whether it is safe to call again, and what with.
/// fn again<Q>(error: CallError<Q>) -> Option<Q> {
///     match (error.effect(), error.kind()) {
///         (_, CallErrorKind::DuplicateTag) => None,
///         (Effect::DidNotHappen, _) => error.into_request(),
///         _ => None,
///     }
/// }
/// ```
#[derive(Debug)]
pub struct CallError<Q> {
    kind: CallErrorKind,
    request: Option<Q>,
}

/// The kinds of [`CallError`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum CallErrorKind {
    /// The tag that the caller chose is in use, or in quarantine.
    DuplicateTag,
    /// As many calls wait as [may](super::Options::waiting).
    Full,
    /// The time is up.
    TimedOut,
    /// The multiplexer is [shutting down](super::Mux::shutdown).
    ShuttingDown,
    /// The connection has ended.
    Ended(End),
}

impl<Q> CallError<Q> {
    pub(super) fn new(kind: CallErrorKind, request: Option<Q>) -> Self {
        Self { kind, request }
    }

    /// What went wrong.
    pub fn kind(&self) -> &CallErrorKind {
        &self.kind
    }

    /// [`DidNotHappen`](Effect::DidNotHappen) if the request was not sent, or else
    /// [`MayHaveHappened`](Effect::MayHaveHappened).
    pub fn effect(&self) -> Effect {
        match self.request {
            Some(_) => Effect::DidNotHappen,
            None => Effect::MayHaveHappened,
        }
    }

    /// The request, if it was not sent.
    pub fn into_request(self) -> Option<Q> {
        self.request
    }
}

impl From<Refusal> for CallErrorKind {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::DuplicateTag => Self::DuplicateTag,
            Refusal::Full => Self::Full,
            Refusal::Closed => Self::ShuttingDown,
        }
    }
}

impl<Q> fmt::Display for CallError<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            CallErrorKind::DuplicateTag => f.write_str("the tag is in use")?,
            CallErrorKind::Full => f.write_str("too many calls wait")?,
            CallErrorKind::TimedOut => f.write_str("timed out")?,
            CallErrorKind::ShuttingDown => f.write_str("shutting down")?,
            CallErrorKind::Ended(end) => end.fmt(f)?,
        }
        f.write_str(match self.effect() {
            Effect::DidNotHappen => "; the request was not sent",
            _ => "; the request was sent",
        })
    }
}

impl<Q: fmt::Debug> Error for CallError<Q> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.kind {
            CallErrorKind::Ended(end) => end.source(),
            _ => None,
        }
    }
}

/// An error of a connection's sink or stream, told to all its callers.
type Shared = Arc<dyn Error + Send + Sync>;

/// Why a connection has ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum End {
    /// The other side has closed it.
    Closed,
    /// Receiving failed.
    Receive(Shared),
    /// Sending failed.
    Send(Shared),
    /// A reply came to nothing, and [that is fatal](super::Unexpected::Fail).
    Unexpected,
    /// Too many dropped calls were not answered, and [that is fatal](super::WhenFull::Fail).
    QuarantineFull,
    /// The protocol, the sink or the stream panicked, and this is what it said.
    Panicked(Arc<str>),
    /// It was drained.
    Drained,
    /// It was aborted: by a shutdown, by its deadline, or because the last handle was dropped.
    Aborted,
    /// Whoever ran the connection has dropped it: its task was aborted, or its runtime shut down.
    Dropped,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the other side has closed the connection"),
            Self::Receive(error) => write!(f, "receiving failed: {error}"),
            Self::Send(error) => write!(f, "sending failed: {error}"),
            Self::Unexpected => f.write_str("a reply to no call was received"),
            Self::QuarantineFull => f.write_str("too many dropped calls were not answered"),
            Self::Panicked(text) => write!(f, "the connection panicked: {text}"),
            Self::Drained => f.write_str("the connection was drained"),
            Self::Aborted => f.write_str("the connection was aborted"),
            Self::Dropped => f.write_str("the connection's task was dropped"),
        }
    }
}

impl Error for End {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Receive(error) | Self::Send(error) => Some(error),
            _ => None,
        }
    }
}

/// How a connection has ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// Why.
    pub end: End,
    /// How many calls had no reply then.
    pub unfinished: usize,
}
