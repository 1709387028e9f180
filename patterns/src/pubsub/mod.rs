//! A publish/subscribe server: every subscriber receives all published events, in one order.
//!
//! It comes in two shapes with one interface, [`PubSub`], and the same behaviour:
//!
//! | shape | holds its state as | publishing | works with |
//! |---|---|---|---|
//! | [`mutex::Server`] | data: the subscribers under a lock | writes the event in the calling task or thread | tokio, threads |
//! | [`task::Server`] | code: a task owns the subscribers and takes requests | asks that task and waits for its answer | tokio |
//!
//! # Guarantees
//! * **One order.** Every event has a number, and all subscribers receive events in the order of the
//!   numbers. If one publish returns before another begins, its number is smaller.
//! * **All or none.** A publish that fails, or whose future is dropped before it returns, has reached
//!   either every subscriber or none. After an error it has reached none.
//! * **A panic of a payload's destructor ends where the server drops the payload.** The panic hook
//!   reports it, and no call fails because of it.
//! * **A slow subscriber has a [`Policy`]** of its own, which says what gives way. Events that it has
//!   missed appear in its stream as a [`Gap`](Item::Gap), and the stream goes on.
//! * **Any handle can cancel** a subscription, by its id or its channel, without waiting for its
//!   reader. The stream ends after the events published before. The end of a stream means that the
//!   subscription has ended, and nothing else; [`Subscription::end_reason`] says why.
//! * **Payloads are never cloned.** A reader borrows the `Arc` that was published, and clones the
//!   `Arc` to keep it.
//!
//! Payloads are dropped in groups of a bounded number and size, so an event can outlive its last
//! reader by a few others. An event that holds a handle to its own server therefore keeps the server
//! from ending when the other handles are dropped: call [`shutdown`](PubSub::shutdown).
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
//! # Choosing a shape
//! The state is a list and a number, no operation on it takes several steps, and only publishing
//! waits. A lock is good for that: `mutex` is the shorter and the faster of the two, and works
//! without a runtime. `task` becomes clearer as soon as the server has work of its own, such as a
//! timer per subscriber or a connection to another server: its loop is the place for it.
//!
//! The contract is that of the first system in Russ Cox's lecture on concurrency in Go (MIT 6.824).

mod error;
mod forward;
mod item;
mod line;
pub mod mutex;
mod policy;
#[doc(hidden)]
pub mod proto;
mod readers;
mod report;
mod sizes;
mod subscription;
pub mod task;

use std::future::Future;
use std::sync::Arc;

pub use error::{CancelError, Closed, PublishError, SubscribeError, TryRecvError};
pub use forward::Channel;
pub use item::{Item, SubscriberId};
pub use policy::{Limit, Policy};
pub use report::{Counts, EndReason, EndedSubscription, ReaderOutcome, Report};
pub use sizes::Measure;
pub use subscription::Subscription;

use super::Shutdown;

/// A publish/subscribe server of either shape, with the [guarantees](self#guarantees) of the module.
pub trait PubSub<E: ?Sized + Send + Sync + 'static>: Clone + Send + Sync + 'static {
    /// Subscribes. The stream contains the events published from now on.
    ///
    /// # Errors
    /// If the server is shut down, or has no measure for a limit of bytes.
    fn subscribe(
        &self,
        policy: Policy,
    ) -> impl Future<Output = Result<Subscription<E>, SubscribeError>> + Send;

    /// Subscribes a channel of the caller. The policy applies to a queue in front of it, and one more
    /// item may be on its way from the queue to the channel. When the subscription ends, the server
    /// drops its sender; when the receiver is closed, the subscription ends. [`end`](Self::end) says
    /// why it has ended.
    ///
    /// # Errors
    /// If the channel is already subscribed, the server is shut down, or it has no measure for a limit
    /// of bytes.
    ///
    /// # Panics
    /// If the channel is one of tokio's, and this is called outside a tokio runtime.
    fn subscribe_channel(
        &self,
        channel: impl Into<Channel<E>> + Send,
        policy: Policy,
    ) -> impl Future<Output = Result<SubscriberId, SubscribeError>> + Send;

    /// Publishes an event and returns its number. Waits while a subscriber whose policy is
    /// [`Policy::Block`] has no room. If the future is dropped while it waits, either every
    /// subscriber receives the event or none does.
    ///
    /// # Errors
    /// No subscriber receives the event; the error returns it.
    fn publish(
        &self,
        event: impl Into<Arc<E>> + Send,
    ) -> impl Future<Output = Result<u64, PublishError<E>>> + Send;

    /// Ends a subscription after the events published so far, without waiting for its reader.
    ///
    /// # Errors
    /// If there is no such subscription, or it has ended.
    fn cancel(&self, id: SubscriberId) -> impl Future<Output = Result<(), CancelError>> + Send;

    /// Like [`cancel`](Self::cancel), for a channel.
    ///
    /// # Errors
    /// If this channel is not subscribed, or its subscription has ended.
    fn cancel_channel(
        &self,
        channel: impl Into<Channel<E>> + Send,
    ) -> impl Future<Output = Result<(), CancelError>> + Send;

    /// Counts events that never reached this server, because something upstream lost them. They have
    /// numbers, and every subscriber misses them here. A gap needs no room.
    ///
    /// # Errors
    /// [`Closed`] if the server is shut down.
    fn missed(&self, missed: u64) -> impl Future<Output = Result<(), Closed>> + Send;

    /// Returns why a subscription has ended, or will end after the unread events. `None` while it is
    /// active. Once its reader has left, the server remembers it until a thousand others have.
    fn end(&self, id: SubscriberId) -> impl Future<Output = Option<EndReason>> + Send;

    /// Returns the number of subscribers.
    fn subscribers(&self) -> impl Future<Output = usize> + Send;

    /// Returns what the server counts.
    fn counts(&self) -> impl Future<Output = Counts> + Send;

    /// Ends all subscriptions and reports how each ended. Calls that publish or subscribe from now on,
    /// and those that are waiting to publish, fail with an error that says the server is closed.
    ///
    /// [`Shutdown::Drain`] waits for all streams to be read to their ends, and aborts the rest when
    /// the timeout is over. If the future is dropped, the rest is not aborted.
    fn shutdown(&self, how: Shutdown) -> impl Future<Output = Report> + Send;
}
