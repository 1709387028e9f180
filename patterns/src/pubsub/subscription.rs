//! The reader's side of a subscription, the same for both shapes.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use tokio::task::coop;

use super::error::TryRecvError;
use super::item::{Item, SubscriberId};
use super::policy::Policy;
use super::proto::{Cursor, Outlet, Queue, Read};
use super::readers::Readers;
use super::report::EndReason;
use crate::panics::contain;
use crate::seeded::{self, Bug};
use crate::sync::Mutex;
use crate::trace::{Event, Source};
use crate::wait;
use crate::waits::{Peer, Site, Why};

static RECV: Site = Site::wait("pubsub", "recv", "an event");

/// The queue of a subscriber, shared by its reader and the server.
///
/// Lock order: first the server's lock, then a queue's; the lock of the [`Readers`] is taken alone or
/// last. The alignment keeps the locks of two readers out of one cache line.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct Shared<E: ?Sized> {
    queue: Mutex<Queue<E>>,
    /// The slot of the reader among the [`Readers`].
    pub(super) slot: usize,
}

impl<E: ?Sized> Shared<E> {
    pub(super) fn new(policy: Policy, slot: usize) -> Arc<Self> {
        Arc::new(Self { queue: Mutex::new(Queue::new(policy)), slot })
    }
}

impl<E: ?Sized> Outlet for Arc<Shared<E>> {
    type Event = E;

    fn with<R>(&self, f: impl FnOnce(&mut Queue<E>) -> R) -> R {
        f(&mut self.queue.lock())
    }
}

/// The calls that a reader makes to its server.
pub(super) trait ServerHooks: Send + Sync {
    fn readers(&self) -> &Readers;

    /// The name of the server in the list of waiters.
    fn name(&self) -> &Peer;

    fn source(&self) -> &Source;

    /// The server waited for room, and this reader has made some.
    fn handle_room_made(&self, id: SubscriberId);

    /// A reader has read the end, or has been dropped.
    fn handle_reader_left(&self, id: SubscriberId);
}

/// The stream of the events published since the subscription.
///
/// Dropping it ends the subscription. [`recv`](Self::recv) lends each event; as a [`Stream`] it yields
/// an `Arc` of each.
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
    server: Arc<dyn ServerHooks>,
    /// The server has not been told that this reader has left.
    is_present: bool,
    cursor: Cursor<E>,
}

/// The next item. An event is the one at the cursor, with this number.
#[derive(Clone, Copy)]
pub(super) enum Next {
    Event(u64),
    Gap(u64),
}

impl<E: ?Sized> Subscription<E> {
    pub(super) fn new(
        id: SubscriberId,
        shared: Arc<Shared<E>>,
        server: Arc<dyn ServerHooks>,
    ) -> Self {
        Self { id, shared, server, is_present: true, cursor: Cursor::new() }
    }

    /// Starts with the next event, if the subscription was made for a caller that may have given up.
    pub(super) fn claim(&self) {
        let published = self.server.readers().published();
        self.shared.with(|queue| queue.claim(published));
    }

    /// Returns the id with which any handle to the server can cancel the subscription.
    pub fn id(&self) -> SubscriberId {
        self.id
    }

    /// Receives the next item, or `None` when the stream has ended. If the future is dropped before it
    /// returns, no item is lost.
    #[track_caller]
    pub fn recv(&mut self) -> impl Future<Output = Option<Item<&Arc<E>>>> {
        let at = RECV.here();
        async move {
            let next = match self.cursor.next_taken() {
                Some(seq) => Next::Event(seq),
                None => {
                    let next = wait::wait_why(at, |cx, _, why| {
                        let next = self.poll_turn(cx);
                        self.name_wait(next.is_pending(), why);
                        next.into()
                    });
                    next.await?
                }
            };
            Some(self.lend(next))
        }
    }

    /// Like [`recv`](Self::recv), and blocks the thread.
    #[track_caller]
    pub fn blocking_recv(&mut self) -> Option<Item<&Arc<E>>> {
        let next = wait::block_why(RECV.here(), |cx, _, why| {
            let next = self.poll_next(cx);
            self.name_wait(next.is_pending(), why);
            next.into()
        })?;
        Some(self.lend(next))
    }

    pub(super) fn server_name(&self) -> &Peer {
        self.server.name()
    }

    /// Names the server of a wait, which cannot borrow the name: its polls change the subscription.
    pub(super) fn name_wait(&self, is_pending: bool, why: &mut Why) {
        if cfg!(feature = "debug") && is_pending {
            why.set_system(self.server.name());
        }
    }

    /// Receives the next item if there is one, without waiting.
    ///
    /// # Errors
    /// If there is no item at the moment, or the stream has ended.
    pub fn try_recv(&mut self) -> Result<Item<&Arc<E>>, TryRecvError> {
        match self.read() {
            Poll::Ready(Some(next)) => Ok(self.lend(next)),
            Poll::Ready(None) => Err(TryRecvError::Ended),
            Poll::Pending => Err(TryRecvError::Empty),
        }
    }

    /// Returns why the stream has ended, or will end after the unread events. `None` while the
    /// subscription is active.
    pub fn end_reason(&self) -> Option<EndReason> {
        self.shared.with(|queue| queue.end())
    }

    pub(super) fn lend(&self, next: Next) -> Item<&Arc<E>> {
        match next {
            Next::Event(seq) => Item::Event { seq, event: self.cursor.event() },
            Next::Gap(missed) => Item::Gap { missed },
        }
    }

    /// Like [`poll_next`](Self::poll_next), but lets other tasks run now and then.
    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<Option<Next>> {
        if !self.is_present {
            // The stream has ended, and says so as often as it is asked.
            return Poll::Ready(None);
        }
        let turn = ready!(coop::poll_proceed(cx));
        let next = self.poll_next(cx);
        if next.is_ready() {
            turn.made_progress();
        }
        next
    }

    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Next>> {
        let read = self.read();
        if read.is_ready() {
            return read;
        }
        self.server.readers().register(self.shared.slot, cx);
        if seeded::is(Bug::ReaderLooksOnce) { read } else { self.read() }
    }

    fn read(&mut self) -> Poll<Option<Next>> {
        if let Some(seq) = self.cursor.next_taken() {
            return Poll::Ready(Some(Next::Event(seq)));
        }
        let published = || self.server.readers().published();
        let read = self.shared.queue.lock().poll_read(&mut self.cursor, published);
        // Payloads, so the lock is not held here.
        self.cursor.clear();
        match read {
            Read::Event { seq, room } => {
                if room && !seeded::is(Bug::RoomIsNotAnnounced) {
                    // The event is taken: a panic of user code must not keep it from the reader.
                    let _ = contain(|| self.server.handle_room_made(self.id));
                }
                Poll::Ready(Some(Next::Event(seq)))
            }
            Read::Gap(_) if seeded::is(Bug::LossIsSilent) => self.read(),
            Read::Gap(missed) => {
                self.server.readers().count_missed(missed);
                let subscriber = self.id.0;
                self.server.source().emit(|| Event::Gap { subscriber, missed });
                Poll::Ready(Some(Next::Gap(missed)))
            }
            Read::Empty => Poll::Pending,
            Read::End(_) => {
                self.leave();
                Poll::Ready(None)
            }
        }
    }

    pub(super) fn set_in_hand(&self, in_hand: u64) {
        self.shared.with(|queue| queue.set_in_hand(in_hand));
    }

    /// Ready when the stream was aborted: the unread events are lost.
    pub(super) fn poll_cut(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut locked = self.shared.queue.lock_with();
        let (queue, after) = locked.split();
        queue.poll_cut(cx, after)
    }

    /// Tells the server, once, that this reader has left.
    fn leave(&mut self) {
        if std::mem::replace(&mut self.is_present, false) {
            self.server.handle_reader_left(self.id);
        }
    }
}

impl<E: ?Sized> Stream for Subscription<E> {
    type Item = Item<Arc<E>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = match self.cursor.next_taken() {
            Some(seq) => Poll::Ready(Some(Next::Event(seq))),
            None => self.poll_turn(cx),
        };
        next.map(|next| next.map(|next| self.lend(next).cloned()))
    }
}

impl<E: ?Sized> Drop for Subscription<E> {
    fn drop(&mut self) {
        self.leave();
        self.server.readers().leave(self.shared.slot);
    }
}

impl<E: ?Sized> fmt::Debug for Subscription<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("id", &self.id).finish_non_exhaustive()
    }
}
