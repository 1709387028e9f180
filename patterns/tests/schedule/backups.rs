//! Backup copies of stragglers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pushdown_patterns::schedule::{CallFailure, Lease, Options, Reason, schedule};
use tokio::time::{Instant, sleep, timeout};

use crate::{SECOND, alive, attempts, results};

fn backups() -> Options {
    Options::default().backup_after(5 * SECOND)
}

/// Server 0 is slow.
async fn slow(server: Lease<usize>, _: usize) -> Result<(usize, bool), CallFailure<()>> {
    sleep(if *server == 0 { 60 * SECOND } else { SECOND }).await;
    Ok((*server, server.attempt().is_backup()))
}

#[tokio::test(start_paused = true)]
async fn a_straggler_gets_a_copy_and_is_dropped_when_that_succeeds() {
    let start = Instant::now();
    let report = schedule([0, 1], 0..4, slow, backups()).await.unwrap();
    assert_eq!((start.elapsed(), alive()), (6 * SECOND, 0));
    assert_eq!((report.attempts, report.backups), (5, 1));
    assert_eq!((report.servers[0].counts.cancelled, report.servers[0].server), (1, Some(0)));
    assert_eq!(report.into_results().unwrap(), [(1, true), (1, false), (1, false), (1, false)]);
}

#[tokio::test(start_paused = true)]
async fn without_the_option_nothing_runs_twice() {
    let start = Instant::now();
    let report = schedule([0, 1], 0..4, slow, Options::default()).await.unwrap();
    assert_eq!((start.elapsed(), report.attempts, report.backups), (60 * SECOND, 4, 0));
}

#[tokio::test(start_paused = true)]
async fn fresh_tasks_come_before_copies() {
    let report = schedule([0, 1], 0..21, slow, backups()).await.unwrap();
    assert_eq!((report.attempts, report.backups), (22, 1));
    assert_eq!(report.results[0], Ok((1, true)));
}

#[tokio::test(start_paused = true)]
async fn the_copy_is_dropped_if_the_first_call_is_faster() {
    let dropped = Arc::new(AtomicUsize::new(0));
    let counted = dropped.clone();
    let call = move |server: Lease<usize>, _: usize| {
        let counted = counted.clone();
        async move {
            let mut unfinished = Some(OnDrop(counted));
            sleep(if server.attempt().is_backup() { 9 * SECOND } else { 7 * SECOND }).await;
            let on_drop = unfinished.take().unwrap();
            std::mem::forget(on_drop);
            Ok::<_, CallFailure<()>>(server.attempt().is_backup())
        }
    };
    let start = Instant::now();
    assert_eq!(results(schedule([0, 1], 0..1, call, backups()).await), [false]);
    assert_eq!((start.elapsed(), dropped.load(Ordering::Relaxed)), (7 * SECOND, 1));
}

struct OnDrop(Arc<AtomicUsize>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// The first success wins, not the first call to end.
#[tokio::test(start_paused = true)]
async fn a_copy_that_fails_does_not_end_the_first_call() {
    let call = async |server: Lease<usize>, _: usize| {
        if server.attempt().is_backup() {
            return Err(CallFailure::elsewhere("no"));
        }
        sleep(60 * SECOND).await;
        Ok(*server)
    };
    let start = Instant::now();
    let report = schedule([0, 1, 2], 0..1, call, backups()).await.unwrap();
    // Each other server has tried it once, and one of them again because none was left.
    assert_eq!((start.elapsed(), report.backups), (60 * SECOND, 3));
    assert_eq!(report.into_results().unwrap(), [0]);
}

/// A copy is an attempt. The last one to fail decides.
#[tokio::test(start_paused = true)]
async fn a_task_is_given_up_when_its_last_copy_fails() {
    let call = async |server: Lease<usize>, _: usize| {
        sleep(SECOND * if server.attempt().is_backup() { 1 } else { 20 }).await;
        Err::<(), _>(CallFailure::retry(server.attempt().number()))
    };
    let start = Instant::now();
    let unfinished =
        schedule([0, 1], 0..1, call, attempts(2).backup_after(SECOND)).await.unwrap_err();
    assert_eq!(start.elapsed(), 20 * SECOND);
    assert_eq!(unfinished.reason, Reason::Exhausted { task: 0 });
    let numbers = unfinished.report.results[0].as_ref().unwrap_err();
    assert_eq!(Vec::from_iter(numbers.failures.iter().map(|failed| failed.number)), [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn the_call_that_has_run_longest_is_copied_first() {
    let call = async |server: Lease<usize>, task: usize| {
        match (task, server.attempt().is_backup()) {
            (2, _) => sleep(10 * SECOND).await,
            (_, false) => {
                // Task 1 starts a second later.
                sleep(SECOND * 100).await;
            }
            _ => sleep(SECOND).await,
        }
        Ok::<_, CallFailure<()>>(Instant::now())
    };
    let (joining, servers) = tokio::sync::mpsc::unbounded_channel();
    let start = Instant::now();
    let run = tokio::spawn(schedule(servers, 0..3, call, backups()));
    for server in 0..3 {
        joining.send(server).unwrap();
        sleep(SECOND).await;
    }
    let done = results(run.await.unwrap());
    // Task 2 ends at 12 s. Then its server copies task 0 for a second, and then task 1.
    let seconds = done.iter().map(|done| (*done - start).as_secs());
    assert_eq!(Vec::from_iter(seconds), [13, 14, 12]);
}

#[tokio::test(start_paused = true)]
async fn a_copy_goes_to_a_server_where_the_task_failed_if_no_other_is_left() {
    let call = async |server: Lease<usize>, _: usize| match server.attempt().number() {
        1 => Err(CallFailure::elsewhere("once")),
        2 => std::future::pending().await,
        _ => Ok(*server),
    };
    let start = Instant::now();
    let run = schedule([0, 1], 0..1, call, backups());
    let report = timeout(99 * SECOND, run).await.unwrap().unwrap();
    assert_eq!((start.elapsed(), report.backups), (5 * SECOND, 1));
    assert_eq!(report.into_results().unwrap(), [0]);
}
