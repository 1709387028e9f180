//! One order for all subscribers.

use pushdown_patterns::Shutdown;
use pushdown_patterns::pubsub::{Item, PubSub, mutex, task};

use crate::{HANG, NOTHING, lossless, publish, ready, settle};

shapes! {
    async fn an_event_reaches_everyone_subscribed_at_the_time<S>(server: S) {
        let mut early = server.subscribe(lossless()).await.unwrap();
        publish(&server, [10]).await;
        let mut late = server.subscribe(lossless()).await.unwrap();
        publish(&server, [20]).await;
        assert_eq!(early.recv().await, Some(Item::Event { seq: 1, event: &10.into() }));
        assert_eq!(early.recv().await, Some(Item::Event { seq: 2, event: &20.into() }));
        assert_eq!(late.recv().await, Some(Item::Event { seq: 2, event: &20.into() }));
        assert_eq!(ready(&mut late), NOTHING);
    }

    async fn events_are_numbered_without_subscribers_too<S>(server: S) {
        for seq in 1..=100 {
            assert_eq!(server.publish(seq).await.unwrap(), seq);
        }
        let mut late = server.subscribe(lossless()).await.unwrap();
        publish(&server, [0]).await;
        assert_eq!(ready(&mut late), [101]);
    }

    async fn a_waiting_reader_is_woken<S>(server: S) {
        let mut subscription = server.subscribe(lossless()).await.unwrap();
        let reader = tokio::spawn(async move {
            let item = subscription.recv().await.unwrap().cloned();
            (item, subscription)
        });
        settle().await;
        publish(&server, [7]).await;
        let (item, _subscription) = reader.await.unwrap();
        assert_eq!(item, Item::Event { seq: 1, event: 7.into() });
    }

    async fn a_subscription_is_a_stream_of_shared_payloads<S>(server: S) {
        use futures_core::Stream;
        let mut subscription = server.subscribe(lossless()).await.unwrap();
        let payload = std::sync::Arc::new(3);
        server.publish(payload.clone()).await.unwrap();
        server.cancel(subscription.id()).await.unwrap();
        let mut items = Vec::new();
        while let Some(item) = std::future::poll_fn(|cx| {
            std::pin::Pin::new(&mut subscription).poll_next(cx)
        }).await {
            items.push(item);
        }
        let [Item::Event { seq: 1, event }] = &items[..] else { panic!("{items:?}") };
        assert!(std::sync::Arc::ptr_eq(event, &payload));
    }
}

/// Publishers on several threads, and readers that each record what they see.
async fn concurrent<S: PubSub<u64>>(server: S) {
    const PUBLISHERS: u64 = 4;
    const EVENTS: u64 = 500;
    let mut readers = Vec::new();
    for _ in 0..5 {
        let mut subscription = server.subscribe(lossless()).await.unwrap();
        readers.push(tokio::spawn(async move {
            let mut seen = Vec::new();
            while let Some(item) = subscription.recv().await {
                let Item::Event { seq, event } = item else { panic!("{item:?}") };
                seen.push((seq, **event));
            }
            seen
        }));
    }
    let publishers: Vec<_> = (0..PUBLISHERS)
        .map(|publisher| {
            let server = server.clone();
            tokio::spawn(async move {
                let mut last = 0;
                for event in 0..EVENTS {
                    let seq = server.publish(publisher * EVENTS + event).await.unwrap();
                    assert!(seq > last, "{seq} after {last}");
                    last = seq;
                }
            })
        })
        .collect();
    for publisher in publishers {
        publisher.await.unwrap();
    }
    server.shutdown(Shutdown::Drain { timeout: HANG }).await;
    let mut all = Vec::new();
    for reader in readers {
        all.push(reader.await.unwrap());
    }
    for seen in &all {
        assert_eq!(seen, &all[0], "all readers see the same");
        assert!(seen.iter().map(|(seq, _)| *seq).eq(1..=PUBLISHERS * EVENTS));
        for publisher in 0..PUBLISHERS {
            let own = seen.iter().map(|(_, event)| *event).filter(|e| e / EVENTS == publisher);
            assert!(own.eq(publisher * EVENTS..(publisher + 1) * EVENTS), "in program order");
        }
    }
    println!("{} events in one order", all.len() as u64 * PUBLISHERS * EVENTS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn all_readers_see_the_events_of_concurrent_publishers_in_one_order() {
    concurrent(mutex::Server::new()).await;
    concurrent(task::Server::spawn()).await;
}
