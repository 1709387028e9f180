//! The source of the servers, and their destination.

use core::fmt;
use std::boxed::Box;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::vec::Vec;

use futures_core::Stream;
use tokio::sync::mpsc;

use super::ServerId;
use super::slot::HandBack;

/// The servers of a run: a `Vec`, or a source from which they join during the run.
///
/// ```
/// use pushdown_patterns::schedule::Servers;
/// use tokio::sync::mpsc;
///
/// let fixed: Servers<&str> = vec!["a", "b"].into();
/// let (joining, receiver) = mpsc::channel(1);
/// let dynamic: Servers<&str> = receiver.into();
/// # drop((fixed, dynamic, joining));
///
/// // Keeps the servers for later use, even if the run is dropped.
/// let (returned, mut back) = mpsc::unbounded_channel();
/// let lent = Servers::from(vec!["a", "b"]).hand_back(move |_, server| drop(returned.send(server)));
/// # drop(lent);
/// ```
///
/// Servers still in the channel when the run ends are handed back like those that joined. A later send
/// fails, and returns the server to the sender. The exception is a permit
/// [reserved](mpsc::Sender::reserve) before the end: a server sent through it after the run has emptied
/// the channel is lost. Servers that a stream has not yielded by then are dropped with the stream.
pub struct Servers<S> {
    pub(super) source: Source<S>,
    pub(super) hand_back: Option<HandBack<S>>,
}

pub(super) enum Source<S> {
    All(Vec<S>),
    Joining(Joining<S>),
}

pub(super) enum Joining<S> {
    Channel(mpsc::Receiver<S>),
    Unbounded(mpsc::UnboundedReceiver<S>),
    Stream(Pin<Box<dyn Stream<Item = S> + Send>>),
}

impl<S> Servers<S> {
    /// Accepts servers as a stream yields them. When it ends, no more can join.
    pub fn stream(stream: impl Stream<Item = S> + Send + 'static) -> Self {
        Self::joining(Joining::Stream(Box::pin(stream)))
    }

    /// Sets a function that takes each server as it leaves: a dead one at once, a healthy one at the
    /// end of the run. Without it the servers are in the report, and are dropped if the run is.
    ///
    /// By then its failures are counted and it gets no more tasks. The run does not end before this
    /// returns, except for a lease that an aborted run did not wait for. The function is called by the
    /// server's worker, or where a lease is dropped that outlives the worker, and must not block. If it
    /// panics, only the server is lost.
    #[must_use]
    pub fn hand_back(mut self, to: impl Fn(ServerId, S) + Send + Sync + 'static) -> Self {
        self.hand_back = Some(Arc::new(to));
        self
    }

    fn joining(joining: Joining<S>) -> Self {
        Self { source: Source::Joining(joining), hand_back: None }
    }
}

impl<S> From<Vec<S>> for Servers<S> {
    fn from(servers: Vec<S>) -> Self {
        Self { source: Source::All(servers), hand_back: None }
    }
}

impl<S, const N: usize> From<[S; N]> for Servers<S> {
    fn from(servers: [S; N]) -> Self {
        Vec::from(servers).into()
    }
}

impl<S> From<mpsc::Receiver<S>> for Servers<S> {
    fn from(servers: mpsc::Receiver<S>) -> Self {
        Self::joining(Joining::Channel(servers))
    }
}

impl<S> From<mpsc::UnboundedReceiver<S>> for Servers<S> {
    fn from(servers: mpsc::UnboundedReceiver<S>) -> Self {
        Self::joining(Joining::Unbounded(servers))
    }
}

impl<S> Joining<S> {
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<S>> {
        match self {
            Self::Channel(servers) => servers.poll_recv(cx),
            Self::Unbounded(servers) => servers.poll_recv(cx),
            Self::Stream(servers) => servers.as_mut().poll_next(cx),
        }
    }

    /// Takes a server that came too late. Closes the channel first, so that no other follows.
    pub(super) fn close_and_take(&mut self) -> Option<S> {
        match self {
            Self::Channel(servers) => {
                servers.close();
                servers.try_recv().ok()
            }
            Self::Unbounded(servers) => {
                servers.close();
                servers.try_recv().ok()
            }
            Self::Stream(_) => None,
        }
    }
}

impl<S> fmt::Debug for Servers<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = match &self.source {
            Source::All(servers) => return write!(f, "Servers({})", servers.len()),
            Source::Joining(Joining::Channel(_) | Joining::Unbounded(_)) => "channel",
            Source::Joining(Joining::Stream(_)) => "stream",
        };
        write!(f, "Servers({source})")
    }
}
