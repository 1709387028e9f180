//! Cancelling and leaving a subscription.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use futures_core::Stream;

use pushdown_patterns::pubsub::proto::{Deferred, Queue, Registry};
use pushdown_patterns::pubsub::{CancelError, EndReason, Policy, TryRecvError, mutex};

use crate::{lossless, poll_once, publish, ready, rest, settle, waits};

shapes! {
    async fn a_cancelled_stream_ends_after_the_events_published_before<S>(server: S) {
        let mut subscription = server.subscribe(lossless()).await.unwrap();
        publish(&server, 1..=40).await;
        server.cancel(subscription.id()).await.unwrap();
        publish(&server, 41..=80).await;
        assert_eq!(subscription.end_reason(), Some(EndReason::Cancelled));
        assert!(rest(&mut subscription).await.into_iter().eq(1..=40));
        assert!(subscription.recv().await.is_none(), "the stream stays ended");
    }

    async fn a_waiting_reader_is_woken_by_the_end<S>(server: S) {
        let mut subscription = server.subscribe(lossless()).await.unwrap();
        let id = subscription.id();
        let reader = tokio::spawn(async move { subscription.recv().await.is_none() });
        settle().await;
        server.cancel(id).await.unwrap();
        assert!(reader.await.unwrap());
    }

    async fn cancelling_twice_or_an_unknown_subscription_is_an_error<S>(server: S) {
        let subscription = server.subscribe(lossless()).await.unwrap();
        let id = subscription.id();
        server.cancel(id).await.unwrap();
        assert_eq!(server.cancel(id).await, Err(CancelError::NotSubscribed));
        let dropped = server.subscribe(lossless()).await.unwrap().id();
        assert_eq!(server.cancel(dropped).await, Err(CancelError::NotSubscribed));
    }

    async fn a_subscription_to_one_server_is_unknown_to_another<S>(server: S) {
        let other = mutex::Server::<u64>::new();
        let (own, stranger) =
            (server.subscribe(lossless()).await.unwrap(), other.subscribe(lossless()).unwrap());
        assert_eq!(server.cancel(stranger.id()).await, Err(CancelError::NotSubscribed));
        assert_eq!(other.cancel(own.id()), Err(CancelError::NotSubscribed));
        assert_eq!((own.end_reason(), stranger.end_reason()), (None, None));
    }

    async fn a_stream_that_has_ended_stays_ended<S>(server: S) {
        let mut subscription = server.subscribe(lossless()).await.unwrap();
        server.cancel(subscription.id()).await.unwrap();
        for _ in 0..300 {
            assert!(matches!(poll_once(pin!(subscription.recv())), Poll::Ready(None)));
            let mut next = pin!(poll_fn(|cx| Pin::new(&mut subscription).poll_next(cx)));
            assert!(matches!(poll_once(next.as_mut()), Poll::Ready(None)));
        }
        assert_eq!(subscription.try_recv(), Err(TryRecvError::Ended));
    }

    async fn cancelling_does_not_wait_for_the_reader<S>(server: S) {
        let subscription = server.subscribe(Policy::block(1, Duration::MAX)).await.unwrap();
        publish(&server, [1]).await;
        server.cancel(subscription.id()).await.unwrap();
        publish(&server, [2]).await;
    }

    async fn cancelling_releases_a_publisher_that_waits_for_the_subscriber<S>(server: S) {
        let mut stuck = server.subscribe(Policy::block(1, Duration::MAX)).await.unwrap();
        let mut other = server.subscribe(lossless()).await.unwrap();
        publish(&server, [1]).await;
        let mut second = Box::pin(server.publish(2));
        assert!(waits(&mut second).await);
        server.cancel(stuck.id()).await.unwrap();
        assert_eq!(second.await.unwrap(), 2);
        assert_eq!(rest(&mut stuck).await, [1]);
        assert_eq!(ready(&mut other), [1, 2]);
    }

    async fn dropping_a_subscription_releases_a_publisher_that_waits_for_it<S>(server: S) {
        let stuck = server.subscribe(Policy::block(1, Duration::MAX)).await.unwrap();
        publish(&server, [1]).await;
        let mut second = Box::pin(server.publish(2));
        assert!(waits(&mut second).await);
        drop(stuck);
        assert_eq!(second.await.unwrap(), 2);
    }

    async fn a_cancel_does_not_change_the_numbers_of_events<S>(server: S) {
        let first = server.subscribe(lossless()).await.unwrap();
        let mut second = server.subscribe(lossless()).await.unwrap();
        let third = server.subscribe(lossless()).await.unwrap();
        publish(&server, [1]).await;
        server.cancel(first.id()).await.unwrap();
        publish(&server, [2]).await;
        drop(third);
        publish(&server, [3]).await;
        assert_eq!(ready(&mut second), [1, 2, 3]);
    }
}

/// Removing an entry at once would move all that follow, so that leaving would take time in proportion to
/// the number of subscribers. Entries are removed only when half of them are vacant: all removals together
/// visit each subscriber at most twice.
#[test]
fn leaving_takes_no_longer_among_many_subscribers() {
    const SUBSCRIBERS: usize = 1 << 14;
    for cancelled in [false, true] {
        let mut registry = Registry::new();
        let queue = || Rc::new(RefCell::new(Queue::<u64>::new(Policy::drop_newest(1))));
        let ids: Vec<_> = (0..SUBSCRIBERS).map(|_| registry.subscribe(queue())).collect();
        assert!(!registry.is_empty());
        let mut visited = 0;
        for id in ids {
            let mut deferred = Deferred::default();
            let entries = registry.entries();
            if cancelled {
                assert!(registry.cancel(id, &mut deferred).is_some());
            } else {
                assert!(registry.handle_reader_left(id, &mut deferred));
            }
            if registry.entries() != entries {
                visited += entries;
            }
            assert!(registry.entries() <= 2 * registry.len());
        }
        println!("{visited} visits of {SUBSCRIBERS} subscribers, cancelled: {cancelled}");
        assert!(registry.is_empty());
        assert!((SUBSCRIBERS..=2 * SUBSCRIBERS).contains(&visited), "{visited}");
    }
}
