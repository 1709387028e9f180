//! The server without a runtime.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use pushdown_patterns::Shutdown;
use pushdown_patterns::pubsub::{Item, Policy, PublishError, ReaderOutcome, mutex::Server};
use pushdown_patterns::thread::channel;

use crate::{HANG, lossless, short};

#[test]
fn threads_publish_and_read_in_one_order() {
    const EVENTS: u64 = 300;
    let server = Server::<u64>::new();
    let readers: Vec<_> =
        [lossless(), Policy::block(1, Duration::MAX), Policy::block(7, Duration::MAX)]
            .map(|policy| server.subscribe(policy).unwrap())
            .into_iter()
            .map(|mut subscription| {
                thread::spawn(move || {
                    let mut seen = Vec::new();
                    while let Some(item) = subscription.blocking_recv() {
                        seen.push(item.cloned());
                    }
                    seen
                })
            })
            .collect();
    thread::scope(|scope| {
        for publisher in 0..3 {
            let server = &server;
            scope.spawn(move || {
                for event in 0..EVENTS {
                    server.blocking_publish(publisher * EVENTS + event).unwrap();
                }
            });
        }
    });
    let report = server.blocking_shutdown(Shutdown::Drain { timeout: HANG });
    assert!(report.ended.iter().all(|ended| ended.outcome == ReaderOutcome::Drained), "{report:?}");
    let seen: Vec<Vec<Item<Arc<u64>>>> =
        readers.into_iter().map(|reader| reader.join().unwrap()).collect();
    assert!(seen.iter().all(|items| *items == seen[0]));
    assert!(seen[0].iter().map(|item| short(item.clone())).eq(1..=3 * EVENTS.cast_signed()));
}

#[test]
fn a_publishing_thread_fails_at_the_limit_of_block() {
    let server = Server::<u64>::new();
    let limit = Duration::from_millis(20);
    let stuck = server.subscribe(Policy::block(1, limit)).unwrap();
    server.blocking_publish(1).unwrap();
    let start = Instant::now();
    let error = server.blocking_publish(2).unwrap_err();
    assert!(matches!(error, PublishError::TimedOut { subscriber, .. } if subscriber == stuck.id()));
    assert!(start.elapsed() >= limit);
}

#[test]
fn a_draining_thread_aborts_the_rest_at_the_deadline() {
    let server = Server::<u64>::new();
    let _stuck = server.subscribe(lossless()).unwrap();
    server.blocking_publish(1).unwrap();
    let timeout = Duration::from_millis(20);
    let report = server.blocking_shutdown(Shutdown::Drain { timeout });
    assert_eq!((report.ended[0].outcome, report.ended[0].undelivered), (ReaderOutcome::Aborted, 1));
}

#[test]
fn a_thread_that_waits_to_publish_fails_at_the_shutdown() {
    let server = Server::<u64>::new();
    let _stuck = server.subscribe(Policy::block(1, Duration::MAX)).unwrap();
    server.blocking_publish(1).unwrap();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| server.blocking_publish(2));
        server.blocking_shutdown(Shutdown::Abort);
        let error = waiting.join().unwrap().unwrap_err();
        assert_eq!(*error.into_event(), 2);
    });
}

/// Printing a value would run user code under the lock.
#[test]
fn the_ends_of_a_channel_are_printed_without_its_values() {
    struct Opaque;
    let (sender, receiver) = channel(NonZeroUsize::MIN);
    assert!(sender.send(Opaque).is_ok());
    assert_eq!(format!("{sender:?}"), "Sender { capacity: 1, .. }");
    assert_eq!(format!("{receiver:?}"), "Receiver { capacity: 1, .. }");
    assert!(receiver.recv().is_some());
}
