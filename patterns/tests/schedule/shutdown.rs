//! Runs that are shut down, or lose their runtime.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use pushdown_patterns::Shutdown;
use pushdown_patterns::schedule::{
    CallFailure, Exhausted, Lease, LeaveReason, Options, Reason, schedule, schedule_on,
};
use pushdown_patterns::thread::block_on;
use tokio::runtime::Builder;
use tokio::sync::mpsc;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, timeout};

use crate::{SECOND, alive, attempts};

#[tokio::test(start_paused = true)]
async fn a_drain_finishes_calls_in_progress_and_starts_none() {
    let call = async |server: Lease<u32>, task: usize| {
        sleep(SECOND * *server).await;
        Ok::<_, CallFailure<()>>(task)
    };
    let start = Instant::now();
    let run = schedule([1, 2, 60], 0..9, call, Options::default());
    yield_now().await;
    let unfinished = run.shutdown(Shutdown::Drain { timeout: 5 * SECOND }).await.unwrap_err();
    assert_eq!((start.elapsed(), alive()), (5 * SECOND, 0));
    assert_eq!(unfinished.reason, Reason::ShutDown);
    let results = unfinished.report.results;
    assert_eq!((&results[0], &results[1]), (&Ok(0), &Ok(1)));
    let attempts = results[2..].iter().map(|result| result.as_ref().unwrap_err().attempts);
    assert_eq!(Vec::from_iter(attempts), [1, 0, 0, 0, 0, 0, 0]);
    assert_eq!(unfinished.report.servers[2].counts.cancelled, 1);
}

/// A task whose last attempt is cut short by the drain is neither failed nor done.
#[tokio::test(start_paused = true)]
async fn a_call_dropped_at_the_deadline_of_a_drain_is_no_failure() {
    let call = async |_: Lease<usize>, _: usize| {
        std::future::pending::<Result<(), CallFailure<()>>>().await
    };
    for exhausted in [Exhausted::FailRun, Exhausted::GoOn] {
        let run = schedule([0], 0..1, call, attempts(1).exhausted(exhausted));
        sleep(SECOND).await;
        let unfinished = run.shutdown(Shutdown::Drain { timeout: SECOND }).await.unwrap_err();
        assert_eq!(unfinished.reason, Reason::ShutDown, "{exhausted:?}");
        assert_eq!(unfinished.report.servers[0].counts.cancelled, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_fails_for_good_does_not_cut_a_drain_short() {
    let call = async |_: Lease<usize>, task: usize| {
        sleep(SECOND * if task == 0 { 5 } else { 10 }).await;
        if task == 0 { Err(CallFailure::retry("no")) } else { Ok(()) }
    };
    let run = schedule([0, 1], 0..9, call, attempts(1));
    sleep(SECOND).await;
    let unfinished = run.shutdown(Shutdown::Drain { timeout: 60 * SECOND }).await.unwrap_err();
    assert_eq!(unfinished.reason, Reason::ShutDown);
    let results = &unfinished.report.results;
    assert_eq!(results[0].as_ref().unwrap_err().cause().unwrap().to_string(), "no");
    assert_eq!(results[1], Ok(()));
}

#[tokio::test(start_paused = true)]
async fn the_earlier_of_two_deadlines_holds() {
    let call = async |_: Lease<usize>, _: usize| {
        std::future::pending::<Result<(), CallFailure<()>>>().await
    };
    for timeouts in [[5 * SECOND, Duration::MAX], [60 * SECOND, 5 * SECOND]] {
        let start = Instant::now();
        let run = schedule([0], 0..1, call, Options::default());
        yield_now().await;
        for timeout in timeouts {
            run.control().shutdown(Shutdown::Drain { timeout });
        }
        let unfinished = timeout(99 * SECOND, run).await.unwrap().unwrap_err();
        assert_eq!(unfinished.reason, Reason::ShutDown);
        assert_eq!(start.elapsed(), 5 * SECOND);
    }
}

#[tokio::test(start_paused = true)]
async fn a_drain_ends_before_its_deadline_if_all_calls_have() {
    let call = async |_: Lease<u32>, task: usize| {
        sleep(SECOND).await;
        Ok::<_, CallFailure<()>>(task)
    };
    let start = Instant::now();
    let run = schedule([1, 2], 0..2, call, Options::default());
    yield_now().await;
    assert!(run.shutdown(Shutdown::Drain { timeout: Duration::MAX }).await.is_ok());
    assert_eq!(start.elapsed(), SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_control_handle_shuts_a_run_down() {
    let call =
        async |_: Lease<u32>, _: usize| std::future::pending::<Result<(), CallFailure<()>>>().await;
    let run = schedule([1, 2], 0..2, call, Options::default());
    let control = run.control();
    let run = tokio::spawn(run);
    yield_now().await;
    control.shutdown(Shutdown::Abort);
    let report = run.await.unwrap().unwrap_err().report;
    assert!(
        report
            .servers
            .iter()
            .all(|server| server.server.is_some() && server.leave_reason.is_none())
    );
    assert!(!control.retire(report.servers[0].id));
}

/// The run is awaited on another thread.
#[test]
fn the_shutdown_of_its_runtime_ends_a_run() {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let call = async |_: Lease<u32>, task: usize| {
        if task > 2 {
            sleep(3600 * SECOND).await;
        }
        Ok::<_, CallFailure<()>>(task)
    };
    let (joining, servers) = mpsc::unbounded_channel();
    (0..3).for_each(|server| joining.send(server).unwrap());
    let entered = runtime.enter();
    let run = schedule(servers, 0..9, call, Options::default());
    drop(entered);
    let mut watch = run.watch();
    while block_on(watch.changed()).is_none_or(|now| now.running < 3 || now.done < 3) {}
    runtime.shutdown_timeout(60 * SECOND);
    let unfinished = block_on(run).unwrap_err();
    assert_eq!(unfinished.reason, Reason::NoServers);
    assert!(unfinished.report.results[..3].iter().all(Result::is_ok));
    for server in unfinished.report.servers {
        assert_eq!((server.leave_reason, server.server.is_some()), (Some(LeaveReason::Lost), true));
    }
}

#[test]
#[should_panic(expected = "a run is polled after completion")]
fn polling_a_run_after_completion_panics() {
    let call = async |_: Lease<u32>, task: usize| Ok::<_, CallFailure<()>>(task);
    let mut run = pin!(schedule_on(drop, [], 0..2, call, Options::default()));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(run.as_mut().poll(&mut cx).is_ready());
    let _ = run.poll(&mut cx);
}
