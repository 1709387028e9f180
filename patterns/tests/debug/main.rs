//! The list of everything that waits.

#![cfg(feature = "debug")]

use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use pushdown_patterns::debug::{Group, Peer, dump};
use pushdown_patterns::pubsub::{Policy, mutex};
use pushdown_patterns::schedule::{CallFailure, Lease, Options, schedule};

mod html;
mod mux;
mod pubsub;
mod replicated;
mod schedule;

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

/// Returns the lines of the system of this name without their times, sorted.
fn lines(name: &str) -> Vec<String> {
    let dump = dump();
    let name = Some(Peer::Name(name.into()));
    let of_name = dump.groups().iter().filter(|group| group.system == name);
    let words = |group: &Group| {
        let line = group.to_string();
        let words = line.rsplit_once(" for ").unwrap().0.to_owned();
        match group.location {
            Some(location) => format!("{words}, line {}", location.line()),
            None => words,
        }
    };
    let mut lines: Vec<_> = of_name.map(words).collect();
    lines.sort();
    lines
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
    let dump = dump();
    gate.wait();
    assert_eq!(dump.groups()[0].count, WAITERS);
}

#[test]
fn a_range_of_times_is_shown_where_it_differs() {
    let _turn = TURN.lock();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let server = mutex::Server::<u64>::new();
        let mut reader = server.subscribe(Policy::drop_oldest(1)).unwrap();
        tokio::spawn(async move { reader.recv().await.is_some() });
        tokio::task::yield_now().await;
    });
    let mut group = groups("pubsub", "recv").pop().unwrap();
    group.location = None;
    let mut shown = |shortest: u64, longest: u64| {
        group.shortest = Duration::from_micros(shortest);
        group.longest = Duration::from_micros(longest);
        let text = group.to_string();
        text.rsplit_once(" for ").unwrap().1.to_owned()
    };
    assert_eq!(shown(1_000_000, 1_000_001), "1.0 s");
    assert_eq!(shown(52, 3_400), "52.0 µs to 3.4 ms");
    assert_eq!(shown(0, 75_250_000), "0.0 ns to 75.2 s");
}
