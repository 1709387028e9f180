//! A publish/subscribe server: what is published is received by all who are subscribed, in one order.
//!
//! It comes in two shapes with one interface, [`PubSub`], and the same behaviour:
//!
//! | shape | holds its state as | publishing | works with |
//! |---|---|---|---|
//! | [`mutex::Server`] | data: the subscribers under a lock | writes the event where it is called | tokio, threads |
//! | [`task::Server`] | code: a task owns the subscribers and takes requests | asks that task, and waits for its answer | tokio |
//!
//! # What holds
//! * **One order.** Every event has a number, and all subscribers receive events in the order of the
//!   numbers. If one publish has returned before another begins, its number is smaller.
//! * **All or none.** A publish that fails, or whose future is dropped before it has an answer, has
//!   reached either all who were subscribed or nobody; an error says nobody.
//! * **A slow subscriber has a [`Policy`]**, its own, which says who bears it. Events that it has
//!   missed appear in its stream as a [`Gap`](Item::Gap), and then the stream goes on.
//! * **Anyone may cancel** a subscription, by its identity or its channel, and never waits for its
//!   reader. The stream ends after what had been published. The end of the stream means that the
//!   subscription has ended, and nothing else; [`Subscription::end`] says why.
//! * A payload is never cloned: a reader borrows the `Arc` that was published, and clones that if it
//!   wants to keep it. Payloads are dropped in groups: some 32 events, or 64 KiB, may be kept for longer
//!   than everybody has needed to read them. So an event that holds a handle of its own server keeps
//!   that from ending by itself; shut it down.
//!
//! ```
//! use std::time::Duration;
//! use pushdown_patterns::Shutdown;
//! use pushdown_patterns::pubsub::{Item, Policy, mutex::Server};
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
//! # runtime.block_on(async {
//! let server = Server::<str>::new();
//! let mut all = server.subscribe(Policy::block(16, Duration::from_secs(1))).unwrap();
//! let mut last = server.subscribe(Policy::drop_oldest(1)).unwrap();
//!
//! server.publish("tick").await.unwrap();
//! server.publish("tock").await.unwrap();
//! assert_eq!(all.recv().await, Some(Item::Event { seq: 1, event: &"tick".into() }));
//! assert_eq!(all.recv().await, Some(Item::Event { seq: 2, event: &"tock".into() }));
//! assert_eq!(last.recv().await, Some(Item::Gap { missed: 1 }));
//! assert_eq!(last.recv().await, Some(Item::Event { seq: 2, event: &"tock".into() }));
//!
//! let report = server.shutdown(Shutdown::Abort).await;
//! assert_eq!(all.recv().await, None);
//! assert_eq!(report.ended.len(), 2);
//! # });
//! ```
//!
//! # Which shape
//! Here the state is a list and a number, no operation on it takes several steps, and only publishing
//! waits: that is what a lock is good for, and `mutex` is the shorter of the two, the faster, and the
//! one that works without a runtime. `task` is clearer as soon as the server has something to do by
//! itself, such as a timer for each subscriber or a connection to another server, since its loop is
//! the place for it.
//!
//! The contract is that of the first system in Russ Cox's lecture on concurrency in Go (MIT 6.824).

pub mod core;
mod error;
mod forward;
pub mod mutex;
mod policy;
mod readers;
mod subscription;
pub mod task;

use ::core::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::vec::Vec;

pub use error::{CancelError, Closed, PublishError, SubscribeError};
pub use forward::Channel;
pub use policy::{Limit, Policy};
pub use subscription::Subscription;

use super::Shutdown;

/// One item of a subscriber's stream: `T` is `&Arc<E>` or `Arc<E>` for events of the type `E`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item<T> {
    /// An event.
    Event {
        /// Its place in the order of all events, from 1 on.
        seq: u64,
        /// What was published.
        event: T,
    },
    /// Here events are missing, because the subscriber was too slow.
    Gap {
        /// How many.
        missed: u64,
    },
}

impl<E: ?Sized> Item<&Arc<E>> {
    /// The item with an `Arc` of its own. The payload is not cloned.
    pub fn cloned(self) -> Item<Arc<E>> {
        match self {
            Self::Event { seq, event } => Item::Event { seq, event: event.clone() },
            Self::Gap { missed } => Item::Gap { missed },
        }
    }
}

/// Which subscription. No other in the process has the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriberId(u64);

impl SubscriberId {
    /// No other server has it either, so what is cancelled with it is never somebody else's.
    fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl fmt::Display for SubscriberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "subscriber {}", self.0)
    }
}

/// Why a stream has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum End {
    /// Somebody has cancelled the subscription.
    Cancelled,
    /// The subscriber was too slow for its [`Policy`].
    TooSlow,
    /// The server was shut down, and everything published before is in the stream.
    Shutdown,
    /// The server was aborted, or its last handle dropped. What had not been read is lost.
    Aborted,
}

/// How the subscriptions of a server ended that were there when it was shut down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// One for each, in the order in which they ended.
    pub ended: Vec<Ended>,
}

/// How a subscription ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Which one.
    pub id: SubscriberId,
    /// In which way.
    pub how: How,
    /// How many events it has not read, missed ones included.
    pub undelivered: u64,
}

/// In which way a subscription ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum How {
    /// Its reader has read everything.
    Drained,
    /// Its reader was dropped before that.
    Dropped,
    /// The shutdown ended it.
    Aborted,
}

/// A publish/subscribe server of either shape. The [module](self) says what holds.
pub trait PubSub<E: ?Sized + Send + Sync + 'static>: Clone + Send + Sync + 'static {
    /// Subscribes: what is published from now on is in the stream.
    ///
    /// # Errors
    /// [`Closed`] if the server is shut down.
    fn subscribe(
        &self,
        policy: Policy,
    ) -> impl Future<Output = Result<Subscription<E>, Closed>> + Send;

    /// Subscribes a channel of the caller's own. The policy acts on a queue in front of it, and one
    /// more item may be on its way from there. When the subscription ends, the server drops its
    /// sender; when the channel is closed at its other end, the subscription ends.
    ///
    /// # Errors
    /// If the channel is subscribed already, or the server is shut down.
    ///
    /// # Panics
    /// If the channel is one of tokio's, and this is called outside of its runtime.
    fn subscribe_channel(
        &self,
        channel: impl Into<Channel<E>> + Send,
        policy: Policy,
    ) -> impl Future<Output = Result<SubscriberId, SubscribeError>> + Send;

    /// Publishes an event and returns its number. Waits while a subscriber whose policy is
    /// [`Policy::Block`] has no room. If the future is dropped while it waits, either nobody receives
    /// the event or all do.
    ///
    /// # Errors
    /// Nobody receives the event; it comes back.
    fn publish(
        &self,
        event: impl Into<Arc<E>> + Send,
    ) -> impl Future<Output = Result<u64, PublishError<E>>> + Send;

    /// Ends a subscription after what has been published. Never waits for its reader.
    ///
    /// # Errors
    /// If there is no such subscription, or no more.
    fn cancel(&self, id: SubscriberId) -> impl Future<Output = Result<(), CancelError>> + Send;

    /// Like [`cancel`](Self::cancel), for a channel.
    ///
    /// # Errors
    /// If this channel is not subscribed, or no more.
    fn cancel_channel(
        &self,
        channel: impl Into<Channel<E>> + Send,
    ) -> impl Future<Output = Result<(), CancelError>> + Send;

    /// How many are subscribed.
    fn subscribers(&self) -> impl Future<Output = usize> + Send;

    /// Ends everything and says how it ended. Whoever publishes or subscribes from now on, or is
    /// waiting to publish, is told that the server is closed.
    ///
    /// With [`Shutdown::Drain`] it waits for all streams to be read to their ends, and aborts at the
    /// deadline those that are not. If the future is dropped, nobody aborts them.
    fn shutdown(&self, how: Shutdown) -> impl Future<Output = Report> + Send;
}
