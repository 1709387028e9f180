//! Errors of a client.

use std::fmt;
use std::string::String;
use std::time::Duration;
use std::vec::Vec;

use crate::Effect;

/// A call without a reply: the reason, the failure of each attempt, and the arguments.
///
/// ```
/// use std::sync::Arc;
/// use pushdown_patterns::Effect;
/// use pushdown_patterns::replicated::{CallErrorKind, Cause, Client, Options};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let call = async |server: Arc<&str>, _: u32| match *server {
///     "full" => Err::<(), _>("no room"),
///     server => panic!("{server} is no server"),
/// };
/// let client = Client::new(["full", "tree"], call, Options::new()).unwrap();
///
/// let error = client.call(7).await.unwrap_err();
/// assert_eq!((error.kind, error.args), (CallErrorKind::Failed, 7));
/// assert_eq!(error.failures[0].cause, Cause::Error("no room"));
/// assert_eq!(error.failures[1].cause, Cause::Panicked("tree is no server".to_owned()));
/// assert_eq!(error.effect(), Effect::MayHaveHappened);
/// # }
/// ```
#[non_exhaustive]
pub struct CallError<A, E> {
    /// Why there is no reply.
    pub kind: CallErrorKind,
    /// The arguments of the call.
    pub args: A,
    /// The failed attempts, in the order in which they ended.
    pub failures: Vec<Failure<E>>,
}

/// The reason why a call has no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CallErrorKind {
    /// Every server that could be asked has failed.
    Failed,
    /// The list of servers is empty, and none was asked.
    NoServers,
    /// The call ran out of time.
    TimedOut,
    /// The client is shutting down.
    Closed,
}

impl CallErrorKind {
    /// Returns the words for events.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Failed => "no server has replied",
            Self::NoServers => "there is no server",
            Self::TimedOut => "timed out",
            Self::Closed => "the client is shutting down",
        }
    }
}

/// An attempt without a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure<E> {
    /// Number of the server that was asked.
    pub server: usize,
    /// Time from the start of the attempt to its end.
    pub after: Duration,
    /// The effect that the request may have had on the server.
    pub effect: Effect,
    /// Why there is no reply.
    pub cause: Cause<E>,
}

/// The reason why an attempt has no reply.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause<E> {
    /// The call to the server returned an error.
    Error(E),
    /// The call to the server panicked, with this message.
    Panicked(String),
    /// There was no answer by the end of the call.
    Unanswered,
    /// The server left the list before it answered, and its requests were dropped.
    Left,
}

impl<A, E> CallError<A, E> {
    /// Returns the effect that the call may have had, on all servers taken together.
    pub fn effect(&self) -> Effect {
        let of = |effect| self.failures.iter().any(|failure| failure.effect == effect);
        if of(Effect::Happened) {
            Effect::Happened
        } else if of(Effect::MayHaveHappened) {
            Effect::MayHaveHappened
        } else {
            Effect::DidNotHappen
        }
    }
}

impl<E: fmt::Display> fmt::Display for Failure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { server, after, cause, .. } = self;
        match cause {
            Cause::Error(error) => write!(f, "server {server}: {error}"),
            Cause::Panicked(message) => write!(f, "server {server}: panicked: {message}"),
            Cause::Left => write!(f, "server {server}: has left"),
            Cause::Unanswered => write!(f, "server {server}: no answer after {after:?}"),
        }
    }
}

impl<A, E: fmt::Display> fmt::Display for CallError<A, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            CallErrorKind::Failed => "no server could answer",
            CallErrorKind::NoServers => "there is no server",
            CallErrorKind::TimedOut => "no server answered in time",
            CallErrorKind::Closed => "the client is shutting down",
        })?;
        for (index, failure) in self.failures.iter().enumerate() {
            write!(f, "{}{failure}", if index == 0 { ": " } else { "; " })?;
        }
        Ok(())
    }
}

impl<A, E: fmt::Debug> fmt::Debug for CallError<A, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallError")
            .field("kind", &self.kind)
            .field("failures", &self.failures)
            .finish_non_exhaustive()
    }
}

impl<A, E: fmt::Debug + fmt::Display> std::error::Error for CallError<A, E> {}

/// The reason why a client cannot be created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BuildError {
    /// There is no server.
    NoServers,
    /// [`Prefer::First`](super::Prefer::First) without a hedge: nothing would limit what a probe costs its
    /// caller.
    ProbeWithoutHedge,
    /// The percentile of [`Hedge::Percentile`](super::Hedge::Percentile) is not in 1 to 99, or its
    /// longest delay is shorter than its shortest.
    Percentile,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoServers => "a replicated client needs a server",
            Self::ProbeWithoutHedge => "a probe needs a hedge",
            Self::Percentile => {
                "a percentile that is not in 1 to 99, or a shortest delay above the longest"
            }
        })
    }
}

impl std::error::Error for BuildError {}
