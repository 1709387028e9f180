//! How a call fails.

use core::fmt;
use std::string::String;

use super::ServerId;

/// A call's error, and what is to be done about it.
///
/// The question mark makes any error one to try [elsewhere](FailureKind::Elsewhere).
///
/// ```
/// use pushdown_patterns::schedule::{Failure, FailureKind};
///
/// fn parse(text: &str) -> Result<u32, Failure<std::num::ParseIntError>> {
///     Ok(text.parse()?)
/// }
/// let failure = parse("one").unwrap_err();
/// assert_eq!(failure.kind, FailureKind::Elsewhere);
/// assert_eq!(Failure::fatal("no licence").kind, FailureKind::Fatal);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure<E> {
    /// What is to be done.
    pub kind: FailureKind,
    /// What went wrong.
    pub error: E,
}

/// What is to be done about a failed call. All but the last use up one of the task's attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// Try again, on any server.
    Retry,
    /// Try again on a server on which the task has not failed like this. When it has on all that
    /// there are, any may try.
    Elsewhere,
    /// The server is to take no more. Try again on another.
    ServerDead,
    /// The whole run has failed.
    Fatal,
}

impl<E> Failure<E> {
    /// Try again, on any server.
    pub const fn retry(error: E) -> Self {
        Self { kind: FailureKind::Retry, error }
    }

    /// Try again on another server.
    pub const fn elsewhere(error: E) -> Self {
        Self { kind: FailureKind::Elsewhere, error }
    }

    /// Try again on another server, and give this one nothing more.
    pub const fn server_dead(error: E) -> Self {
        Self { kind: FailureKind::ServerDead, error }
    }

    /// Give up the whole run.
    pub const fn fatal(error: E) -> Self {
        Self { kind: FailureKind::Fatal, error }
    }
}

impl<E> From<E> for Failure<E> {
    fn from(error: E) -> Self {
        Self::elsewhere(error)
    }
}

impl<E: fmt::Display> fmt::Display for Failure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<E: core::error::Error + 'static> core::error::Error for Failure<E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        self.error.source()
    }
}

/// One failed attempt at a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedAttempt<E> {
    /// The how-manieth it was, from 1.
    pub number: u32,
    /// Where.
    pub server: ServerId,
    /// Why.
    pub cause: Cause<E>,
}

/// Why an attempt failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause<E> {
    /// The call said so.
    Failed(Failure<E>),
    /// It was not over by its deadline, and was dropped. Tried again elsewhere.
    TimedOut,
    /// It panicked, with this message if it was a text. Tried again elsewhere.
    Panicked(String),
}

impl<E> Cause<E> {
    pub(super) fn kind(&self) -> FailureKind {
        match self {
            Self::Failed(failure) => failure.kind,
            Self::TimedOut | Self::Panicked(_) => FailureKind::Elsewhere,
        }
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
