//! Errors of calls, and reasons why connections end.

use core::fmt;
use std::error::Error;
use std::string::{String, ToString};
use std::sync::Arc;

use pushdown::io::ReadError;

use super::proto::Refusal;
use crate::Effect;
use crate::trace::Event;

/// The reason why a call has no reply. Holds the request if it was not sent.
///
/// ```
/// use pushdown_patterns::Effect;
/// use pushdown_patterns::mux::{CallError, CallErrorKind};
///
/// /// Returns the request if it is safe to send it again.
/// fn retry<Q>(error: CallError<Q>) -> Option<Q> {
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
    /// As many calls are waiting as the [limit](super::Options::waiting) allows.
    Full,
    /// The call took longer than its [timeout](super::CallOptions::timeout).
    TimedOut,
    /// The message [has a reply](super::Protocol::is_answered) and was sent, or has none and was called.
    WrongMethod,
    /// The multiplexer is [shutting down](super::Mux::shutdown).
    ShuttingDown,
    /// The connection has ended.
    Ended(CloseReason),
    /// There is no connection, and the client [does not wait](super::reconnect::WhenDown::Fail) for one.
    NotConnected,
}

impl<Q> CallError<Q> {
    pub(super) fn new(kind: CallErrorKind, request: Option<Q>) -> Self {
        Self { kind, request }
    }

    /// The kind of error.
    pub fn kind(&self) -> &CallErrorKind {
        &self.kind
    }

    /// [`DidNotHappen`](Effect::DidNotHappen) if the request was not sent,
    /// [`MayHaveHappened`](Effect::MayHaveHappened) otherwise.
    pub fn effect(&self) -> Effect {
        match self.request {
            Some(_) => Effect::DidNotHappen,
            None => Effect::MayHaveHappened,
        }
    }

    pub(super) fn into_parts(self) -> (CallErrorKind, Option<Q>) {
        (self.kind, self.request)
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

impl fmt::Display for CallErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DuplicateTag => f.write_str("the tag is in use"),
            Self::Full => f.write_str("too many calls are waiting"),
            Self::TimedOut => f.write_str("timed out"),
            Self::WrongMethod => {
                f.write_str("a message with a reply is called, one without is sent")
            }
            Self::ShuttingDown => f.write_str("shutting down"),
            Self::Ended(end) => end.fmt(f),
            Self::NotConnected => f.write_str("there is no connection"),
        }
    }
}

impl<Q> fmt::Display for CallError<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)?;
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

/// An error of a connection's sink or stream, which all its callers get.
type SharedError = Arc<dyn Error + Send + Sync>;

/// The reason why a connection has ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum CloseReason {
    /// The peer has closed it.
    Closed,
    /// Receiving failed.
    Receive(SharedError),
    /// Sending failed.
    Send(SharedError),
    /// A reply answered no call, and [that is fatal](super::Unexpected::Fail).
    Unexpected,
    /// The peer broke the [protocol](super::Role::Violation).
    Violation,
    /// An unsolicited message found no room, and [that is fatal](super::Overflow::Fail).
    UnsolicitedFull,
    /// The peer left too many dropped calls unanswered, and [that is fatal](super::WhenFull::Fail).
    QuarantineFull,
    /// The protocol, the sink or the stream panicked, with this message.
    Panicked(Arc<str>),
    /// It was drained.
    Drained,
    /// It was aborted: by a shutdown, by the deadline of a drain, or because the last handle was
    /// dropped.
    Aborted,
    /// The connection's future was dropped: its task was aborted, or its runtime shut down.
    Dropped,
    /// A client [gave up](super::reconnect::Options::connect_attempts) connecting.
    GaveUp,
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the peer has closed the connection"),
            Self::Receive(error) => write!(f, "receiving failed: {error}"),
            Self::Send(error) => write!(f, "sending failed: {error}"),
            Self::Unexpected => f.write_str("a reply answered no call"),
            Self::Violation => f.write_str("the peer broke the protocol"),
            Self::UnsolicitedFull => f.write_str("too many unsolicited messages were not received"),
            Self::QuarantineFull => f.write_str("the peer left too many dropped calls unanswered"),
            Self::Panicked(text) => write!(f, "the connection panicked: {text}"),
            Self::Drained => f.write_str("the connection was drained"),
            Self::Aborted => f.write_str("the connection was aborted"),
            Self::Dropped => f.write_str("the connection's future was dropped"),
            Self::GaveUp => f.write_str("too many attempts to connect failed"),
        }
    }
}

impl CloseReason {
    /// Returns the event of a connection that ends. It has no text of user code.
    pub(super) fn event(&self, unfinished: usize) -> Event {
        let lost = |reason, error: Option<&SharedError>| Event::ConnectionLost {
            reason,
            error: error.and_then(kind),
            unfinished,
        };
        let closed = |reason| Event::ConnectionClosed { reason, unfinished };
        match self {
            Self::Closed => lost("closed by the peer", None),
            Self::Receive(error) => lost("receiving failed", Some(error)),
            Self::Send(error) => lost("sending failed", Some(error)),
            Self::Unexpected => lost("an unexpected reply", None),
            Self::Violation => lost("a violation of the protocol", None),
            Self::UnsolicitedFull => lost("too many unsolicited messages", None),
            Self::QuarantineFull => lost("too many unanswered calls", None),
            Self::Panicked(_) => lost("a panic", None),
            Self::Drained => closed("drained"),
            Self::Aborted => closed("aborted"),
            Self::Dropped => closed("its future was dropped"),
            Self::GaveUp => lost("too many attempts to connect failed", None),
        }
    }
}

/// Returns the kind of an I/O error, or of bad input. Texts may quote what was sent.
fn kind(error: &SharedError) -> Option<String> {
    let read = match error.downcast_ref::<ReadError>() {
        Some(ReadError::Parse(error)) => return Some(error.to_string()),
        Some(ReadError::Io(error)) => Some(error),
        _ => None,
    };
    let error = read.or_else(|| error.downcast_ref())?;
    Some(error.kind().to_string())
}

impl Error for CloseReason {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Receive(error) | Self::Send(error) => Some(error),
            _ => None,
        }
    }
}

/// The end of a connection.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// The reason.
    pub end: CloseReason,
    /// Number of calls that had no reply then, and of messages that were not sent.
    pub unfinished: usize,
}
