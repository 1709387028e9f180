//! Watching a run.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use pushdown_patterns::schedule::{Options, Watch, schedule};
use tokio::time::sleep;

use crate::{SECOND, a_second, results};

#[tokio::test(start_paused = true)]
async fn a_watcher_sees_changes_until_the_end() {
    let run = schedule([0, 1], 0..4, a_second, Options::default());
    let mut watch = run.watch();
    let start = watch.now();
    assert_eq!((start.tasks, start.done, start.queued, start.servers), (4, 0, 4, 2));
    let watching = tokio::spawn(async move {
        let mut seen = Vec::new();
        while let Some(now) = watch.changed().await {
            assert_eq!(now.done + now.queued + now.running, 4);
            seen.push(now.done);
        }
        (seen, watch.now())
    });
    assert_eq!(results(run.await).len(), 4);
    let (seen, last) = watching.await.unwrap();
    assert!(seen.is_sorted());
    assert!([0, 2, 4].iter().all(|done| seen.contains(done)), "{seen:?}");
    assert_eq!((last.done, last.attempts, last.end), (4, 4, Some(Ok(()))));
}

#[tokio::test(start_paused = true)]
async fn a_watcher_sees_each_server() {
    let run = schedule([0, 1], 0..3, a_second, Options::default());
    let watch = run.watch();
    let run = tokio::spawn(run);
    sleep(SECOND / 2).await;
    let running = watch.servers().into_iter().map(|server| server.running);
    assert_eq!(Vec::from_iter(running), [Some(0), Some(1)]);
    sleep(SECOND).await;
    let servers = watch.servers();
    assert_eq!((servers[0].running, servers[1].running), (Some(2), None));
    assert!(
        servers.iter().all(|server| server.counts.completed == 1 && server.leave_reason.is_none())
    );
    run.await.unwrap().unwrap();
}

/// Its waker is dropped.
#[tokio::test(start_paused = true)]
async fn a_watcher_that_stops_waiting_is_forgotten() {
    let run = schedule([0], 0..3, a_second, Options::default());
    let mut watch = run.watch();
    let mut other = watch.clone();
    assert!(watch.changed().await.is_some());
    for _ in 0..1000 {
        let mut changed = pin!(watch.changed());
        assert!(changed.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    assert!(format!("{watch:?}").matches("Waker").count() < 10);
    // A clone starts with no snapshot seen.
    assert!(poll_fn(|cx| Poll::Ready(pin!(other.changed()).poll(cx).is_ready())).await);
    assert_eq!(results(run.await).len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_watcher_sees_the_end_of_a_dropped_run() {
    async fn last(mut watch: Watch) -> usize {
        let mut last = 0;
        while let Some(now) = watch.changed().await {
            last = now.done;
        }
        last
    }
    let run = schedule([0], 0..9, a_second, Options::default());
    let watching = tokio::spawn(last(run.watch()));
    sleep(SECOND * 5 / 2).await;
    drop(run);
    assert_eq!(watching.await.unwrap(), 2);
}

/// Panics when it is woken.
struct Broken;

impl std::task::Wake for Broken {
    fn wake(self: Arc<Self>) {
        panic!("a broken waker");
    }
}

#[tokio::test(start_paused = true)]
async fn a_waker_that_panics_harms_neither_the_run_nor_other_watchers() {
    let run = schedule([0], 0..3, a_second, Options::default());
    let mut broken = run.watch();
    let mut other = run.watch();
    assert!(broken.changed().await.is_some());
    let mut changed = pin!(broken.changed());
    let waker = Waker::from(Arc::new(Broken));
    assert!(changed.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    let other = tokio::spawn(async move {
        let mut last = 0;
        while let Some(now) = other.changed().await {
            last = now.done;
        }
        last
    });
    tokio::task::yield_now().await;
    let report = run.await.unwrap();
    assert_eq!((report.attempts, report.servers[0].leave_reason), (3, None));
    assert_eq!((report.into_results().unwrap().len(), other.await.unwrap()), (3, 3));
}
