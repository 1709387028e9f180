//! A slow subscriber, and the others.

use std::num::NonZeroUsize;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use pushdown_patterns::pubsub::{
    EndReason, Limit, Measure, Policy, PubSub, PublishError, SubscribeError, Subscription, mutex,
    task,
};
use tokio::time::{Instant, advance};

use crate::{SECOND, lossless, publish, ready, rest, settle, waits};

fn bytes(limit: usize) -> Policy {
    Policy::Queue { items: Limit::Unbounded, bytes: at_most(limit) }
}

fn at_most(limit: usize) -> Limit {
    Limit::AtMost(NonZeroUsize::new(limit).unwrap())
}

shapes! {
    async fn block_keeps_a_publisher_waiting_until_there_is_room<S>(server: S) {
        let mut slow = server.subscribe(Policy::block(2, Duration::MAX)).await.unwrap();
        publish(&server, [1, 2]).await;
        let mut third = Box::pin(server.publish(3));
        assert!(waits(&mut third).await);
        assert_eq!(slow.recv().await.map(crate::short), Some(1));
        assert_eq!(third.await.unwrap(), 3);
        assert_eq!(ready(&mut slow), [2, 3]);
    }

    async fn a_publish_fails_at_the_limit_of_block_and_no_subscriber_receives_the_event<S>(server: S) {
        let mut healthy = server.subscribe(lossless()).await.unwrap();
        let mut stuck = server.subscribe(Policy::block(1, SECOND)).await.unwrap();
        publish(&server, [1]).await;
        let start = Instant::now();
        let error = server.publish(2).await.unwrap_err();
        assert_eq!(start.elapsed(), SECOND);
        let PublishError::TimedOut { event, subscriber } = error else { panic!("{error}") };
        assert_eq!((*event, subscriber), (2, stuck.id()));
        assert_eq!(ready(&mut stuck), [1]);
        publish(&server, [3]).await;
        assert_eq!(ready(&mut healthy), [1, 2], "the number of the failed event is used again");
        assert_eq!(ready(&mut stuck), [2]);
    }

    async fn the_limit_of_a_subscriber_without_room_counts<S>(server: S) {
        let _impatient = server.subscribe(Policy::block(9, SECOND)).await.unwrap();
        let stuck = server.subscribe(Policy::block(1, 3 * SECOND)).await.unwrap();
        let later = server.subscribe(Policy::block(1, 5 * SECOND)).await.unwrap();
        publish(&server, [1]).await;
        let start = Instant::now();
        let error = server.publish(2).await.unwrap_err();
        assert_eq!(start.elapsed(), 3 * SECOND);
        assert!(matches!(error, PublishError::TimedOut { subscriber, .. } if subscriber == stuck.id()));
        drop(later);
    }

    async fn the_limit_of_a_new_subscriber_with_room_does_not_count<S>(server: S) {
        let _stuck = server.subscribe(Policy::block(1, 100 * SECOND)).await.unwrap();
        publish(&server, [1]).await;
        let start = Instant::now();
        let waiting = tokio::spawn({
            let server = server.clone();
            async move { server.publish(2).await.unwrap_err() }
        });
        settle().await;
        let late = server.subscribe(Policy::block(1, SECOND)).await.unwrap();
        settle().await;
        advance(50 * SECOND).await;
        drop(late);
        waiting.await.unwrap();
        assert_eq!(start.elapsed(), 100 * SECOND, "the new subscriber had room, so its limit does not count");
    }

    async fn each_waiting_publisher_has_a_limit_of_its_own<S>(server: S) {
        let _stuck = server.subscribe(Policy::block(1, 10 * SECOND)).await.unwrap();
        publish(&server, [1]).await;
        let start = Instant::now();
        let mut failed = Vec::new();
        for event in 2..5 {
            let server = server.clone();
            failed.push(tokio::spawn(async move {
                server.publish(event).await.unwrap_err();
                start.elapsed()
            }));
            settle().await;
            advance(SECOND).await;
        }
        for (place, failed) in failed.into_iter().enumerate() {
            assert_eq!(failed.await.unwrap(), SECOND * (10 + u32::try_from(place).unwrap()));
        }
    }

    async fn drop_newest_misses_new_events_while_it_is_full<S>(server: S) {
        let mut slow = server.subscribe(Policy::drop_newest(2)).await.unwrap();
        publish(&server, 1..=5).await;
        assert_eq!(slow.recv().await.map(crate::short), Some(1));
        publish(&server, 6..=8).await;
        assert_eq!(ready(&mut slow), [2, -3, 6, -2]);
        publish(&server, [9]).await;
        assert_eq!(ready(&mut slow), [9]);
    }

    async fn drop_oldest_misses_the_events_that_waited_longest<S>(server: S) {
        let mut slow = server.subscribe(Policy::drop_oldest(2)).await.unwrap();
        publish(&server, 1..=5).await;
        assert_eq!(slow.recv().await.map(crate::short), Some(-3));
        assert_eq!(slow.recv().await.map(crate::short), Some(4));
        publish(&server, 6..=8).await;
        assert_eq!(ready(&mut slow), [-2, 7, 8]);
    }

    async fn events_that_drop_oldest_missed_are_counted_at_the_end<S>(server: S) {
        let mut slow = server.subscribe(Policy::drop_oldest(3)).await.unwrap();
        publish(&server, 1..=100).await;
        server.cancel(slow.id()).await.unwrap();
        publish(&server, 101..=200).await;
        assert_eq!(rest(&mut slow).await, [-97, 98, 99, 100]);
    }

    async fn a_queue_loses_nothing_up_to_its_limit_and_is_disconnected_beyond<S>(server: S) {
        let policy = Policy::Queue { items: at_most(3), bytes: Limit::Unbounded };
        let mut slow = server.subscribe(policy).await.unwrap();
        publish(&server, 1..=3).await;
        assert_eq!(slow.recv().await.map(crate::short), Some(1));
        publish(&server, [4]).await;
        assert_eq!(slow.end_reason(), None);
        publish(&server, [5]).await;
        assert_eq!(slow.end_reason(), Some(EndReason::TooSlow));
        assert_eq!(rest(&mut slow).await, [-4], "unread events are lost, and counted");
        assert!(server.cancel(slow.id()).await.is_err());
    }

    async fn a_limit_of_bytes_is_refused_without_a_measure<S>(server: S) {
        let refused = server.subscribe(bytes(usize::MAX)).await;
        assert!(matches!(refused, Err(SubscribeError::Unmeasured)));
        let (channel, _receiver) = tokio::sync::mpsc::channel(1);
        let refused = server.subscribe_channel(channel, bytes(usize::MAX)).await;
        assert_eq!(refused, Err(SubscribeError::Unmeasured));
        assert_eq!(server.subscribers().await, 0);
    }

    async fn a_queue_without_limits_takes_everything<S>(server: S) {
        let policy = Policy::Queue { items: Limit::Unbounded, bytes: Limit::Unbounded };
        let mut slow = server.subscribe(policy).await.unwrap();
        publish(&server, 0..10_000).await;
        assert!(ready(&mut slow).into_iter().eq(1..=10_000));
    }

    async fn a_subscriber_that_stays_full_is_disconnected_after_its_grace<S>(server: S) {
        let mut slow = server.subscribe(Policy::disconnect(2, SECOND)).await.unwrap();
        publish(&server, 1..=3).await;
        advance(SECOND - Duration::from_millis(1)).await;
        publish(&server, [4]).await;
        assert_eq!(slow.end_reason(), None);
        advance(Duration::from_millis(1)).await;
        publish(&server, [5]).await;
        assert_eq!(slow.end_reason(), Some(EndReason::TooSlow));
        assert_eq!(rest(&mut slow).await, [-5]);
    }

    async fn a_subscriber_that_reads_within_its_grace_is_not_disconnected<S>(server: S) {
        let mut slow = server.subscribe(Policy::disconnect(2, SECOND)).await.unwrap();
        let mut expected = 0;
        for _ in 0..10 {
            publish(&server, 1..=3).await;
            advance(SECOND - Duration::from_millis(1)).await;
            let read = ready(&mut slow);
            assert_eq!(read, [expected + 1, expected + 2, -1]);
            expected += 3;
        }
        assert_eq!(slow.end_reason(), None);
    }

    async fn slow_subscribers_without_block_do_not_delay_the_others<S>(server: S) {
        let limits = Policy::Queue { items: at_most(1), bytes: Limit::Unbounded };
        let mut healthy = server.subscribe(lossless()).await.unwrap();
        let mut stuck = Vec::new();
        for policy in [
            Policy::drop_newest(1),
            Policy::drop_oldest(1),
            Policy::disconnect(1, SECOND),
            limits,
        ] {
            stuck.push(server.subscribe(policy).await.unwrap());
        }
        let start = Instant::now();
        publish(&server, 0..500).await;
        assert!(ready(&mut healthy).into_iter().eq(1..=500));
        advance(2 * SECOND).await;
        publish(&server, [0]).await;
        assert_eq!(ready(&mut healthy), [501]);
        assert_eq!(start.elapsed(), 2 * SECOND, "no publisher has waited");
        let ends: Vec<_> = stuck.iter().map(Subscription::end_reason).collect();
        assert_eq!(ends, [None, None, Some(EndReason::TooSlow), Some(EndReason::TooSlow)]);
    }
}

async fn a_limit_of_bytes<S: PubSub<u64>>(server: S) {
    let mut small = server.subscribe(bytes(31)).await.unwrap();
    let mut large = server.subscribe(bytes(32)).await.unwrap();
    publish(&server, 1..=4).await;
    assert_eq!(small.end_reason(), Some(EndReason::TooSlow), "an event counts 8 bytes");
    assert_eq!(large.end_reason(), None);
    assert_eq!(rest(&mut small).await, [-4]);
    assert_eq!(large.recv().await.map(crate::short), Some(1));
    publish(&server, [5]).await;
    assert_eq!(ready(&mut large), [2, 3, 4, 5]);
}

#[tokio::test]
async fn a_queue_has_a_limit_of_bytes() {
    a_limit_of_bytes(mutex::Server::new().with_sizes(|_| 8)).await;
    a_limit_of_bytes(task::Server::spawn().with_sizes(|_| 8)).await;
}

/// `size_of` would count 24 bytes for each of these.
#[tokio::test]
async fn an_event_that_owns_bytes_counts_all_of_them() {
    async fn check<E, S>(server: S, event: impl Fn(usize) -> E)
    where
        E: Measure + Send + Sync + 'static,
        S: PubSub<E>,
    {
        let slow = server.subscribe(bytes(8 << 20)).await.unwrap();
        server.publish(event(8 << 20)).await.unwrap();
        assert_eq!(slow.end_reason(), None);
        server.publish(event(1)).await.unwrap();
        assert_eq!(slow.end_reason(), Some(EndReason::TooSlow));
    }
    let text = |count| "x".repeat(count);
    check(mutex::Server::new().measured(), |count| vec![0_u8; count]).await;
    check(task::Server::spawn().measured(), |count| vec![0_u8; count].into_boxed_slice()).await;
    check(mutex::Server::new().measured(), text).await;
    check(task::Server::spawn().measured(), |count| text(count).into_boxed_str()).await;
    check(mutex::Server::new().measured(), |count| std::sync::Arc::new(text(count))).await;
    #[cfg(feature = "bytes")]
    check(task::Server::spawn().measured(), |count| bytes::Bytes::from(vec![0; count])).await;
    assert_eq!((str::measure("four"), <[u8]>::measure(b"six..."), (&"four").measure()), (4, 6, 4));
}

/// The measure is the server's: a handle made before counts by it too.
#[tokio::test]
async fn all_handles_measure_alike() {
    let early = mutex::Server::<str>::new();
    let server = early.clone().measured();
    let slow = server.subscribe(bytes(3)).unwrap();
    early.publish("four").await.unwrap();
    assert_eq!(slow.end_reason(), Some(EndReason::TooSlow));
    assert!(std::panic::catch_unwind(AssertUnwindSafe(|| early.with_sizes(|_| 1))).is_err());
}

#[tokio::test]
async fn the_caller_chooses_how_events_are_measured() {
    let policy = bytes(10);
    let mutex = mutex::Server::<str>::new().with_sizes(str::len);
    let task = task::Server::<str>::spawn().with_sizes(str::len);
    let (mut a, mut b) = (mutex.subscribe(policy).unwrap(), task.subscribe(policy).await.unwrap());
    for (text, end) in [("12345", None), ("67890", None), ("1", Some(EndReason::TooSlow))] {
        mutex.publish(text).await.unwrap();
        task.publish(text).await.unwrap();
        assert_eq!((a.end_reason(), b.end_reason()), (end, end), "{text}");
    }
    assert!(a.try_recv().is_ok() && b.try_recv().is_ok());
}

#[test]
fn a_capacity_of_zero_is_refused() {
    let constructors: [fn(usize) -> Policy; 4] = [
        |capacity| Policy::block(capacity, SECOND),
        Policy::drop_newest,
        Policy::drop_oldest,
        |capacity| Policy::disconnect(capacity, SECOND),
    ];
    for policy in constructors {
        policy(1);
        assert!(std::panic::catch_unwind(|| policy(0)).is_err());
    }
}

/// Two publishers wait. Room for one is made, and its event fills the queue of the new subscriber, which
/// has no room for the other.
async fn a_new_subscriber_becomes_full<S: PubSub<u64>>(server: S) {
    let mut stuck = server.subscribe(Policy::block(1, 100 * SECOND)).await.unwrap();
    publish(&server, [1]).await;
    let start = Instant::now();
    let [second, third] = [2, 3].map(|event| {
        let server = server.clone();
        tokio::spawn(async move { server.publish(event).await })
    });
    settle().await;
    let late = server.subscribe(Policy::block(1, SECOND)).await.unwrap();
    settle().await;
    advance(5 * SECOND).await;
    settle().await;
    assert_eq!(stuck.try_recv().map(crate::short), Ok(1));
    assert_eq!(second.await.unwrap().unwrap(), 2);
    let error = third.await.unwrap().unwrap_err();
    assert_eq!(
        start.elapsed(),
        5 * SECOND,
        "the publisher has waited for longer than the new limit"
    );
    let PublishError::TimedOut { subscriber, .. } = error else { panic!("{error}") };
    assert_eq!(subscriber, late.id());
}

#[tokio::test(start_paused = true)]
async fn the_limit_of_a_new_subscriber_counts_once_it_is_full_in_the_task() {
    a_new_subscriber_becomes_full(task::Server::spawn()).await;
}

#[tokio::test(start_paused = true)]
async fn the_limit_of_a_new_subscriber_counts_once_it_is_full_in_the_line() {
    a_new_subscriber_becomes_full(mutex::Server::new()).await;
}
