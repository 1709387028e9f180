//! The list of everything that waits.

#![cfg(feature = "debug")]

use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use pushdown_patterns::Shutdown;
use pushdown_patterns::debug::{Group, Peer, dump};
use pushdown_patterns::mux::{self, CallOptions, Mux, WhenFull, dns};
use pushdown_patterns::pubsub::{Policy, PubSub, SubscriberId, mutex, task};
use pushdown_patterns::replicated::{self, Budget, Client, Hedge};
use pushdown_patterns::schedule::thread::Run;
use pushdown_patterns::schedule::{
    Attempt, CallFailure, Iter, Lease, Options, schedule, schedule_stream,
};

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
    assert!(line.starts_with("3 pubsub #"), "{line}");
    assert_eq!(group.peer_kind, Some("subscriber"));
    assert!(line.contains(&format!("publish: waits for room at subscriber {peer} for ")), "{line}");
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

/// A wait is listed with the system it belongs to, what it waits for just now, and the line that called
/// the function.
#[test]
fn a_call_is_listed_with_its_client_its_reason_and_its_line() {
    let _turn = TURN.lock();
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let request = async |_, ()| std::future::pending::<Result<(), ()>>().await;
        let options = || {
            let none = Budget { percent: 0, per_second: 0, burst: 0 };
            replicated::Options::new().hedge(Hedge::After(Duration::from_millis(1))).budget(none)
        };
        let orders = Client::new([0, 1], request, options().name("orders")).unwrap();
        let others = [(); 2].map(|()| Client::new([0, 1], request, options()).unwrap());
        let line = std::sync::Arc::new(AtomicU32::new(0));
        let call = |client: &Client<_, _, _, _>| {
            let (client, line) = (client.clone(), line.clone());
            tokio::spawn(async move {
                let (here, call) = (line!(), client.call(()));
                line.store(here, Ordering::Relaxed);
                call.await
            })
        };
        let calls = [&orders, &orders, &others[0], &others[1]].map(call);
        tokio::task::yield_now().await;
        let listed = groups("replicated", "call");
        assert_eq!(listed.len(), 3, "one for each client: {listed:?}");
        let of_orders = |groups: &[Group]| {
            let name = Some(Peer::Name("orders".into()));
            groups.iter().find(|group| group.system == name).cloned().unwrap()
        };
        let group = of_orders(&listed);
        assert_eq!((group.count, group.waits_for), (2, Some("a reply")));
        assert_eq!((group.peer_kind, &group.peer), (Some("server"), &Some(Peer::Number(0))));
        let (location, line) = (group.location.unwrap(), line.load(Ordering::Relaxed));
        assert_eq!((location.file(), location.line()), (file!(), line));
        let text = group.to_string();
        assert!(text.starts_with("2 replicated orders call: waits for a reply at server 0 for "));
        assert!(text.ends_with(&format!(", {}:{line}", file!())), "{text}");

        tokio::time::sleep(Duration::from_millis(2)).await;
        let group = of_orders(&groups("replicated", "call"));
        assert_eq!(group.waits_for, Some("a reply or its budget"));

        let total = dump().to_string();
        assert!(total.starts_with("4 waiting\n"), "{total}");
        calls.iter().for_each(tokio::task::JoinHandle::abort);
    });
    drop(runtime);
    assert_eq!(dump().to_string(), "0 waiting\n");
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

/// The line of a dump tells a slow server, a full queue of calls, a full quarantine and a blocked sink
/// from each other, although a caller is not polled when its call advances.
#[test]
fn calls_of_a_multiplexer_are_listed_with_what_holds_them_up() {
    let _turn = TURN.lock();
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let query = || dns::Message::new(vec![0; 12]).unwrap();
        let settle = || tokio::time::sleep(Duration::from_millis(1));
        let connect = |options: mux::Options, room: usize| {
            let (ours, theirs) = tokio::io::duplex(room);
            let (read, write) = tokio::io::split(ours);
            let (sink, stream) = dns::split(read, write);
            (Mux::spawn(dns::Dns, sink, stream, options).0, theirs)
        };
        let one = NonZeroUsize::MIN;

        let options = mux::Options::new().name("slow").in_flight(one);
        let (slow, _peer) = connect(options.when_full(WhenFull::Wait).quarantine(one), 512);
        let lost = tokio::spawn({
            let slow = slow.clone();
            async move { slow.call(query()).await.is_ok() }
        });
        let here = line!() - 2;
        settle().await;
        let idle = ["1 mux slow connection: runs", "1 mux slow connection: waits for messages"];
        let with = |more: &[String]| {
            let mut lines: Vec<_> = idle.iter().map(|line| (*line).to_owned()).collect();
            lines.extend_from_slice(more);
            lines.sort();
            lines
        };
        let sends = "1 mux slow connection: waits for something to send".to_owned();
        let replies = format!("1 mux slow call: waits for a reply, line {here}");
        assert_eq!(lines("slow"), with(&[sends, replies.clone()]));

        let queued = [(); 2].map(|()| {
            let slow = slow.clone();
            tokio::spawn(async move {
                let options = CallOptions::new().timeout(Duration::from_secs(60));
                slow.call_with(query(), options).await.is_ok()
            })
        });
        let there = line!() - 3;
        settle().await;
        let waits = |what: &str| {
            let connection = format!("1 mux slow connection: waits for {what}");
            [connection, format!("2 mux slow call: waits for {what}, line {there}")]
        };
        let [connection, calls] = waits("a place in flight");
        assert_eq!(lines("slow"), with(&[replies, connection, calls]));

        lost.abort();
        settle().await;
        assert_eq!(lines("slow"), with(&waits("room in the quarantine")));
        queued.iter().for_each(tokio::task::JoinHandle::abort);

        // The peer reads nothing. The first call is taken but not written, the others are not taken.
        let options = mux::Options::new().name("blocked");
        let (blocked, _peer) = connect(options, 1);
        let large = || dns::Message::new(vec![0; 65_535]).unwrap();
        let calls = [(); 4].map(|()| {
            let blocked = blocked.clone();
            tokio::spawn(async move { blocked.call(large()).await.is_ok() })
        });
        let here = line!() - 2;
        settle().await;
        let answer = tokio::spawn({
            let blocked = blocked.clone();
            let mut answer = vec![0; 12];
            answer[2] = 0x80;
            let answer = dns::Message::new(answer).unwrap();
            async move { blocked.answer(answer).await.is_ok() }
        });
        let there = line!() - 2;
        settle().await;
        assert_eq!(
            lines("blocked"),
            [
                format!("1 mux blocked answer: waits for room in the sink, line {there}"),
                format!("1 mux blocked call: waits for a flush of the sink, line {here}"),
                "1 mux blocked connection: runs".to_owned(),
                "1 mux blocked connection: waits for messages".to_owned(),
                "1 mux blocked connection: waits for room in the sink".to_owned(),
                format!("3 mux blocked call: waits for room in the sink, line {here}"),
            ]
        );
        calls.iter().for_each(tokio::task::JoinHandle::abort);
        answer.abort();
        drop((slow, blocked));
    });
    drop(runtime);
    assert_eq!(dump().to_string(), "0 waiting\n");
}

#[test]
fn waits_of_a_run_are_listed_with_its_name_and_their_line() {
    let _turn = TURN.lock();
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let settle = || tokio::time::sleep(Duration::from_millis(1));
        let call = async |_: Lease<u8>, _: u32| {
            std::future::pending::<Result<(), CallFailure<()>>>().await
        };
        let (joining, servers) = tokio::sync::mpsc::unbounded_channel();
        [(); 2].iter().for_each(|()| joining.send(0).unwrap());
        let (options, here) = (Options::default().name("night"), line!() + 1);
        let run = schedule(servers, 0..1, call, options);
        let mut watch = run.watch();
        let run = tokio::spawn(run.into_future());
        let watching = tokio::spawn(async move {
            watch.changed().await;
            watch.changed().await;
            watch.changed().await.is_some()
        });
        let there = line!() - 2;
        settle().await;
        let expected = [
            "1 schedule night acceptor: runs".to_owned(),
            "1 schedule night acceptor: waits for a server".to_owned(),
            format!("1 schedule night changed: waits for progress, line {there}"),
            format!("1 schedule night run: waits for its end, line {here}"),
            "1 schedule night worker: runs at server 0".to_owned(),
            "1 schedule night worker: runs at server 1".to_owned(),
            "1 schedule night worker: waits for a call at server 0".to_owned(),
            "1 schedule night worker: waits for a task at server 1".to_owned(),
        ];
        assert_eq!(lines("night"), expected);
        drop((run, watching, joining));

        let tasks = Iter::new(0..3);
        let (options, one) = (Options::default().name("ahead"), NonZeroUsize::MIN);
        let results = schedule_stream(vec![0], tasks, one, call, options);
        settle().await;
        assert_eq!(
            lines("ahead"),
            [
                "1 schedule ahead feeder: runs",
                "1 schedule ahead feeder: waits for room, or a task",
                "1 schedule ahead worker: runs at server 0",
                "1 schedule ahead worker: waits for a call at server 0",
            ]
        );
        drop(results);
    });
    drop(runtime);
    assert_eq!(dump().to_string(), "0 waiting\n");
}

#[test]
fn workers_on_threads_are_listed_with_the_name_of_their_run() {
    let _turn = TURN.lock();
    let (started, stop) = (std::sync::Barrier::new(2), std::sync::Barrier::new(2));
    thread::scope(|scope| {
        let call = |_: &mut u8, _: u32, _: &Attempt| {
            started.wait();
            stop.wait();
            Ok::<_, CallFailure<()>>(())
        };
        let run = Run::new([0, 0], 0..1, Options::default().name("threads"));
        let run = scope.spawn(move || run.call(call).is_ok());
        started.wait();
        until(|| lines("threads").iter().any(|line| line.contains("a task at server")));
        let lines = lines("threads");
        stop.wait();
        assert!(run.join().unwrap());
        let runs = "1 schedule threads worker: runs at server";
        assert!(lines.contains(&format!("{runs} 0")), "{lines:?}");
        assert!(lines.contains(&format!("{runs} 1")), "{lines:?}");
    });
}

/// The subscriber without room is the current one, although a publisher is not polled when another
/// takes its place.
#[test]
fn waits_at_a_server_are_listed_with_its_name_their_reason_and_their_line() {
    let _turn = TURN.lock();
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let settle = || tokio::time::sleep(Duration::from_millis(1));
        let server = mutex::Server::<u64>::new().named("mutex");
        check_lines(&server, "mutex", &[]).await;
        settle().await;
        assert_eq!(lines("mutex"), Vec::<String>::new());

        let server = task::Server::<u64>::spawn().named("task");
        let owner = ["1 pubsub task owner: runs", "1 pubsub task owner: waits for a request"];
        check_lines(&server, "task", &owner).await;
        settle().await;
        assert_eq!(lines("task"), Vec::<String>::new());

        let (server, owner) = task::Server::<u64>::new();
        let server = server.named("stopped");
        let call = tokio::spawn(async move { server.publish(1).await.is_ok() });
        let here = line!() - 1;
        settle().await;
        let publish = format!("1 pubsub stopped publish: waits for the owner, line {here}");
        assert_eq!(lines("stopped"), [publish]);
        drop(owner);
        assert!(!call.await.unwrap());
    });
    drop(runtime);
    assert_eq!(dump().to_string(), "0 waiting\n");
}

/// Checks the lines of the server of this name, beside those of its owner, and shuts it down.
async fn check_lines<S: PubSub<u64>>(server: &S, name: &str, owner: &[&str]) {
    let settle = || tokio::time::sleep(Duration::from_millis(1));
    let with = |more: &[String]| {
        let mut lines: Vec<_> = owner.iter().map(|line| (*line).to_owned()).collect();
        lines.extend_from_slice(more);
        lines.sort();
        lines
    };
    let mut first = server.subscribe(Policy::block(1, Duration::MAX)).await.unwrap();
    let mut second = server.subscribe(Policy::block(2, Duration::MAX)).await.unwrap();
    let mut third = server.subscribe(Policy::drop_oldest(9)).await.unwrap();
    let here = line!() + 1;
    let receive = tokio::spawn(async move { while third.recv().await.is_some() {} });
    let recv = format!("1 pubsub {name} recv: waits for an event, line {here}");
    server.publish(1).await.unwrap();
    let here = line!() + 3;
    let publishers = [(); 2].map(|()| {
        let server = server.clone();
        tokio::spawn(async move { server.publish(2).await.is_ok() })
    });
    settle().await;
    let publish = |count: usize, id: SubscriberId| {
        format!("{count} pubsub {name} publish: waits for room at {id}, line {here}")
    };
    assert_eq!(lines(name), with(&[recv.clone(), publish(2, first.id())]));

    // One event after the other, so that the second subscriber is the one without room.
    first.recv().await.unwrap();
    settle().await;
    assert_eq!(lines(name), with(&[recv.clone(), publish(1, first.id())]));
    first.recv().await.unwrap();
    settle().await;
    assert_eq!(lines(name), with(&[recv.clone(), publish(1, second.id())]));
    second.recv().await.unwrap();
    settle().await;
    assert_eq!(lines(name), with(&[recv]));
    for publisher in publishers {
        assert!(publisher.await.unwrap());
    }

    let server = server.clone();
    let drain = Shutdown::Drain { timeout: Duration::MAX };
    let here = line!() + 1;
    let shutdown = tokio::spawn(async move { server.shutdown(drain).await });
    settle().await;
    let waits = format!("1 pubsub {name} shutdown: waits for readers, line {here}");
    assert_eq!(lines(name), with(&[waits]));
    drop((first, second));
    receive.await.unwrap();
    assert_eq!(shutdown.await.unwrap().ended.len(), 3);
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
