//! The events of both servers.

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use pushdown_patterns::Shutdown;
use pushdown_patterns::pubsub::{Item, Policy, PubSub, mutex, task};

use crate::capture::{Hooked, hook, take};
use crate::{SECRET, settle, within};

pub(crate) fn run() {
    what_becomes_of_subscribers();
    a_server_that_is_drained();
    panics_that_no_call_reports();
}

fn on_mutex(name: &'static str) -> (mutex::Server<str>, Hooked) {
    let server = mutex::Server::new().named(name);
    let handle = server.clone();
    let hooked = hook(name, move || {
        let _ = (handle.counts(), handle.subscribers(), handle.clone());
    });
    (server, hooked)
}

/// Its calls are questions to the owner, which runs this hook. One poll asks, and the drop gives up.
fn on_task(name: &'static str) -> (task::Server<str>, Hooked) {
    let server = task::Server::spawn().named(name);
    let handle = server.clone();
    let hooked = hook(name, move || {
        let mut counts = std::pin::pin!(handle.counts());
        let mut cx = Context::from_waker(Waker::noop());
        let asked: Poll<_> = counts.as_mut().poll(&mut cx);
        let _ = (asked, handle.clone());
    });
    (server, hooked)
}

#[test]
fn what_becomes_of_subscribers() {
    within(async || {
        let (server, hooked) = on_mutex("mutex");
        check_subscribers(&server, "mutex").await;
        drop(hooked);
        let (server, hooked) = on_task("task");
        check_subscribers(&server, "task").await;
        drop(hooked);
    });
}

async fn check_subscribers<S: PubSub<str>>(server: &S, name: &str) {
    let mut oldest = server.subscribe(Policy::drop_oldest(1)).await.unwrap();
    let one = 1.try_into().unwrap();
    let policy = Policy::Disconnect { capacity: one, grace: Duration::ZERO };
    let mut cut = server.subscribe(policy).await.unwrap();
    let [first, second] = [oldest.id(), cut.id()].map(|id| id.to_string());
    let of = |id: &String| id.replace("subscriber ", "subscriber=");
    let (first, second) = (of(&first), of(&second));
    assert_eq!(
        take(name),
        [format!("DEBUG subscribed {first}"), format!("DEBUG subscribed {second}")]
    );

    server.publish(SECRET).await.unwrap();
    server.publish(SECRET).await.unwrap();
    assert_eq!(take(name), [format!("WARN subscriber disconnected {second} missed=2")]);
    assert_eq!(oldest.recv().await, Some(Item::Gap { missed: 1 }));
    assert_eq!(cut.recv().await, Some(Item::Gap { missed: 2 }));
    assert_eq!(cut.recv().await, None);
    settle().await;
    let expected = [
        format!("DEBUG gap {first} missed=1"),
        format!("DEBUG gap {second} missed=2"),
        format!("DEBUG subscription ended {second} reason=\"too slow\" undelivered=0"),
    ];
    assert_eq!(take(name), expected);

    server.missed(0).await.unwrap();
    server.missed(7).await.unwrap();
    assert_eq!(take(name), ["WARN events lost upstream missed=7"]);
    drop(oldest);
    settle().await;
    let left = format!("DEBUG subscription ended {first} reason=\"left\" undelivered=8");
    assert_eq!(take(name), [left]);

    let full = server.subscribe(Policy::block(1, Duration::from_secs(1))).await.unwrap();
    server.publish(SECRET).await.unwrap();
    assert!(server.publish(SECRET).await.is_err());
    let id = of(&full.id().to_string());
    let expected = [format!("DEBUG subscribed {id}"), format!("DEBUG publish timed out {id}")];
    assert_eq!(take(name), expected);

    let counts = server.counts().await;
    assert_eq!((counts.published, counts.lost, counts.missed), (3, 7, 3));
    assert_eq!((counts.subscribers, counts.disconnected), (1, 1));
    assert_eq!((counts.publishers, counts.timed_out), (0, 1));

    assert_eq!(server.shutdown(Shutdown::Abort).await.ended.len(), 1);
    let expected = [
        "INFO shutdown begun how=\"abort\"".to_owned(),
        format!("DEBUG subscription ended {id} reason=\"aborted\" undelivered=1"),
        "INFO server closed drained=0 dropped=0 aborted=1".to_owned(),
    ];
    assert_eq!(take(name), expected);
    assert_eq!(server.counts().await, counts_of_closed(counts));
}

/// A closed server has no subscribers; its other counts stay.
fn counts_of_closed(
    mut counts: pushdown_patterns::pubsub::Counts,
) -> pushdown_patterns::pubsub::Counts {
    counts.subscribers = 0;
    counts
}

#[test]
fn a_server_that_is_drained() {
    within(async || {
        let (server, hooked) = on_mutex("drained");
        let mut reader = server.subscribe(Policy::drop_oldest(9)).unwrap();
        server.publish(SECRET).await.unwrap();
        server.cancel(reader.id()).unwrap();
        let dropped = server.subscribe(Policy::drop_oldest(9)).unwrap();
        server.publish(SECRET).await.unwrap();
        take("drained");
        let shutdown = server.shutdown(Shutdown::Drain { timeout: Duration::MAX });
        let read = async {
            settle().await;
            while reader.recv().await.is_some() {}
            drop(dropped);
        };
        let ((), report) = tokio::join!(read, shutdown);
        assert_eq!(report.ended.len(), 2);
        let lines = take("drained");
        assert_eq!(lines[0], "INFO shutdown begun how=\"drain\"");
        assert!(lines[1].ends_with("reason=\"cancelled\" undelivered=0"), "{lines:?}");
        assert!(lines[2].ends_with("reason=\"shut down\" undelivered=1"), "{lines:?}");
        assert_eq!(lines[3..], ["INFO server closed drained=1 dropped=1 aborted=0"]);
        drop(hooked);
    });
}

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("{SECRET}");
    }
}

impl Wake for Bomb {
    fn wake(self: Arc<Self>) {
        // It is not dropped, so that this is a panic of the waker alone.
        std::mem::forget(self);
        panic!("{SECRET}");
    }
}

/// These have no name: the destructor or waker may be any subscriber's.
#[test]
fn panics_that_no_call_reports() {
    within(async || {
        let server = mutex::Server::<Bomb>::new();
        let mut reader = server.subscribe(Policy::drop_oldest(1)).unwrap();
        {
            let waker = Waker::from(Arc::new(Bomb));
            let mut recv = std::pin::pin!(reader.recv());
            assert!(recv.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            std::mem::forget(waker);
        }
        server.publish(Bomb).await.unwrap();
        assert_eq!(take(""), ["WARN panic contained code=\"a waker\""]);
        drop((reader, server));
        assert_eq!(take(""), ["WARN panic contained code=\"a destructor\""]);
    });
}
