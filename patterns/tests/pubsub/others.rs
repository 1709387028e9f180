//! Bugs of other software and slips on the lecture's slides, which this server must not have.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use pushdown_patterns::pubsub::proto::{
    Cursor, Deferred, Outlet, Queue, Read, Registry, SEGMENT_EVENTS,
};
use pushdown_patterns::pubsub::{EndReason, Item, Limit, Policy, PublishError};
use tokio::time::{Instant, timeout};

use crate::{SECOND, counted, drop_after, lossless, publish, ready, rest, settle, waits};

shapes! {
    /// Servers built on a map of channels: a publish is cancelled between two sends.
    async fn a_cancelled_publish_has_not_reached_only_some<S>(server: S) {
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

    /// tokio #5947, async-channel #87: a cancelled send or receive loses a message.
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

    /// flume, in iroh #2533: a wakeup is lost if the woken waiter is dropped.
    async fn a_wakeup_outlives_the_publisher_that_was_woken<S>(server: S) {
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

    /// Users of tokio's broadcast, where lag is an error: they take it for the end.
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
        assert_eq!((read, reader.end_reason()), (4, None));
    }

    /// Dragonfly #7889: one stuck subscriber blocks publishers forever.
    async fn a_stuck_subscriber_does_not_block_publishers_forever<S>(server: S) {
        let _stuck = server.subscribe(Policy::block(1, SECOND)).await.unwrap();
        publish(&server, [1]).await;
        let start = Instant::now();
        for _ in 0..3 {
            let error = server.publish(2).await.unwrap_err();
            assert!(matches!(error, PublishError::TimedOut { .. }));
        }
        assert_eq!(start.elapsed(), 3 * SECOND);
    }

    /// Dragonfly #1039: the queue of each subscriber is unbounded.
    async fn the_queue_of_a_stuck_subscriber_is_bounded<S>(server: S) {
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
        // Ten events at each end of the log, and the rest of the segments that hold them.
        assert!(alive <= 4 * SEGMENT_EVENTS, "{alive}");
        assert_eq!(stuck[3].end_reason(), Some(EndReason::TooSlow));
    }

    /// The lecture's version with a mutex: a subscriber that cancels itself waits for a publisher, which
    /// waits for the subscriber.
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

    /// RUSTSEC-2025-0023: two threads clone the payload in a race. Here it is never cloned.
    async fn the_payload_is_shared<S>(server: S) {
        let (mut a, mut b) =
            (server.subscribe(lossless()).await.unwrap(), server.subscribe(lossless()).await.unwrap());
        let payload = Arc::new(1);
        server.publish(payload.clone()).await.unwrap();
        for reader in [&mut a, &mut b] {
            let Some(Item::Event { event, .. }) = reader.recv().await else { panic!() };
            assert!(Arc::ptr_eq(event, &payload));
        }
        assert_eq!(Arc::strong_count(&payload), 2, "one reference for all subscribers");
    }

    /// The lecture's helper sends the first element of an empty queue.
    async fn an_empty_queue_sends_nothing<S>(server: S) {
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
    /// once. It must go on while either holds.
    async fn a_forwarder_goes_on_with_an_empty_queue_and_with_a_closed_input<S>(server: S) {
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

/// A queue that counts how often the registry touches it.
#[derive(Clone)]
struct Counted {
    queue: Rc<RefCell<Queue<u64>>>,
    touched: Rc<Cell<usize>>,
}

impl Outlet for Counted {
    type Event = u64;

    fn with<R>(&self, f: impl FnOnce(&mut Queue<u64>) -> R) -> R {
        self.touched.set(self.touched.get() + 1);
        f(&mut self.queue.borrow_mut())
    }
}

/// Publishes to this many subscribers, which read everything in between. Returns how often a queue was
/// touched.
fn touched(subscribers: usize, events: usize) -> usize {
    let mut registry = Registry::new();
    let touched = Rc::new(Cell::new(0));
    let mut readers: Vec<_> = (0..subscribers)
        .map(|_| {
            let queue = Rc::new(RefCell::new(Queue::new(Policy::block(64, Duration::MAX))));
            registry.subscribe(Counted { queue: queue.clone(), touched: touched.clone() });
            (queue, Cursor::new())
        })
        .collect();
    touched.set(0);
    for event in 1..=events as u64 {
        let mut deferred = Deferred::default();
        assert!(registry.poll_room().is_ok());
        let now = std::time::Instant::now;
        assert_eq!(registry.publish(Arc::new(event), 8, now, &mut deferred), event);
        for (queue, cursor) in &mut readers {
            let read = queue.borrow_mut().poll_read(cursor, || event);
            assert_eq!(read, Read::Event { seq: event, room: false });
        }
    }
    touched.get()
}

/// tokio #5923: a delivery costs more the more subscribers there are, all of which queue up for one
/// lock. Here a publish touches the lock of a subscriber only once per segment, and once when it may
/// have no room.
#[test]
fn a_delivery_costs_the_same_for_few_and_many_subscribers() {
    let events = 64 * SEGMENT_EVENTS;
    let (few, many) = (touched(10, events), touched(1000, events));
    println!("{few} touches for 10 subscribers, {many} for 1,000, {events} events each");
    assert_eq!(many, 100 * few);
    assert!(few <= 10 * events * 2 / SEGMENT_EVENTS, "{few}");
}
