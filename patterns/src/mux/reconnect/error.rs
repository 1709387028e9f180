//! Errors of calls, and reasons why there is no connection.

use core::fmt;
use std::error::Error;
use std::sync::Arc;

use crate::Effect;
use crate::mux::{CallErrorKind, CloseReason};

/// The reason why there is no connection.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outage {
    /// The attempt to connect failed.
    Connect(Arc<dyn Error + Send + Sync>),
    /// The attempt to connect panicked, with this message.
    Panicked(Arc<str>),
    /// The attempt to connect took longer than its [limit](super::Options::connect_timeout).
    TimedOut,
    /// The connection ended.
    Ended(CloseReason),
}

impl fmt::Display for Outage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(error) => write!(f, "connecting failed: {error}"),
            Self::Panicked(text) => write!(f, "connecting panicked: {text}"),
            Self::TimedOut => f.write_str("connecting took too long"),
            Self::Ended(end) => end.fmt(f),
        }
    }
}

impl Error for Outage {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Connect(error) => Some(error),
            Self::Ended(end) => end.source(),
            Self::Panicked(_) | Self::TimedOut => None,
        }
    }
}

/// The reason why a call has no reply. Holds the request if it was sent on no connection.
#[derive(Debug)]
pub struct CallError<Q> {
    kind: CallErrorKind,
    request: Option<Q>,
    outage: Option<Outage>,
}

impl<Q> CallError<Q> {
    pub(super) fn new(kind: CallErrorKind, request: Option<Q>) -> Self {
        Self { kind, request, outage: None }
    }

    pub(super) fn during(self, outage: Option<Outage>) -> Self {
        Self { outage, ..self }
    }

    /// The kind of error.
    pub fn kind(&self) -> &CallErrorKind {
        &self.kind
    }

    /// [`DidNotHappen`](Effect::DidNotHappen) if no request was sent,
    /// [`MayHaveHappened`](Effect::MayHaveHappened) if one was, on whichever connection.
    pub fn effect(&self) -> Effect {
        match self.request {
            Some(_) => Effect::DidNotHappen,
            None => Effect::MayHaveHappened,
        }
    }

    /// The reason why there was no connection, if the call failed while it waited for one, or would have
    /// had to. `None` also if the first attempt to connect was still being made.
    pub fn outage(&self) -> Option<&Outage> {
        self.outage.as_ref()
    }

    /// The request, if it was not sent.
    pub fn into_request(self) -> Option<Q> {
        self.request
    }
}

impl<Q> fmt::Display for CallError<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)?;
        if let Some(outage) = &self.outage {
            write!(f, "; no connection: {outage}")?;
        }
        f.write_str(match self.effect() {
            Effect::DidNotHappen => "; the request was not sent",
            _ => "; the request was sent",
        })
    }
}

impl<Q: fmt::Debug> Error for CallError<Q> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match (&self.outage, &self.kind) {
            (Some(outage), _) => Some(outage),
            (None, CallErrorKind::Ended(end)) => Some(end),
            (None, _) => None,
        }
    }
}
