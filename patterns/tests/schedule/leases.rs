//! Leases that outlive their call.

use std::sync::{Arc, Mutex};

use pushdown_patterns::Shutdown;
use pushdown_patterns::schedule::{CallFailure, Lease, Options, Reason, Servers, schedule};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use crate::{SECOND, alive, results};

#[tokio::test(start_paused = true)]
async fn a_server_is_busy_until_its_lease_is_dropped() {
    let call = async |server: Lease<usize>, task: usize| {
        if task == 0 {
            tokio::spawn(async move {
                sleep(10 * SECOND).await;
                drop(server);
            });
        }
        Ok::<_, CallFailure<()>>(task)
    };
    let run = schedule([0], 0..2, call, Options::default());
    let watch = run.watch();
    let start = Instant::now();
    let run = tokio::spawn(run);
    sleep(SECOND).await;
    assert_eq!((watch.now().done, watch.now().queued), (1, 1));
    assert_eq!(results(run.await.unwrap()), [0, 1]);
    assert_eq!(start.elapsed(), 10 * SECOND);
}

/// The holder of the lease may still be working on the task.
#[tokio::test(start_paused = true)]
async fn a_task_is_not_retried_before_the_lease_of_its_failed_call_is_dropped() {
    const TIMES_OUT: usize = 1;
    for task in [0, TIMES_OUT] {
        let call = async |server: Lease<usize>, task: usize| {
            if server.attempt().number() > 1 {
                return Ok((*server, Instant::now()));
            }
            tokio::spawn(async move {
                sleep(10 * SECOND).await;
                drop(server);
            });
            if task == TIMES_OUT {
                std::future::pending().await
            } else {
                Err(CallFailure::elsewhere("once"))
            }
        };
        let start = Instant::now();
        let run = schedule([0, 1], [task], call, Options::default().timeout(5 * SECOND));
        assert_eq!(results(run.await), [(1, start + 10 * SECOND)]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_fatal_failure_does_not_wait_for_its_lease() {
    let call = async |server: Lease<usize>, _: usize| {
        tokio::spawn(async move {
            sleep(10 * SECOND).await;
            drop(server);
        });
        Err::<(), _>(CallFailure::fatal("full"))
    };
    let run = schedule([0, 1], 0..9, call, Options::default());
    let watch = run.watch();
    let run = tokio::spawn(run);
    sleep(SECOND).await;
    assert_eq!(watch.now().end, Some(Err(Reason::Fatal { task: 0 })));
    assert_eq!(run.await.unwrap().unwrap_err().report.attempts, 1);
}

#[tokio::test(start_paused = true)]
async fn an_aborted_run_does_not_wait_for_leases() {
    let out = Arc::new(Mutex::new(Vec::new()));
    let kept = out.clone();
    let call = move |server: Lease<usize>, task: usize| {
        kept.lock().unwrap().push(server);
        async move { Ok::<_, CallFailure<()>>(task) }
    };
    let (returned, mut back) = mpsc::unbounded_channel();
    let servers = Servers::from([7]).hand_back(move |_, it| returned.send(it).unwrap());
    let run = schedule(servers, 0..2, call, Options::default());
    tokio::task::yield_now().await;
    let unfinished = run.shutdown(Shutdown::Abort).await.unwrap_err();
    assert_eq!((unfinished.reason, alive()), (Reason::ShutDown, 0));
    assert_eq!(unfinished.report.results[0], Ok(0));
    assert!(back.try_recv().is_err());
    out.lock().unwrap().clear();
    assert_eq!(back.try_recv(), Ok(7));
}

/// The failure would otherwise be recorded when the lease comes back.
#[tokio::test(start_paused = true)]
async fn an_aborted_run_reports_a_failure_whose_lease_is_still_out() {
    let out = Arc::new(Mutex::new(Vec::new()));
    let kept = out.clone();
    let call = move |server: Lease<usize>, _: usize| {
        kept.lock().unwrap().push(server);
        async { Err::<(), _>(CallFailure::retry("no")) }
    };
    for how in [Shutdown::Abort, Shutdown::Drain { timeout: SECOND }] {
        let run = schedule([7], 0..2, call.clone(), Options::default());
        let watch = run.watch();
        tokio::task::yield_now().await;
        assert_eq!((watch.now().running, watch.now().failures), (1, 0));
        let unfinished = run.shutdown(how).await.unwrap_err();
        assert_eq!((unfinished.reason, alive()), (Reason::ShutDown, 0));
        let failed = unfinished.report.results[0].as_ref().unwrap_err();
        assert_eq!(failed.cause().unwrap().to_string(), "no");
    }
}
