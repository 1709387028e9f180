//! What happens to a slow subscriber, and to the others.

use std::num::NonZeroUsize;
use std::time::Duration;

use pushdown_patterns::Effect;
use pushdown_patterns::pubsub::{
    End, Limit, Policy, PubSub, PublishError, Subscription, mutex, task,
};
use tokio::time::{Instant, advance};

use crate::{SECOND, lossless, publish, ready, rest, settle, waits};

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

    async fn block_has_a_limit_and_then_nobody_receives_the_event<S>(server: S) {
        let mut healthy = server.subscribe(lossless()).await.unwrap();
        let mut stuck = server.subscribe(Policy::block(1, SECOND)).await.unwrap();
        publish(&server, [1]).await;
        let start = Instant::now();
        let error = server.publish(2).await.unwrap_err();
        assert_eq!(start.elapsed(), SECOND);
        assert_eq!(error.effect(), Effect::DidNotHappen);
        let PublishError::TimedOut { event, subscriber } = error else { panic!("{error}") };
        assert_eq!((*event, subscriber), (2, stuck.id()));
        assert_eq!(ready(&mut stuck), [1]);
        publish(&server, [3]).await;
        assert_eq!(ready(&mut healthy), [1, 2], "the number of the failed event is used again");
        assert_eq!(ready(&mut stuck), [2]);
    }

    async fn the_limit_that_counts_is_that_of_a_subscriber_without_room<S>(server: S) {
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

    async fn the_limit_of_a_newcomer_with_room_counts_for_nobody<S>(server: S) {
        let _stuck = server.subscribe(Policy::block(1, 100 * SECOND)).await.unwrap();
        publish(&server, [1]).await;
        let start = Instant::now();
        let waiting = tokio::spawn({
            let server = server.clone();
            async move { server.publish(2).await.unwrap_err() }
        });
        settle().await;
        let newcomer = server.subscribe(Policy::block(1, SECOND)).await.unwrap();
        settle().await;
        advance(50 * SECOND).await;
        drop(newcomer);
        waiting.await.unwrap();
        assert_eq!(start.elapsed(), 100 * SECOND, "the newcomer had room, so its limit is nobody's");
    }

    async fn all_who_wait_have_limits_of_their_own<S>(server: S) {
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

    async fn drop_newest_misses_what_comes_when_it_is_full<S>(server: S) {
        let mut slow = server.subscribe(Policy::drop_newest(2)).await.unwrap();
        publish(&server, 1..=5).await;
        assert_eq!(slow.recv().await.map(crate::short), Some(1));
        publish(&server, 6..=8).await;
        assert_eq!(ready(&mut slow), [2, -3, 6, -2]);
        publish(&server, [9]).await;
        assert_eq!(ready(&mut slow), [9]);
    }

    async fn drop_oldest_misses_what_has_waited_longest<S>(server: S) {
        let mut slow = server.subscribe(Policy::drop_oldest(2)).await.unwrap();
        publish(&server, 1..=5).await;
        assert_eq!(slow.recv().await.map(crate::short), Some(-3));
        assert_eq!(slow.recv().await.map(crate::short), Some(4));
        publish(&server, 6..=8).await;
        assert_eq!(ready(&mut slow), [-2, 7, 8]);
    }

    async fn what_drop_oldest_has_missed_is_counted_when_it_ends<S>(server: S) {
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
        assert_eq!(slow.end(), None);
        publish(&server, [5]).await;
        assert_eq!(slow.end(), Some(End::TooSlow));
        assert_eq!(rest(&mut slow).await, [-4], "what it had not read is lost, and counted");
        assert!(server.cancel(slow.id()).await.is_err());
    }

    async fn a_queue_has_a_limit_of_bytes<S>(server: S) {
        let bytes = |limit| Policy::Queue { items: Limit::Unbounded, bytes: at_most(limit) };
        let mut small = server.subscribe(bytes(31)).await.unwrap();
        let mut large = server.subscribe(bytes(32)).await.unwrap();
        publish(&server, 1..=4).await;
        assert_eq!(small.end(), Some(End::TooSlow), "an event counts 8 bytes");
        assert_eq!(large.end(), None);
        assert_eq!(rest(&mut small).await, [-4]);
        assert_eq!(large.recv().await.map(crate::short), Some(1));
        publish(&server, [5]).await;
        assert_eq!(ready(&mut large), [2, 3, 4, 5]);
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
        assert_eq!(slow.end(), None);
        advance(Duration::from_millis(1)).await;
        publish(&server, [5]).await;
        assert_eq!(slow.end(), Some(End::TooSlow));
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
        assert_eq!(slow.end(), None);
    }

    async fn slow_subscribers_that_need_not_be_waited_for_keep_nothing_from_the_others<S>(server: S) {
        let limits = Policy::Queue { items: at_most(1), bytes: at_most(1) };
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
        assert_eq!(start.elapsed(), 2 * SECOND, "nobody has waited");
        let ends: Vec<_> = stuck.iter().map(Subscription::end).collect();
        assert_eq!(ends, [None, None, Some(End::TooSlow), Some(End::TooSlow)]);
    }
}

#[tokio::test]
async fn what_an_event_counts_in_bytes_is_the_callers_choice() {
    let policy = Policy::Queue { items: Limit::Unbounded, bytes: at_most(10) };
    let mutex = mutex::Server::<str>::with_sizes(str::len);
    let task = task::Server::<str>::with_sizes(str::len);
    let (mut a, mut b) = (mutex.subscribe(policy).unwrap(), task.subscribe(policy).await.unwrap());
    for (text, end) in [("12345", None), ("67890", None), ("1", Some(End::TooSlow))] {
        mutex.publish(text).await.unwrap();
        task.publish(text).await.unwrap();
        assert_eq!((a.end(), b.end()), (end, end), "{text}");
    }
    assert!(a.try_recv().is_ok() && b.try_recv().is_ok());
}

#[test]
fn capacities_of_nothing_are_refused() {
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

/// Two wait; room for one is made; and so the newcomer has none for the other.
async fn a_newcomer_becomes_full<S: PubSub<u64>>(server: S) {
    let mut stuck = server.subscribe(Policy::block(1, 100 * SECOND)).await.unwrap();
    publish(&server, [1]).await;
    let start = Instant::now();
    let [second, third] = [2, 3].map(|event| {
        let server = server.clone();
        tokio::spawn(async move { server.publish(event).await })
    });
    settle().await;
    let newcomer = server.subscribe(Policy::block(1, SECOND)).await.unwrap();
    settle().await;
    advance(5 * SECOND).await;
    settle().await;
    assert_eq!(stuck.try_recv().map(crate::short), Ok(1));
    assert_eq!(second.await.unwrap().unwrap(), 2);
    let error = third.await.unwrap().unwrap_err();
    assert_eq!(start.elapsed(), 5 * SECOND, "it has waited for longer than the newcomer's limit");
    let PublishError::TimedOut { subscriber, .. } = error else { panic!("{error}") };
    assert_eq!(subscriber, newcomer.id());
}

#[tokio::test(start_paused = true)]
async fn the_limit_of_a_newcomer_counts_once_it_is_full_for_the_task() {
    a_newcomer_becomes_full(task::Server::new()).await;
}

#[tokio::test(start_paused = true)]
async fn the_limit_of_a_newcomer_counts_once_it_is_full_for_the_line() {
    a_newcomer_becomes_full(mutex::Server::new()).await;
}
