//! Code of the user that calls back or panics.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use pushdown::pattern::pubsub::{Policy, PubSub, mutex, task};
use pushdown::pattern::thread::block_on;

use crate::lossless;

/// A payload whose drop does something.
struct OnDrop(Box<dyn Fn() + Send + Sync>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        (self.0)();
    }
}

fn on_drop(f: impl Fn() + Send + Sync + 'static) -> OnDrop {
    OnDrop(Box::new(f))
}

/// Payloads are dropped by whoever is the last to leave them. If it held a lock, this would hang.
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

/// A payload that panics when it is dropped, among others.
async fn publish_with_one_that_panics<S: PubSub<OnDrop>>(server: &S) -> usize {
    let mut panics = 0;
    for event in 1..=100_u64 {
        let payload = on_drop(move || assert_ne!(event, 5, "a payload's own panic"));
        let own = server.clone();
        let published = tokio::spawn(async move { own.publish(payload).await.unwrap() });
        panics += usize::from(published.await.is_err());
    }
    panics
}

async fn the_reader_is_told<S: PubSub<OnDrop>>(server: S) {
    let mut reader = server.subscribe(lossless()).await.unwrap();
    assert_eq!(publish_with_one_that_panics(&server).await, 0);
    let (mut read, mut panics) = (Vec::new(), 0);
    for _ in 0..101 {
        match catch_unwind(AssertUnwindSafe(|| reader.try_recv().map(crate::short))) {
            Ok(item) => read.push(item.unwrap()),
            Err(_) => panics += 1,
        }
    }
    assert_eq!(panics, 1, "it was the last to leave the payload");
    assert!(read.into_iter().eq(1..=100), "and loses nothing");
}

async fn others_go_on<S: PubSub<OnDrop>>(server: S, panics: usize) {
    let mut slow = server.subscribe(Policy::drop_oldest(1)).await.unwrap();
    assert_eq!(publish_with_one_that_panics(&server).await, panics);
    assert_eq!(slow.recv().await.map(crate::short), Some(-99));
    assert_eq!(slow.recv().await.map(crate::short), Some(100));
}

#[tokio::test]
async fn a_payload_that_panics_when_it_is_dropped_stops_nobody() {
    the_reader_is_told(mutex::Server::new()).await;
    the_reader_is_told(task::Server::new()).await;
    // The publisher was the last to leave it. In the other shape it was the task, which goes on.
    others_go_on(mutex::Server::new(), 1).await;
    others_go_on(task::Server::new(), 0).await;
}

#[tokio::test]
async fn a_panic_while_an_event_is_measured_is_the_publishers() {
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
    check(mutex::Server::with_sizes(size)).await;
    check(task::Server::with_sizes(size)).await;
}
