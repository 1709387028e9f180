//! The tasks and threads that fill channels, when something goes wrong around them.

use std::num::NonZeroUsize;
use std::sync::Arc;

use pushdown_patterns::pubsub::{
    EndedSubscription, Item, PubSub, ReaderOutcome, SubscribeError, mutex, task,
};
use pushdown_patterns::{Shutdown, thread};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::{NOTHING, SECOND, alive_tasks, lossless, publish, settle, short};

/// The items in the channel.
fn buffered(channel: &mut mpsc::Receiver<Item<Arc<u64>>>) -> Vec<i64> {
    std::iter::from_fn(|| channel.try_recv().ok().map(short)).collect()
}

shapes! {
    async fn an_item_on_its_way_to_a_full_channel_is_undelivered_at_the_deadline<S>(server: S) {
        let (sender, mut receiver) = mpsc::channel(1);
        let id = server.subscribe_channel(sender, lossless()).await.unwrap();
        publish(&server, 1..=2).await;
        settle().await;
        let report = server.shutdown(Shutdown::Drain { timeout: SECOND }).await;
        assert_eq!(report.ended, [EndedSubscription { id, outcome: ReaderOutcome::Aborted, undelivered: 1 }]);
        settle().await;
        assert_eq!(buffered(&mut receiver), [1]);
    }

    async fn an_item_on_its_way_to_a_channel_that_closes_during_the_drain_is_undelivered<S>(server: S) {
        let (sender, receiver) = mpsc::channel(1);
        let id = server.subscribe_channel(sender, lossless()).await.unwrap();
        publish(&server, 1..=2).await;
        settle().await;
        let draining = tokio::spawn({
            let server = server.clone();
            async move { server.shutdown(Shutdown::Drain { timeout: SECOND }).await }
        });
        settle().await;
        drop(receiver);
        let ended = draining.await.unwrap().ended;
        assert_eq!(ended, [EndedSubscription { id, outcome: ReaderOutcome::Dropped, undelivered: 1 }]);
    }

    async fn nothing_is_sent_into_a_channel_after_an_abort_has_returned<S>(server: S) {
        let (sender, mut receiver) = mpsc::channel(1);
        server.subscribe_channel(sender, lossless()).await.unwrap();
        publish(&server, 1..=3).await;
        settle().await;
        server.shutdown(Shutdown::Abort).await;
        assert_eq!(buffered(&mut receiver), [1], "receiving makes room");
        settle().await;
        assert_eq!(buffered(&mut receiver), NOTHING);
        assert!(receiver.recv().await.is_none());
    }

    async fn a_channel_cannot_be_subscribed_again_before_its_last_item_has_arrived<S>(server: S) {
        let (sender, mut receiver) = mpsc::channel(1);
        let id = server.subscribe_channel(sender.clone(), lossless()).await.unwrap();
        publish(&server, 1..=5).await;
        server.cancel_channel(sender.clone()).await.unwrap();
        let mut received = Vec::new();
        while received.len() < 4 {
            settle().await;
            let again = server.subscribe_channel(sender.clone(), lossless()).await;
            assert_eq!(again, Err(SubscribeError::Twice(id)), "after {received:?}");
            received.extend(buffered(&mut receiver));
        }
        settle().await;
        server.subscribe_channel(sender.clone(), lossless()).await.unwrap();
        publish(&server, 6..=10).await;
        server.cancel_channel(sender.clone()).await.unwrap();
        drop(sender);
        while let Some(item) = receiver.recv().await {
            received.push(short(item));
        }
        assert!(received.iter().copied().eq(1..=10), "{received:?}");
    }

    async fn a_forwarder_to_a_full_channel_ends_with_an_abort<S>(server: S) {
        let (sender, mut receiver) = mpsc::channel(1);
        server.subscribe_channel(sender, lossless()).await.unwrap();
        publish(&server, 1..=3).await;
        settle().await;
        assert_ne!(alive_tasks(), 0);
        drop(server);
        settle().await;
        assert_eq!(alive_tasks(), 0, "the forwarder does not wait for the reader");
        assert_eq!(buffered(&mut receiver), [1]);
    }
}

/// A payload of which the fifth panics when it is dropped.
struct Fragile(u64);

impl Drop for Fragile {
    fn drop(&mut self) {
        assert_ne!(self.0, 5, "a payload's own panic");
    }
}

/// The channel is read only once everything is published, so the forwarder is the last owner of the
/// payload.
async fn a_task_that_survives_a_payload<S: PubSub<Fragile>>(server: S) {
    let (sender, mut receiver) = mpsc::channel(1);
    server.subscribe_channel(sender.clone(), lossless()).await.unwrap();
    for event in 1..=100 {
        server.publish(Fragile(event)).await.unwrap();
    }
    let mut received = Vec::new();
    while received.len() < 100 {
        received.push(short(receiver.recv().await.unwrap()));
    }
    assert!(received.into_iter().eq(1..=100));
    server.publish(Fragile(101)).await.unwrap();
    server.cancel_channel(sender).await.unwrap();
    assert_eq!(receiver.recv().await.map(short), Some(101));
    assert!(receiver.recv().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_task_that_fills_a_channel_survives_a_payload_that_panics() {
    timeout(SECOND, a_task_that_survives_a_payload(mutex::Server::new())).await.unwrap();
    timeout(SECOND, a_task_that_survives_a_payload(task::Server::spawn())).await.unwrap();
}

#[test]
fn a_thread_that_fills_a_channel_survives_a_payload_that_panics() {
    let server = mutex::Server::<Fragile>::new();
    let (sender, receiver) = thread::channel(NonZeroUsize::MIN);
    server.subscribe_channel(sender.clone(), lossless()).unwrap();
    for event in 1..=100 {
        server.blocking_publish(Fragile(event)).unwrap();
    }
    server.cancel_channel(sender).unwrap();
    assert!(receiver.iter().map(short).eq(1..=100));
}
