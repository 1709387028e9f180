//! How long payloads are kept.

use std::sync::Weak;

use pushdown_patterns::Shutdown;
use pushdown_patterns::pubsub::{Item, Policy, PubSub, mutex, task};

use crate::{counted, lossless, publish, ready, settle};

fn alive(payloads: &[Weak<u64>]) -> usize {
    payloads.iter().filter(|payload| payload.strong_count() > 0).count()
}

shapes! {
    /// Each event in the queue lies in a segment of its own, of which it must not keep the rest.
    async fn a_full_queue_that_takes_an_event_now_and_then_keeps_no_others<S>(server: S) {
        const CAPACITY: usize = 100;
        let mut slow = server.subscribe(Policy::drop_newest(CAPACITY)).await.unwrap();
        let mut payloads = Vec::new();
        for round in 0..CAPACITY * 33 {
            let (payload, freed) = counted();
            server.publish(payload).await.unwrap();
            payloads.push(freed);
            if round > CAPACITY && round % 32 == 0 {
                while matches!(slow.try_recv(), Ok(Item::Gap { .. })) {}
            }
        }
        let alive = alive(&payloads);
        println!("{alive} payloads alive");
        assert!((CAPACITY..=CAPACITY + 64).contains(&alive), "{alive}");
    }

    async fn an_abort_frees_the_last_payloads_too<S>(server: S) {
        let mut reader = server.subscribe(lossless()).await.unwrap();
        let (payload, freed) = counted();
        server.publish(payload).await.unwrap();
        assert_eq!(ready(&mut reader), [1]);
        assert!(freed.upgrade().is_some());
        server.shutdown(Shutdown::Abort).await;
        settle().await;
        assert!(reader.recv().await.is_none());
        assert!(reader.recv().await.is_none());
        assert!(freed.upgrade().is_none(), "although the reader is still there");
    }

    async fn a_publish_that_is_given_up_keeps_no_payload<S>(server: S) {
        let mut stuck = server.subscribe(Policy::block(1, std::time::Duration::MAX)).await.unwrap();
        publish(&server, [1]).await;
        let mut payloads = Vec::new();
        for polls in 1..10 {
            let (payload, freed) = counted();
            assert!(!crate::drop_after(polls, server.publish(payload)).await);
            payloads.push(freed);
        }
        settle().await;
        assert_eq!(alive(&payloads), 0, "while the subscriber is still stuck");
        assert_eq!(ready(&mut stuck), [1]);
    }
}

/// Whether the first of two events that were read is freed.
async fn freed_by_the_second<S: PubSub<u64>>(server: S) -> bool {
    let mut reader = server.subscribe(lossless()).await.unwrap();
    let (payload, freed) = counted();
    server.publish(payload).await.unwrap();
    publish(&server, [2]).await;
    assert_eq!(ready(&mut reader), [1, 2]);
    freed.upgrade().is_none()
}

#[tokio::test]
async fn large_payloads_are_freed_one_by_one_and_small_ones_in_groups() {
    let large = |_: &u64| 64 << 10;
    let small = |_: &u64| (64 << 10) - 1;
    assert!(freed_by_the_second(mutex::Server::with_sizes(large)).await);
    assert!(freed_by_the_second(task::Server::with_sizes(large)).await);
    assert!(!freed_by_the_second(mutex::Server::with_sizes(small)).await);
    assert!(!freed_by_the_second(task::Server::with_sizes(small)).await);
}

async fn huge<S: PubSub<u64>>(server: S) {
    let mut reader = server.subscribe(lossless()).await.unwrap();
    publish(&server, 1..=3).await;
    assert_eq!(ready(&mut reader), [1, 2, 3]);
}

#[tokio::test]
async fn events_may_be_said_to_be_as_large_as_can_be() {
    huge(mutex::Server::with_sizes(|_| usize::MAX)).await;
    huge(task::Server::with_sizes(|_| usize::MAX)).await;
}
