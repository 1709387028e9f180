//! User code that calls the server or panics.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use pushdown_patterns::Shutdown;
use pushdown_patterns::pubsub::proto::SEGMENT_EVENTS;
use pushdown_patterns::pubsub::{Policy, PubSub, mutex, task};
use pushdown_patterns::thread::block_on;

use crate::{HANG, lossless};

/// A payload that runs code when it is dropped.
struct OnDrop(Box<dyn Fn() + Send + Sync>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        (self.0)();
    }
}

fn on_drop(f: impl Fn() + Send + Sync + 'static) -> OnDrop {
    OnDrop(Box::new(f))
}

/// The last owner drops a payload. If it did so under a lock, this would hang.
#[test]
fn a_payload_may_call_the_server_when_it_is_dropped() {
    let server = mutex::Server::<OnDrop>::new();
    let dropped = Arc::new(AtomicUsize::new(0));
    let mut oldest = server.subscribe(Policy::drop_oldest(1)).unwrap();
    let mut reader = server.subscribe(Policy::drop_newest(40)).unwrap();
    let _disconnected = server.subscribe(Policy::disconnect(1, Duration::ZERO)).unwrap();
    for round in 0..200 {
        let (own, dropped) = (server.clone(), dropped.clone());
        let event = on_drop(move || {
            dropped.fetch_add(1, Ordering::Relaxed);
            let subscription = own.subscribe(lossless()).unwrap();
            own.cancel(subscription.id()).unwrap();
        });
        block_on(server.publish(event)).unwrap();
        if round % 50 == 49 {
            while reader.try_recv().is_ok() {}
            while oldest.try_recv().is_ok() {}
        }
    }
    assert!(dropped.load(Ordering::Relaxed) > 100, "{dropped:?}");
}

/// The publisher that starts a new segment leaves the old one, under the server's lock.
#[test]
fn a_payload_without_subscribers_may_call_the_server_when_it_is_dropped() {
    let server = mutex::Server::<OnDrop>::new();
    let dropped = Arc::new(AtomicUsize::new(0));
    let (done, finished) = std::sync::mpsc::channel();
    let publisher = std::thread::spawn({
        let (server, dropped) = (server.clone(), dropped.clone());
        move || {
            for _ in 0..100 {
                let (own, dropped) = (server.clone(), dropped.clone());
                let event = on_drop(move || {
                    dropped.fetch_add(1 + own.subscribers(), Ordering::Relaxed);
                });
                server.blocking_publish(event).unwrap();
            }
            done.send(()).unwrap();
        }
    });
    finished.recv_timeout(HANG).expect("no lock is held");
    publisher.join().unwrap();
    assert_eq!(dropped.load(Ordering::Relaxed), 100 - 100 % SEGMENT_EVENTS);
    server.blocking_shutdown(Shutdown::Abort);
    assert_eq!(dropped.load(Ordering::Relaxed), 100);
}

/// A panic during the unwinding of another aborts the process.
#[test]
fn two_payloads_that_panic_together_do_not_abort_the_process() {
    let server = mutex::Server::<OnDrop>::new();
    let mut reader = server.subscribe(lossless()).unwrap();
    for event in 1..=40 {
        let payload = on_drop(move || assert!(![3, 5].contains(&event), "a panic in a payload"));
        server.blocking_publish(payload).unwrap();
    }
    let read: Vec<_> = (0..40).map(|_| reader.try_recv().map(crate::short).unwrap()).collect();
    assert!(read.into_iter().eq(1..=40), "and no call of the reader panics");
    let unwinding = catch_unwind(AssertUnwindSafe(move || {
        let _reader = reader;
        panic!("the reader's own panic");
    }));
    assert!(unwinding.is_err());
}

/// The reader that makes room publishes for the waiting publisher. This starts a new segment, and drops
/// the oldest one.
#[test]
fn a_panicking_payload_costs_the_reader_that_makes_room_no_event() {
    let server = mutex::Server::<OnDrop>::new();
    let fragile = |event| on_drop(move || assert_ne!(event, 5, "a panic in a payload"));
    let oldest = server.subscribe(Policy::drop_oldest(32)).unwrap();
    for event in 1..=63 {
        server.blocking_publish(fragile(event)).unwrap();
    }
    let mut reader = server.subscribe(Policy::block(1, Duration::MAX)).unwrap();
    server.blocking_publish(fragile(64)).unwrap();
    let mut waiting = std::pin::pin!(server.publish(fragile(65)));
    assert!(crate::poll_once(waiting.as_mut()).is_pending());
    assert_eq!(reader.try_recv().map(crate::short), Ok(64));
    assert!(crate::poll_once(waiting.as_mut()).is_ready());
    assert_eq!(reader.try_recv().map(crate::short), Ok(65));
    drop(oldest);
}

/// The owner task drops the payload, while it handles a request and publishers wait.
#[tokio::test(start_paused = true)]
async fn a_payload_that_panics_in_the_owner_task_keeps_no_publisher_waiting() {
    let server = task::Server::<OnDrop>::spawn();
    let slow = server.subscribe(Policy::block(40, Duration::MAX)).await.unwrap();
    let publish = |event| {
        let payload = on_drop(move || assert_ne!(event, 5, "a panic in a payload"));
        let server = server.clone();
        async move { server.publish(payload).await.unwrap() }
    };
    for event in 1..=40 {
        publish(event).await;
    }
    let waiting = [41, 42].map(|event| tokio::spawn(publish(event)));
    crate::settle().await;
    assert!(waiting.iter().all(|publisher| !publisher.is_finished()));
    drop(slow);
    for (publisher, seq) in waiting.into_iter().zip(41..) {
        let published = tokio::time::timeout(crate::SECOND, publisher).await;
        assert_eq!(published.unwrap().unwrap(), seq);
    }
}

/// Publishes events of which one panics when it is dropped. Each publish returns its number.
async fn publish_with_one_that_panics<S: PubSub<OnDrop>>(server: &S) {
    for event in 1..=100_u64 {
        let payload = on_drop(move || assert_ne!(event, 5, "a panic in a payload"));
        assert_eq!(server.publish(payload).await.unwrap(), event);
    }
}

async fn the_reader_is_the_last_owner<S: PubSub<OnDrop>>(server: S) {
    let mut reader = server.subscribe(lossless()).await.unwrap();
    publish_with_one_that_panics(&server).await;
    let read: Vec<_> = (0..100).map(|_| reader.try_recv().map(crate::short).unwrap()).collect();
    assert!(read.into_iter().eq(1..=100), "no event is missed, and no call panics");
}

async fn the_server_is_the_last_owner<S: PubSub<OnDrop>>(server: S) {
    for policy in [Policy::drop_oldest(1), Policy::drop_newest(10), Policy::disconnect(10, HANG)] {
        let slow = server.subscribe(policy).await.unwrap();
        let last = server.publish(on_drop(|| ())).await.unwrap();
        for event in last + 1..last + 100 {
            let payload = on_drop(move || assert_ne!(event, last + 5, "a panic in a payload"));
            assert_eq!(server.publish(payload).await.unwrap(), event);
        }
        drop(slow);
    }
    let mut slow = server.subscribe(Policy::drop_oldest(1)).await.unwrap();
    server.publish(on_drop(|| panic!("a panic in a payload"))).await.unwrap();
    let last = server.publish(on_drop(|| ())).await.unwrap();
    assert_eq!(slow.recv().await.map(crate::short), Some(-1));
    assert_eq!(slow.recv().await.map(crate::short), Some(last.cast_signed()));
}

#[tokio::test]
async fn a_payload_that_panics_when_it_is_dropped_stops_neither_publishers_nor_readers() {
    the_reader_is_the_last_owner(mutex::Server::new()).await;
    the_reader_is_the_last_owner(task::Server::spawn()).await;
    the_server_is_the_last_owner(mutex::Server::new()).await;
    the_server_is_the_last_owner(task::Server::spawn()).await;
}

#[tokio::test]
async fn a_panic_while_an_event_is_measured_reaches_the_publisher() {
    fn size(event: &u64) -> usize {
        assert_ne!(*event, 2, "cannot measure");
        8
    }
    async fn check<S: PubSub<u64>>(server: S) {
        let mut reader = server.subscribe(lossless()).await.unwrap();
        for event in 1..=3_u64 {
            let own = server.clone();
            let published = tokio::spawn(async move { own.publish(event).await.unwrap() }).await;
            assert_eq!(published.is_err(), event == 2);
        }
        assert_eq!(crate::ready(&mut reader), [1, 2]);
    }
    check(mutex::Server::new().with_sizes(size)).await;
    check(task::Server::spawn().with_sizes(size)).await;
}
