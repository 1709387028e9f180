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

use core::fmt;
use std::future::Future;
use std::sync::Arc;
use std::task::Poll;

use super::PubSub;
use super::error::{CancelError, Closed, PublishError, SubscribeError};
use super::forward::{self, Channel};
use super::item::SubscriberId;
use super::policy::Policy;
use super::report::Report;
use super::subscription::Subscription;
use crate::Shutdown;
use crate::reply::{Answer, Reply, question};
use crate::wait;
use crate::waits::Site;
use mailbox::{Mailbox, Request, Target};
use owner::Owner;

static SUBSCRIBE: Site = Site::wait("pubsub", "subscribe", "the owner");
static PUBLISH: Site = Site::wait("pubsub", "publish", "the owner, or room");
static CANCEL: Site = Site::wait("pubsub", "cancel", "the owner");
static COUNT: Site = Site::wait("pubsub", "subscribers", "the owner");
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
    size_of: fn(&E) -> usize,
}

impl<E: ?Sized + Send + Sync + 'static> Server<E> {
    /// Creates a server without subscribers, and spawns its task with tokio. The size of an event is
    /// its [`size_of_val`].
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
        (Self { mailbox, size_of: |event| size_of_val(event) }, owner.serve())
    }

    /// Sets how this handle, and its clones made from now on, measure the size in bytes of an event
    /// for [`Policy::Queue`].
    #[must_use]
    pub fn with_sizes(mut self, size_of: fn(&E) -> usize) -> Self {
        self.size_of = size_of;
        self
    }

    /// See [`PubSub::subscribe`].
    ///
    /// # Errors
    /// [`Closed`] if the server is shut down.
    pub async fn subscribe(&self, policy: Policy) -> Result<Subscription<E>, Closed> {
        let subscribed =
            self.ask(&SUBSCRIBE, |reply| Request::Subscribe(policy, None, reply)).await;
        subscribed.unwrap_or(Err(SubscribeError::Closed)).map_err(|_| Closed)
    }

    /// See [`PubSub::subscribe_channel`].
    ///
    /// # Errors
    /// If the channel is already subscribed, or the server is shut down.
    ///
    /// # Panics
    /// If the channel is one of tokio's, and this is called outside a tokio runtime.
    pub async fn subscribe_channel(
        &self,
        channel: impl Into<Channel<E>>,
        policy: Policy,
    ) -> Result<SubscriberId, SubscribeError> {
        let channel = channel.into();
        let own = channel.clone();
        let subscribed =
            self.ask(&SUBSCRIBE, |reply| Request::Subscribe(policy, Some(own), reply)).await;
        let subscription = subscribed.unwrap_or(Err(SubscribeError::Closed))?;
        let id = subscription.id();
        forward::start(subscription, channel);
        Ok(id)
    }

    /// See [`PubSub::publish`].
    ///
    /// # Errors
    /// No subscriber receives the event; the error returns it.
    pub async fn publish(&self, event: impl Into<Arc<E>>) -> Result<u64, PublishError<E>> {
        let event = event.into();
        let bytes = (self.size_of)(&event);
        let own = event.clone();
        let published = self.ask(&PUBLISH, |reply| Request::Publish(own, bytes, reply)).await;
        published.unwrap_or(Err(PublishError::Closed(event)))
    }

    /// See [`PubSub::cancel`].
    ///
    /// # Errors
    /// If there is no such subscription, or it has ended.
    pub async fn cancel(&self, id: SubscriberId) -> Result<(), CancelError> {
        let cancelled = self.ask(&CANCEL, |reply| Request::Cancel(Target::Id(id), reply)).await;
        cancelled.unwrap_or(Err(CancelError::NotSubscribed))
    }

    /// See [`PubSub::cancel_channel`].
    ///
    /// # Errors
    /// If this channel is not subscribed, or its subscription has ended.
    pub async fn cancel_channel(&self, channel: impl Into<Channel<E>>) -> Result<(), CancelError> {
        let target = Target::Channel(channel.into());
        let cancelled = self.ask(&CANCEL, |reply| Request::Cancel(target, reply)).await;
        cancelled.unwrap_or(Err(CancelError::NotSubscribed))
    }

    /// See [`PubSub::subscribers`].
    pub async fn subscribers(&self) -> usize {
        self.ask(&COUNT, Request::Count).await.unwrap_or(0)
    }

    /// See [`PubSub::shutdown`].
    pub async fn shutdown(&self, how: Shutdown) -> Report {
        match self.ask(&SHUTDOWN, |reply| Request::Shutdown(how, reply)).await {
            Some(report) => report,
            // The owner has ended already.
            None => Report { ended: self.mailbox.ended() },
        }
    }

    /// Asks the owner. Returns `None` if the owner has ended and will not answer.
    async fn ask<T>(
        &self,
        at: &'static Site,
        request: impl FnOnce(Reply<T>) -> Request<E>,
    ) -> Option<T> {
        let (reply, answer) = question();
        self.mailbox.send(request(reply));
        let asking = Asking { mailbox: &self.mailbox, at, answer: Some(answer) };
        asking.answer().await
    }
}

/// A question under way. If it is dropped before the answer, it makes the owner forget the request.
struct Asking<'a, E: ?Sized, T> {
    at: &'static Site,
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
        if let Some(answer) = self.answer.take() {
            self.mailbox.send(Request::Forget(answer.question()));
        }
    }
}

impl<E: ?Sized + Send + Sync + 'static> PubSub<E> for Server<E> {
    async fn subscribe(&self, policy: Policy) -> Result<Subscription<E>, Closed> {
        self.subscribe(policy).await
    }

    async fn subscribe_channel(
        &self,
        channel: impl Into<Channel<E>> + Send,
        policy: Policy,
    ) -> Result<SubscriberId, SubscribeError> {
        self.subscribe_channel(channel, policy).await
    }

    async fn publish(&self, event: impl Into<Arc<E>> + Send) -> Result<u64, PublishError<E>> {
        self.publish(event).await
    }

    async fn cancel(&self, id: SubscriberId) -> Result<(), CancelError> {
        self.cancel(id).await
    }

    async fn cancel_channel(
        &self,
        channel: impl Into<Channel<E>> + Send,
    ) -> Result<(), CancelError> {
        self.cancel_channel(channel).await
    }

    async fn subscribers(&self) -> usize {
        self.subscribers().await
    }

    async fn shutdown(&self, how: Shutdown) -> Report {
        self.shutdown(how).await
    }
}

impl<E: ?Sized> Clone for Server<E> {
    fn clone(&self) -> Self {
        self.mailbox.add_handle();
        Self { mailbox: self.mailbox.clone(), size_of: self.size_of }
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
