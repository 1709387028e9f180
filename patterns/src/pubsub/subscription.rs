//! The reading end, the same for both shapes.

use core::fmt;
use core::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;

use super::core::{Outlet, Place, Queue, Read};
use super::readers::Readers;
use super::{End, Item, Policy, SubscriberId};
use crate::panics::contain;
use crate::seeded::{self, Bug};
use crate::sync::Mutex;
use crate::thread::TryRecvError;
use crate::wait;
use crate::waits::Site;

static RECV: Site = Site::wait("pubsub", "recv", "an event");

/// After so many items without having to wait, a reader lets other tasks run.
const YIELD_AFTER: u8 = 128;

/// The queue of a subscriber, shared by its reader and the server.
///
/// Lock order: a server's own lock first, then that of a queue; that of the [`Readers`] is taken alone
/// or last. The alignment keeps the locks of two readers out of one cache line.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct Shared<E: ?Sized> {
    queue: Mutex<Queue<E>>,
    /// Among the [`Readers`].
    pub(super) place: usize,
}

impl<E: ?Sized> Shared<E> {
    pub(super) fn new(policy: Policy, place: usize) -> Arc<Self> {
        Arc::new(Self { queue: Mutex::new(Queue::new(policy)), place })
    }
}

impl<E: ?Sized> Outlet for Arc<Shared<E>> {
    type Event = E;

    fn with<R>(&self, f: impl FnOnce(&mut Queue<E>) -> R) -> R {
        f(&mut self.queue.lock())
    }
}

/// What a server wants to know from its readers.
pub(super) trait Home: Send + Sync {
    fn readers(&self) -> &Readers;

    /// There is room for which publishers wait.
    fn room_made(&self);

    /// A reader has read the end, or has been dropped.
    fn left(&self, id: SubscriberId);
}

/// The stream of what is published, from the subscription on.
///
/// Dropping it ends the subscription. It lends its events; as a [`Stream`] it hands out an `Arc` each.
///
/// ```
/// use pushdown_patterns::pubsub::{Item, Policy, mutex::Server};
///
/// let server = Server::<str>::new();
/// let mut subscription = server.subscribe(Policy::drop_oldest(1)).unwrap();
/// server.blocking_publish("one").unwrap();
/// server.blocking_publish("two").unwrap();
/// server.cancel(subscription.id()).unwrap();
///
/// assert_eq!(subscription.blocking_recv(), Some(Item::Gap { missed: 1 }));
/// assert_eq!(subscription.blocking_recv(), Some(Item::Event { seq: 2, event: &"two".into() }));
/// assert_eq!(subscription.blocking_recv(), None);
/// ```
pub struct Subscription<E: ?Sized> {
    id: SubscriberId,
    shared: Arc<Shared<E>>,
    home: Arc<dyn Home>,
    /// Whether the server still counts on this reader.
    stays: bool,
    place: Place<E>,
    streak: u8,
}

/// What comes next; an event lies where the reader is.
#[derive(Clone, Copy)]
pub(super) enum Next {
    Event(u64),
    Gap(u64),
}

impl<E: ?Sized> Subscription<E> {
    pub(super) fn new(id: SubscriberId, shared: Arc<Shared<E>>, home: Arc<dyn Home>) -> Self {
        Self { id, shared, home, stays: true, place: Place::new(), streak: 0 }
    }

    /// The identity under which it can be cancelled, by anyone.
    pub fn id(&self) -> SubscriberId {
        self.id
    }

    /// The next item, or `None` when the stream has ended. If the future is dropped, nothing was
    /// taken.
    pub async fn recv(&mut self) -> Option<Item<&Arc<E>>> {
        let next = wait::wait(&RECV, |cx, _| self.poll_turn(cx).into()).await?;
        Some(self.lend(next))
    }

    /// Like [`recv`](Self::recv), and blocks the thread.
    pub fn blocking_recv(&mut self) -> Option<Item<&Arc<E>>> {
        let next = wait::block(&RECV, |cx, _| self.poll_next(cx).into())?;
        Some(self.lend(next))
    }

    /// The next item if it is there already.
    ///
    /// # Errors
    /// If there is none, now or ever again.
    pub fn try_recv(&mut self) -> Result<Item<&Arc<E>>, TryRecvError> {
        match self.read() {
            Poll::Ready(Some(next)) => Ok(self.lend(next)),
            Poll::Ready(None) => Err(TryRecvError::Closed),
            Poll::Pending => Err(TryRecvError::Empty),
        }
    }

    /// Why the stream has ended, or will after what is still to be read.
    pub fn end(&self) -> Option<End> {
        self.shared.with(|queue| queue.end())
    }

    pub(super) fn lend(&self, next: Next) -> Item<&Arc<E>> {
        match next {
            Next::Event(seq) => Item::Event { seq, event: self.place.event(seq) },
            Next::Gap(missed) => Item::Gap { missed },
        }
    }

    /// Like [`poll_next`](Self::poll_next), and every now and then lets others have a turn.
    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<Option<Next>> {
        if self.streak == YIELD_AFTER {
            self.streak = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let next = self.poll_next(cx);
        self.streak = if let Poll::Ready(Some(_)) = next { self.streak + 1 } else { 0 };
        next
    }

    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Next>> {
        let read = self.read();
        if read.is_ready() {
            return read;
        }
        let _replaced = self.home.readers().wait(self.shared.place, cx.waker());
        if seeded::is(Bug::ReaderLooksOnce) { read } else { self.read() }
    }

    fn read(&mut self) -> Poll<Option<Next>> {
        // Before anything is taken, so that a payload that panics here makes nothing get lost.
        self.clear();
        let published = || self.home.readers().published();
        let read = self.shared.queue.lock().read(&mut self.place, published);
        match read {
            Read::Event { seq, room } => {
                if room && !seeded::is(Bug::RoomIsNotAnnounced) {
                    // The event is taken, so what panics in there must not keep it from the reader.
                    let _ = contain(|| self.home.room_made());
                }
                Poll::Ready(Some(Next::Event(seq)))
            }
            Read::Gap(missed) => Poll::Ready(Some(Next::Gap(missed))),
            Read::Empty => Poll::Pending,
            Read::End(_) => {
                self.leave();
                Poll::Ready(None)
            }
        }
    }

    /// Drops payloads that are not needed any more.
    pub(super) fn clear(&mut self) {
        self.place.clear();
    }

    pub(super) fn set_in_hand(&self, in_hand: u64) {
        self.shared.with(|queue| queue.set_in_hand(in_hand));
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
        if std::mem::replace(&mut self.stays, false) {
            self.home.left(self.id);
        }
    }
}

impl<E: ?Sized> Stream for Subscription<E> {
    type Item = Item<Arc<E>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = self.poll_turn(cx);
        next.map(|next| next.map(|next| self.lend(next).cloned()))
    }
}

impl<E: ?Sized> Drop for Subscription<E> {
    fn drop(&mut self) {
        self.leave();
        self.home.readers().leave(self.shared.place);
    }
}

impl<E: ?Sized> fmt::Debug for Subscription<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("id", &self.id).finish_non_exhaustive()
    }
}
