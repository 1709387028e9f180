//! Ending a subscription.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::{Duration, Instant};

use futures_core::Stream;

use pushdown_patterns::Effect;
use pushdown_patterns::pubsub::{CancelError, End, Policy, Subscription, mutex};
use pushdown_patterns::thread::TryRecvError;

use crate::{lossless, poll_once, publish, ready, rest, settle, waits};

shapes! {
    async fn a_stream_ends_after_what_was_published_before_the_cancel<S>(server: S) {
        let mut subscription = server.subscribe(lossless()).await.unwrap();
        publish(&server, 1..=40).await;
        server.cancel(subscription.id()).await.unwrap();
        publish(&server, 41..=80).await;
        assert_eq!(subscription.end(), Some(End::Cancelled));
        assert!(rest(&mut subscription).await.into_iter().eq(1..=40));
        assert!(subscription.recv().await.is_none(), "an end stays an end");
    }

    async fn a_reader_that_waits_learns_of_the_end<S>(server: S) {
        let mut subscription = server.subscribe(lossless()).await.unwrap();
        let id = subscription.id();
        let reader = tokio::spawn(async move { subscription.recv().await.is_none() });
        settle().await;
        server.cancel(id).await.unwrap();
        assert!(reader.await.unwrap());
    }

    async fn cancelling_twice_or_a_stranger_is_an_error<S>(server: S) {
        let subscription = server.subscribe(lossless()).await.unwrap();
        let id = subscription.id();
        server.cancel(id).await.unwrap();
        let error = server.cancel(id).await.unwrap_err();
        assert_eq!((error, error.effect()), (CancelError::NotSubscribed, Effect::DidNotHappen));
        let gone = server.subscribe(lossless()).await.unwrap().id();
        assert_eq!(server.cancel(gone).await, Err(CancelError::NotSubscribed));
    }

    async fn what_is_subscribed_to_one_server_is_unknown_to_another<S>(server: S) {
        let other = mutex::Server::<u64>::new();
        let (own, stranger) =
            (server.subscribe(lossless()).await.unwrap(), other.subscribe(lossless()).unwrap());
        assert_eq!(server.cancel(stranger.id()).await, Err(CancelError::NotSubscribed));
        assert_eq!(other.cancel(own.id()), Err(CancelError::NotSubscribed));
        assert_eq!((own.end(), stranger.end()), (None, None));
    }

    async fn an_end_stays_an_end_however_often_it_is_asked_for<S>(server: S) {
        let mut subscription = server.subscribe(lossless()).await.unwrap();
        server.cancel(subscription.id()).await.unwrap();
        for _ in 0..300 {
            assert!(matches!(poll_once(pin!(subscription.recv())), Poll::Ready(None)));
            let mut next = pin!(poll_fn(|cx| Pin::new(&mut subscription).poll_next(cx)));
            assert!(matches!(poll_once(next.as_mut()), Poll::Ready(None)));
        }
        assert_eq!(subscription.try_recv(), Err(TryRecvError::Closed));
    }

    async fn cancelling_does_not_wait_for_the_reader<S>(server: S) {
        let subscription = server.subscribe(Policy::block(1, Duration::MAX)).await.unwrap();
        publish(&server, [1]).await;
        server.cancel(subscription.id()).await.unwrap();
        publish(&server, [2]).await;
    }

    async fn cancelling_lets_a_publisher_go_on_that_waits_for_this_subscriber<S>(server: S) {
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

    async fn dropping_a_subscription_lets_a_publisher_go_on_that_waits_for_it<S>(server: S) {
        let stuck = server.subscribe(Policy::block(1, Duration::MAX)).await.unwrap();
        publish(&server, [1]).await;
        let mut second = Box::pin(server.publish(2));
        assert!(waits(&mut second).await);
        drop(stuck);
        assert_eq!(second.await.unwrap(), 2);
    }

    async fn a_cancel_leaves_the_numbers_of_the_others_alone<S>(server: S) {
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

/// How long it takes 20,000 to leave, who are subscribed to so many servers.
fn leaving(
    servers: usize,
    leave: fn(&mutex::Server<u64>, &mut Vec<Subscription<u64>>),
) -> Duration {
    let subscribed = |_| {
        let server = mutex::Server::new();
        let one = || server.subscribe(Policy::drop_newest(1)).unwrap();
        let subscriptions: Vec<_> = (0..20_000 / servers).map(|_| one()).collect();
        (server, subscriptions)
    };
    let mut all: Vec<_> = (0..servers).map(subscribed).collect();
    let start = Instant::now();
    for (server, subscriptions) in &mut all {
        leave(server, subscriptions);
    }
    let taken = start.elapsed();
    assert!(all.iter().all(|(server, _)| server.subscribers() == 0));
    taken
}

/// If to leave took time in proportion to the number of those who are there, one large server would
/// take ten times as long as ten small ones.
#[test]
fn to_leave_takes_about_the_same_among_many_as_among_few() {
    let check = |name, leave| {
        let rounds: Vec<_> = (0..5).map(|_| (leaving(10, leave), leaving(1, leave))).collect();
        let few = rounds.iter().map(|round| round.0).min().unwrap();
        let many = rounds.iter().map(|round| round.1).min().unwrap();
        println!("{name}: {few:?} among 2,000, {many:?} among 20,000");
        assert!(many <= 4 * few, "{name}: {few:?}, {many:?}");
    };
    check("dropping", |_, subscriptions| subscriptions.clear());
    check("cancelling", |server, subscriptions| {
        for subscription in subscriptions {
            server.cancel(subscription.id()).unwrap();
        }
    });
}
