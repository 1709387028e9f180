//! Where servers come from, and where they go.

use core::fmt;
use std::boxed::Box;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::vec::Vec;

use futures_core::Stream;
use tokio::sync::mpsc;

use super::ServerId;
use super::lease::HandBack;

/// The servers of a run: those of a `Vec`, or those that come while it goes on.
///
/// ```
/// use pushdown_patterns::schedule::Servers;
/// use tokio::sync::mpsc;
///
/// let fixed: Servers<&str> = vec!["a", "b"].into();
/// let (joining, receiver) = mpsc::channel(1);
/// let coming: Servers<&str> = receiver.into();
/// # drop((fixed, coming, joining));
///
/// // To be used again whatever happens, even if the run is dropped.
/// let (returned, mut back) = mpsc::unbounded_channel();
/// let lent = Servers::from(vec!["a", "b"]).hand_back(move |_, server| drop(returned.send(server)));
/// # drop(lent);
/// ```
///
/// What waits in a channel when the run ends is handed back like the servers that have joined, and
/// whoever sends one later gets it back from the channel. That is not so for a place in a channel that
/// was [reserved](mpsc::Sender::reserve) before the end: what is sent through it afterwards is lost,
/// if that is after the run has emptied the channel. What a stream has not yielded
/// by then is dropped with the stream.
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
    /// Servers that come as a stream yields them. Its end says that no more will come.
    pub fn stream(stream: impl Stream<Item = S> + Send + 'static) -> Self {
        Self::joining(Joining::Stream(Box::pin(stream)))
    }

    /// What each server goes to as soon as it leaves: dead ones, and at the end of the run the healthy
    /// ones too. Without this they are in the report, and dropped if nobody waits for it.
    ///
    /// By then the run has counted what the server has failed with, and no longer counts on it; but it
    /// is not over before this has returned, except for a lease that an aborted run did not wait for.
    /// It is called by the task that ran the server's calls, or by whoever drops the last lease, and
    /// must not block. If it panics the server is lost, and nothing else.
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

    /// One of those that came too late. The channel is closed first, so that no other follows.
    pub(super) fn too_late(&mut self) -> Option<S> {
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
