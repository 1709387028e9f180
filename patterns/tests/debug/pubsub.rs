//! The waits of both servers.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use pushdown_patterns::Shutdown;
use pushdown_patterns::debug::{Peer, dump};
use pushdown_patterns::pubsub::{Item, Policy, PubSub, SubscriberId, mutex, task};

use crate::{TURN, groups, lines, until};

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

#[test]
fn calls_through_the_trait_are_listed_with_the_line_of_the_caller() {
    let _turn = TURN.lock();
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let (server, owner) = task::Server::<u64>::new();
        let server = server.named("asked");
        check_calls(&server, "asked").await;
        drop(owner);
    });
}

/// Makes the calls that wait for an answer of the owner, which does not run, and drops them.
async fn check_calls<S: PubSub<u64>>(server: &S, name: &str) {
    async fn check<T>(name: &str, verb: &str, call: impl Future<Output = T>, line: u32) {
        let waits = async {
            let line = format!("1 pubsub {name} {verb}: waits for the owner, line {line}");
            tokio::time::sleep(Duration::from_millis(1)).await;
            assert_eq!(lines(name), [line]);
        };
        tokio::select! {
            biased;
            _ = call => panic!("{verb} was answered"),
            () = waits => {}
        }
        assert_eq!(lines(name), Vec::<String>::new());
    }
    let policy = Policy::drop_oldest(1);
    let (channel, _receiver) = tokio::sync::mpsc::channel::<Item<Arc<u64>>>(1);
    check(name, "subscribe", server.subscribe(policy), line!()).await;
    check(name, "subscribe", server.subscribe_channel(channel.clone(), policy), line!()).await;
    check(name, "publish", server.publish(1), line!()).await;
    check(name, "cancel", server.cancel_channel(channel), line!()).await;
    check(name, "missed", server.missed(1), line!()).await;
    check(name, "subscribers", server.subscribers(), line!()).await;
    check(name, "counts", server.counts(), line!()).await;
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
