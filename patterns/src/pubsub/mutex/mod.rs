//! State as data: the registry under a lock.
//!
//! A publisher writes its event into the log itself. If there is no room, it leaves the event in the
//! line, so that no publisher overtakes another, and the call that makes room publishes it. Only
//! publishing and shutting down wait.

mod closing;
mod publishing;
#[cfg(test)]
mod tests;

use core::fmt;
use core::future::Future;
use std::sync::Arc;
use std::time::Instant;

use tokio::task::coop;

use super::PubSub;
use super::error::{CancelError, Closed, PublishError, SubscribeError};
use super::forward::{self, Channel, Subscriber};
use super::item::SubscriberId;
use super::line::Line;
use super::policy::Policy;
use super::proto::{Deferred, Full, Registry};
use super::readers::Readers;
use super::report::{Counts, EndReason, Report};
use super::sizes::{Measure, Sizes};
use super::subscription::{ServerHooks, Subscription};
use crate::Shutdown;
use crate::seeded::{self, Bug};
use crate::sync::{Locked, Mutex};
use crate::trace::{self, Event, Source};
use crate::wait::{self, Clock};
use crate::waiters::Waiters;
use crate::waits::{At, Name, Peer, Progress, Site};
use closing::Closing;
use publishing::Publishing;

/// The reason of publishers to wait.
const ROOM: &str = "room";

static PUBLISH: Site = Site::wait("pubsub", "publish", ROOM).peers("subscriber");
static SHUTDOWN: Site = Site::wait("pubsub", "shutdown", "readers");

/// A handle to the server. Dropping the last one aborts the server.
///
/// Its methods are those of [`PubSub`], which states the contract. Those that never wait are plain
/// functions here; those that wait also have a form that blocks the thread. Both forms can be used
/// on one server.
///
/// ```
/// use std::thread;
/// use std::time::Duration;
/// use pushdown_patterns::Shutdown;
/// use pushdown_patterns::pubsub::{Item, Policy, ReaderOutcome, mutex::Server};
///
/// let server = Server::<u64>::new();
/// let mut subscription = server.subscribe(Policy::block(2, Duration::MAX)).unwrap();
/// let publisher = thread::spawn(move || {
///     for number in 1..=100_u64 {
///         server.blocking_publish(number).unwrap();
///     }
///     server.blocking_shutdown(Shutdown::Drain { timeout: Duration::MAX })
/// });
/// let mut sum = 0;
/// while let Some(Item::Event { event, .. }) = subscription.blocking_recv() {
///     sum += **event;
/// }
/// assert_eq!(sum, 5050);
/// let report = publisher.join().unwrap();
/// assert_eq!(report.ended[0].outcome, ReaderOutcome::Drained);
/// ```
pub struct Server<E: ?Sized> {
    inner: Arc<Inner<E>>,
}

struct Inner<E: ?Sized> {
    state: Mutex<State<E>>,
    readers: Readers,
    sizes: Sizes<E>,
    name: Arc<Name>,
    source: Source,
    /// Tells the list of waiters which subscriber has no room.
    progress: Progress,
}

struct State<E: ?Sized> {
    registry: Registry<Subscriber<E>>,
    line: Line<E>,
    /// Shutdowns that wait for the last reader.
    closers: Waiters,
    handles: usize,
}

impl<E: ?Sized + Send + Sync + 'static> Server<E> {
    /// Creates a server without subscribers.
    pub fn new() -> Self {
        let name = Arc::new(Name::new());
        let source = Source::new(&name);
        let state = State {
            registry: Registry::told_by(source.clone()),
            line: Line::new(),
            closers: Waiters::default(),
            handles: 1,
        };
        let state = Mutex::new(state);
        let inner = Inner {
            state,
            readers: Readers::new(),
            sizes: Sizes::new(),
            source,
            name,
            progress: Progress::new(ROOM, ROOM),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Names the server in the list of waiters and in events (features `debug` and `tracing`). Without a name
    /// it has a number, and so has what waits or runs already.
    ///
    /// # Panics
    /// If the server has a name already.
    #[must_use]
    pub fn named(self, name: impl Into<Arc<str>>) -> Self {
        self.inner.name.set(name.into());
        self
    }

    /// Sets how the server measures the size in bytes of an event, for [`Policy::Queue`].
    ///
    /// # Panics
    /// If the server has a measure already.
    #[must_use]
    pub fn with_sizes(self, size_of: fn(&E) -> usize) -> Self {
        self.inner.sizes.set(size_of);
        self
    }

    /// Lets events measure themselves, for [`Policy::Queue`].
    ///
    /// # Panics
    /// If the server has a measure already.
    #[must_use]
    pub fn measured(self) -> Self
    where
        E: Measure,
    {
        self.with_sizes(E::measure)
    }

    /// See [`PubSub::subscribe`].
    ///
    /// # Errors
    /// If the server is shut down, or has no measure for a limit of bytes.
    pub fn subscribe(&self, policy: Policy) -> Result<Subscription<E>, SubscribeError> {
        self.inner.register(policy, None)
    }

    /// See [`PubSub::subscribe_channel`].
    ///
    /// # Errors
    /// If the channel is already subscribed, the server is shut down, or it has no measure for a limit
    /// of bytes.
    ///
    /// # Panics
    /// If the channel is one of tokio's, and this is called outside a tokio runtime.
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
    /// No subscriber receives the event; the error returns it.
    #[track_caller]
    pub fn publish(
        &self,
        event: impl Into<Arc<E>>,
    ) -> impl Future<Output = Result<u64, PublishError<E>>> {
        let at = self.at(PUBLISH.here());
        async move {
            // Otherwise a loop that publishes would never let a reader run.
            coop::consume_budget().await;
            let mut publishing = self.publishing(event.into());
            match publishing.publish_at_once(Clock::TOKIO) {
                Some(published) => published,
                None => wait::wait_why(at, |cx, clock, why| publishing.poll(cx, clock, why)).await,
            }
        }
    }

    /// Like [`publish`](Self::publish), but blocks the thread.
    ///
    /// # Errors
    /// No subscriber receives the event; the error returns it.
    #[track_caller]
    pub fn blocking_publish(&self, event: impl Into<Arc<E>>) -> Result<u64, PublishError<E>> {
        let mut publishing = self.publishing(event.into());
        let at = self.at(PUBLISH.here());
        publishing.publish_at_once(Clock::SYSTEM).unwrap_or_else(|| {
            wait::block_why(at, |cx, clock, why| publishing.poll(cx, clock, why))
        })
    }

    fn at<'p>(&'p self, at: At<'p>) -> At<'p> {
        at.of(self.inner.name.get())
    }

    fn publishing(&self, event: Arc<E>) -> Publishing<'_, E> {
        let bytes = self.inner.sizes.of(&event);
        Publishing::new(&self.inner, event, bytes)
    }

    /// See [`PubSub::cancel`].
    ///
    /// # Errors
    /// If there is no such subscription, or it has ended.
    pub fn cancel(&self, id: SubscriberId) -> Result<(), CancelError> {
        self.inner.cancel(|_| Some(id))
    }

    /// See [`PubSub::cancel_channel`].
    ///
    /// # Errors
    /// If this channel is not subscribed, or its subscription has ended.
    pub fn cancel_channel(&self, channel: impl Into<Channel<E>>) -> Result<(), CancelError> {
        let channel = channel.into();
        self.inner.cancel(|registry| registry.find(&channel))
    }

    /// See [`PubSub::missed`].
    ///
    /// # Errors
    /// [`Closed`] if the server is shut down.
    pub fn missed(&self, missed: u64) -> Result<(), Closed> {
        let mut locked = self.inner.lock();
        let (state, deferred) = locked.split();
        if state.registry.is_closed() {
            return Err(Closed);
        }
        state.registry.lose(missed, deferred);
        self.inner.readers.wake_all(&mut deferred.wakers);
        Ok(())
    }

    /// See [`PubSub::end`].
    pub fn end(&self, id: SubscriberId) -> Option<EndReason> {
        self.inner.state.lock().registry.end(id)
    }

    /// See [`PubSub::subscribers`].
    pub fn subscribers(&self) -> usize {
        self.inner.state.lock().registry.len()
    }

    /// See [`PubSub::counts`].
    pub fn counts(&self) -> Counts {
        let state = self.inner.state.lock();
        state.line.count(&state.registry, &self.inner.readers)
    }

    /// See [`PubSub::shutdown`].
    #[track_caller]
    pub fn shutdown(&self, how: Shutdown) -> impl Future<Output = Report> {
        let at = self.at(SHUTDOWN.here());
        async move {
            let mut closing = self.closing(how);
            let report = wait::wait(at, |cx, clock| closing.poll(cx, clock)).await;
            self.inner.source.emit(|| report.event());
            report
        }
    }

    fn closing(&self, how: Shutdown) -> Closing<'_, E> {
        self.inner.source.emit(|| Event::ServerShutdown { how: trace::how(how) });
        Closing::new(&self.inner, how)
    }

    /// Like [`shutdown`](Self::shutdown), but blocks the thread.
    #[track_caller]
    pub fn blocking_shutdown(&self, how: Shutdown) -> Report {
        let mut closing = self.closing(how);
        let report = wait::block(self.at(SHUTDOWN.here()), |cx, clock| closing.poll(cx, clock));
        self.inner.source.emit(|| report.event());
        report
    }
}

impl<E: ?Sized> Inner<E> {
    fn lock(&self) -> Locked<'_, State<E>, Deferred<Subscriber<E>>> {
        self.state.lock_with()
    }

    fn abort(&self, state: &mut State<E>, deferred: &mut Deferred<Subscriber<E>>) {
        state.registry.abort(deferred);
        self.readers.wake_all(&mut deferred.wakers);
        deferred.wakers.wake(state.closers.all());
        self.settle(state, || Clock::TOKIO.now(), deferred);
    }

    /// See [`Line::settle`].
    fn settle(
        &self,
        state: &mut State<E>,
        now: impl Fn() -> Instant,
        deferred: &mut Deferred<Subscriber<E>>,
    ) -> Option<(Full, Option<Instant>)> {
        let waits = state.line.settle(&mut state.registry, &self.readers, now, deferred);
        if let Some((full, _)) = &waits {
            self.progress.set(|| (0, ROOM, Some(Peer::Number(full.id.0))), false);
        }
        waits
    }
}

impl<E: ?Sized + Send + Sync + 'static> Inner<E> {
    fn register(
        self: &Arc<Self>,
        policy: Policy,
        channel: Option<Channel<E>>,
    ) -> Result<Subscription<E>, SubscribeError> {
        if !self.sizes.fit(policy) {
            return Err(SubscribeError::Unmeasured);
        }
        let subscriber = Subscriber::new(policy, self.readers.join(), channel);
        let shared = subscriber.shared.clone();
        match self.subscribe(policy, subscriber) {
            Ok(id) => Ok(Subscription::new(id, shared, self.clone())),
            Err(error) => {
                self.readers.leave(shared.slot);
                Err(error)
            }
        }
    }

    fn subscribe(
        &self,
        policy: Policy,
        subscriber: Subscriber<E>,
    ) -> Result<SubscriberId, SubscribeError> {
        let mut locked = self.lock();
        let (state, deferred) = locked.split();
        if let Err(error) = state.registry.admits(subscriber.channel.as_ref()) {
            deferred.discard_outlet(subscriber);
            return Err(error);
        }
        if matches!(policy, Policy::Block { .. }) {
            // Its limit may be shorter than those by which publishers have set their timers.
            state.line.wake_all(&mut deferred.wakers);
        }
        let id = state.registry.subscribe(subscriber);
        self.source.tell(&mut deferred.wakers, || Event::Subscribed { subscriber: id.0 });
        Ok(id)
    }

    fn cancel(
        &self,
        find: impl FnOnce(&Registry<Subscriber<E>>) -> Option<SubscriberId>,
    ) -> Result<(), CancelError> {
        let mut locked = self.lock();
        let (state, deferred) = locked.split();
        let id = find(&state.registry).ok_or(CancelError::NotSubscribed)?;
        let cancelled = state.registry.cancel(id, deferred).ok_or(CancelError::NotSubscribed)?;
        self.readers.wake(cancelled.shared.slot, &mut deferred.wakers);
        if !seeded::is(Bug::CancelLeavesPublisher) {
            self.settle(state, || Clock::TOKIO.now(), deferred);
        }
        Ok(())
    }
}

impl<E: ?Sized + Send + Sync + 'static> ServerHooks for Inner<E> {
    fn name(&self) -> &Peer {
        self.name.get()
    }

    fn source(&self) -> &Source {
        &self.source
    }

    fn readers(&self) -> &Readers {
        &self.readers
    }

    fn handle_room_made(&self, id: SubscriberId) {
        let mut locked = self.lock();
        let (state, deferred) = locked.split();
        if state.registry.handle_room_made(id) {
            self.settle(state, || Clock::TOKIO.now(), deferred);
        }
    }

    fn handle_reader_left(&self, id: SubscriberId) {
        let mut locked = self.lock();
        let (state, deferred) = locked.split();
        state.registry.handle_reader_left(id, deferred);
        self.settle(state, || Clock::TOKIO.now(), deferred);
        if state.registry.is_finished() {
            deferred.wakers.wake(state.closers.all());
        }
    }
}

impl<E: ?Sized + Send + Sync + 'static> PubSub<E> for Server<E> {
    async fn subscribe(&self, policy: Policy) -> Result<Subscription<E>, SubscribeError> {
        self.subscribe(policy)
    }

    async fn subscribe_channel(
        &self,
        channel: impl Into<Channel<E>> + Send,
        policy: Policy,
    ) -> Result<SubscriberId, SubscribeError> {
        self.subscribe_channel(channel, policy)
    }

    #[track_caller]
    fn publish(
        &self,
        event: impl Into<Arc<E>> + Send,
    ) -> impl Future<Output = Result<u64, PublishError<E>>> + Send {
        self.publish(event)
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

    async fn missed(&self, missed: u64) -> Result<(), Closed> {
        self.missed(missed)
    }

    async fn end(&self, id: SubscriberId) -> Option<EndReason> {
        self.end(id)
    }

    async fn subscribers(&self) -> usize {
        self.subscribers()
    }

    async fn counts(&self) -> Counts {
        self.counts()
    }

    #[track_caller]
    fn shutdown(&self, how: Shutdown) -> impl Future<Output = Report> + Send {
        self.shutdown(how)
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
        let mut locked = self.inner.lock();
        let (state, deferred) = locked.split();
        state.handles -= 1;
        if state.handles == 0 {
            self.inner.abort(state, deferred);
        }
    }
}

impl<E: ?Sized> fmt::Debug for Server<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("mutex::Server").finish_non_exhaustive()
    }
}
