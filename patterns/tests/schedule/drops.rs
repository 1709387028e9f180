//! Runs and workers that are dropped at any moment.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use pushdown_patterns::schedule::{
    CallFailure, Lease, OnFailure, Options, Reason, Servers, WorkerFuture, schedule, schedule_on,
};
use pushdown_patterns::thread::block_on;
use tokio::sync::mpsc;
use tokio::task::yield_now;
use tokio::time::sleep;

use crate::counted::{Counted, quiet};
use crate::{SECOND, alive};

#[tokio::test(start_paused = true)]
async fn a_run_dropped_at_any_moment_leaves_nothing_behind() {
    let mut dropped_early = 0;
    for turns in 0..40 {
        let count = Arc::new(AtomicUsize::new(0));
        let (returned, mut back) = mpsc::unbounded_channel();
        let (joining, servers) = mpsc::channel(4);
        for server in 0..3 {
            joining.try_send((server, Counted::one(&count))).unwrap();
        }
        let servers = Servers::from(servers).hand_back(move |_, it| returned.send(it).unwrap());
        let call = async |server: Lease<(i32, Counted)>, task: Counted| {
            for _ in 0..server.0 {
                yield_now().await;
            }
            let result = task.clone();
            if server.attempt().number() == 1 {
                Err(CallFailure::elsewhere(result))
            } else {
                Ok(result)
            }
        };
        let tasks = Vec::from_iter((0..6).map(|_| Counted::one(&count)));
        let mut run = Box::pin(schedule(servers, tasks, call, Options::default()));
        let mut left = turns;
        let ended = poll_fn(|cx| match run.as_mut().poll(cx) {
            Poll::Ready(ended) => Poll::Ready(Some(ended)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => {
                left -= 1;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        })
        .await;
        dropped_early += usize::from(ended.is_none());
        drop((ended, run));
        quiet(0).await;
        for _ in 0..3 {
            assert!(back.try_recv().is_ok(), "a server was lost after {turns} turns");
        }
        assert_eq!(count.load(Ordering::Relaxed), 0, "values are left after {turns} turns");
    }
    assert!((5..40).contains(&dropped_early), "{dropped_early} were dropped early");
}

#[tokio::test]
async fn a_run_dropped_before_its_workers_start_calls_no_server() {
    let call =
        async |_: Lease<u32>, _: usize| -> Result<(), CallFailure<()>> { panic!("was called") };
    let (returned, mut back) = mpsc::unbounded_channel();
    let servers = Servers::from([1, 2]).hand_back(move |_, it| returned.send(it).unwrap());
    let run = schedule(servers, 0..9, call, Options::default());
    let watch = run.watch();
    drop(run);
    quiet(0).await;
    assert_eq!((back.try_recv(), back.try_recv()), (Ok(1), Ok(2)));
    assert_eq!((watch.now().attempts, watch.now().end), (0, Some(Err(Reason::ShutDown))));
}

#[tokio::test(start_paused = true)]
async fn calls_of_a_dropped_run_are_dropped_or_awaited() {
    for (then, expected) in [(OnFailure::DropCalls, 0), (OnFailure::AwaitCalls, 2)] {
        let finished = Arc::new(AtomicUsize::new(0));
        let counted = finished.clone();
        let call = move |_: Lease<usize>, _: usize| {
            let counted = counted.clone();
            async move {
                sleep(SECOND).await;
                counted.fetch_add(1, Ordering::Relaxed);
                Ok::<_, CallFailure<()>>(())
            }
        };
        let run = schedule([0, 1], 0..9, call, Options::default().on_failure(then));
        sleep(SECOND / 2).await;
        drop(run);
        sleep(SECOND).await;
        assert_eq!((finished.load(Ordering::Relaxed), alive()), (expected, 0));
    }
}

/// Each worker's future is dropped after a number of polls, wherever it then waits.
#[tokio::test(start_paused = true)]
async fn a_worker_dropped_at_any_moment_leaves_nothing_behind() {
    let mut lost = 0;
    for turns in 0..20 {
        let spawn = move |mut worker: WorkerFuture| {
            let mut left = turns;
            drop(tokio::spawn(poll_fn(move |cx| {
                if left == 0 || worker.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(());
                }
                left -= 1;
                cx.waker().wake_by_ref();
                Poll::Pending
            })));
        };
        let count = Arc::new(AtomicUsize::new(0));
        let call = async |server: Lease<(i32, Counted)>, task: Counted| {
            for _ in 0..server.0 {
                yield_now().await;
            }
            Ok::<_, CallFailure<()>>(task)
        };
        let servers = [1, 2, 3].map(|server| (server, Counted::one(&count)));
        let tasks = Vec::from_iter((0..6).map(|_| Counted::one(&count)));
        let run = schedule_on(spawn, servers, tasks, call, Options::default());
        let report = match run.await {
            Ok(report) => report,
            Err(unfinished) => {
                assert_eq!(unfinished.reason, Reason::NoServers);
                lost += 1;
                unfinished.report
            }
        };
        assert!(report.servers.iter().all(|server| server.server.is_some()));
        assert_eq!(count.load(Ordering::Relaxed), 3 + 6, "servers, and tasks or results");
        drop(report);
        quiet(0).await;
        assert_eq!(count.load(Ordering::Relaxed), 0);
    }
    assert!((3..20).contains(&lost), "{lost} runs lost their servers");
}

#[test]
fn a_spawner_that_drops_everything_fails_the_run() {
    let call = async |_: Lease<u32>, task: usize| Ok::<_, CallFailure<()>>(task);
    let run = schedule_on(drop, [0, 1], 0..2, call, Options::default());
    assert_eq!(block_on(run).unwrap_err().reason, Reason::NoServers);
    let (joining, servers) = mpsc::unbounded_channel();
    joining.send(0).unwrap();
    let run = schedule_on(drop, servers, 0..2, call, Options::default());
    let unfinished = block_on(run).unwrap_err();
    assert_eq!(unfinished.report.servers[0].server, Some(0));
}
