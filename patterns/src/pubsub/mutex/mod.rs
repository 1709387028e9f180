//! State as data: the registry under a lock.
//!
//! Whoever publishes writes the event into the log himself. Those who have to wait for room leave
//! their events in a line, so that nobody is overtaken, and whoever makes room publishes them. Only
//! publishing waits.

mod closing;
mod publishing;

use core::fmt;
use std::sync::Arc;
use std::task::Waker;
use std::vec::Vec;

use super::core::{Aftermath, Registry};
use super::forward::{self, Channel, Seat};
use super::readers::Readers;
use super::subscription::{Home, Subscription};
use super::{
    CancelError, Closed, Policy, PubSub, PublishError, Report, SubscribeError, SubscriberId,
};
use crate::Shutdown;
use crate::seeded::{self, Bug};
use crate::sync::Mutex;
use crate::wait;
use crate::waiters::Waiters;
use crate::waits::Site;
use closing::Closing;
use publishing::{Line, Publishing};

static PUBLISH: Site = Site::wait("pubsub", "publish", "room");
static SHUTDOWN: Site = Site::wait("pubsub", "shutdown", "readers");

/// The server, or a further handle to it. When the last one is dropped, it is aborted.
///
/// Its methods are those of [`PubSub`], which has the contract; here those that do not wait are no
/// futures, and those that do have a form that blocks the thread instead. Both may be used on one
/// server.
///
/// ```
/// use std::thread;
/// use std::time::Duration;
/// use pushdown_patterns::Shutdown;
/// use pushdown_patterns::pubsub::{How, Item, Policy, mutex::Server};
///
/// let server = Server::<u64>::new();
/// let mut subscription = server.subscribe(Policy::block(2, Duration::MAX)).unwrap();
/// let publisher = thread::spawn(move || {
///     for number in 1..=100_u64 {
///         server.blocking_publish(number).unwrap();
///     }
///     server.blocking_shutdown(Shutdown::Drain { timeout: Duration::from_secs(10) })
/// });
/// let mut sum = 0;
/// while let Some(Item::Event { event, .. }) = subscription.blocking_recv() {
///     sum += **event;
/// }
/// assert_eq!(sum, 5050);
/// assert_eq!(publisher.join().unwrap().ended[0].how, How::Drained);
/// ```
pub struct Server<E: ?Sized> {
    inner: Arc<Inner<E>>,
}

struct Inner<E: ?Sized> {
    state: Mutex<State<E>>,
    readers: Readers,
    size_of: fn(&E) -> usize,
}

struct State<E: ?Sized> {
    registry: Registry<Seat<E>>,
    line: Line<E>,
    /// Those who wait for the end.
    closers: Waiters,
    handles: usize,
}

impl<E: ?Sized + Send + Sync + 'static> Server<E> {
    /// A server without subscribers. An event counts [`size_of_val`] bytes.
    pub fn new() -> Self {
        Self::with_sizes(|event| size_of_val(event))
    }

    /// A server that is told how many bytes an event counts in a [`Policy::Queue`].
    pub fn with_sizes(size_of: fn(&E) -> usize) -> Self {
        let state = State {
            registry: Registry::new(),
            line: Line::new(),
            closers: Waiters::default(),
            handles: 1,
        };
        Self {
            inner: Arc::new(Inner { state: Mutex::new(state), readers: Readers::new(), size_of }),
        }
    }

    /// See [`PubSub::subscribe`].
    ///
    /// # Errors
    /// [`Closed`] if the server is shut down.
    pub fn subscribe(&self, policy: Policy) -> Result<Subscription<E>, Closed> {
        self.inner.register(policy, None).map_err(|_| Closed)
    }

    /// See [`PubSub::subscribe_channel`].
    ///
    /// # Errors
    /// If the channel is subscribed already, or the server is shut down.
    ///
    /// # Panics
    /// If the channel is one of tokio's, and this is called outside of its runtime.
    pub fn subscribe_channel(
        &self,
        channel: impl Into<Channel<E>>,
        policy: Policy,
    ) -> Result<SubscriberId, SubscribeError> {
        let channel = channel.into();
        let subscription = self.inner.register(policy, Some(channel.clone()))?;
        let id = subscription.id();
        forward::start(subscription, channel);
        Ok(id)
    }

    /// See [`PubSub::publish`].
    ///
    /// # Errors
    /// Nobody receives the event; it comes back.
    pub async fn publish(&self, event: impl Into<Arc<E>>) -> Result<u64, PublishError<E>> {
        let mut publishing = Publishing::new(&self.inner, event.into());
        wait::wait_for(&PUBLISH, |cx, clock, peer| publishing.ask(cx, clock, peer)).await
    }

    /// Like [`publish`](Self::publish), and blocks the thread.
    ///
    /// # Errors
    /// Nobody receives the event; it comes back.
    pub fn blocking_publish(&self, event: impl Into<Arc<E>>) -> Result<u64, PublishError<E>> {
        let mut publishing = Publishing::new(&self.inner, event.into());
        wait::block_for(&PUBLISH, |cx, clock, peer| publishing.ask(cx, clock, peer))
    }

    /// See [`PubSub::cancel`].
    ///
    /// # Errors
    /// If there is no such subscription, or no more.
    pub fn cancel(&self, id: SubscriberId) -> Result<(), CancelError> {
        self.inner.cancel(|_| Some(id))
    }

    /// See [`PubSub::cancel_channel`].
    ///
    /// # Errors
    /// If this channel is not subscribed, or no more.
    pub fn cancel_channel(&self, channel: impl Into<Channel<E>>) -> Result<(), CancelError> {
        let channel = channel.into();
        self.inner.cancel(|state| state.find(&channel))
    }

    /// See [`PubSub::subscribers`].
    pub fn subscribers(&self) -> usize {
        self.inner.state.lock().registry.len()
    }

    /// See [`PubSub::shutdown`].
    pub async fn shutdown(&self, how: Shutdown) -> Report {
        let mut closing = Closing::new(&self.inner, how);
        wait::wait(&SHUTDOWN, |cx, clock| closing.ask(cx, clock)).await
    }

    /// Like [`shutdown`](Self::shutdown), and blocks the thread.
    pub fn blocking_shutdown(&self, how: Shutdown) -> Report {
        let mut closing = Closing::new(&self.inner, how);
        wait::block(&SHUTDOWN, |cx, clock| closing.ask(cx, clock))
    }
}

impl<E: ?Sized> State<E> {
    /// There may be room for those who wait.
    fn advance(&mut self, readers: &Readers, aftermath: &mut Aftermath<E>) {
        self.line.advance(&mut self.registry, readers, aftermath);
    }

    fn find(&self, channel: &Channel<E>) -> Option<SubscriberId> {
        self.registry.outlets().find(|(_, seat)| seat.is(channel)).map(|(id, _)| id)
    }
}

impl<E: ?Sized + Send + Sync + 'static> Inner<E> {
    fn register(
        self: &Arc<Self>,
        policy: Policy,
        channel: Option<Channel<E>>,
    ) -> Result<Subscription<E>, SubscribeError> {
        let seat = Seat::new(policy, self.readers.join(), channel);
        let shared = seat.shared.clone();
        let mut state = self.state.lock();
        let found = seat.channel.as_ref().and_then(|channel| state.registry.fed(channel));
        let refused = match found {
            _ if state.registry.is_closed() => Some(SubscribeError::Closed),
            Some(id) => Some(SubscribeError::Twice(id)),
            None => None,
        };
        if let Some(error) = refused {
            drop(state);
            self.readers.leave(shared.place);
            return Err(error);
        }
        let id = state.registry.subscribe(seat);
        let waiting = match policy {
            // Its limit may be shorter than those by which publishers have set their alarms.
            Policy::Block { .. } => state.line.wakers(),
            _ => Vec::new(),
        };
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
        Ok(Subscription::new(id, shared, self.clone()))
    }

    fn cancel(
        &self,
        find: impl FnOnce(&State<E>) -> Option<SubscriberId>,
    ) -> Result<(), CancelError> {
        let mut aftermath = Aftermath::default();
        let mut state = self.state.lock();
        let id = find(&state).ok_or(CancelError::NotSubscribed)?;
        let seat = state.registry.cancel(id, &mut aftermath).ok_or(CancelError::NotSubscribed)?;
        self.readers.wake(seat.shared.place, &mut aftermath.wakers);
        if !seeded::is(Bug::CancelLeavesPublisher) {
            state.advance(&self.readers, &mut aftermath);
        }
        Ok(())
    }
}

impl<E: ?Sized> Inner<E> {
    fn abort(&self) {
        let mut aftermath = Aftermath::default();
        let _seats;
        let mut state = self.state.lock();
        _seats = state.registry.abort(&mut aftermath);
        self.readers.wake_all(&mut aftermath.wakers);
        aftermath.wakers.wake(state.closers.all());
    }
}

impl<E: ?Sized + Send + Sync + 'static> Home for Inner<E> {
    fn readers(&self) -> &Readers {
        &self.readers
    }

    fn room_made(&self) {
        let mut aftermath = Aftermath::default();
        let mut state = self.state.lock();
        if state.registry.room_made() {
            state.advance(&self.readers, &mut aftermath);
        }
    }

    fn left(&self, id: SubscriberId) {
        let mut aftermath = Aftermath::default();
        let _seat;
        let mut state = self.state.lock();
        _seat = state.registry.left(id);
        state.advance(&self.readers, &mut aftermath);
        if state.registry.ended().is_some_and(|ended| ended.0) {
            aftermath.wakers.wake(state.closers.all());
        }
    }
}

impl<E: ?Sized + Send + Sync + 'static> PubSub<E> for Server<E> {
    async fn subscribe(&self, policy: Policy) -> Result<Subscription<E>, Closed> {
        self.subscribe(policy)
    }

    async fn subscribe_channel(
        &self,
        channel: impl Into<Channel<E>> + Send,
        policy: Policy,
    ) -> Result<SubscriberId, SubscribeError> {
        self.subscribe_channel(channel, policy)
    }

    async fn publish(&self, event: impl Into<Arc<E>> + Send) -> Result<u64, PublishError<E>> {
        self.publish(event).await
    }

    async fn cancel(&self, id: SubscriberId) -> Result<(), CancelError> {
        self.cancel(id)
    }

    async fn cancel_channel(
        &self,
        channel: impl Into<Channel<E>> + Send,
    ) -> Result<(), CancelError> {
        self.cancel_channel(channel)
    }

    async fn subscribers(&self) -> usize {
        self.subscribers()
    }

    async fn shutdown(&self, how: Shutdown) -> Report {
        self.shutdown(how).await
    }
}

impl<E: ?Sized + Send + Sync + 'static> Default for Server<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E: ?Sized + Send + Sync + 'static> Clone for Server<E> {
    fn clone(&self) -> Self {
        self.inner.state.lock().handles += 1;
        Self { inner: self.inner.clone() }
    }
}

impl<E: ?Sized> Drop for Server<E> {
    fn drop(&mut self) {
        let last = {
            let mut state = self.inner.state.lock();
            state.handles -= 1;
            state.handles == 0
        };
        if last {
            self.inner.abort();
        }
    }
}

impl<E: ?Sized> fmt::Debug for Server<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("mutex::Server").finish_non_exhaustive()
    }
}
