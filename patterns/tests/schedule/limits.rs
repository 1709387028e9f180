//! Deaths, delays, and the time without servers.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};

use pushdown_patterns::schedule::{
    CallFailure, Exhausted, FailureKind, Lease, LeaveReason, Options, Reason, schedule,
};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use crate::{SECOND, a_second, alive, attempts, results};

/// The task is not at fault.
#[tokio::test(start_paused = true)]
async fn dead_servers_use_up_no_attempts() {
    let call = async |server: Lease<usize>, task: usize| {
        if *server < 9 { Err(CallFailure::server_dead("gone")) } else { Ok(task) }
    };
    let report = schedule(Vec::from_iter(0..10), 0..1, call, attempts(1)).await.unwrap();
    assert_eq!((report.attempts, report.into_results().unwrap()), (10, vec![0]));
}

#[tokio::test(start_paused = true)]
async fn servers_that_were_dead_before_are_no_deaths_of_a_task() {
    let call = async |server: Lease<usize>, task: usize| {
        if server.attempt().number() < 4 { Err(CallFailure::server_gone("gone")) } else { Ok(task) }
    };
    let options = attempts(1).deaths(NonZeroU32::MIN).backoff(SECOND, SECOND);
    let start = Instant::now();
    let report = schedule([0, 1, 2, 3], 0..1, call, options).await.unwrap();
    let dead = report.servers.iter().filter(|it| it.leave_reason == Some(LeaveReason::Dead));
    assert_eq!((dead.count(), report.attempts), (3, 4));
    assert!(start.elapsed() < SECOND, "no delay");
    assert_eq!(report.into_results().unwrap(), [0]);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_kills_its_servers_is_given_up_after_its_deaths() {
    let call = async |_: Lease<usize>, task: usize| {
        if task == 1 { Err(CallFailure::server_dead("crashed")) } else { Ok(task) }
    };
    let options = attempts(1).deaths(NonZeroU32::new(3).unwrap()).exhausted(Exhausted::GoOn);
    let report = schedule([0, 1, 2, 3, 4], 0..9, call, options).await.unwrap();
    let dead = report.servers.iter().filter(|it| it.leave_reason == Some(LeaveReason::Dead));
    assert_eq!(dead.count(), 3);
    let failed = report.into_results().unwrap_err();
    assert_eq!((failed.index, failed.attempts, failed.deaths), (1, 3, 3));
}

/// The reply to the call that was dropped comes after all, on the same connection.
#[tokio::test(start_paused = true)]
async fn no_task_takes_the_reply_to_a_call_that_timed_out() {
    /// Replies to requests in their order.
    #[derive(Default)]
    struct Connection(Vec<(Instant, usize)>);

    async fn ask(mut server: Lease<Connection>, task: usize) -> Result<usize, CallFailure<()>> {
        let due = Instant::now() + SECOND * if task == 0 { 10 } else { 1 };
        server.0.push((due, task));
        let (due, reply) = server.0[0];
        tokio::time::sleep_until(due).await;
        server.0.remove(0);
        Ok(reply)
    }
    let servers = || [Connection::default(), Connection::default(), Connection::default()];
    let options = Options::default().timeout(5 * SECOND).attempts(NonZeroU32::MIN);
    let call = async |server: Lease<Connection>, task: usize| {
        assert!(server.0.is_empty(), "a reply is still due");
        ask(server, task).await
    };
    let options = options.exhausted(Exhausted::GoOn);
    let report = schedule(servers(), 0..20, call, options).await.unwrap();
    let (failed, done): (Vec<_>, Vec<_>) = report.servers.iter().partition(|it| it.interrupted);
    assert_eq!((failed.len(), failed[0].leave_reason), (1, Some(LeaveReason::Dead)));
    assert!(done.iter().all(|server| server.leave_reason.is_none()));
    assert!(report.results[0].is_err());
    for (task, result) in report.results.into_iter().enumerate().skip(1) {
        assert_eq!(result.ok(), Some(task));
    }
}

#[tokio::test(start_paused = true)]
async fn the_server_of_a_slower_copy_is_dead_unless_the_options_say_otherwise() {
    let call = async |server: Lease<usize>, task: usize| {
        sleep(SECOND * if *server == 0 { 60 } else { 1 }).await;
        Ok::<_, CallFailure<()>>(task)
    };
    for (kind, expected) in
        [(FailureKind::ServerDead, Some(LeaveReason::Dead)), (FailureKind::Elsewhere, None)]
    {
        let options = Options::default().backup_after(5 * SECOND).timed_out(kind);
        let report = schedule([0, 1], 0..8, call, options).await.unwrap();
        assert_eq!((report.servers[0].leave_reason, report.backups), (None, 1));
        assert!(report.servers[0].interrupted);
        // The run goes on after the copy has won.
        let options = Options::default().backup_after(5 * SECOND).timed_out(kind);
        let call = async |server: Lease<usize>, task: usize| {
            let slow = *server == 0 && task == 0;
            sleep(SECOND * if slow { 60 } else { 4 }).await;
            Ok::<_, CallFailure<()>>(task)
        };
        let (joining, servers) = mpsc::unbounded_channel();
        let run = tokio::spawn(schedule(servers, 0..3, call, options));
        joining.send(0).unwrap();
        sleep(SECOND).await;
        joining.send(1).unwrap();
        joining.send(2).unwrap();
        let report = run.await.unwrap().unwrap();
        assert_eq!(report.backups, 1);
        let left = report.servers[0].leave_reason;
        assert!(left == expected || left.is_none(), "{left:?}");
        assert_eq!(report.into_results().unwrap(), [0, 1, 2]);
    }
}

/// The times of all attempts at one task.
async fn attempt_times(options: Options) -> Vec<u128> {
    let start = Instant::now();
    let times = Arc::new(Mutex::new(Vec::new()));
    let noted = times.clone();
    let call = move |_: Lease<usize>, _: usize| {
        noted.lock().unwrap().push(start.elapsed().as_millis());
        async { Err::<(), _>(CallFailure::retry("no")) }
    };
    let run = schedule([0, 1, 2], 0..1, call, options);
    assert_eq!(run.await.unwrap_err().reason, Reason::Exhausted { task: 0 });
    let times = times.lock().unwrap();
    times.clone()
}

#[tokio::test(start_paused = true)]
async fn a_failed_task_waits_longer_after_each_failure() {
    let options = attempts(7).backoff(SECOND, 10 * SECOND);
    let times = attempt_times(options.clone().jitter_seed(1)).await;
    let delays = times.windows(2).map(|pair| pair[1] - pair[0]);
    for (delay, most) in delays.zip([1000, 2000, 4000, 8000, 10_000, 10_000]) {
        // Timers have a resolution of a millisecond.
        assert!((most / 2..=most + 1).contains(&delay), "{delay} of {most} ms");
    }
    assert_eq!(attempt_times(options.clone().jitter_seed(1)).await, times);
    assert_ne!(attempt_times(options.jitter_seed(2)).await, times);
}

#[tokio::test(start_paused = true)]
async fn a_server_does_other_tasks_while_a_failed_one_waits() {
    let call = async |server: Lease<usize>, task: usize| {
        if task == 0 && server.attempt().number() == 1 {
            return Err(CallFailure::retry(()));
        }
        sleep(SECOND).await;
        Ok(Instant::now())
    };
    let start = Instant::now();
    let options = Options::default().backoff(20 * SECOND, 20 * SECOND);
    let done = results(schedule([0], 0..4, call, options).await);
    let seconds = Vec::from_iter(done.iter().map(|done| (*done - start).as_secs()));
    assert_eq!(seconds[1..], [1, 2, 3]);
    assert!((11..=21).contains(&seconds[0]), "{} s", seconds[0]);
    assert_eq!(alive(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_run_ends_after_too_long_without_servers() {
    let options = Options::default().without_servers(60 * SECOND);
    let start = Instant::now();
    let (joining, servers) = mpsc::unbounded_channel::<usize>();
    let run = schedule(servers, 0..4, a_second, options.clone());
    assert_eq!(run.await.unwrap_err().reason, Reason::NoServers);
    assert_eq!((start.elapsed(), joining.is_closed(), alive()), (60 * SECOND, true, 0));

    // One that joins in time starts the time anew, once it has left.
    let call = async |server: Lease<usize>, task: usize| {
        sleep(SECOND).await;
        if *server == 0 { Err(CallFailure::server_dead(task)) } else { Ok(task) }
    };
    let (joining, servers) = mpsc::unbounded_channel();
    let start = Instant::now();
    let run = tokio::spawn(schedule(servers, 0..4, call, options));
    sleep(50 * SECOND).await;
    joining.send(0).unwrap();
    sleep(50 * SECOND).await;
    assert!(!run.is_finished());
    assert_eq!(run.await.unwrap().unwrap_err().reason, Reason::NoServers);
    assert_eq!(start.elapsed(), (50 + 1 + 60) * SECOND);
}

#[test]
fn a_runtime_without_a_timer_is_the_reason_in_the_report() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let call = async |_: Lease<usize>, _: usize| {
        std::future::pending::<Result<(), CallFailure<&str>>>().await
    };
    let unfinished = runtime.block_on(async {
        schedule([0, 1], 0..4, call, Options::default().timeout(SECOND)).await.unwrap_err()
    });
    assert_eq!(unfinished.reason, Reason::Panicked);
    let message = unfinished.report.panic.clone().unwrap();
    assert!(message.contains("timers are disabled"), "{message}");
    assert!(unfinished.to_string().contains("timers are disabled"));
    assert!(unfinished.report.servers.iter().all(|server| server.server.is_some()));

    // So it is with the acceptor.
    let options = Options::default().without_servers(SECOND);
    let (joining, servers) = mpsc::unbounded_channel::<usize>();
    let run = async { schedule(servers, 0..4, call, options).await.unwrap_err() };
    assert_eq!(runtime.block_on(run).reason, Reason::Panicked);
    assert!(joining.is_closed());
}
