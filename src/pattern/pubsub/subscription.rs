//! The reading end, the same for both shapes.

use core::fmt;
use core::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_core::Stream;

use super::core::{Outlet, Queue, Read};
use super::{End, Item, SubscriberId};
use crate::pattern::seeded::{self, Bug};
use crate::pattern::sync::Mutex;
use crate::pattern::thread::TryRecvError;
use crate::pattern::wait;

/// The queue of a subscriber, shared by its reader and the server.
///
/// Lock order: a server's own lock first, then that of a queue. A reader holds one at a time.
#[derive(Debug)]
pub(super) struct Shared<E: ?Sized> {
    queue: Mutex<Queue<E>>,
}

impl<E: ?Sized> Shared<E> {
    pub(super) fn new(queue: Queue<E>) -> Arc<Self> {
        Arc::new(Self { queue: Mutex::new(queue) })
    }

    pub(super) fn end(&self) -> Option<End> {
        self.queue.lock().end()
    }
}

impl<E: ?Sized> Outlet for Arc<Shared<E>> {
    type Event = E;

    fn with<R>(&self, f: impl FnOnce(&mut Queue<E>) -> R) -> R {
        f(&mut self.queue.lock())
    }
}

/// What a server wants to know from the readers.
pub(super) trait Home: Send + Sync {
    /// There is room for which publishers wait.
    fn room_made(&self);

    /// A reader has read the end, or has been dropped.
    fn left(&self, id: SubscriberId);
}

/// The stream of what is published, from the subscription on.
///
/// Dropping it ends the subscription. It is a [`Stream`] as well.
///
/// ```
/// use pushdown::pattern::pubsub::{Item, Policy, mutex::Server};
///
/// let server = Server::<str>::new();
/// let mut subscription = server.subscribe(Policy::drop_oldest(1)).unwrap();
/// server.blocking_publish("one").unwrap();
/// server.blocking_publish("two").unwrap();
/// server.cancel(subscription.id()).unwrap();
///
/// assert_eq!(subscription.blocking_recv(), Some(Item::Gap { missed: 1 }));
/// assert_eq!(subscription.blocking_recv(), Some(Item::Event { seq: 2, event: "two".into() }));
/// assert_eq!(subscription.blocking_recv(), None);
/// ```
pub struct Subscription<E: ?Sized> {
    id: SubscriberId,
    shared: Arc<Shared<E>>,
    /// `None` once the server has been told that the reader has left.
    home: Option<Arc<dyn Home>>,
}

impl<E: ?Sized> Subscription<E> {
    pub(super) fn new(id: SubscriberId, shared: Arc<Shared<E>>, home: Arc<dyn Home>) -> Self {
        Self { id, shared, home: Some(home) }
    }

    /// The identity under which it can be cancelled, by anyone.
    pub fn id(&self) -> SubscriberId {
        self.id
    }

    /// The next item, or `None` when the stream has ended. If the future is dropped, nothing was
    /// taken.
    pub async fn recv(&mut self) -> Option<Item<E>> {
        wait::wait(|cx, _| self.poll_recv(cx).into()).await
    }

    /// Like [`recv`](Self::recv), and blocks the thread.
    pub fn blocking_recv(&mut self) -> Option<Item<E>> {
        wait::block(|cx, _| self.poll_recv(cx).into())
    }

    /// The next item if it is there already.
    ///
    /// # Errors
    /// If there is none, now or ever again.
    pub fn try_recv(&mut self) -> Result<Item<E>, TryRecvError> {
        match self.poll_recv(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(item) => item.ok_or(TryRecvError::Closed),
            Poll::Pending => Err(TryRecvError::Empty),
        }
    }

    /// Why the stream has ended, or will after what is still to be read.
    pub fn end(&self) -> Option<End> {
        self.shared.end()
    }

    /// Like [`recv`](Self::recv), for a task that waits for other things too.
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<Item<E>>> {
        let late = seeded::is(Bug::WakerIsLate);
        let waker = if late { Waker::noop() } else { cx.waker() };
        let read = self.shared.queue.lock().read(waker);
        match read {
            Read::Item { item, room } => {
                if room && !seeded::is(Bug::RoomIsNotAnnounced) {
                    self.home.iter().for_each(|home| home.room_made());
                }
                Poll::Ready(Some(item))
            }
            Read::Pending(_replaced) => {
                if late {
                    let _ = self.shared.queue.lock().read(cx.waker());
                }
                Poll::Pending
            }
            Read::End(_) => {
                self.leave();
                Poll::Ready(None)
            }
        }
    }

    /// Ready when the stream has ended and left out what was not read.
    pub(super) fn poll_cut(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let cut = self.shared.queue.lock().cut(cx.waker());
        match cut {
            Ok(()) => Poll::Ready(()),
            Err(_replaced) => Poll::Pending,
        }
    }

    /// Tells the server, once.
    fn leave(&mut self) {
        if let Some(home) = self.home.take() {
            home.left(self.id);
        }
    }
}

impl<E: ?Sized> Stream for Subscription<E> {
    type Item = Item<E>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Item<E>>> {
        self.poll_recv(cx)
    }
}

impl<E: ?Sized> Drop for Subscription<E> {
    fn drop(&mut self) {
        self.leave();
    }
}

impl<E: ?Sized> fmt::Debug for Subscription<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("id", &self.id).finish_non_exhaustive()
    }
}
