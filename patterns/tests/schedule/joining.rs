//! Servers that come and go, and where they end up.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use pushdown_patterns::schedule::{
    CallFailure, Lease, LeaveReason, Options, Reason, Servers, schedule,
};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use crate::{SECOND, a_second, alive, results};

#[tokio::test(start_paused = true)]
async fn a_retired_server_finishes_its_call() {
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
async fn an_idle_server_that_is_retired_leaves_at_once() {
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

/// All servers are gone, and another joins before the channel is closed.
#[tokio::test(start_paused = true)]
async fn a_run_waits_for_servers_while_more_may_join() {
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

/// Each server lives for 25 ms, and some calls fail.
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
async fn servers_left_in_the_channel_at_the_end_are_handed_back() {
    let (joining, servers) = mpsc::channel(8);
    let (late, sent) = (joining.clone(), Arc::new(Mutex::new(false)));
    let call = move |server: Lease<usize>, task: usize| {
        // More servers arrive just as the last task completes.
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

/// The server leaves after the call, whose result counts.
#[tokio::test(start_paused = true)]
async fn a_call_may_retire_its_own_server() {
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
