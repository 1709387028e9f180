//! The cost of delivering the same events to many subscribers.
//!
//! ```text
//! $ cargo bench -p pushdown-patterns-benches --bench pubsub
//! ```
//!
//! An element is a delivery: an event that a subscriber has received, or been told it has missed.
//!
//! * `pubsub/fan-out`: all subscribers receive all events; the publisher waits for those without room.
//! * `pubsub/drop`: the publisher never waits; slow subscribers miss the oldest events.
//! * `pubsub/stuck`: like `fan-out` with the `mutex` server, with one more subscriber that never reads.
//!   The function is named after its policy. It should not slow down the others.

use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use criterion::Criterion;
use pushdown_patterns::pubsub::{Item, Limit, Policy, Subscription, mutex, task};
use tokio::runtime::Runtime;

use pushdown_benches::settings;
use pushdown_patterns_benches::fan_out;
use pushdown_patterns_benches::fan_out::{CAPACITY, Count, SUBSCRIBERS, bench, events, round};
use pushdown_patterns_benches::ours::{Ours, lossless, next};

/// The factor by which a round of threads has fewer events, because threads are slower.
const FEWER: u64 = 20;

fn main() {
    let mut criterion = settings::criterion();
    let runtime = fan_out::runtime();
    fan_out(&mut criterion, &runtime);
    drop_oldest(&mut criterion, &runtime);
    one_stuck(&mut criterion, &runtime);
    criterion.final_summary();
}

fn fan_out(criterion: &mut Criterion, runtime: &Runtime) {
    let policy = lossless();
    let mut group = settings::group(criterion, "pubsub/fan-out");
    for subscribers in SUBSCRIBERS {
        bench(&mut group, "mutex", subscribers, events(subscribers), |events| {
            let server = mutex::Server::new();
            runtime.block_on(round(Ours { server, policy }, subscribers, events))
        });
        bench(&mut group, "task", subscribers, events(subscribers), |events| {
            runtime.block_on(async {
                let server = task::Server::spawn();
                round(Ours { server, policy }, subscribers, events).await
            })
        });
        let events = events(subscribers) / FEWER;
        bench(&mut group, "thread", subscribers, events, |events| {
            round_of_threads(subscribers, events)
        });
    }
}

fn drop_oldest(criterion: &mut Criterion, runtime: &Runtime) {
    let policy = Policy::drop_oldest(CAPACITY);
    let mut group = settings::group(criterion, "pubsub/drop");
    for subscribers in SUBSCRIBERS {
        bench(&mut group, "mutex", subscribers, events(subscribers), |events| {
            let server = mutex::Server::new();
            runtime.block_on(round(Ours { server, policy }, subscribers, events))
        });
        bench(&mut group, "task", subscribers, events(subscribers), |events| {
            runtime.block_on(async {
                let server = task::Server::spawn();
                round(Ours { server, policy }, subscribers, events).await
            })
        });
    }
}

fn one_stuck(criterion: &mut Criterion, runtime: &Runtime) {
    let policies = [
        ("none", None),
        ("drop-newest", Some(Policy::drop_newest(CAPACITY))),
        ("drop-oldest", Some(Policy::drop_oldest(CAPACITY))),
        ("queue", Some(Policy::Queue { items: Limit::Unbounded, bytes: Limit::Unbounded })),
        ("disconnect", Some(Policy::disconnect(CAPACITY, Duration::MAX))),
    ];
    let mut group = settings::group(criterion, "pubsub/stuck");
    // One healthy subscriber shows what the stuck one costs: nothing hides it.
    for subscribers in [1].into_iter().chain(SUBSCRIBERS) {
        for (name, policy) in policies {
            bench(&mut group, name, subscribers, events(subscribers), |events| {
                let server = mutex::Server::new();
                let stuck = policy.map(|policy| server.subscribe(policy).unwrap());
                let healthy = Ours { server: server.clone(), policy: lossless() };
                let round = runtime.block_on(round(healthy, subscribers, events));
                stuck.into_iter().for_each(|stuck| assert_counted(stuck, events + 1));
                round
            });
        }
    }
}

/// Checks that a stuck subscriber finds all events or is told that they are missing.
fn assert_counted(mut stuck: Subscription<u64>, published: u64) {
    let mut count = Count::default();
    while let Ok(item) = stuck.try_recv() {
        count.take(next(item));
    }
    assert_eq!(count.total(), published);
}

/// Like [`round`], but with threads.
fn round_of_threads(subscribers: usize, events: u64) -> (Duration, Count) {
    let last = events + 1;
    let server = mutex::Server::new();
    let ready = Arc::new(Barrier::new(subscribers + 1));
    let readers: Vec<_> = (0..subscribers)
        .map(|_| {
            let (mut reader, ready) = (server.subscribe(lossless()).unwrap(), ready.clone());
            thread::spawn(move || {
                let mut receive = |seq| match reader.blocking_recv() {
                    Some(Item::Event { event, .. }) => assert_eq!(**event, seq),
                    other => panic!("{other:?}"),
                };
                receive(1);
                ready.wait();
                (2..=last).for_each(receive);
            })
        })
        .collect();
    server.blocking_publish(1).unwrap();
    ready.wait();
    let start = Instant::now();
    for number in 2..=last {
        server.blocking_publish(number).unwrap();
    }
    readers.into_iter().for_each(|reader| reader.join().unwrap());
    (start.elapsed(), Count { delivered: last * subscribers as u64, missed: 0 })
}
