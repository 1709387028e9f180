//! Channels of the user's own.

use std::num::NonZeroUsize;
use std::time::Duration;

use pushdown_patterns::pubsub::{CancelError, How, Item, Policy, SubscribeError, mutex};
use pushdown_patterns::{Shutdown, thread};
use tokio::sync::mpsc;

use crate::{SECOND, alive_tasks, lossless, publish, settle, short};

async fn received(channel: &mut mpsc::Receiver<Item<std::sync::Arc<u64>>>) -> Vec<i64> {
    let mut items = Vec::new();
    while let Some(item) = channel.recv().await {
        items.push(short(item));
    }
    items
}

shapes! {
    async fn a_channel_receives_what_is_published_and_is_closed_by_the_cancel<S>(server: S) {
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
        let stranger = server.cancel_channel(sender.clone()).await;
        assert_eq!(stranger, Err(CancelError::NotSubscribed));
        server.subscribe_channel(sender.clone(), lossless()).await.unwrap();
        server.cancel_channel(sender.clone()).await.unwrap();
        assert_eq!(server.cancel_channel(sender).await, Err(CancelError::NotSubscribed));
    }

    async fn a_channel_closed_at_its_other_end_ends_the_subscription<S>(server: S) {
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

    async fn the_policy_acts_in_front_of_the_channel<S>(server: S) {
        let (sender, mut receiver) = mpsc::channel(1);
        server.subscribe_channel(sender.clone(), Policy::drop_newest(2)).await.unwrap();
        for event in 1..=6 {
            publish(&server, [event]).await;
            settle().await;
        }
        server.cancel_channel(sender).await.unwrap();
        // One in the channel, one in the hand of the forwarder, two in the queue.
        assert_eq!(received(&mut receiver).await, [1, 2, 3, 4, -2]);
    }

    async fn a_stuck_channel_is_let_go_when_its_subscription_is_disconnected<S>(server: S) {
        let tasks = alive_tasks();
        let (sender, mut receiver) = mpsc::channel(1);
        let policy = Policy::disconnect(1, SECOND);
        server.subscribe_channel(sender, policy).await.unwrap();
        for event in 1..=4 {
            publish(&server, [event]).await;
            settle().await;
        }
        tokio::time::advance(SECOND).await;
        publish(&server, [5]).await;
        settle().await;
        assert_eq!(alive_tasks(), tasks, "the forwarder does not wait for the reader");
        assert_eq!(received(&mut receiver).await, [1]);
    }

    async fn draining_waits_for_channels_too<S>(server: S) {
        let (sender, mut receiver) = mpsc::channel(1);
        server.subscribe_channel(sender, lossless()).await.unwrap();
        publish(&server, 1..=5).await;
        let reader = tokio::spawn(async move { received(&mut receiver).await });
        let report = server.shutdown(Shutdown::Drain { timeout: SECOND }).await;
        assert_eq!(report.ended.len(), 1);
        assert_eq!((report.ended[0].how, report.ended[0].undelivered), (How::Drained, 0));
        assert_eq!(reader.await.unwrap(), [1, 2, 3, 4, 5]);
    }
}

#[test]
fn a_channel_of_threads_is_filled_by_a_thread() {
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
    assert_eq!(items, [1, 2, 3, 4, 5], "and is closed when the stream ends");
}

#[test]
fn a_thread_that_fills_a_channel_ends_when_the_channel_is_closed() {
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
            assert!(start.elapsed() < Duration::from_secs(20), "{published}");
            std::thread::yield_now();
        }
    }
}
