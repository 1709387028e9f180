//! State as code: a task owns the registry and takes one request at a time.
//!
//! ```text
//! Server ──┐ requests                       ┌─→ queue ─→ Subscription
//! Server ──┼──────────→ mailbox ─→ owner ───┼─→ queue ─→ Subscription
//! Subscription: has left, has made room ┘   └─→ queue ─→ Subscription
//! ```
//!
//! The owner never waits for room itself. It puts the publisher into a list and takes the next
//! request, which may well cancel the subscriber that has no room.

mod mailbox;
mod owner;
#[cfg(test)]
mod tests;

use core::fmt;
use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::task::coop;

use super::PubSub;
use super::error::{CancelError, Closed, PublishError, SubscribeError};
use super::forward::{self, Channel};
use super::item::SubscriberId;
use super::line::Waiter;
use super::policy::Policy;
use super::report::{Counts, EndReason, Report};
use super::sizes::Measure;
use super::subscription::Subscription;
use crate::Shutdown;
use crate::reply::{Answer, Reply, question};
use crate::trace::{self, Event};
use crate::wait;
use crate::waits::{At, Site};
use crate::wakers::AfterUnlock;
use mailbox::{Mailbox, Request, Target};
use owner::Owner;

/// The reason of callers to wait until their requests are handled.
const OWNER: &str = "the owner";

static SUBSCRIBE: Site = Site::wait("pubsub", "subscribe", OWNER);
static PUBLISH: Site = Site::wait("pubsub", "publish", OWNER).peers("subscriber");
static CANCEL: Site = Site::wait("pubsub", "cancel", OWNER);
static MISSED: Site = Site::wait("pubsub", "missed", OWNER);
static END: Site = Site::wait("pubsub", "end", OWNER);
static SUBSCRIBERS: Site = Site::wait("pubsub", "subscribers", OWNER);
static COUNTS: Site = Site::wait("pubsub", "counts", OWNER);
static SHUTDOWN: Site = Site::wait("pubsub", "shutdown", "readers");

/// A handle to the server. Dropping the last one aborts the server.
///
/// Its methods are those of [`PubSub`], which states the contract.
///
/// ```
/// use std::time::Duration;
/// use pushdown_patterns::pubsub::{Item, Policy, task::Server};
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
/// # runtime.block_on(async {
/// let server = Server::<str>::spawn();
/// let mut subscription = server.subscribe(Policy::block(8, Duration::MAX)).await.unwrap();
/// server.publish("hello").await.unwrap();
/// server.cancel(subscription.id()).await.unwrap();
/// server.publish("too late").await.unwrap();
///
/// assert_eq!(subscription.recv().await, Some(Item::Event { seq: 1, event: &"hello".into() }));
/// assert_eq!(subscription.recv().await, None);
/// # });
/// ```
pub struct Server<E: ?Sized> {
    mailbox: Arc<Mailbox<E>>,
}

impl<E: ?Sized + Send + Sync + 'static> Server<E> {
    /// Creates a server without subscribers, and spawns its task with tokio.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use = "dropping the last handle aborts the server"]
    pub fn spawn() -> Self {
        let (server, owner) = Self::new();
        drop(tokio::spawn(owner));
        server
    }

    /// Creates a server as [`spawn`](Self::spawn) does, and returns its task for the caller to run.
    ///
    /// The task ends when the server is shut down or its last handle is dropped. It needs tokio's timer
    /// only for policies and shutdowns that name a time.
    pub fn new() -> (Self, impl Future<Output = ()> + Send) {
        let mailbox = Arc::new(Mailbox::new());
        let owner = Owner::new(mailbox.clone());
        (Self { mailbox }, owner.serve())
    }

    /// Names the server in the list of waiters and in events (features `debug` and `tracing`). Without a name
    /// it has a number, and so has what waits or runs already.
    ///
    /// # Panics
    /// If the server has a name already.
    #[must_use]
    pub fn named(self, name: impl Into<Arc<str>>) -> Self {
        self.mailbox.name.set(name.into());
        self
    }

    /// Sets how the server measures the size in bytes of an event, for [`Policy::Queue`].
    ///
    /// # Panics
    /// If the server has a measure already.
    #[must_use]
    pub fn with_sizes(self, size_of: fn(&E) -> usize) -> Self {
        self.mailbox.sizes.set(size_of);
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
    #[track_caller]
    pub fn subscribe(
        &self,
        policy: Policy,
    ) -> impl Future<Output = Result<Subscription<E>, SubscribeError>> {
        let at = SUBSCRIBE.here().of(self.mailbox.name.get());
        async move { self.register(at, policy, None).await }
    }

    /// See [`PubSub::subscribe_channel`].
    ///
    /// # Errors
    /// If the channel is already subscribed, the server is shut down, or it has no measure for a limit
    /// of bytes.
    ///
    /// # Panics
    /// If the channel is one of tokio's, and this is called outside a tokio runtime.
    #[track_caller]
    pub fn subscribe_channel(
        &self,
        channel: impl Into<Channel<E>>,
        policy: Policy,
    ) -> impl Future<Output = Result<SubscriberId, SubscribeError>> {
        let at = SUBSCRIBE.here().of(self.mailbox.name.get());
        async move {
            let channel = channel.into();
            let subscription = self.register(at, policy, Some(channel.clone())).await?;
            let id = subscription.id();
            forward::start(subscription, channel);
            Ok(id)
        }
    }

    async fn register(
        &self,
        at: At<'_>,
        policy: Policy,
        channel: Option<Channel<E>>,
    ) -> Result<Subscription<E>, SubscribeError> {
        if !self.mailbox.sizes.fit(policy) {
            return Err(SubscribeError::Unmeasured);
        }
        let ask = self.ask(at, |reply| Request::Subscribe(policy, channel, reply));
        // If the owner has ended without an answer, it has ended all subscriptions.
        let subscription = ask.await.unwrap_or(Err(SubscribeError::Closed))?;
        subscription.claim();
        Ok(subscription)
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
        let at = PUBLISH.here().of(self.mailbox.name.get());
        async move {
            coop::consume_budget().await;
            let event = event.into();
            let bytes = self.mailbox.sizes.of(&event);
            let mailbox = &*self.mailbox;
            let mut publishing = Publishing { mailbox, waiter: Some(Waiter::new(event, bytes)) };
            if let Some(waiter) = &publishing.waiter {
                mailbox.send(Request::Publish(waiter.clone()));
            }
            wait::wait_why(at, |cx, _, why| {
                let answer = publishing.poll(cx);
                why.set_place(answer.is_pending().then(|| mailbox.progress.place(0)));
                answer.into()
            })
            .await
        }
    }

    /// See [`PubSub::cancel`].
    ///
    /// # Errors
    /// If there is no such subscription, or it has ended.
    #[track_caller]
    pub fn cancel(&self, id: SubscriberId) -> impl Future<Output = Result<(), CancelError>> {
        let at = CANCEL.here().of(self.mailbox.name.get());
        async move {
            let cancelled = self.ask(at, |reply| Request::Cancel(Target::Id(id), reply)).await;
            // If the owner has ended without an answer, it has ended all subscriptions.
            cancelled.unwrap_or(Err(CancelError::NotSubscribed))
        }
    }

    /// See [`PubSub::cancel_channel`].
    ///
    /// # Errors
    /// If this channel is not subscribed, or its subscription has ended.
    #[track_caller]
    pub fn cancel_channel(
        &self,
        channel: impl Into<Channel<E>>,
    ) -> impl Future<Output = Result<(), CancelError>> {
        let at = CANCEL.here().of(self.mailbox.name.get());
        async move {
            let target = Target::Channel(channel.into());
            let cancelled = self.ask(at, |reply| Request::Cancel(target, reply)).await;
            cancelled.unwrap_or(Err(CancelError::NotSubscribed))
        }
    }

    /// See [`PubSub::missed`].
    ///
    /// # Errors
    /// [`Closed`] if the server is shut down.
    #[track_caller]
    pub fn missed(&self, missed: u64) -> impl Future<Output = Result<(), Closed>> {
        let at = MISSED.here().of(self.mailbox.name.get());
        async move {
            let counted = self.ask(at, |reply| Request::Missed(missed, reply)).await;
            // If the owner has ended without an answer, it has not handled the request: it counts and
            // answers in one step.
            counted.unwrap_or(Err(Closed))
        }
    }

    /// See [`PubSub::end`].
    #[track_caller]
    pub fn end(&self, id: SubscriberId) -> impl Future<Output = Option<EndReason>> {
        let at = END.here().of(self.mailbox.name.get());
        async move {
            match self.ask(at, |reply| Request::End(id, reply)).await {
                Some(end) => end,
                // The owner has ended already.
                None => self.mailbox.end(id),
            }
        }
    }

    /// See [`PubSub::subscribers`].
    #[track_caller]
    pub fn subscribers(&self) -> impl Future<Output = usize> {
        let at = SUBSCRIBERS.here().of(self.mailbox.name.get());
        // An owner that has ended has ended all subscriptions.
        async move { self.ask(at, Request::Count).await.map_or(0, |counts| counts.subscribers) }
    }

    /// See [`PubSub::counts`].
    #[track_caller]
    pub fn counts(&self) -> impl Future<Output = Counts> {
        let at = COUNTS.here().of(self.mailbox.name.get());
        async move { self.ask(at, Request::Count).await.unwrap_or_else(|| self.mailbox.counts()) }
    }

    /// See [`PubSub::shutdown`].
    #[track_caller]
    pub fn shutdown(&self, how: Shutdown) -> impl Future<Output = Report> {
        let at = SHUTDOWN.here().of(self.mailbox.name.get());
        async move {
            let source = &self.mailbox.source;
            source.emit(|| Event::ServerShutdown { how: trace::how(how) });
            let report = match self.ask(at, |reply| Request::Shutdown(how, reply)).await {
                Some(report) => report,
                // The owner has ended already.
                None => Report { ended: self.mailbox.ended() },
            };
            source.emit(|| report.event());
            report
        }
    }

    /// Asks the owner. Returns `None` if the owner has ended and will not answer.
    async fn ask<T>(&self, at: At<'_>, request: impl FnOnce(Reply<T>) -> Request<E>) -> Option<T> {
        let (reply, answer) = question();
        self.mailbox.send(request(reply));
        let asking = Asking { mailbox: &self.mailbox, at, answer: Some(answer) };
        asking.answer().await
    }
}

/// A publish under way. If it is dropped before its answer, its event leaves the server at once.
struct Publishing<'a, E: ?Sized> {
    mailbox: &'a Mailbox<E>,
    waiter: Option<Arc<Waiter<E>>>,
}

impl<E: ?Sized> Publishing<'_, E> {
    fn poll(&mut self, cx: &Context<'_>) -> Poll<Result<u64, PublishError<E>>> {
        let mut after = AfterUnlock::default();
        let waiter = self.waiter.as_ref().expect("a publish is not polled after its end");
        let answer = waiter.poll(cx, &mut after);
        if answer.is_ready() {
            self.waiter = None;
        }
        answer
    }
}

impl<E: ?Sized> Drop for Publishing<'_, E> {
    fn drop(&mut self) {
        if self.waiter.take().is_some_and(|waiter| waiter.give_up()) {
            self.mailbox.handle_given_up();
        }
    }
}

/// A question under way. If it is dropped before the answer, its request leaves the mailbox.
struct Asking<'a, E: ?Sized, T> {
    at: At<'a>,
    mailbox: &'a Mailbox<E>,
    answer: Option<Answer<T>>,
}

impl<E: ?Sized, T> Asking<'_, E, T> {
    async fn answer(mut self) -> Option<T> {
        let answer = wait::wait(self.at, |cx, _| match &self.answer {
            Some(answer) => answer.poll(cx).into(),
            None => Poll::Ready(None).into(),
        });
        let answer = answer.await;
        self.answer = None;
        answer
    }
}

impl<E: ?Sized, T> Drop for Asking<'_, E, T> {
    fn drop(&mut self) {
        if self.answer.take().is_some() {
            self.mailbox.handle_given_up();
        }
    }
}

impl<E: ?Sized + Send + Sync + 'static> PubSub<E> for Server<E> {
    #[track_caller]
    fn subscribe(
        &self,
        policy: Policy,
    ) -> impl Future<Output = Result<Subscription<E>, SubscribeError>> + Send {
        self.subscribe(policy)
    }

    #[track_caller]
    fn subscribe_channel(
        &self,
        channel: impl Into<Channel<E>> + Send,
        policy: Policy,
    ) -> impl Future<Output = Result<SubscriberId, SubscribeError>> + Send {
        self.subscribe_channel(channel, policy)
    }

    #[track_caller]
    fn publish(
        &self,
        event: impl Into<Arc<E>> + Send,
    ) -> impl Future<Output = Result<u64, PublishError<E>>> + Send {
        self.publish(event)
    }

    #[track_caller]
    fn cancel(&self, id: SubscriberId) -> impl Future<Output = Result<(), CancelError>> + Send {
        self.cancel(id)
    }

    #[track_caller]
    fn cancel_channel(
        &self,
        channel: impl Into<Channel<E>> + Send,
    ) -> impl Future<Output = Result<(), CancelError>> + Send {
        self.cancel_channel(channel)
    }

    #[track_caller]
    fn missed(&self, missed: u64) -> impl Future<Output = Result<(), Closed>> + Send {
        self.missed(missed)
    }

    #[track_caller]
    fn end(&self, id: SubscriberId) -> impl Future<Output = Option<EndReason>> + Send {
        self.end(id)
    }

    #[track_caller]
    fn subscribers(&self) -> impl Future<Output = usize> + Send {
        self.subscribers()
    }

    #[track_caller]
    fn counts(&self) -> impl Future<Output = Counts> + Send {
        self.counts()
    }

    #[track_caller]
    fn shutdown(&self, how: Shutdown) -> impl Future<Output = Report> + Send {
        self.shutdown(how)
    }
}

impl<E: ?Sized> Clone for Server<E> {
    fn clone(&self) -> Self {
        self.mailbox.add_handle();
        Self { mailbox: self.mailbox.clone() }
    }
}

impl<E: ?Sized> Drop for Server<E> {
    fn drop(&mut self) {
        self.mailbox.drop_handle();
    }
}

impl<E: ?Sized> fmt::Debug for Server<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("task::Server").finish_non_exhaustive()
    }
}
