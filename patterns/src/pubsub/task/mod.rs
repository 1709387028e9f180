//! State as code: a task owns the registry, and takes one request after another.
//!
//! ```text
//! Server ──┐ requests                       ┌─→ queue ─→ Subscription
//! Server ──┼──────────→ mailbox ─→ owner ───┼─→ queue ─→ Subscription
//! Subscription: has left, has made room ┘   └─→ queue ─→ Subscription
//! ```
//!
//! What a publisher waits for, the owner keeps in a list and goes on: it can be asked to cancel the
//! very subscriber that has no room.

mod mailbox;
mod owner;

use core::fmt;
use std::future::Future;
use std::sync::Arc;
use std::task::Poll;

use super::forward::{self, Channel};
use super::subscription::Subscription;
use super::{
    CancelError, Closed, Policy, PubSub, PublishError, Report, SubscribeError, SubscriberId,
};
use crate::Shutdown;
use crate::reply::{Answer, Reply, question};
use crate::wait;
use crate::waits::Site;
use mailbox::{Mailbox, Request, Who};
use owner::Owner;

static SUBSCRIBE: Site = Site::wait("pubsub", "subscribe", "the owner");
static PUBLISH: Site = Site::wait("pubsub", "publish", "the owner, or room");
static CANCEL: Site = Site::wait("pubsub", "cancel", "the owner");
static COUNT: Site = Site::wait("pubsub", "subscribers", "the owner");
static SHUTDOWN: Site = Site::wait("pubsub", "shutdown", "readers");

/// A handle to the server. When the last one is dropped, it is aborted.
///
/// Its methods are those of [`PubSub`], which has the contract.
///
/// ```
/// use std::time::Duration;
/// use pushdown_patterns::pubsub::{Item, Policy, task::Server};
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
/// # runtime.block_on(async {
/// let server = Server::<str>::new();
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
    /// A server without subscribers, and the task that owns them. An event counts [`size_of_val`]
    /// bytes.
    ///
    /// # Panics
    /// Outside of tokio's runtime.
    #[expect(clippy::new_without_default, reason = "a default value does not start a task")]
    pub fn new() -> Self {
        Self::with_sizes(|event| size_of_val(event))
    }

    /// A server that is told how many bytes an event counts in a [`Policy::Queue`].
    ///
    /// # Panics
    /// Outside of tokio's runtime.
    pub fn with_sizes(size_of: fn(&E) -> usize) -> Self {
        let (server, owner) = Self::unspawned(size_of);
        drop(tokio::spawn(owner));
        server
    }

    /// A server, and the future that has to be run for it: it ends when the server is shut down or
    /// its last handle is dropped. It needs tokio's timer only for policies and deadlines that name a
    /// time.
    pub fn unspawned(size_of: fn(&E) -> usize) -> (Self, impl Future<Output = ()> + Send) {
        let mailbox = Arc::new(Mailbox::new());
        let owner = Owner::new(mailbox.clone());
        (Self { mailbox, size_of }, owner.serve())
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
    /// If the channel is subscribed already, or the server is shut down.
    ///
    /// # Panics
    /// If the channel is one of tokio's, and this is called outside of its runtime.
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
    /// Nobody receives the event; it comes back.
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
    /// If there is no such subscription, or no more.
    pub async fn cancel(&self, id: SubscriberId) -> Result<(), CancelError> {
        let cancelled = self.ask(&CANCEL, |reply| Request::Cancel(Who::Id(id), reply)).await;
        cancelled.unwrap_or(Err(CancelError::NotSubscribed))
    }

    /// See [`PubSub::cancel_channel`].
    ///
    /// # Errors
    /// If this channel is not subscribed, or no more.
    pub async fn cancel_channel(&self, channel: impl Into<Channel<E>>) -> Result<(), CancelError> {
        let who = Who::Channel(channel.into());
        let cancelled = self.ask(&CANCEL, |reply| Request::Cancel(who, reply)).await;
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
            // The owner has ended before.
            None => Report { ended: self.mailbox.ended() },
        }
    }

    /// Asks the owner. `None` if there will be no answer, because it has ended.
    async fn ask<T>(
        &self,
        at: &'static Site,
        request: impl FnOnce(Reply<T>) -> Request<E>,
    ) -> Option<T> {
        let (reply, answer) = question();
        self.mailbox.put(request(reply));
        let asking = Asking { mailbox: &self.mailbox, at, answer: Some(answer) };
        asking.answer().await
    }
}

/// A question under way. Dropped before the answer, the owner is told to forget what it keeps of it.
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
            self.mailbox.put(Request::Forget(answer.question()));
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
