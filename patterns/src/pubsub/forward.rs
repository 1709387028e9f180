//! Channels of the caller: a task or a thread moves items from a subscription to the channel.
//!
//! ```text
//! publish ─→ queue, with the policy ─→ forwarder, one item in hand ─→ channel ─→ user code
//! ```
//!
//! A forwarder ends with its subscription, or when the receiver of the channel is closed. While it
//! waits for room in the channel, it also ends, at once, if its subscription is aborted. If it is
//! disconnected, the receiver still gets the item on its way, and a gap for everything after it.

use core::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::mpsc;

use super::error::SubscribeError;
use super::item::{Item, SubscriberId};
use super::policy::Policy;
use super::proto::{Outlet, Queue, Registry};
use super::subscription::{Shared, Subscription};
use crate::sync;
use crate::thread;
use crate::wait::{self, Step};
use crate::waits::{Entry, Site, Why};

static FORWARDER: Site = Site::task("pubsub", "forwarder");
static EVENT: Site = Site::wait("pubsub", "forwarder", "an event");
static CHANNEL: Site = Site::wait("pubsub", "forwarder", "room in the channel");

/// A channel that can be subscribed: one of tokio's, or a [`thread::channel`].
///
/// Two senders are the same channel if they have the same receivers.
pub enum Channel<E: ?Sized> {
    /// Filled by a task.
    Task(mpsc::Sender<Item<Arc<E>>>),
    /// Filled by a thread.
    Thread(thread::Sender<Item<Arc<E>>>),
}

impl<E: ?Sized> Channel<E> {
    fn same_channel(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Task(sender), Self::Task(other)) => sender.same_channel(other),
            (Self::Thread(sender), Self::Thread(other)) => sender.same_channel(other),
            _ => false,
        }
    }
}

impl<E: ?Sized> Clone for Channel<E> {
    fn clone(&self) -> Self {
        match self {
            Self::Task(sender) => Self::Task(sender.clone()),
            Self::Thread(sender) => Self::Thread(sender.clone()),
        }
    }
}

impl<E: ?Sized> From<mpsc::Sender<Item<Arc<E>>>> for Channel<E> {
    fn from(sender: mpsc::Sender<Item<Arc<E>>>) -> Self {
        Self::Task(sender)
    }
}

impl<E: ?Sized> From<thread::Sender<Item<Arc<E>>>> for Channel<E> {
    fn from(sender: thread::Sender<Item<Arc<E>>>) -> Self {
        Self::Thread(sender)
    }
}

impl<E: ?Sized> fmt::Debug for Channel<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Task(_) => "Channel::Task",
            Self::Thread(_) => "Channel::Thread",
        })
    }
}

/// The server's side of a subscription.
#[derive(Debug)]
pub(super) struct Subscriber<E: ?Sized> {
    pub(super) shared: Arc<Shared<E>>,
    pub(super) channel: Option<Channel<E>>,
}

impl<E: ?Sized> Subscriber<E> {
    pub(super) fn new(policy: Policy, slot: usize, channel: Option<Channel<E>>) -> Self {
        Self { shared: Shared::new(policy, slot), channel }
    }

    /// Returns whether this subscriber is the channel.
    fn is(&self, channel: &Channel<E>) -> bool {
        self.channel.as_ref().is_some_and(|own| own.same_channel(channel))
    }
}

impl<E: ?Sized> Registry<Subscriber<E>> {
    /// Returns the subscription of this channel.
    pub(super) fn find(&self, channel: &Channel<E>) -> Option<SubscriberId> {
        self.outlets().find(|(_, subscriber)| subscriber.is(channel)).map(|(id, _)| id)
    }

    /// Refuses a subscription if the server is closed, or still sends into this channel.
    pub(super) fn admits(&self, channel: Option<&Channel<E>>) -> Result<(), SubscribeError> {
        if self.is_closed() {
            return Err(SubscribeError::Closed);
        }
        let sending = channel.and_then(|channel| self.find_sending(channel));
        sending.map_or(Ok(()), |id| Err(SubscribeError::Twice(id)))
    }

    /// Returns the subscription that still sends into this channel, even if it has ended: the items of
    /// two at a time would be out of order.
    fn find_sending(&self, channel: &Channel<E>) -> Option<SubscriberId> {
        let mut subscribers = self.outlets().chain(self.leaving());
        subscribers.find(|(_, subscriber)| subscriber.is(channel)).map(|(id, _)| id)
    }
}

impl<E: ?Sized> Outlet for Subscriber<E> {
    type Event = E;

    fn with<R>(&self, f: impl FnOnce(&mut Queue<E>) -> R) -> R {
        self.shared.with(f)
    }
}

/// Starts the task or thread of a channel.
pub(super) fn start<E>(subscription: Subscription<E>, channel: Channel<E>)
where
    E: ?Sized + Send + Sync + 'static,
{
    match channel {
        Channel::Task(sender) => drop(tokio::spawn(in_task(subscription, sender))),
        Channel::Thread(sender) => {
            drop(sync::thread::spawn(move || in_thread(subscription, &sender)));
        }
    }
}

async fn in_task<E: ?Sized>(
    mut subscription: Subscription<E>,
    channel: mpsc::Sender<Item<Arc<E>>>,
) {
    let _alive = Entry::new(FORWARDER.of(subscription.server_name()));
    loop {
        let mut closed = pin!(channel.closed());
        let next = wait::wait_why(&EVENT, |cx, _, why| {
            subscription.poll_unless(cx, why, |cx| closed.as_mut().poll(cx))
        });
        let Some(item) = next.await else { return };
        let mut send = pin!(channel.send(item));
        let sent = wait::wait_why(&CHANNEL, |cx, _, why| {
            subscription.poll_unless_cut(cx, why, |cx| send.as_mut().poll(cx))
        });
        if !sent.await {
            return;
        }
        subscription.set_in_hand(0);
    }
}

fn in_thread<E: ?Sized>(mut subscription: Subscription<E>, channel: &thread::Sender<Item<Arc<E>>>) {
    let _alive = Entry::new(FORWARDER.of(subscription.server_name()));
    loop {
        let mut closed = channel.closed();
        let next = wait::block_why(&EVENT, |cx, _, why| {
            subscription.poll_unless(cx, why, |cx| closed.poll(cx))
        });
        let Some(item) = next else { return };
        let mut send = channel.start(item);
        let sent = wait::block_why(&CHANNEL, |cx, _, why| {
            subscription.poll_unless_cut(cx, why, |cx| send.poll(cx))
        });
        if !sent {
            return;
        }
        subscription.set_in_hand(0);
    }
}

impl<E: ?Sized> Subscription<E> {
    /// Returns the next item, or `None` if the stream has ended or the channel is closed.
    fn poll_unless(
        &mut self,
        cx: &mut Context<'_>,
        why: &mut Why,
        closed: impl FnOnce(&mut Context<'_>) -> Poll<()>,
    ) -> Step<Option<Item<Arc<E>>>> {
        let item = match self.poll_next(cx) {
            Poll::Pending => {
                let closed = closed(cx);
                self.name_wait(closed.is_pending(), why);
                return closed.map(|()| None).into();
            }
            Poll::Ready(next) => next.map(|next| self.lend(next).cloned()),
        };
        match &item {
            Some(Item::Event { .. }) => self.set_in_hand(1),
            Some(Item::Gap { missed }) => self.set_in_hand(*missed),
            None => {}
        }
        Step::Done(item)
    }

    /// Returns whether the channel has taken the item: not if it is closed or the stream is aborted.
    fn poll_unless_cut<T>(
        &mut self,
        cx: &mut Context<'_>,
        why: &mut Why,
        send: impl FnOnce(&mut Context<'_>) -> Poll<Result<(), T>>,
    ) -> Step<bool> {
        if self.poll_cut(cx).is_ready() {
            return Step::Done(false);
        }
        let sent = send(cx).map(|sent| sent.is_ok());
        self.name_wait(sent.is_pending(), why);
        sent.into()
    }
}
