//! Calls that fail, and the effect on their tasks and servers.

use std::cell::Cell;
use std::sync::{Arc, Mutex};

use pushdown_patterns::Effect;
use pushdown_patterns::schedule::{
    CallFailure, Cause, Exhausted, FailureKind, Lease, LeaveReason, OnFailure, Options, Reason,
    schedule,
};
use tokio::time::{Instant, sleep};

use crate::{SECOND, alive, attempts, results};

/// Server and task of each attempt, in order.
#[derive(Clone, Default)]
struct Attempts(Arc<Mutex<Vec<(usize, usize)>>>);

impl Attempts {
    fn note(&self, server: &Lease<usize>, task: usize) {
        self.0.lock().unwrap().push((server.attempt().server_id().index(), task));
    }

    fn take(&self) -> Vec<(usize, usize)> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_fails_elsewhere_goes_to_another_server() {
    let attempts = Attempts::default();
    let noted = attempts.clone();
    let call = move |server: Lease<usize>, task| {
        noted.note(&server, task);
        async move {
            sleep(SECOND).await;
            if *server == 0 { Err(CallFailure::elsewhere("no")) } else { Ok(*server) }
        }
    };
    let report = schedule([0, 1], 0..2, call, Options::default()).await.unwrap();
    assert_eq!(attempts.take(), [(0, 0), (1, 1), (1, 0)]);
    assert_eq!((report.servers[0].counts.failed, report.servers[1].counts.completed), (1, 2));
    assert_eq!(report.into_results().unwrap(), [1, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_failed_on_every_server_may_be_tried_on_any() {
    let call = async |server: Lease<usize>, _| {
        if server.attempt().number() < 4 { Err(CallFailure::elsewhere("no")) } else { Ok(()) }
    };
    assert_eq!(results(schedule([0, 1], 0..1, call, Options::default()).await).len(), 1);
    // With one server, that is the first failure.
    assert_eq!(results(schedule([0], 0..1, call, Options::default()).await).len(), 1);
}

/// The other server is idle, and must be woken once the task is not left to the departing one.
#[tokio::test(start_paused = true)]
async fn a_task_left_to_a_departing_server_goes_to_the_others() {
    let call = async |server: Lease<usize>, task: usize| {
        sleep(if task == 1 { 10 * SECOND } else { SECOND }).await;
        if task == 0 && server.attempt().number() == 1 {
            Err(CallFailure::elsewhere(()))
        } else {
            Ok(*server)
        }
    };
    let run = schedule([0, 1], 0..2, call, Options::default());
    let (control, watch) = (run.control(), run.watch());
    let run = tokio::spawn(run);
    sleep(5 * SECOND).await;
    assert_eq!((watch.now().queued, watch.now().running), (1, 1));
    assert!(control.retire(watch.servers()[1].id));
    sleep(2 * SECOND).await;
    assert_eq!(watch.now().done, 1);
    assert_eq!(results(run.await.unwrap()), [0, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_dies_gives_its_task_to_another() {
    let call = async |server: Lease<usize>, _| {
        sleep(SECOND).await;
        if *server == 0 { Err(CallFailure::server_dead("gone")) } else { Ok(*server) }
    };
    let report = schedule([0, 1], 0..5, call, Options::default()).await.unwrap();
    assert_eq!(
        (report.servers[0].leave_reason, report.servers[1].leave_reason),
        (Some(LeaveReason::Dead), None)
    );
    assert_eq!((report.servers[0].counts.failed, report.servers[0].server), (1, Some(0)));
    assert_eq!(report.into_results().unwrap(), [1; 5]);
}

#[tokio::test(start_paused = true)]
async fn a_fatal_failure_ends_the_run() {
    let call = async |_: Lease<usize>, task: usize| {
        sleep(SECOND * (1 + u32::try_from(task).unwrap())).await;
        if task == 1 { Err(CallFailure::fatal("full")) } else { Ok(task) }
    };
    let start = Instant::now();
    let unfinished = schedule([0, 1, 2], 0..9, call, Options::default()).await.unwrap_err();
    assert_eq!((start.elapsed(), alive()), (2 * SECOND, 0));
    assert_eq!(unfinished.reason, Reason::Fatal { task: 1 });
    assert_eq!(unfinished.cause(), Some(&Cause::Failed(CallFailure::fatal("full"))));
    assert_eq!(unfinished.to_string(), "task 1 failed fatally; 1 of 9 tasks are done; full");
    assert!(unfinished.report.servers.iter().all(|server| server.server.is_some()));
    let dropped = unfinished.report.results[2].as_ref().unwrap_err();
    assert_eq!((dropped.attempts, dropped.effect()), (1, Effect::MayHaveHappened));
    assert_eq!(dropped.failures, []);

    let options = Options::default().on_failure(OnFailure::AwaitCalls);
    let unfinished = schedule([0, 1, 2], 0..9, call, options).await.unwrap_err();
    assert_eq!(unfinished.reason, Reason::Fatal { task: 1 });
    let done = unfinished.report.results.iter().filter_map(|result| result.as_ref().ok());
    assert_eq!(Vec::from_iter(done), [&0, &2, &3]);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_used_up_its_attempts_fails_the_run_or_is_reported() {
    let call = async |server: Lease<usize>, task: usize| {
        if task == 1 { Err(CallFailure::retry(server.attempt().number())) } else { Ok(task) }
    };
    let unfinished = schedule([0, 1], 0..9, call, attempts(3)).await.unwrap_err();
    assert_eq!(unfinished.reason, Reason::Exhausted { task: 1 });
    assert_eq!(unfinished.cause(), Some(&Cause::Failed(CallFailure::retry(3))));

    let options = attempts(3).exhausted(Exhausted::GoOn);
    let report = schedule([0, 1], 0..9, call, options).await.unwrap();
    let failed = report.into_results().unwrap_err();
    assert_eq!((failed.index, failed.attempts), (1, 3));
    assert_eq!(failed.cause(), Some(&Cause::Failed(CallFailure::retry(3))));
    // At most one per server, however many attempts there were.
    assert!((1..=2).contains(&failed.failures.len()));
    assert!(failed.failures.is_sorted_by_key(|failed| failed.number));
}

#[tokio::test(start_paused = true)]
async fn a_server_with_too_many_consecutive_failures_is_excluded() {
    let call = async |server: Lease<usize>, task: usize| {
        if *server == 0 {
            return Err(CallFailure::retry("always"));
        }
        sleep(SECOND).await;
        Ok(task)
    };
    let options = Options::default().server_failures(3.try_into().unwrap());
    let report = schedule([0, 1], 0..20, call, options).await.unwrap();
    assert_eq!(report.servers[0].leave_reason, Some(LeaveReason::FailedTooOften));
    assert_eq!(report.servers[0].counts.failed, 3);
    assert_eq!(report.into_results().unwrap().len(), 20);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_ready_at_its_deadline_counts() {
    let call = async |_: Lease<usize>, _| {
        sleep(SECOND).await;
        Ok::<_, CallFailure<()>>(())
    };
    let run = schedule([0], 0..3, call, attempts(1).timeout(SECOND));
    assert_eq!(results(run.await).len(), 3);
}

#[tokio::test(start_paused = true)]
async fn calls_that_time_out_every_time_use_up_their_attempts() {
    let call =
        async |_: Lease<usize>, _| std::future::pending::<Result<(), CallFailure<()>>>().await;
    let options = attempts(3).timeout(SECOND).timed_out(FailureKind::Elsewhere);
    let run = schedule([0, 1], 0..1, call, options);
    let start = Instant::now();
    let unfinished = run.await.unwrap_err();
    assert_eq!(start.elapsed(), 3 * SECOND);
    assert_eq!(unfinished.reason, Reason::Exhausted { task: 0 });
    assert_eq!(unfinished.cause(), Some(&Cause::TimedOut));
}

/// The copy was the later attempt, and failed first.
#[tokio::test(start_paused = true)]
async fn the_cause_of_a_run_that_failed_fatally_is_the_fatal_failure() {
    let call = async |server: Lease<usize>, _: usize| {
        if server.attempt().is_backup() {
            return Err::<(), _>(CallFailure::retry("not yet"));
        }
        sleep(10 * SECOND).await;
        Err(CallFailure::fatal("full"))
    };
    let options = attempts(2).backup_after(SECOND);
    let unfinished = schedule([0, 1], 0..1, call, options).await.unwrap_err();
    assert_eq!(unfinished.reason, Reason::Fatal { task: 0 });
    assert_eq!(unfinished.cause(), Some(&Cause::Failed(CallFailure::fatal("full"))));
    let not_done = unfinished.report.results[0].as_ref().unwrap_err();
    assert_eq!(not_done.cause(), Some(&Cause::Failed(CallFailure::retry("not yet"))));
}

#[tokio::test(start_paused = true)]
async fn the_question_mark_operator_means_elsewhere() {
    let call = async |server: Lease<usize>, _: usize| {
        let text = if *server == 0 { "none" } else { "1" };
        Ok::<i32, CallFailure<std::num::ParseIntError>>(text.parse::<i32>()?)
    };
    let report = schedule([0, 1], 0..3, call, Options::default()).await.unwrap();
    assert_eq!(report.into_results().unwrap(), [1; 3]);
    assert_eq!(CallFailure::from(()).kind, FailureKind::Elsewhere);
}

/// Futures of calls need not be `Sync` either.
#[tokio::test]
async fn servers_and_results_need_only_be_send() {
    let call = async |server: Lease<Cell<usize>>, task: usize| {
        server.set(server.get() + task);
        tokio::task::yield_now().await;
        Ok::<_, CallFailure<Cell<()>>>(Cell::new(task))
    };
    let report = schedule([Cell::new(0)], 0..4, call, Options::default()).await.unwrap();
    assert_eq!(report.servers[0].server.as_ref().unwrap().get(), 6);
}
