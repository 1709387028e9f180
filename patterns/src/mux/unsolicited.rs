//! The stream of messages that answer no call.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::collections::VecDeque;
use std::sync::Arc;

use futures_core::Stream;

use super::protocol::Protocol;
use super::shared::Shared;
use crate::wait;
use crate::waits::Site;
use crate::wakers::WakeAndDrop;

static RECV: Site = Site::wait("mux", "recv", "an unsolicited message");

/// The messages of a connection that answer no call: a stream that ends with the connection.
///
/// ```
/// use pushdown_patterns::mux::{Mux, Options, dns};
/// # use tokio::io::AsyncWriteExt;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (ours, mut theirs) = tokio::io::duplex(512);
/// let (read, write) = tokio::io::split(ours);
/// let (sink, stream) = dns::split(read, write);
/// let (_mux, mut unsolicited) = Mux::spawn(dns::Dns, sink, stream, Options::new());
///
/// // The peer sends a query of its own.
/// theirs.write_all(b"\x00\x0c\x01\x02----------").await?;
/// drop(theirs);
/// assert_eq!(unsolicited.recv().await.unwrap().id(), 0x0102);
/// assert!(unsolicited.recv().await.is_none());
/// # Ok(()) }
/// ```
///
/// [`Options::unsolicited`](super::Options::unsolicited) limits how many are kept. The stream does not
/// keep the connection open. Once it is dropped, unsolicited messages are discarded.
pub struct Unsolicited<P: Protocol> {
    pub(super) shared: Arc<Shared<P>>,
}

impl<P: Protocol> Unsolicited<P> {
    /// Waits for the next message. Returns `None` when no more will come.
    ///
    /// Dropping the future loses no message.
    #[track_caller]
    pub fn recv(&mut self) -> impl Future<Output = Option<P::Reply>> {
        wait::wait(RECV.here().of(&self.shared.name), |cx, _| self.poll_recv(cx).into())
    }

    pub(super) fn poll_recv(&self, cx: &Context<'_>) -> Poll<Option<P::Reply>> {
        let mut locked = self.shared.lock();
        let (state, after) = locked.split();
        if let Some(message) = state.inbox.messages.pop_front() {
            return Poll::Ready(Some(message));
        }
        if state.report().is_some() {
            return Poll::Ready(None);
        }
        state.inbox.waker.register(cx, after);
        Poll::Pending
    }
}

impl<P: Protocol> Stream for Unsolicited<P> {
    type Item = P::Reply;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<P::Reply>> {
        self.poll_recv(cx)
    }
}

impl<P: Protocol> Drop for Unsolicited<P> {
    fn drop(&mut self) {
        let mut locked = self.shared.lock_with::<WakeAndDrop<VecDeque<P::Reply>>>();
        let (state, after) = locked.split();
        state.inbox.open = false;
        state.inbox.waker.clear(&mut after.wakers);
        after.discarded = Some(std::mem::take(&mut state.inbox.messages));
    }
}

impl<P: Protocol> fmt::Debug for Unsolicited<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = self.shared.lock().inbox.messages.len();
        f.debug_struct("Unsolicited").field("waiting", &waiting).finish_non_exhaustive()
    }
}
