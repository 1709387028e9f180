//! What can go wrong.

use std::fmt;
use std::string::String;
use std::time::Duration;
use std::vec::Vec;

use crate::Effect;

/// A call without a reply: why, what each server that was asked had to say, and the arguments.
///
/// ```
/// use std::sync::Arc;
/// use pushdown_patterns::Effect;
/// use pushdown_patterns::replicated::{CallErrorKind, Cause, Client};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let client = Client::builder(async |server: Arc<&str>, _: u32| match *server {
///     "full" => Err("no room"),
///     server => panic!("{server} is no server"),
/// });
/// let client: Client<_, _, (), _> = client.servers(["full", "tree"]).build().unwrap();
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
    /// Why.
    pub kind: CallErrorKind,
    /// The arguments, as they were given.
    pub args: A,
    /// What became of each attempt, in the order in which they ended.
    pub failures: Vec<Failure<E>>,
}

/// Why a call has no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CallErrorKind {
    /// Every server that could be asked has failed.
    Failed,
    /// The deadline came first.
    TimedOut,
    /// The client is shutting down.
    Closed,
}

/// What became of an attempt that has brought no reply.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure<E> {
    /// Which server was asked, by its place in the list.
    pub server: usize,
    /// How long after that it was over.
    pub after: Duration,
    /// What the server may have done.
    pub effect: Effect,
    /// What happened.
    pub cause: Cause<E>,
}

/// Why an attempt has brought no reply.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause<E> {
    /// The call to the server returned an error.
    Error(E),
    /// The call to the server panicked, with this message.
    Panicked(String),
    /// There was no answer when the call was over.
    Unanswered,
}

impl<A, E> CallError<A, E> {
    /// What the servers may have done, taken together.
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
            Cause::Unanswered => write!(f, "server {server}: no answer after {after:?}"),
        }
    }
}

impl<A, E: fmt::Display> fmt::Display for CallError<A, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            CallErrorKind::Failed => "no server could answer",
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

/// A client that cannot be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BuildError {
    /// It has no server.
    NoServers,
    /// The percentile of [`Hedge::Percentile`](super::Hedge::Percentile) is not one of 1 to 99, or
    /// its longest delay is shorter than its shortest.
    Percentile,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoServers => "a replicated client without a server",
            Self::Percentile => {
                "a percentile outside of 1 to 99, or delays that exclude each other"
            }
        })
    }
}

impl std::error::Error for BuildError {}
