//! The stream of messages that answer no call, of all connections.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::sync::Arc;

use futures_core::Stream;

use super::shared::Shared;
use crate::mux::{self, Protocol};
use crate::wait;
use crate::waits::Site;

static RECV: Site = Site::wait("mux", "recv", "an unsolicited message");

/// A message, or a place where some may be missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item<R> {
    /// A message that answers no call.
    Message(R),
    /// The connection has ended, and another one has taken its place: messages may be missing here. What
    /// a peer remembers for a connection, such as a subscription, is gone as well, unless the connection
    /// was made with it.
    Gap,
}

/// The messages of all connections of a client that answer no call: a stream that ends with the client.
///
/// The messages of each connection are bounded by [its options](mux::Options::unsolicited). Those of
/// connections that have ended are kept until they are received, for up to 16 connections. The stream
/// keeps neither the client nor a connection alive.
pub struct Unsolicited<P: Protocol> {
    shared: Arc<Shared<P>>,
    /// The connection whose messages come next.
    inbox: Option<mux::Unsolicited<P>>,
    /// Set once there has been a connection.
    has_begun: bool,
}

impl<P: Protocol> Unsolicited<P> {
    pub(super) fn new(shared: Arc<Shared<P>>) -> Self {
        Self { shared, inbox: None, has_begun: false }
    }

    /// Waits for the next message, or the mark of a new connection. Returns `None` when no more will
    /// come.
    ///
    /// Dropping the future loses no message.
    #[track_caller]
    pub fn recv(&mut self) -> impl Future<Output = Option<Item<P::Reply>>> {
        let shared = self.shared.clone();
        let at = RECV.here();
        async move { wait::wait(at.of(&shared.name), |cx, _| self.poll_recv(cx).into()).await }
    }

    fn poll_recv(&mut self, cx: &Context<'_>) -> Poll<Option<Item<P::Reply>>> {
        loop {
            if let Some(inbox) = &self.inbox {
                if let Some(message) = ready!(inbox.poll_recv(cx)) {
                    return Poll::Ready(Some(Item::Message(message)));
                }
                self.inbox = None;
            }
            let mut locked = self.shared.lock();
            let (state, after) = locked.split();
            match state.inboxes.pop_front() {
                Some(inbox) => self.inbox = Some(inbox),
                None if state.core.end().is_some() => return Poll::Ready(None),
                None => {
                    state.receiver.register(cx, &mut after.wakers);
                    return Poll::Pending;
                }
            }
            if std::mem::replace(&mut self.has_begun, true) {
                return Poll::Ready(Some(Item::Gap));
            }
        }
    }
}

impl<P: Protocol> Stream for Unsolicited<P> {
    type Item = Item<P::Reply>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Item<P::Reply>>> {
        self.poll_recv(cx)
    }
}

impl<P: Protocol> Drop for Unsolicited<P> {
    fn drop(&mut self) {
        let mut locked = self.shared.lock();
        let (state, after) = locked.split();
        state.is_open = false;
        state.receiver.clear(&mut after.wakers);
        after.inboxes = std::mem::take(&mut state.inboxes);
    }
}

impl<P: Protocol> fmt::Debug for Unsolicited<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unsolicited").field("inbox", &self.inbox).finish_non_exhaustive()
    }
}
