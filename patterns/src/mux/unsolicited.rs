//! What comes unasked.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::sync::Arc;
use std::task::Waker;

use futures_core::Stream;

use super::protocol::Protocol;
use super::shared::Shared;
use crate::wait;
use crate::waits::Site;

static RECV: Site = Site::wait("mux", "recv", "an unsolicited message");

/// The messages of a connection that answer no call: a stream, which ends with the connection.
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
/// let (_mux, mut unsolicited) = Mux::spawn(dns::Dns, sink, stream, &Options::new());
///
/// // The other side asks something of its own.
/// theirs.write_all(b"\x00\x0c\x01\x02----------").await?;
/// drop(theirs);
/// assert_eq!(unsolicited.recv().await.unwrap().id(), 0x0102);
/// assert!(unsolicited.recv().await.is_none());
/// # Ok(()) }
/// ```
///
/// As many are kept as [`Options::unsolicited`](super::Options::unsolicited) says. It does not keep the connection open. When it is
/// dropped, what comes unasked is discarded.
pub struct Unsolicited<P: Protocol> {
    pub(super) shared: Arc<Shared<P>>,
}

impl<P: Protocol> Unsolicited<P> {
    /// Waits for the next message. `None` says that no more will come.
    ///
    /// Dropped while it waits, it has taken nothing.
    pub async fn recv(&mut self) -> Option<P::Reply> {
        wait::wait(RECV.at(&self.shared.peer), |cx, _| self.ask(cx).into()).await
    }

    fn ask(&self, cx: &Context<'_>) -> Poll<Option<P::Reply>> {
        let mut _old: Option<Waker> = None;
        let mut state = self.shared.lock();
        if let Some(message) = state.inbox.messages.pop_front() {
            return Poll::Ready(Some(message));
        }
        if state.report().is_some() {
            return Poll::Ready(None);
        }
        let waker = &mut state.inbox.waker;
        if !waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            _old = waker.replace(cx.waker().clone());
        }
        Poll::Pending
    }
}

impl<P: Protocol> Stream for Unsolicited<P> {
    type Item = P::Reply;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<P::Reply>> {
        self.ask(cx)
    }
}

impl<P: Protocol> Drop for Unsolicited<P> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.inbox.open = false;
        let rest = (std::mem::take(&mut state.inbox.messages), state.inbox.waker.take());
        drop(state);
        drop(rest);
    }
}

impl<P: Protocol> fmt::Debug for Unsolicited<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = self.shared.lock().inbox.messages.len();
        f.debug_struct("Unsolicited").field("waiting", &waiting).finish_non_exhaustive()
    }
}
