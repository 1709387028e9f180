//! Channels of the caller.

use std::num::NonZeroUsize;
use std::time::Duration;

use pushdown_patterns::pubsub::{
    CancelError, EndReason, Item, Policy, ReaderOutcome, SubscribeError, mutex,
};
use pushdown_patterns::{Shutdown, thread};
use tokio::sync::mpsc;

use crate::{HANG, SECOND, alive_tasks, lossless, publish, settle, short};

async fn received(channel: &mut mpsc::Receiver<Item<std::sync::Arc<u64>>>) -> Vec<i64> {
    let mut items = Vec::new();
    while let Some(item) = channel.recv().await {
        items.push(short(item));
    }
    items
}

shapes! {
    async fn a_channel_receives_events_and_is_closed_by_the_cancel<S>(server: S) {
        let (sender, mut receiver) = mpsc::channel(1);
        let tasks = alive_tasks();
        server.subscribe_channel(sender.clone(), lossless()).await.unwrap();
        publish(&server, 1..=5).await;
        server.cancel_channel(sender.clone()).await.unwrap();
        publish(&server, [6]).await;
        drop(sender);
        assert_eq!(received(&mut receiver).await, [1, 2, 3, 4, 5]);
        settle().await;
        assert_eq!(alive_tasks(), tasks);
    }

    async fn subscribing_a_channel_twice_is_an_error<S>(server: S) {
        let (sender, _receiver) = mpsc::channel(1);
        let id = server.subscribe_channel(sender.clone(), lossless()).await.unwrap();
        let twice = server.subscribe_channel(sender.clone(), Policy::drop_oldest(1)).await;
        assert_eq!(twice, Err(SubscribeError::Twice(id)));
        let (other, _receiver) = mpsc::channel(1);
        server.subscribe_channel(other, lossless()).await.unwrap();
        server.cancel(id).await.unwrap();
        settle().await;
        server.subscribe_channel(sender, lossless()).await.unwrap();
    }

    async fn cancelling_a_channel_that_is_not_subscribed_is_an_error<S>(server: S) {
        let (sender, _receiver) = mpsc::channel(1);
        let unknown = server.cancel_channel(sender.clone()).await;
        assert_eq!(unknown, Err(CancelError::NotSubscribed));
        server.subscribe_channel(sender.clone(), lossless()).await.unwrap();
        server.cancel_channel(sender.clone()).await.unwrap();
        assert_eq!(server.cancel_channel(sender).await, Err(CancelError::NotSubscribed));
    }

    async fn closing_the_receiver_ends_the_subscription<S>(server: S) {
        let tasks = alive_tasks();
        for published in [false, true] {
            let (sender, receiver) = mpsc::channel(1);
            let id = server.subscribe_channel(sender, Policy::block(1, SECOND)).await.unwrap();
            if published {
                publish(&server, [1, 2, 3]).await;
            }
            settle().await;
            drop(receiver);
            settle().await;
            assert_eq!(server.cancel(id).await, Err(CancelError::NotSubscribed));
            publish(&server, 0..10).await;
        }
        assert_eq!(alive_tasks(), tasks);
    }

    async fn the_policy_applies_to_the_queue_in_front_of_the_channel<S>(server: S) {
        let (sender, mut receiver) = mpsc::channel(1);
        server.subscribe_channel(sender.clone(), Policy::drop_newest(2)).await.unwrap();
        for event in 1..=6 {
            publish(&server, [event]).await;
            settle().await;
        }
        server.cancel_channel(sender).await.unwrap();
        // One in the channel, one in the forwarder's hand, two in the queue.
        assert_eq!(received(&mut receiver).await, [1, 2, 3, 4, -2]);
    }

    async fn a_channel_whose_subscription_is_disconnected_ends_with_a_gap<S>(server: S) {
        let tasks = alive_tasks();
        let (sender, mut receiver) = mpsc::channel(1);
        let policy = Policy::disconnect(1, SECOND);
        let id = server.subscribe_channel(sender, policy).await.unwrap();
        for event in 1..=4 {
            publish(&server, [event]).await;
            settle().await;
        }
        tokio::time::advance(SECOND).await;
        publish(&server, [5]).await;
        settle().await;
        assert_eq!(server.end(id).await, Some(EndReason::TooSlow));
        // One in the channel, one in the forwarder's hand. The rest is missed, as it is for a handle.
        assert_eq!(received(&mut receiver).await, [1, 2, -3]);
        settle().await;
        assert_eq!(alive_tasks(), tasks);
        assert_eq!(server.end(id).await, Some(EndReason::TooSlow));
    }

    async fn a_forwarder_whose_subscription_is_disconnected_ends_with_its_receiver<S>(server: S) {
        let tasks = alive_tasks();
        let (sender, receiver) = mpsc::channel(1);
        server.subscribe_channel(sender, Policy::disconnect(1, Duration::ZERO)).await.unwrap();
        for event in 1..=5 {
            publish(&server, [event]).await;
            settle().await;
        }
        drop(receiver);
        settle().await;
        assert_eq!(alive_tasks(), tasks);
    }

    async fn the_server_says_how_a_subscription_has_ended<S>(server: S) {
        let (sender, mut receiver) = mpsc::channel(1);
        let id = server.subscribe_channel(sender.clone(), lossless()).await.unwrap();
        assert_eq!(server.end(id).await, None);
        publish(&server, [1]).await;
        server.cancel_channel(sender.clone()).await.unwrap();
        assert_eq!(server.end(id).await, Some(EndReason::Cancelled));
        drop(sender);
        assert_eq!(received(&mut receiver).await, [1]);
        settle().await;
        assert_eq!(server.end(id).await, Some(EndReason::Cancelled), "after the stream has ended");

        let (sender, receiver) = mpsc::channel(1);
        let id = server.subscribe_channel(sender, lossless()).await.unwrap();
        drop(receiver);
        settle().await;
        assert_eq!(server.end(id).await, Some(EndReason::Left));

        let aborted = server.subscribe(lossless()).await.unwrap();
        server.shutdown(Shutdown::Abort).await;
        assert_eq!(server.end(aborted.id()).await, Some(EndReason::Aborted));
        assert_eq!(server.end(id).await, Some(EndReason::Left));
        let other = mutex::Server::<u64>::new().subscribe(lossless()).unwrap();
        assert_eq!(server.end(other.id()).await, None, "of another server");
    }

    async fn a_drain_waits_for_channels_too<S>(server: S) {
        let (sender, mut receiver) = mpsc::channel(1);
        server.subscribe_channel(sender, lossless()).await.unwrap();
        publish(&server, 1..=5).await;
        let reader = tokio::spawn(async move { received(&mut receiver).await });
        let report = server.shutdown(Shutdown::Drain { timeout: SECOND }).await;
        assert_eq!(report.ended.len(), 1);
        assert_eq!((report.ended[0].outcome, report.ended[0].undelivered), (ReaderOutcome::Drained, 0));
        assert_eq!(reader.await.unwrap(), [1, 2, 3, 4, 5]);
    }
}

#[test]
fn a_thread_fills_a_channel_for_threads() {
    let server = mutex::Server::<u64>::new();
    let (sender, receiver) = thread::channel(NonZeroUsize::MIN);
    let id = server.subscribe_channel(sender.clone(), lossless()).unwrap();
    let twice = server.subscribe_channel(sender.clone(), lossless());
    assert_eq!(twice, Err(SubscribeError::Twice(id)));
    for event in 1..=5_u64 {
        server.blocking_publish(event).unwrap();
    }
    server.cancel_channel(sender).unwrap();
    let items: Vec<i64> = receiver.iter().map(short).collect();
    assert_eq!(items, [1, 2, 3, 4, 5], "and the channel is closed when the stream ends");
}

#[test]
fn a_thread_that_fills_a_channel_ends_when_the_receiver_is_closed() {
    for published in [false, true] {
        let server = mutex::Server::<u64>::new();
        let (sender, receiver) = thread::channel(NonZeroUsize::MIN);
        server.subscribe_channel(sender, lossless()).unwrap();
        if published {
            assert!((1..=3_u64).all(|event| server.blocking_publish(event).is_ok()));
        }
        drop(receiver);
        let start = std::time::Instant::now();
        while server.subscribers() > 0 {
            assert!(start.elapsed() < HANG, "the thread does not end; published: {published}");
            std::thread::yield_now();
        }
    }
}
