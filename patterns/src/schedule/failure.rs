//! The failure of a call, and of an attempt.

use core::fmt;
use std::string::String;

use super::ServerId;
use super::proto::Outcome;

/// A call's error, and its effect on the run.
///
/// The `?` operator converts any error, with the kind [`Elsewhere`](FailureKind::Elsewhere).
///
/// ```
/// use pushdown_patterns::schedule::{CallFailure, FailureKind};
///
/// fn parse(text: &str) -> Result<u32, CallFailure<std::num::ParseIntError>> {
///     Ok(text.parse()?)
/// }
/// let failure = parse("one").unwrap_err();
/// assert_eq!(failure.kind, FailureKind::Elsewhere);
/// assert_eq!(CallFailure::fatal("no licence").kind, FailureKind::Fatal);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallFailure<E> {
    /// The effect on the run.
    pub kind: FailureKind,
    /// The error.
    pub error: E,
}

/// The effect of a failed call on the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// Tries the task again, on any server.
    Retry,
    /// Tries the task again on a server where it has not failed with this kind. If it has failed so on
    /// all present servers, any of them may try.
    Elsewhere,
    /// Excludes the server from the run, and tries the task again on another. This is no failure of the
    /// task, and counts among its [deaths](super::Options::deaths) instead of its attempts.
    ServerDead,
    /// Excludes the server from the run like [`ServerDead`](Self::ServerDead), and is neither a failure nor
    /// a death of the task: the server was dead before it was given the task, such as one that died while
    /// it was idle.
    ServerGone,
    /// Ends the run with [`Reason::Fatal`](super::Reason::Fatal).
    Fatal,
}

impl FailureKind {
    pub(super) fn is_dead(self) -> bool {
        matches!(self, Self::ServerDead | Self::ServerGone)
    }
}

impl<E> CallFailure<E> {
    /// Creates a failure of the kind [`Retry`](FailureKind::Retry).
    pub const fn retry(error: E) -> Self {
        Self { kind: FailureKind::Retry, error }
    }

    /// Creates a failure of the kind [`Elsewhere`](FailureKind::Elsewhere).
    pub const fn elsewhere(error: E) -> Self {
        Self { kind: FailureKind::Elsewhere, error }
    }

    /// Creates a failure of the kind [`ServerDead`](FailureKind::ServerDead).
    pub const fn server_dead(error: E) -> Self {
        Self { kind: FailureKind::ServerDead, error }
    }

    /// Creates a failure of the kind [`ServerGone`](FailureKind::ServerGone).
    pub const fn server_gone(error: E) -> Self {
        Self { kind: FailureKind::ServerGone, error }
    }

    /// Creates a failure of the kind [`Fatal`](FailureKind::Fatal).
    pub const fn fatal(error: E) -> Self {
        Self { kind: FailureKind::Fatal, error }
    }
}

impl<E> From<E> for CallFailure<E> {
    fn from(error: E) -> Self {
        Self::elsewhere(error)
    }
}

impl<E: fmt::Display> fmt::Display for CallFailure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<E: core::error::Error + 'static> core::error::Error for CallFailure<E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        self.error.source()
    }
}

/// One failed attempt at a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedAttempt<E> {
    /// The attempt's number, from 1.
    pub number: u32,
    /// The server on which it failed.
    pub server: ServerId,
    /// The cause.
    pub cause: Cause<E>,
}

/// The cause of a failed attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause<E> {
    /// The call returned a failure.
    Failed(CallFailure<E>),
    /// The call missed its deadline and was dropped. [`Options::timed_out`](super::Options::timed_out)
    /// is what this says of the server.
    TimedOut,
    /// The call panicked. Holds the message, or nothing if it was no string. Handled as
    /// [`FailureKind::Elsewhere`]. A server that a panic may leave in the middle of something has to know
    /// that itself, and report itself dead in its next call.
    Panicked(String),
}

impl<E> Cause<E> {
    pub(super) fn outcome(&self) -> Outcome {
        match self {
            Self::Failed(failure) => Outcome::Failed(failure.kind),
            Self::TimedOut => Outcome::TimedOut,
            Self::Panicked(_) => Outcome::Failed(FailureKind::Elsewhere),
        }
    }

    pub(super) fn is_fatal(&self) -> bool {
        self.outcome() == Outcome::Failed(FailureKind::Fatal)
    }
}

impl<E: fmt::Display> fmt::Display for Cause<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(failure) => failure.fmt(f),
            Self::TimedOut => f.write_str("timed out"),
            Self::Panicked(message) => write!(f, "panicked: {message}"),
        }
    }
}
