//! Waiters are woken. Those here are tasks of their own, polled only when they are woken.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use pushdown_patterns::Shutdown;
use pushdown_patterns::pubsub::proto::BATCH_EVENTS;
use pushdown_patterns::pubsub::{EndReason, Item, Policy, PubSub, mutex};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::{SECOND, lossless, poll_once, publish, settle};

/// A task that waits for room.
async fn sleeping_publisher<S: PubSub<u64>>(server: &S) -> JoinHandle<u64> {
    let server = server.clone();
    let publisher = tokio::spawn(async move { server.publish(2).await.unwrap() });
    settle().await;
    assert!(!publisher.is_finished());
    publisher
}

async fn woken<T>(sleeper: JoinHandle<T>) -> T {
    timeout(SECOND, sleeper).await.expect("it is woken").unwrap()
}

shapes! {
    async fn dropping_a_subscription_wakes_the_publisher_that_waits_for_it<S>(server: S) {
        let stuck = server.subscribe(Policy::block(1, Duration::MAX)).await.unwrap();
        publish(&server, [1]).await;
        let publisher = sleeping_publisher(&server).await;
        drop(stuck);
        assert_eq!(woken(publisher).await, 2);
    }

    async fn cancelling_a_subscription_wakes_the_publisher_that_waits_for_it<S>(server: S) {
        let stuck = server.subscribe(Policy::block(1, Duration::MAX)).await.unwrap();
        publish(&server, [1]).await;
        let publisher = sleeping_publisher(&server).await;
        server.cancel(stuck.id()).await.unwrap();
        assert_eq!(woken(publisher).await, 2);
    }

    async fn reading_wakes_the_publisher_that_waits_for_room<S>(server: S) {
        let mut slow = server.subscribe(Policy::block(1, Duration::MAX)).await.unwrap();
        publish(&server, [1]).await;
        let publisher = sleeping_publisher(&server).await;
        slow.try_recv().unwrap();
        assert_eq!(woken(publisher).await, 2);
    }

    async fn dropping_the_last_handle_wakes_a_reader<S>(server: S) {
        let mut subscription = server.subscribe(lossless()).await.unwrap();
        let reader = tokio::spawn(async move {
            assert!(subscription.recv().await.is_none());
            subscription.end_reason()
        });
        settle().await;
        drop(server);
        assert_eq!(woken(reader).await, Some(EndReason::Aborted));
    }

    async fn the_last_reader_wakes_all_shutdowns_that_wait_for_it<S>(server: S) {
        let reader = server.subscribe(lossless()).await.unwrap();
        let shutdowns = [server.clone(), server].map(|server| {
            tokio::spawn(async move { server.shutdown(Shutdown::Drain { timeout: Duration::MAX }).await })
        });
        settle().await;
        drop(reader);
        for shutdown in shutdowns {
            woken(shutdown).await;
        }
    }

    async fn a_dropped_shutdown_leaves_no_waker_behind<S>(server: S) {
        let stuck = server.subscribe(lossless()).await.unwrap();
        publish(&server, [1]).await;
        let noted = Arc::new(Noted::default());
        {
            let mut closing = pin!(server.shutdown(Shutdown::Drain { timeout: SECOND }));
            let waker = Waker::from(noted.clone());
            for _ in 0..3 {
                assert!(closing.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
                settle().await;
            }
            drop(waker);
            assert_ne!(Arc::strong_count(&noted), 1);
        }
        settle().await;
        assert_eq!(Arc::strong_count(&noted), 1);
        drop(stuck);
    }

    async fn a_reader_with_many_events_lets_other_tasks_run<S>(server: S) {
        const EVENTS: u64 = 128 * BATCH_EVENTS + 1000;
        let mut subscription = server.subscribe(Policy::drop_oldest(EVENTS as usize)).await.unwrap();
        publish(&server, 1..=EVENTS).await;
        let read = Arc::new(AtomicU64::new(0));
        let reader = tokio::spawn({
            let read = read.clone();
            async move {
                for _ in 0..EVENTS {
                    subscription.recv().await.unwrap();
                    read.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        let other = tokio::spawn({
            let read = read.clone();
            async move { read.load(Ordering::Relaxed) }
        });
        let before = other.await.unwrap();
        assert!((1..=128 * BATCH_EVENTS).contains(&before), "{before} items");
        reader.await.unwrap();
        assert_eq!(read.load(Ordering::Relaxed), EVENTS);
    }

    async fn a_loop_that_publishes_lets_other_tasks_run<S>(server: S) {
        let published = Arc::new(AtomicU64::new(0));
        let publisher = tokio::spawn({
            let (server, published) = (server.clone(), published.clone());
            async move {
                for event in 0..10_000 {
                    server.publish(event).await.unwrap();
                    published.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        let other = tokio::spawn({
            let published = published.clone();
            async move { published.load(Ordering::Relaxed) }
        });
        let before = other.await.unwrap();
        assert!(before <= 128, "{before} events");
        publisher.await.unwrap();
    }

    async fn a_reader_beside_a_loop_that_publishes_gets_its_share<S>(server: S) {
        let mut reader = server.subscribe(Policy::drop_oldest(1000)).await.unwrap();
        let publisher = tokio::spawn({
            let server = server.clone();
            async move { publish(&server, 1..=100_000).await }
        });
        let (mut read, mut missed) = (0, 0);
        while read + missed < 100_000 {
            match reader.recv().await.unwrap() {
                Item::Event { .. } => read += 1,
                Item::Gap { missed: more } => missed += more,
            }
        }
        println!("{read} events read, {missed} missed");
        assert_eq!(missed, 0);
        publisher.await.unwrap();
    }

    /// The owner is never without a request.
    async fn the_server_does_not_starve_other_tasks<S>(server: S) {
        let publishers: Vec<_> = (0..16).map(|_| tokio::spawn({
            let server = server.clone();
            async move { publish(&server, 1..=1000).await }
        })).collect();
        let mut turns = 0;
        while !publishers.iter().all(JoinHandle::is_finished) {
            tokio::task::yield_now().await;
            turns += 1;
        }
        println!("{turns} turns beside 16 publishers");
        assert!(turns >= 1000 / 128, "{turns} turns");
    }
}

/// A waker that records that it was woken.
#[derive(Default)]
struct Noted(AtomicBool);

impl Wake for Noted {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("a panic in a waker");
    }
}

#[test]
fn a_waker_that_panics_does_not_prevent_other_wakeups() {
    for panics_first in [false, true] {
        let server = mutex::Server::<u64>::new();
        let mut readers = [(); 2].map(|()| server.subscribe(lossless()).unwrap());
        let noted = Arc::new(Noted::default());
        let mut wakers = [Waker::from(noted.clone()), Waker::from(Arc::new(Panics))];
        if panics_first {
            wakers.reverse();
        }
        for (reader, waker) in readers.iter_mut().zip(&wakers) {
            let recv = pin!(reader.recv());
            assert!(recv.poll(&mut Context::from_waker(waker)).is_pending());
        }
        assert_eq!(server.blocking_publish(1).unwrap(), 1);
        assert!(noted.0.load(Ordering::Relaxed), "panics first: {panics_first}");
        for reader in &mut readers {
            assert_eq!(reader.try_recv().map(crate::short), Ok(1));
        }
    }
}

/// The reader that makes room publishes for the waiting publisher, and wakes it.
#[test]
fn a_panicking_waker_costs_the_reader_that_makes_room_no_event() {
    let server = mutex::Server::<u64>::new();
    let mut reader = server.subscribe(Policy::block(1, Duration::MAX)).unwrap();
    server.blocking_publish(1).unwrap();
    let mut second = pin!(server.publish(2));
    let waker = Waker::from(Arc::new(Panics));
    assert!(second.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    assert_eq!(reader.try_recv().map(crate::short), Ok(1));
    assert!(poll_once(second.as_mut()).is_ready());
    assert_eq!(crate::ready(&mut reader), [2]);
}
