//! The lifetime of payloads.

use std::sync::Weak;

use pushdown_patterns::Shutdown;
use pushdown_patterns::pubsub::proto::{SEGMENT_BYTES, SEGMENT_EVENTS};
use pushdown_patterns::pubsub::{Item, Policy, PubSub, mutex, task};

use crate::{counted, lossless, publish, ready, settle};

fn alive(payloads: &[Weak<u64>]) -> usize {
    payloads.iter().filter(|payload| payload.strong_count() > 0).count()
}

shapes! {
    /// Each event in the queue was written into another segment, which it must not keep alive.
    async fn a_full_queue_that_takes_an_event_now_and_then_keeps_no_other_events<S>(server: S) {
        const CAPACITY: usize = 100;
        let mut slow = server.subscribe(Policy::drop_newest(CAPACITY)).await.unwrap();
        let mut payloads = Vec::new();
        for round in 0..CAPACITY * (SEGMENT_EVENTS + 1) {
            let (payload, freed) = counted();
            server.publish(payload).await.unwrap();
            payloads.push(freed);
            if round > CAPACITY && round % SEGMENT_EVENTS == 0 {
                while matches!(slow.try_recv(), Ok(Item::Gap { .. })) {}
            }
        }
        let alive = alive(&payloads);
        println!("{alive} payloads alive");
        assert!((CAPACITY..=CAPACITY + 2 * SEGMENT_EVENTS).contains(&alive), "{alive}");
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
        assert!(freed.upgrade().is_none(), "the reader still exists, but keeps no payload");
    }

    async fn a_dropped_publish_keeps_no_payload<S>(server: S) {
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

/// Returns whether reading the second of two events frees the first.
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
    let large = |_: &u64| SEGMENT_BYTES as usize;
    let small = |_: &u64| SEGMENT_BYTES as usize - 1;
    assert!(freed_by_the_second(mutex::Server::new().with_sizes(large)).await);
    assert!(freed_by_the_second(task::Server::spawn().with_sizes(large)).await);
    assert!(!freed_by_the_second(mutex::Server::new().with_sizes(small)).await);
    assert!(!freed_by_the_second(task::Server::spawn().with_sizes(small)).await);
}

async fn huge<S: PubSub<u64>>(server: S) {
    let mut reader = server.subscribe(lossless()).await.unwrap();
    publish(&server, 1..=3).await;
    assert_eq!(ready(&mut reader), [1, 2, 3]);
}

#[tokio::test]
async fn the_size_of_an_event_may_be_the_largest_possible() {
    huge(mutex::Server::new().with_sizes(|_| usize::MAX)).await;
    huge(task::Server::spawn().with_sizes(|_| usize::MAX)).await;
}
