//! Servers that come and go, and where they are afterwards.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use pushdown_patterns::Shutdown;
use pushdown_patterns::schedule::{
    CallFailure, Lease, LeaveReason, Options, Reason, Servers, schedule,
};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use crate::{alive, results};

const SECOND: Duration = Duration::from_secs(1);

async fn a_second(_: Lease<usize>, task: usize) -> Result<usize, CallFailure<String>> {
    sleep(SECOND).await;
    Ok(task)
}

#[tokio::test(start_paused = true)]
async fn a_server_that_joins_takes_its_share() {
    let (joining, servers) = mpsc::unbounded_channel();
    let start = Instant::now();
    let run = tokio::spawn(schedule(servers, 0..8, a_second, Options::default()));
    joining.send(0).unwrap();
    sleep(2 * SECOND + SECOND / 2).await;
    joining.send(1).unwrap();
    let report = run.await.unwrap().unwrap();
    let completed = report.servers.iter().map(|server| server.counts.completed);
    assert_eq!(Vec::from_iter(completed), [5, 3]);
    assert_eq!(start.elapsed(), 5 * SECOND + SECOND / 2);
    assert_eq!(report.into_results().unwrap().len(), 8);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_sent_away_finishes_its_call() {
    let (returned, mut back) = mpsc::unbounded_channel();
    let servers = Servers::from([10, 11])
        .hand_back(move |id, server| returned.send((id.index(), server)).unwrap());
    let run = schedule(servers, 0..6, a_second, Options::default());
    let (control, watch) = (run.control(), run.watch());
    let run = tokio::spawn(run);
    sleep(SECOND / 2).await;
    let id = watch.servers()[0].id;
    assert!(control.retire(id));
    assert!(!control.retire(id));
    assert!(back.try_recv().is_err());
    sleep(SECOND).await;
    assert_eq!(back.try_recv(), Ok((0, 10)));
    let report = run.await.unwrap().unwrap();
    assert_eq!(report.servers[0].leave_reason, Some(LeaveReason::Retired));
    assert_eq!((report.servers[0].counts.completed, report.servers[1].counts.completed), (1, 5));
    assert!(report.servers.iter().all(|server| server.server.is_none()));
    assert_eq!(back.recv().await, Some((1, 11)));
    assert_eq!(report.into_results().unwrap(), [0, 1, 2, 3, 4, 5]);
}

#[tokio::test(start_paused = true)]
async fn an_idle_server_that_is_sent_away_leaves_at_once() {
    let (returned, mut back) = mpsc::unbounded_channel();
    let servers = Servers::from([10, 11]).hand_back(move |_, it| returned.send(it).unwrap());
    let run = schedule(servers, 0..1, a_second, Options::default());
    let (control, watch) = (run.control(), run.watch());
    let start = Instant::now();
    let run = tokio::spawn(run);
    sleep(SECOND / 2).await;
    assert!(control.retire(watch.servers()[1].id));
    assert_eq!(back.recv().await, Some(11));
    assert_eq!(start.elapsed(), SECOND / 2);
    assert!(run.await.unwrap().is_ok());
}

/// All are gone, and one comes back before the channel is closed.
#[tokio::test(start_paused = true)]
async fn a_run_waits_for_servers_as_long_as_some_may_come() {
    let call = async |server: Lease<usize>, task: usize| {
        sleep(SECOND).await;
        if *server < 2 { Err(CallFailure::server_dead(*server)) } else { Ok(task) }
    };
    let (joining, servers) = mpsc::unbounded_channel();
    let run = tokio::spawn(schedule(servers, 0..4, call, Options::default()));
    joining.send(0).unwrap();
    joining.send(1).unwrap();
    sleep(60 * SECOND).await;
    assert!(!run.is_finished());
    joining.send(2).unwrap();
    assert_eq!(results(run.await.unwrap()).len(), 4);

    let (joining, servers) = mpsc::unbounded_channel();
    let run = tokio::spawn(schedule(servers, 0..4, call, Options::default()));
    joining.send(0).unwrap();
    sleep(60 * SECOND).await;
    drop(joining);
    assert_eq!(run.await.unwrap().unwrap_err().reason, Reason::NoServers);
}

/// Whoever joins lives for 25 ms, and some fail.
#[tokio::test(start_paused = true)]
async fn servers_that_come_and_go_every_10_ms_get_everything_done() {
    const STEP: Duration = Duration::from_millis(10);
    let call = async |server: Lease<Instant>, task: usize| {
        sleep(STEP / 3).await;
        if server.elapsed() > STEP * 5 / 2 {
            return Err(CallFailure::server_dead("dead"));
        }
        if (task + server.attempt().number() as usize).is_multiple_of(3) {
            return Err(CallFailure::elsewhere("busy"));
        }
        Ok(task)
    };
    let (joining, servers) = mpsc::channel(1);
    let options = crate::attempts(100);
    let run = tokio::spawn(schedule(servers, 0..500, call, options));
    let mut joined = 0;
    while joining.send(Instant::now()).await.is_ok() {
        joined += 1;
        sleep(STEP).await;
    }
    let report = run.await.unwrap().unwrap();
    assert_eq!(report.servers.len(), joined);
    assert!(report.servers.iter().all(|server| server.server.is_some()));
    assert_eq!(report.into_results().unwrap(), Vec::from_iter(0..500));
    assert_eq!(alive(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_waits_in_the_channel_at_the_end_is_handed_back() {
    let (joining, servers) = mpsc::channel(8);
    let (late, sent) = (joining.clone(), Arc::new(Mutex::new(false)));
    let call = move |server: Lease<usize>, task: usize| {
        // More servers come in the very moment in which the last task is done.
        if task == 1 && !std::mem::replace(&mut *sent.lock().unwrap(), true) {
            (1..4).for_each(|server| late.try_send(server).unwrap());
        }
        async move { Ok::<_, CallFailure<()>>(*server) }
    };
    joining.send(0).await.unwrap();
    let report = schedule(servers, 0..2, call, Options::default()).await.unwrap();
    let back = report.servers.iter().map(|server| server.server.unwrap());
    assert_eq!(Vec::from_iter(back), [0, 1, 2, 3]);
    assert!(joining.is_closed());
}

/// Yields `0`, `1`, and then panics.
struct Panics(usize);

impl Stream for Panics {
    type Item = usize;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<usize>> {
        assert!(self.0 < 2, "no more");
        self.0 += 1;
        Poll::Ready(Some(self.0 - 1))
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_panics_has_ended() {
    let run = schedule(Servers::stream(Panics(0)), 0..6, a_second, Options::default());
    let report = run.await.unwrap();
    assert_eq!(report.source_panic.as_deref(), Some("no more"));
    assert_eq!(report.servers.len(), 2);
    assert_eq!(report.into_results().unwrap().len(), 6);
    assert_eq!(alive(), 0);
}

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

/// What still has the server may still be at work on the task, and must not be overtaken.
#[tokio::test(start_paused = true)]
async fn a_task_is_not_tried_again_before_the_lease_of_the_failed_call_is_dropped() {
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

/// What is kept back until a lease is back keeps nothing from its end.
#[tokio::test(start_paused = true)]
async fn a_failure_whose_lease_is_out_is_in_the_report_of_an_aborted_run() {
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

/// After its call, and with its result.
#[tokio::test(start_paused = true)]
async fn a_call_may_send_its_own_server_away() {
    let call = async |server: Lease<usize>, task: usize| {
        if *server == 0 && task > 0 {
            assert!(server.attempt().retire());
            assert!(!server.attempt().retire());
        }
        a_second(server, task).await
    };
    let report = schedule([0], 0..3, call, Options::default()).await.unwrap_err().report;
    assert_eq!(report.servers[0].leave_reason, Some(LeaveReason::Retired));
    assert_eq!((report.servers[0].counts.completed, report.servers[0].server), (2, Some(0)));
    let report = schedule([0, 1], 0..9, call, Options::default()).await.unwrap();
    let ends: Vec<_> = report.servers.iter().map(|server| server.leave_reason).collect();
    assert_eq!(ends, [Some(LeaveReason::Retired), None]);
    assert_eq!(report.into_results().unwrap().len(), 9);
}

/// Two wait for the same task. One of them is woken for it, and leaves instead: flume loses the wake-up.
#[tokio::test(start_paused = true)]
async fn a_server_that_leaves_does_not_take_a_wake_up_with_it() {
    for leaves in 1..3 {
        let call = async |server: Lease<usize>, _: usize| {
            sleep(SECOND).await;
            if server.attempt().number() == 1 {
                Err(CallFailure::elsewhere(()))
            } else {
                Ok(*server)
            }
        };
        let run = schedule([0, 1, 2], 0..1, call, Options::default());
        let (control, mut watch) = (run.control(), run.watch());
        // Woken together with the two, and before them.
        let retiring = tokio::spawn(async move {
            while watch.changed().await.is_some_and(|now| now.failures == 0) {}
            assert!(control.retire(watch.servers()[leaves].id));
        });
        assert_eq!(results(run.await), [3 - leaves]);
        retiring.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_aborted_does_not_wait_for_leases() {
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

#[tokio::test(start_paused = true)]
async fn a_hand_back_that_panics_loses_the_server_and_nothing_else() {
    let servers =
        Servers::from([0, 1]).hand_back(|_, server| assert_ne!(server, 0, "not this one"));
    let report = schedule(servers, 0..4, a_second, Options::default()).await.unwrap();
    assert_eq!(report.servers.len(), 2);
    assert_eq!(report.into_results().unwrap().len(), 4);
    assert_eq!(alive(), 0);
}
