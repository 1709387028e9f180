//! Bugs of other software, and slips on the lecture's slides. Ours must not have them.

use std::sync::Arc;
use std::time::Duration;

use pushdown_patterns::pubsub::{End, Item, Limit, Policy, PublishError, mutex};
use tokio::time::{Instant, timeout};

use crate::{SECOND, counted, drop_after, lossless, publish, ready, rest, settle, waits};

shapes! {
    /// Maps of channels: a publish is cancelled between two sends.
    async fn a_cancelled_publish_has_not_reached_some<S>(server: S) {
        let mut readers = Vec::new();
        for capacity in [9, 1, 9] {
            readers.push(server.subscribe(Policy::block(capacity, Duration::MAX)).await.unwrap());
        }
        publish(&server, [1]).await;
        assert!(timeout(SECOND, server.publish(2)).await.is_err());
        settle().await;
        for reader in &mut readers {
            assert_eq!(ready(reader), [1]);
        }
    }

    /// tokio #5947, async-channel #87: a message is lost in a send or a receive that is cancelled.
    async fn no_message_is_lost_in_a_cancelled_receive<S>(server: S) {
        let mut reader = server.subscribe(Policy::block(3, Duration::MAX)).await.unwrap();
        let publisher = tokio::spawn({
            let server = server.clone();
            async move { publish(&server, 1..=200).await }
        });
        let mut read = Vec::new();
        for polls in 0.. {
            let got = &mut read;
            let one = async { got.push(crate::short(reader.recv().await.unwrap())) };
            drop_after(polls % 3, one).await;
            if read.len() == 200 {
                break;
            }
            settle().await;
        }
        assert!(read.into_iter().eq(1..=200));
        publisher.await.unwrap();
    }

    /// flume, in iroh #2533: a wake-up is lost when the waiter that was woken is dropped.
    async fn a_wake_up_outlives_the_publisher_that_was_woken<S>(server: S) {
        let mut reader = server.subscribe(Policy::block(1, Duration::MAX)).await.unwrap();
        publish(&server, [1]).await;
        let mut woken = Box::pin(server.publish(2));
        assert!(waits(&mut woken).await);
        let next = tokio::spawn({
            let server = server.clone();
            async move { server.publish(3).await.unwrap() }
        });
        settle().await;
        assert_eq!(reader.recv().await.map(crate::short), Some(1));
        drop(woken);
        while !next.is_finished() {
            settle().await;
            ready(&mut reader);
        }
    }

    /// Users of tokio's broadcast: lag is an error there, and gets taken for the end.
    async fn lag_is_not_the_end<S>(server: S) {
        let mut reader = server.subscribe(Policy::drop_oldest(1)).await.unwrap();
        publish(&server, 1..=3).await;
        let mut read = 0;
        while let Ok(Some(item)) = timeout(SECOND, reader.recv()).await {
            read += match item {
                Item::Event { .. } => 1,
                Item::Gap { missed } => missed,
            };
            if read == 3 {
                publish(&server, [4]).await;
            }
        }
        assert_eq!((read, reader.end()), (4, None));
    }

    /// Dragonfly #7889: one stuck subscriber stops the publisher for ever.
    async fn a_stuck_subscriber_does_not_stop_publishers_for_ever<S>(server: S) {
        let _stuck = server.subscribe(Policy::block(1, SECOND)).await.unwrap();
        publish(&server, [1]).await;
        let start = Instant::now();
        for _ in 0..3 {
            let error = server.publish(2).await.unwrap_err();
            assert!(matches!(error, PublishError::TimedOut { .. }));
        }
        assert_eq!(start.elapsed(), 3 * SECOND);
    }

    /// Dragonfly #1039: a queue without bounds for each subscriber.
    async fn what_a_stuck_subscriber_holds_is_bounded<S>(server: S) {
        let ten = Limit::AtMost(10.try_into().unwrap());
        let mut stuck = Vec::new();
        for policy in [
            Policy::drop_newest(10),
            Policy::drop_oldest(10),
            Policy::disconnect(10, SECOND),
            Policy::Queue { items: ten, bytes: Limit::Unbounded },
        ] {
            stuck.push(server.subscribe(policy).await.unwrap());
        }
        let mut payloads = Vec::new();
        for _ in 0..1000 {
            let (payload, freed) = counted();
            server.publish(payload).await.unwrap();
            payloads.push(freed);
        }
        let alive = payloads.iter().filter(|payload| payload.upgrade().is_some()).count();
        // Ten at each end of the stream, and the rest of the segments that these lie in.
        assert!(alive <= 4 * 32, "{alive}");
        assert_eq!(stuck[3].end(), Some(End::TooSlow));
    }

    /// The lecture's version with a mutex: a subscriber that cancels itself waits for a publisher that
    /// waits for this subscriber.
    async fn a_subscriber_cancels_itself_while_a_publisher_waits_for_it<S>(server: S) {
        let mut reader = server.subscribe(Policy::block(1, Duration::MAX)).await.unwrap();
        let publisher = tokio::spawn({
            let server = server.clone();
            async move { publish(&server, 1..=3).await }
        });
        settle().await;
        server.cancel(reader.id()).await.unwrap();
        publisher.await.unwrap();
        assert_eq!(rest(&mut reader).await, [1]);
    }

    /// RUSTSEC-2025-0023: the payload is cloned in a race. Here it is not cloned at all.
    async fn the_payload_is_shared<S>(server: S) {
        let (mut a, mut b) =
            (server.subscribe(lossless()).await.unwrap(), server.subscribe(lossless()).await.unwrap());
        let payload = Arc::new(1);
        server.publish(payload.clone()).await.unwrap();
        for reader in [&mut a, &mut b] {
            let Some(Item::Event { event, .. }) = reader.recv().await else { panic!() };
            assert!(Arc::ptr_eq(event, &payload));
        }
        assert_eq!(Arc::strong_count(&payload), 2, "one for all subscribers");
    }

    /// The lecture's helper sends the first element of an empty queue.
    async fn an_empty_queue_has_nothing_to_send<S>(server: S) {
        let (sender, mut receiver) = tokio::sync::mpsc::channel(4);
        server.subscribe_channel(sender, lossless()).await.unwrap();
        settle().await;
        assert!(receiver.try_recv().is_err());
        publish(&server, [1]).await;
        assert_eq!(receiver.recv().await.map(crate::short), Some(1));
        settle().await;
        assert!(receiver.try_recv().is_err());
    }

    /// The lecture's helper loops while its input is open *and* its queue is not empty, so it ends at
    /// once; it must go on while either holds.
    async fn a_helper_goes_on_with_an_empty_queue_and_with_a_closed_input<S>(server: S) {
        let (sender, mut receiver) = tokio::sync::mpsc::channel(1);
        let id = server.subscribe_channel(sender, lossless()).await.unwrap();
        settle().await;
        publish(&server, 1..=3).await;
        server.cancel(id).await.unwrap();
        settle().await;
        let mut items = Vec::new();
        while let Some(item) = receiver.recv().await {
            items.push(crate::short(item));
        }
        assert_eq!(items, [1, 2, 3]);
    }
}

/// tokio #5923: many subscribers queue up for one lock, and a delivery costs the more the more there
/// are.
#[test]
fn a_delivery_costs_about_the_same_for_many_subscribers() {
    fn nanoseconds_per_delivery(subscribers: u32) -> u128 {
        const EVENTS: u32 = 300;
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
        runtime.block_on(async {
            let server = mutex::Server::<u64>::new();
            let mut readers = Vec::new();
            for _ in 0..subscribers {
                let mut reader = server.subscribe(Policy::block(64, Duration::MAX)).unwrap();
                readers.push(tokio::spawn(async move {
                    for _ in 0..EVENTS {
                        reader.recv().await.unwrap();
                    }
                }));
            }
            let start = std::time::Instant::now();
            publish(&server, 0..u64::from(EVENTS)).await;
            for reader in readers {
                reader.await.unwrap();
            }
            start.elapsed().as_nanos() / u128::from(EVENTS * subscribers)
        })
    }
    let best = |subscribers| (0..5).map(|_| nanoseconds_per_delivery(subscribers)).min().unwrap();
    let (few, many) = (best(10), best(1000));
    println!("{few} ns for one of 10 subscribers, {many} ns for one of 1,000");
    assert!(many <= 8 * few, "{few} ns, {many} ns");
}
