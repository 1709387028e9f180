//! Calls that fail, and what becomes of their tasks and servers.

use std::cell::Cell;
use std::panic::panic_any;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pushdown_patterns::Effect;
use pushdown_patterns::schedule::{
    CallFailure, Cause, Exhausted, FailureKind, Lease, LeaveReason, OnFailure, Options, Reason,
    schedule,
};
use tokio::time::{Instant, sleep};

use crate::{alive, attempts, results};

const SECOND: Duration = Duration::from_secs(1);

/// Who tried which task, in order.
#[derive(Clone, Default)]
struct Tries(Arc<Mutex<Vec<(usize, usize)>>>);

impl Tries {
    fn note(&self, server: &Lease<usize>, task: usize) {
        self.0.lock().unwrap().push((server.attempt().server_id().index(), task));
    }

    fn take(&self) -> Vec<(usize, usize)> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_fails_elsewhere_goes_to_another_server() {
    let tries = Tries::default();
    let noted = tries.clone();
    let call = move |server: Lease<usize>, task| {
        noted.note(&server, task);
        async move {
            sleep(SECOND).await;
            if *server == 0 { Err(CallFailure::elsewhere("no")) } else { Ok(*server) }
        }
    };
    let report = schedule([0, 1], 0..2, call, Options::default()).await.unwrap();
    assert_eq!(tries.take(), [(0, 0), (1, 1), (1, 0)]);
    assert_eq!((report.servers[0].counts.failed, report.servers[1].counts.completed), (1, 2));
    assert_eq!(report.into_results().unwrap(), [1, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_has_failed_everywhere_is_tried_anywhere() {
    let call = async |server: Lease<usize>, _| {
        if server.attempt().number() < 4 { Err(CallFailure::elsewhere("no")) } else { Ok(()) }
    };
    assert_eq!(results(schedule([0, 1], 0..1, call, Options::default()).await).len(), 1);
    // One server is everywhere.
    assert_eq!(results(schedule([0], 0..1, call, Options::default()).await).len(), 1);
}

/// The other server is idle, and must learn that a task is no longer kept for the one that leaves.
#[tokio::test(start_paused = true)]
async fn a_task_kept_for_a_server_that_leaves_goes_to_the_rest() {
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

/// tower's balance waits for ever.
#[tokio::test(start_paused = true)]
async fn without_servers_a_run_fails_instead_of_waiting() {
    let call = async |_: Lease<usize>, task: usize| {
        if task < 3 { Ok(task) } else { Err(CallFailure::server_dead("gone")) }
    };
    let unfinished = schedule([0, 1], 0..9, call, Options::default()).await.unwrap_err();
    assert_eq!(unfinished.reason, Reason::NoServers);
    assert_eq!(unfinished.effect(), Effect::MayHaveHappened);
    let results = unfinished.report.results;
    assert!(results[..3].iter().all(Result::is_ok));
    let attempts = results[3..].iter().map(|result| result.as_ref().unwrap_err().attempts);
    assert_eq!(attempts.sum::<u32>(), 2);
    let never = results[8].as_ref().unwrap_err();
    assert_eq!((never.index, never.task, never.effect()), (8, 8, Effect::DidNotHappen));

    let unfinished = schedule([], 0..9, call, Options::default()).await.unwrap_err();
    assert_eq!((unfinished.reason, unfinished.effect()), (Reason::NoServers, Effect::DidNotHappen));
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
async fn a_task_that_has_used_up_its_attempts_fails_the_run_or_stands_in_the_report() {
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
    // One for each server at most, however often it is tried.
    assert!((1..=2).contains(&failed.failures.len()));
    assert!(failed.failures.is_sorted_by_key(|failed| failed.number));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_fails_again_and_again_is_sent_away() {
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

/// Notes how many of it live.
struct Live(Arc<Mutex<(i32, i32)>>);

impl Live {
    fn new(count: &Arc<Mutex<(i32, i32)>>) -> Self {
        let mut now = count.lock().unwrap();
        now.0 += 1;
        now.1 = now.1.max(now.0);
        Self(count.clone())
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.0.lock().unwrap().0 -= 1;
    }
}

/// apalis #530 runs it twice.
#[tokio::test(start_paused = true)]
async fn a_call_that_times_out_is_dropped_before_its_task_is_tried_again() {
    let count = Arc::new(Mutex::new((0, 0)));
    let counted = count.clone();
    let call = move |server: Lease<usize>, _| {
        let live = Live::new(&counted);
        async move {
            let _live = live;
            let start = Instant::now().into_std();
            assert_eq!(server.attempt().deadline(), Some(start + 5 * SECOND));
            sleep(if server.attempt().number() == 1 { 60 * SECOND } else { SECOND }).await;
            Ok::<_, CallFailure<()>>(server.attempt().server_id().index())
        }
    };
    let start = Instant::now();
    let run = schedule([0, 1], 0..1, call, Options::default().timeout(5 * SECOND));
    let report = run.await.unwrap();
    assert_eq!(start.elapsed(), 6 * SECOND);
    assert_eq!((report.servers[0].counts.failed, report.attempts), (1, 2));
    assert_eq!(report.into_results().unwrap(), [1]);
    assert_eq!(*count.lock().unwrap(), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_ready_when_its_time_is_up_counts() {
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
    let run = schedule([0, 1], 0..1, call, attempts(3).timeout(SECOND));
    let start = Instant::now();
    let unfinished = run.await.unwrap_err();
    assert_eq!(start.elapsed(), 3 * SECOND);
    assert_eq!(unfinished.reason, Reason::Exhausted { task: 0 });
    assert_eq!(unfinished.cause(), Some(&Cause::TimedOut));
}

/// Panics when it is dropped, unless that is during a panic.
#[derive(Debug)]
struct PanicsOnDrop;

impl Drop for PanicsOnDrop {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("on drop");
        }
    }
}

/// Errors that the report has no place for, and those of a run that nobody waits for.
#[tokio::test(start_paused = true)]
async fn an_error_that_panics_when_it_is_dropped_costs_no_report() {
    let call = async |server: Lease<usize>, task: usize| {
        sleep(SECOND).await;
        if server.attempt().number() == 1 {
            Err(CallFailure::retry(PanicsOnDrop))
        } else {
            Ok(task)
        }
    };
    let report = schedule([0, 1], 0..3, call, Options::default()).await.unwrap();
    assert_eq!(report.into_results().unwrap(), [0, 1, 2]);
    for seconds in 1..6 {
        let run = schedule([0, 1], 0..3, call, Options::default());
        sleep(SECOND * seconds).await;
        drop(run);
    }
    while alive() > 0 {
        tokio::task::yield_now().await;
    }
}

/// A run that goes on for days keeps nothing of those who have left but what the report needs.
#[tokio::test(start_paused = true)]
async fn errors_of_tasks_that_are_done_go_with_the_server() {
    let error = Arc::new(());
    let own = error.clone();
    let call = move |server: Lease<usize>, task: usize| {
        let error = own.clone();
        async move {
            sleep(SECOND * if task == 1 { 60 } else { 1 }).await;
            if server.attempt().number() == 1 && task == 0 {
                Err(CallFailure::retry(error))
            } else {
                Ok(())
            }
        }
    };
    let run = schedule([0, 1], 0..2, call, Options::default());
    let (control, watch) = (run.control(), run.watch());
    let run = tokio::spawn(run);
    sleep(5 * SECOND).await;
    // This one, that of the closure, that of the call which runs, and the failure itself.
    assert_eq!((watch.now().done, Arc::strong_count(&error)), (1, 4));
    assert!(control.retire(watch.servers()[0].id));
    sleep(SECOND).await;
    assert_eq!(Arc::strong_count(&error), 3);
    run.await.unwrap().unwrap();
}

/// The copy has failed first, and was the later attempt.
#[tokio::test(start_paused = true)]
async fn the_cause_of_a_fatal_end_is_the_fatal_failure() {
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

/// In every place where a call can panic, and what the report then says.
#[tokio::test(start_paused = true)]
async fn a_panic_is_a_failed_attempt() {
    let call = |server: Lease<usize>, task: usize| {
        let fails = server.attempt().number() == 1;
        if fails && task == 0 {
            panic!("at once");
        }
        async move {
            tokio::task::yield_now().await;
            match task {
                _ if !fails => Ok::<_, CallFailure<String>>(task),
                1 => panic!("later, {}", *server),
                2 => {
                    let _future = PanicsOnDrop;
                    std::future::pending().await
                }
                3 => panic_any(PanicsOnDrop),
                _ => Ok(task),
            }
        }
    };
    let options = Options::default().timeout(SECOND);
    let report = schedule([7], 0..5, call, options.clone()).await.unwrap();
    assert_eq!((report.attempts, report.servers[0].counts.failed), (9, 4));
    assert_eq!((report.servers[0].leave_reason, report.servers[0].server), (None, Some(7)));
    assert_eq!(report.into_results().unwrap(), [0, 1, 2, 3, 4]);
    assert_eq!(alive(), 0);

    let options = attempts(1).timeout(SECOND).exhausted(Exhausted::GoOn);
    let report = schedule([7], 0..5, call, options).await.unwrap();
    let said = report
        .results
        .into_iter()
        .map(|result| result.map_err(|failed| failed.cause().unwrap().to_string()));
    let panicked = |message| Err(format!("panicked: {message}"));
    let expected =
        [panicked("at once"), panicked("later, 7"), panicked("on drop"), panicked(""), Ok(4)];
    assert_eq!(Vec::from_iter(said), expected);
}

/// A task whose clone panics, in its own attempt only.
#[derive(Debug)]
struct Odd(usize);

impl Clone for Odd {
    fn clone(&self) -> Self {
        assert_ne!(self.0, 1, "cannot be cloned");
        Self(self.0)
    }
}

#[tokio::test]
async fn a_task_that_cannot_be_cloned_fails_alone() {
    let call = async |_: Lease<usize>, task: Odd| Ok::<_, CallFailure<()>>(task.0);
    let options = attempts(2).exhausted(Exhausted::GoOn);
    let report = schedule([0], (0..3).map(Odd), call, options).await.unwrap();
    assert_eq!(report.servers[0].counts.failed, 2);
    let failed = report.results[1].as_ref().unwrap_err();
    assert_eq!(failed.task.0, 1);
    assert!(matches!(failed.cause(), Some(Cause::Panicked(_))));
}

#[tokio::test(start_paused = true)]
async fn the_question_mark_means_elsewhere() {
    let call = async |server: Lease<usize>, _: usize| {
        let text = if *server == 0 { "none" } else { "1" };
        Ok::<i32, CallFailure<std::num::ParseIntError>>(text.parse::<i32>()?)
    };
    let report = schedule([0, 1], 0..3, call, Options::default()).await.unwrap();
    assert_eq!(report.into_results().unwrap(), [1; 3]);
    assert_eq!(CallFailure::from(()).kind, FailureKind::Elsewhere);
}

/// A call need not be `Sync`, nor what it keeps.
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
