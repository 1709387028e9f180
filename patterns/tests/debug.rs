//! The list of everything that waits.

#![cfg(feature = "debug")]

use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use pushdown_patterns::debug::{Group, Peer, dump};
use pushdown_patterns::pubsub::{Policy, mutex, task};
use pushdown_patterns::schedule::{CallFailure, Lease, Options, schedule};

/// The whole process has one list, so the tests take turns.
static TURN: Mutex<()> = Mutex::new(());

/// Returns the groups of this pattern and name.
fn groups(pattern: &str, name: &str) -> Vec<Group> {
    let dump = dump();
    let wanted = |group: &&Group| (group.pattern, group.name) == (pattern, name);
    dump.groups().iter().filter(wanted).cloned().collect()
}

fn until(mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(60), "{}", dump());
        thread::yield_now();
    }
}

#[test]
fn a_publisher_is_listed_with_the_subscriber_it_waits_for() {
    let _turn = TURN.lock();
    let server = mutex::Server::<u64>::new();
    let reader = server.subscribe(Policy::block(1, Duration::MAX)).unwrap();
    let stuck = server.subscribe(Policy::block(1, Duration::MAX)).unwrap();
    server.blocking_publish(1).unwrap();
    drop(reader);
    let publishers: Vec<_> = (0..3)
        .map(|_| {
            let server = server.clone();
            thread::spawn(move || server.blocking_publish(2))
        })
        .collect();
    until(|| groups("pubsub", "publish").iter().map(|group| group.count).sum::<usize>() == 3);
    let [group] = &groups("pubsub", "publish")[..] else { panic!("{}", dump()) };
    assert_eq!(group.waits_for, Some("room"));
    let Some(peer @ Peer::Number(_)) = &group.peer else { panic!("{group}") };
    assert_eq!(format!("subscriber {peer}"), stuck.id().to_string());
    assert!(group.longest >= group.shortest);
    let line = group.to_string();
    assert!(
        line.starts_with(&format!("3 pubsub publish: waits for room at {peer} since ")),
        "{line}"
    );
    drop(stuck);
    assert!(publishers.into_iter().all(|publisher| publisher.join().unwrap().is_ok()));
    assert_eq!(groups("pubsub", "publish"), []);
}

#[test]
fn tasks_are_listed_for_as_long_as_they_exist() {
    let _turn = TURN.lock();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let server = task::Server::<u64>::spawn();
        tokio::task::yield_now().await;
        let [runs, waits] = &groups("pubsub", "owner")[..] else { panic!("{}", dump()) };
        assert_eq!((runs.waits_for, runs.count), (None, 1));
        assert_eq!((waits.waits_for, waits.count), (Some("a request"), 1));
        drop(server);
        for _ in 0..9 {
            tokio::task::yield_now().await;
        }
        assert_eq!(groups("pubsub", "owner"), []);
    });
}

#[test]
fn a_runner_is_listed_with_its_server_and_the_largest_group_comes_first() {
    let _turn = TURN.lock();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let call = async |_: Lease<u8>, _: u32| {
            std::future::pending::<Result<(), CallFailure<()>>>().await
        };
        let run = schedule(vec![0; 3], 0..2, call, Options::default());
        for _ in 0..9 {
            tokio::task::yield_now().await;
        }
        let runners = groups("schedule", "worker");
        let calls: Vec<_> =
            runners.iter().filter(|group| group.waits_for == Some("a call")).collect();
        assert_eq!(calls.len(), 2, "{runners:?}");
        let idle: Vec<_> =
            runners.iter().filter(|group| group.waits_for == Some("a task")).collect();
        assert_eq!(idle.len(), 1, "{runners:?}");
        let server = mutex::Server::<u64>::new();
        let mut readers = Vec::new();
        for _ in 0..5 {
            let mut reader = server.subscribe(Policy::drop_oldest(1)).unwrap();
            readers.push(tokio::spawn(async move { reader.recv().await.is_some() }));
        }
        tokio::task::yield_now().await;
        let first = dump().groups()[0].clone();
        assert_eq!((first.pattern, first.name, first.count), ("pubsub", "recv", 5));
        drop((run, server));
    });
    drop(runtime);
    assert_eq!(dump().groups(), [], "nothing is left once the runtime is gone");
}

/// Ten thousand waiters, and no thread to run them.
#[test]
fn the_list_is_complete_while_every_worker_is_blocked() {
    const WAITERS: usize = 10_000;
    let _turn = TURN.lock();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let server = mutex::Server::<u64>::new();
    for _ in 0..WAITERS {
        let mut reader = server.subscribe(Policy::drop_oldest(1)).unwrap();
        runtime.spawn(async move { reader.recv().await.is_some() });
    }
    until(|| groups("pubsub", "recv").iter().any(|group| group.count == WAITERS));
    let gate = std::sync::Arc::new(std::sync::Barrier::new(3));
    for _ in 0..2 {
        let gate = gate.clone();
        runtime.spawn(async move {
            gate.wait();
            gate.wait();
        });
    }
    gate.wait();
    let took = (0..20)
        .map(|_| {
            let start = Instant::now();
            let dump = dump();
            let took = start.elapsed();
            assert_eq!(dump.groups()[0].count, WAITERS);
            took
        })
        .min()
        .unwrap();
    gate.wait();
    println!("{WAITERS} waiters listed in {took:?}");
}
