//! Tasks from a stream, and results as they settle.

use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pushdown_patterns::Shutdown;
use pushdown_patterns::schedule::{
    CallFailure, Cause, Exhausted, Iter, Lease, Options, Reason, Results, schedule, schedule_stream,
};
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::counted::{Counted, quiet};
use crate::{SECOND, a_second, alive, attempts};

fn ahead(tasks: usize) -> NonZeroUsize {
    NonZeroUsize::new(tasks).unwrap()
}

/// A receiver as a stream.
struct Receiver(mpsc::UnboundedReceiver<usize>);

impl futures_core::Stream for Receiver {
    type Item = usize;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<usize>> {
        self.0.poll_recv(cx)
    }
}

async fn all<S, T, R, E>(results: &mut Results<S, T, R, E>) -> Vec<(usize, Option<R>)> {
    let mut all = Vec::new();
    while let Some((task, result)) = results.next().await {
        all.push((task, result.ok()));
    }
    all
}

#[tokio::test(start_paused = true)]
async fn results_come_as_they_settle() {
    let call = async |_: Lease<usize>, task: u32| {
        sleep(SECOND * (10 - task)).await;
        Ok::<_, CallFailure<()>>(task)
    };
    let tasks = Iter::new(0..3);
    let mut results = schedule_stream([0, 1, 2], tasks, ahead(9), call, Options::default());
    assert_eq!(all(&mut results).await, [(2, Some(2)), (1, Some(1)), (0, Some(0))]);
    let summary = results.finish().await;
    assert_eq!((summary.end, summary.attempts, alive()), (Ok(()), 3, 0));
    assert!(summary.servers.iter().all(|server| server.server.is_some()));
}

#[tokio::test(start_paused = true)]
async fn tasks_come_from_a_stream_that_waits() {
    let (sender, receiver) = mpsc::unbounded_channel();
    let tasks = Receiver(receiver);
    let mut results = schedule_stream([0, 1], tasks, ahead(4), a_second, Options::default());
    for task in 0..3 {
        sender.send(task).unwrap();
        assert_eq!(results.next().await.map(|(_, result)| result.unwrap()), Some(task));
    }
    drop(sender);
    assert!(results.next().await.is_none());
    assert_eq!(results.finish().await.end, Ok(()));
}

/// A million tasks. What is held is counted, tasks and results alike.
#[tokio::test]
async fn a_million_tasks_are_never_held_together() {
    const TASKS: usize = 1_000_000;
    const AHEAD: usize = 100;
    const SERVERS: usize = 4;
    let (held, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (count, noted) = (held.clone(), most.clone());
    let tasks = Iter::new((0..TASKS).map(move |_| {
        noted.fetch_max(count.load(Ordering::Relaxed), Ordering::Relaxed);
        Counted::one(&count)
    }));
    let call = async |server: Lease<usize>, task: Counted| {
        if server.task().is_multiple_of(1000) && server.attempt().number() == 1 {
            return Err(CallFailure::retry(task));
        }
        Ok(task)
    };
    let servers = Vec::from_iter(0..SERVERS);
    let mut results = schedule_stream(servers, tasks, ahead(AHEAD), call, Options::default());
    let mut sum = 0;
    while let Some((number, result)) = results.next().await {
        assert!(result.is_ok());
        sum += number;
    }
    assert_eq!(sum, TASKS / 2 * (TASKS - 1));
    assert_eq!(results.finish().await.attempts, (TASKS + TASKS / 1000) as u64);
    // Each task may have a clone or a failure beside it while it runs.
    let most = most.load(Ordering::Relaxed);
    assert!((AHEAD / 2..=2 * (AHEAD + SERVERS)).contains(&most), "{most} values");
    quiet(0).await;
    assert_eq!(held.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_takes_no_results_stops_the_run() {
    let mut results =
        schedule_stream([0, 1], Iter::new(0..), ahead(10), a_second, Options::default());
    let watch = results.watch();
    sleep(3600 * SECOND).await;
    assert_eq!((watch.now().tasks, watch.now().done, watch.now().running), (10, 10, 0));
    for _ in 0..5 {
        results.next().await.unwrap().1.unwrap();
    }
    sleep(3600 * SECOND).await;
    assert_eq!((watch.now().tasks, watch.now().done), (15, 15));
    drop(results);
    quiet(0).await;
}

/// The stream has no end, and never waits.
#[tokio::test]
async fn results_that_are_always_there_do_not_starve_other_tasks() {
    let call = async |_: Lease<usize>, task: usize| Ok::<_, CallFailure<()>>(task);
    let mut results =
        schedule_stream([0, 1], Iter::new(0..), ahead(1000), call, Options::default());
    let other = tokio::spawn(async {});
    let mut taken = 0;
    while !other.is_finished() {
        assert!(results.next().await.is_some());
        taken += 1;
        assert!(taken < 1_000_000, "the other task gets no turn");
    }
    results.control().shutdown(Shutdown::Abort);
    assert_eq!(results.finish().await.end, Err(Reason::ShutDown));
    assert_eq!(alive(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_fails_yields_every_task_it_has_taken() {
    let call = async |_: Lease<usize>, task: usize| {
        sleep(SECOND * if task == 4 { 1 } else { 10 }).await;
        if task == 4 { Err(CallFailure::fatal("full")) } else { Ok(task) }
    };
    let tasks = Iter::new(3..);
    let mut results = schedule_stream([0, 1, 2], tasks, ahead(6), call, Options::default());
    let mut taken = Vec::new();
    while let Some((number, result)) = results.next().await {
        let failed = result.unwrap_err();
        assert_eq!((failed.index, failed.task), (number, number + 3));
        taken.push((number, failed.attempts));
    }
    assert_eq!(taken, [(0, 1), (1, 1), (2, 1), (3, 0), (4, 0), (5, 0)]);
    assert_eq!(results.finish().await.end, Err(Reason::Fatal { task: 1 }));
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_given_up_is_a_result() {
    let call = async |_: Lease<usize>, task: usize| {
        if task == 1 { Err(CallFailure::retry("no")) } else { Ok(task) }
    };
    let options = attempts(2).exhausted(Exhausted::GoOn);
    let mut results = schedule_stream([0], Iter::new(0..3), ahead(1), call, options);
    assert_eq!(results.next().await.unwrap().1.unwrap(), 0);
    let failed = results.next().await.unwrap().1.unwrap_err();
    assert_eq!((failed.index, failed.attempts, failed.deaths), (1, 2, 0));
    assert_eq!(failed.cause(), Some(&Cause::Failed(CallFailure::retry("no"))));
    assert_eq!(results.next().await.unwrap().1.unwrap(), 2);
    assert_eq!(results.finish().await.end, Ok(()));
}

/// It is not known which tasks are missing, so this is no success.
#[tokio::test(start_paused = true)]
async fn a_stream_of_tasks_that_panics_ends_the_run() {
    for early in [0, 5000] {
        let tasks = (0..).inspect(move |task| assert!(*task < early, "no more"));
        let call = async |_: Lease<usize>, task: usize| Ok::<_, CallFailure<()>>(task);
        let unfinished = schedule([0, 1], tasks.clone().take(9000), call, Options::default());
        let unfinished = unfinished.await.unwrap_err();
        assert_eq!(unfinished.reason, Reason::Panicked);
        assert_eq!(unfinished.report.panic.as_deref(), Some("no more"));
        let results =
            schedule_stream([0, 1], Iter::new(tasks), ahead(16), call, Options::default());
        let summary = results.finish().await;
        assert_eq!(summary.end, Err(Reason::Panicked));
        assert_eq!(summary.panic.as_deref(), Some("no more"));
    }
}

/// More than are taken in advance.
#[tokio::test]
async fn a_collected_run_that_fails_reports_tasks_that_it_did_not_take() {
    const TASKS: usize = 10_000;
    let call = async |_: Lease<usize>, task: usize| {
        if task == 2000 { Err(CallFailure::fatal(())) } else { Ok(task) }
    };
    let unfinished = schedule([0, 1], 0..TASKS, call, Options::default()).await.unwrap_err();
    assert_eq!(unfinished.reason, Reason::Fatal { task: 2000 });
    let results = unfinished.report.results;
    assert_eq!(results.len(), TASKS);
    assert!(results[..1999].iter().all(Result::is_ok));
    let last = results[TASKS - 1].as_ref().unwrap_err();
    assert_eq!((last.index, last.task, last.attempts), (TASKS - 1, TASKS - 1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_task_has_the_same_number_in_every_attempt() {
    let call = async |server: Lease<usize>, task: usize| {
        assert_eq!((server.task(), server.attempt().task()), (task - 10, task - 10));
        if server.attempt().number() < 3 { Err(CallFailure::retry(())) } else { Ok(()) }
    };
    let limits = Options::default().attempts(NonZeroU32::MAX);
    assert!(schedule([0, 1], 10..40, call, limits).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn results_dropped_at_any_moment_leave_nothing_behind() {
    for taken in 0..12 {
        let count = Arc::new(AtomicUsize::new(0));
        let own = count.clone();
        let tasks = Iter::new((0..).map(move |_| Counted::one(&own)));
        let call = async |_: Lease<usize>, task: Counted| {
            sleep(SECOND).await;
            Ok::<_, CallFailure<()>>(task)
        };
        let options = Options::default().backup_after(SECOND / 2);
        let mut results = schedule_stream([0, 1, 2], tasks, ahead(5), call, options);
        for _ in 0..taken {
            drop(results.next().await);
        }
        drop(results);
        quiet(0).await;
        assert_eq!(count.load(Ordering::Relaxed), 0, "values are left after {taken} results");
    }
}

/// Prints the resident memory during a hundred million tasks.
#[test]
#[ignore = "takes minutes"]
fn a_hundred_million_tasks_in_constant_memory() {
    fn resident() -> Option<usize> {
        let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
        Some(statm.split(' ').nth(1)?.parse::<usize>().ok()? * 4)
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    runtime.block_on(async {
        let call = async |_: Lease<usize>, task: usize| Ok::<_, CallFailure<()>>(task);
        let servers = Vec::from_iter(0..8);
        let tasks = Iter::new(0..100_000_000);
        let mut results = schedule_stream(servers, tasks, ahead(1000), call, Options::default());
        let start = std::time::Instant::now();
        let mut done = 0usize;
        while let Some((_, result)) = results.next().await {
            done += usize::from(result.is_ok());
            if [1, 10, 100].map(|millions| millions * 1_000_000).contains(&done) {
                println!("{done} tasks, {:?} KiB, {:?}", resident(), start.elapsed());
            }
        }
        assert_eq!((done, results.finish().await.end), (100_000_000, Ok(())));
    });
}
