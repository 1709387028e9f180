//! Compares the error of a publish with the events that the subscribers saw.
//!
//! Publishers with limits of 10 to 500 µs race with readers on real threads. Which of them time out
//! depends on the machine, but what is checked does not. It takes a few seconds, or minutes if
//! `PUSHDOWN_LONG` is set.

use std::collections::HashMap;
use std::env;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use pushdown_patterns::pubsub::{Item, Policy, PubSub, PublishError, Subscription, mutex, task};
use pushdown_patterns::thread::block_on;
use pushdown_patterns::{Effect, Shutdown};
use tokio::sync::Notify;

const PUBLISHERS: u64 = 3;
const READERS: usize = 2;

/// The limits of the readers of a round, in microseconds.
const LIMITS: [[u64; READERS]; 5] = [[10, 10], [30, 200], [60, 60], [100, 500], [500, 20]];

/// The result of each publish, by event.
type Results = HashMap<u64, Result<u64, Effect>>;

/// The effect that an error names, which has to return the event.
fn checked(event: u64, published: Result<u64, PublishError<u64>>) -> Result<u64, Effect> {
    published.map_err(|error| {
        let effect = error.effect();
        assert_eq!(*error.into_event(), event, "the error returns the event");
        effect
    })
}

/// Reads up to the end of the stream: the number of each event, by event.
fn read(mut subscription: Subscription<u64>) -> HashMap<u64, u64> {
    let mut seen = HashMap::new();
    let mut last = 0;
    while let Some(item) = subscription.blocking_recv() {
        let Item::Event { seq, event } = item else { panic!("{item:?}") };
        assert_eq!(seq, last + 1, "one order, without holes");
        last = seq;
        seen.insert(**event, seq);
        // Now and then a reader is too slow for every limit.
        if seq.is_multiple_of(8) {
            thread::yield_now();
        }
    }
    seen
}

/// Checks each result against each reader. Returns the number of errors.
fn check(results: &Results, seen: &[HashMap<u64, u64>]) -> usize {
    for (event, result) in results {
        for seen in seen {
            match (result, seen.get(event)) {
                (Ok(seq), found) => assert_eq!(found, Some(seq), "event {event}"),
                (Err(Effect::DidNotHappen), found) => {
                    assert_eq!(found, None, "event {event}, which reaches no subscriber");
                }
                (Err(effect), _) => panic!("an effect without an occasion: {effect:?}"),
            }
        }
    }
    results.values().filter(|result| result.is_err()).count()
}

fn subscribe<S: PubSub<u64>>(server: &S, limits: [u64; READERS]) -> Vec<Subscription<u64>> {
    let policy = |limit| Policy::block(1, Duration::from_micros(limit));
    limits.map(|limit| block_on(server.subscribe(policy(limit))).unwrap()).into()
}

/// Repeats a round, and more often in a long run. Prints how many errors were checked.
fn rounds(name: &str, count: usize, mut round: impl FnMut([u64; READERS]) -> (usize, usize)) {
    let count = if env::var_os("PUSHDOWN_LONG").is_some() { 60 * count } else { count };
    let (mut publishes, mut errors) = (0, 0);
    for limits in LIMITS.iter().cycle().take(count) {
        let (all, failed) = round(*limits);
        publishes += all;
        errors += failed;
    }
    println!("{errors} errors of {publishes} publishes told the truth ({name})");
    assert!(errors > 0, "nothing was checked");
}

/// The events of a publisher: its own numbers, as long as the round lasts.
fn events(publisher: u64, count: u64) -> impl Iterator<Item = u64> {
    (0..count).map(move |event| publisher * 1_000_000 + event)
}

const EVENTS: u64 = 400;

#[test]
fn no_event_whose_publish_failed_is_received_from_threads() {
    rounds("threads", 40, |limits| {
        let server = mutex::Server::<u64>::new();
        let readers: Vec<_> = subscribe(&server, limits)
            .into_iter()
            .map(|reader| thread::spawn(move || read(reader)))
            .collect();
        let publishers: Vec<_> = (0..PUBLISHERS)
            .map(|publisher| {
                let server = server.clone();
                thread::spawn(move || {
                    let publish = |event| (event, checked(event, server.blocking_publish(event)));
                    events(publisher, EVENTS).map(publish).collect::<Results>()
                })
            })
            .collect();
        let mut results = Results::new();
        publishers.into_iter().for_each(|publisher| results.extend(publisher.join().unwrap()));
        server.blocking_shutdown(Shutdown::Drain { timeout: Duration::MAX });
        let seen: Vec<_> = readers.into_iter().map(|reader| reader.join().unwrap()).collect();
        (results.len(), check(&results, &seen))
    });
}

/// Publishers and readers in tasks. The end of each round cuts publishers off in the middle.
async fn in_tasks<S: PubSub<u64>>(server: S, limits: [u64; READERS]) -> (usize, usize) {
    let policy = |limit| Policy::block(1, Duration::from_micros(limit));
    let mut readers = Vec::new();
    for limit in limits {
        let reader = server.subscribe(policy(limit)).await.unwrap();
        readers.push(tokio::task::spawn_blocking(move || read(reader)));
    }
    let (closing, under_way) = (Arc::new(AtomicBool::new(false)), Arc::new(Notify::new()));
    let publishers: Vec<_> = (0..PUBLISHERS)
        .map(|publisher| {
            let (server, closing, under_way) = (server.clone(), closing.clone(), under_way.clone());
            tokio::spawn(async move {
                let mut results = Results::new();
                for event in events(publisher, EVENTS) {
                    let result = checked(event, server.publish(event).await);
                    let is_closed = result.is_err() && closing.load(Ordering::Relaxed);
                    results.insert(event, result);
                    if results.len() as u64 == EVENTS / 4 {
                        under_way.notify_one();
                    }
                    if is_closed {
                        break;
                    }
                }
                results
            })
        })
        .collect();
    under_way.notified().await;
    closing.store(true, Ordering::Relaxed);
    server.shutdown(Shutdown::Drain { timeout: Duration::MAX }).await;
    let mut results = Results::new();
    for publisher in publishers {
        results.extend(publisher.await.unwrap());
    }
    let mut seen = Vec::new();
    for reader in readers {
        seen.push(reader.await.unwrap());
    }
    (results.len(), check(&results, &seen))
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(3).enable_time().build().unwrap()
}

#[test]
fn no_event_whose_publish_failed_is_received_from_tasks() {
    let runtime = runtime();
    rounds("mutex", 160, |limits| runtime.block_on(in_tasks(mutex::Server::new(), limits)));
}

#[test]
fn no_event_whose_publish_failed_is_received_from_the_owner() {
    let runtime = runtime();
    rounds("task", 160, |limits| {
        runtime.block_on(async { in_tasks(task::Server::spawn(), limits).await })
    });
}
