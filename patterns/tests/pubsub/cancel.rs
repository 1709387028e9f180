//! Cancelling and leaving a subscription.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::mpsc;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use futures_core::Stream;

use pushdown_patterns::pubsub::{
    CancelError, EndReason, Policy, Subscription, TryRecvError, mutex,
};

use crate::{HANG, lossless, poll_once, publish, ready, rest, settle, waits};

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

/// Subscribers that leave one server. If leaving took time in proportion to the number of those that
/// stay, all of them would take minutes, instead of a second.
const LEAVING: usize = 200_000;

/// Lets all subscribers of a server leave.
fn leave_all(leave: fn(&mutex::Server<u64>, Vec<Subscription<u64>>)) {
    let (done, finished) = mpsc::channel();
    let leaving = thread::spawn(move || {
        let server = mutex::Server::new();
        let one = |_| server.subscribe(Policy::drop_newest(1)).unwrap();
        let subscriptions: Vec<_> = (0..LEAVING).map(one).collect();
        assert_eq!(server.subscribers(), LEAVING);
        leave(&server, subscriptions);
        done.send(server.subscribers()).unwrap();
    });
    assert_eq!(finished.recv_timeout(HANG), Ok(0), "the time to leave grows with the subscribers");
    leaving.join().unwrap();
}

#[test]
fn dropping_a_subscription_takes_no_longer_among_many_subscribers() {
    leave_all(|_, subscriptions| drop(subscriptions));
}

#[test]
fn cancelling_a_subscription_takes_no_longer_among_many_subscribers() {
    leave_all(|server, subscriptions| {
        for subscription in &subscriptions {
            server.cancel(subscription.id()).unwrap();
        }
    });
}
