//! Events that a reader takes from its queue in one step, before it reads them one by one.

use std::time::Duration;

use pushdown_patterns::Shutdown;
use pushdown_patterns::pubsub::proto::{BATCH_EVENTS, SEGMENT_EVENTS};
use pushdown_patterns::pubsub::{
    EndReason, EndedSubscription, Limit, Policy, PubSub, ReaderOutcome, Subscription,
};

use crate::{NOTHING, lossless, publish, ready, rest, settle, short, waits};

const UNBOUNDED: Policy = Policy::Queue { items: Limit::Unbounded, bytes: Limit::Unbounded };

/// A subscriber who has read the first of these events, and has taken more of them.
async fn has_read_one<S: PubSub<u64>>(
    server: &S,
    policy: Policy,
    events: u64,
) -> Subscription<u64> {
    let mut reader = server.subscribe(policy).await.unwrap();
    publish(server, 1..=events).await;
    assert_eq!(reader.try_recv().map(short), Ok(1));
    settle().await;
    reader
}

shapes! {
    async fn a_batch_makes_room_for_all_of_its_events<S>(server: S) {
        let mut reader = has_read_one(&server, Policy::block(16, Duration::MAX), 16).await;
        publish(&server, 17..=19).await;
        let mut next = Box::pin(server.publish(20));
        assert!(waits(&mut next).await, "one event was read, and an eighth of 16 taken");
        assert_eq!(reader.recv().await.map(short), Some(2));
        assert_eq!(reader.recv().await.map(short), Some(3));
        assert!(waits(&mut next).await, "they left the queue before");
        assert_eq!(reader.recv().await.map(short), Some(4));
        assert_eq!(next.await.unwrap(), 20);
        assert_eq!(ready(&mut reader), Vec::from_iter(5..=20));
    }

    async fn a_small_queue_is_read_one_by_one<S>(server: S) {
        let mut reader = has_read_one(&server, Policy::block(7, Duration::MAX), 7).await;
        publish(&server, [8]).await;
        assert!(waits(Box::pin(server.publish(9))).await);
        assert_eq!(ready(&mut reader), Vec::from_iter(2..=8));
    }

    async fn a_batch_ends_where_the_stream_does<S>(server: S) {
        let mut reader = server.subscribe(UNBOUNDED).await.unwrap();
        publish(&server, 1..=3).await;
        server.cancel(reader.id()).await.unwrap();
        publish(&server, 4..=6).await;
        assert_eq!(rest(&mut reader).await, [1, 2, 3]);
    }

    async fn a_cancel_leaves_what_was_taken<S>(server: S) {
        let mut reader = has_read_one(&server, lossless(), 5).await;
        server.cancel(reader.id()).await.unwrap();
        assert_eq!(rest(&mut reader).await, [2, 3, 4, 5]);
    }

    async fn an_abort_takes_back_what_was_taken<S>(server: S) {
        let mut reader = has_read_one(&server, lossless(), 40).await;
        assert_eq!(reader.try_recv().map(short), Ok(2));
        let report = server.shutdown(Shutdown::Abort).await;
        let outcome = ReaderOutcome::Aborted;
        assert_eq!(report.ended, [EndedSubscription { id: reader.id(), outcome, undelivered: 38 }]);
        assert_eq!(rest(&mut reader).await, NOTHING);
    }

    async fn what_was_taken_and_not_read_is_undelivered<S>(server: S) {
        let mut reader = has_read_one(&server, lossless(), 5).await;
        assert_eq!(reader.try_recv().map(short), Ok(2));
        let id = reader.id();
        let draining = tokio::spawn({
            let server = server.clone();
            async move { server.shutdown(Shutdown::Drain { timeout: Duration::MAX }).await }
        });
        settle().await;
        drop(reader);
        let outcome = ReaderOutcome::Dropped;
        let ended = draining.await.unwrap().ended;
        assert_eq!(ended, [EndedSubscription { id, outcome, undelivered: 3 }]);
    }

    async fn a_subscriber_that_is_disconnected_reads_what_it_has_taken_and_then_a_gap<S>(server: S) {
        let policy = Policy::disconnect(16, Duration::ZERO);
        let mut reader = has_read_one(&server, policy, 16).await;
        publish(&server, 17..=20).await;
        assert_eq!(reader.end_reason(), Some(EndReason::TooSlow));
        assert_eq!(rest(&mut reader).await, [2, 3, -17]);
    }

    async fn what_was_taken_is_read_after_newer_events_were_dropped<S>(server: S) {
        let mut reader = has_read_one(&server, Policy::drop_newest(16), 16).await;
        publish(&server, 17..=25).await;
        assert_eq!(ready(&mut reader), [Vec::from_iter(2..=19), vec![-6]].concat());
    }

    async fn events_that_were_taken_are_not_replaced_by_newer_ones<S>(server: S) {
        let mut reader = has_read_one(&server, Policy::drop_oldest(16), 16).await;
        publish(&server, 17..=40).await;
        assert_eq!(ready(&mut reader), [vec![2, 3, -21], Vec::from_iter(25..=40)].concat());
    }

    /// Every segment begins another batch, and so does a loss.
    async fn batches_and_losses_upstream_are_in_order<S>(server: S) {
        let mut reader = server.subscribe(UNBOUNDED).await.unwrap();
        let mut expected = Vec::new();
        let mut number = 0;
        for events in [1, BATCH_EVENTS, SEGMENT_EVENTS as u64, 3 * SEGMENT_EVENTS as u64 + 5] {
            publish(&server, number + 1..=number + events).await;
            server.missed(2).await.unwrap();
            expected.extend((number + 1..=number + events).map(u64::cast_signed));
            expected.push(-2);
            number += events + 2;
        }
        assert_eq!(ready(&mut reader), expected);
    }
}
