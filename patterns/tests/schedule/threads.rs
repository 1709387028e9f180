//! The driver for threads. Its clock is real, so each test waits for states and never for a time.

use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{scope, yield_now};
use std::time::{Duration, Instant};

use pushdown_patterns::Shutdown;
use pushdown_patterns::schedule::thread::{Run, schedule};
use pushdown_patterns::schedule::{
    Attempt, CallFailure, Cause, Exhausted, LeaveReason, Options, Reason,
};
use pushdown_patterns::thread::{block_on, channel};

use crate::attempts;

/// Waits for a condition that another thread makes true. The deadline only ends a hang.
fn until(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what}");
        yield_now();
    }
}

#[test]
fn a_server_that_dies_gives_its_task_to_another() {
    let call = |server: &mut usize, task: usize, _: &Attempt| {
        if *server == 0 { Err(CallFailure::server_dead("gone")) } else { Ok(task) }
    };
    // The other joins only after this one is dead.
    let (joining, servers) = channel(NonZeroUsize::MIN);
    let run = Run::new(servers, 0..100, Options::default());
    let watch = run.watch();
    let report = scope(|scope| {
        let run = scope.spawn(|| run.call(call));
        joining.send(0).unwrap();
        until("the server is dead", || watch.now().failures == 1);
        joining.send(1).unwrap();
        run.join().unwrap().unwrap()
    });
    assert_eq!(report.servers[0].leave_reason, Some(LeaveReason::Dead));
    assert_eq!((report.servers[0].server, report.servers[1].counts.completed), (Some(0), 100));
    assert_eq!(report.into_results().unwrap().len(), 100);
}

#[test]
fn a_run_without_servers_fails_instead_of_waiting() {
    let call =
        |_: &mut usize, _: usize, _: &Attempt| Err::<(), _>(CallFailure::server_dead("gone"));
    let unfinished = schedule([0, 1], 0..9, call, Options::default()).unwrap_err();
    assert_eq!(unfinished.reason, Reason::NoServers);
    let (joining, servers) = channel(NonZeroUsize::MIN);
    joining.send(0).unwrap();
    drop(joining);
    let unfinished = schedule(servers, 0..9, call, Options::default()).unwrap_err();
    assert_eq!((unfinished.reason, unfinished.report.servers.len()), (Reason::NoServers, 1));
}

#[test]
fn no_task_is_lost_or_runs_twice_at_once_when_a_third_of_the_calls_fail() {
    const TASKS: usize = 2000;
    let running = Vec::from_iter((0..TASKS).map(|_| AtomicBool::new(false)));
    let busy = Vec::from_iter((0..4).map(|_| AtomicBool::new(false)));
    let call = |server: &mut usize, task: usize, attempt: &Attempt| {
        assert!(!running[task].swap(true, Ordering::SeqCst), "task {task} runs twice");
        assert!(!busy[*server].swap(true, Ordering::SeqCst), "server {server} runs two tasks");
        yield_now();
        running[task].store(false, Ordering::SeqCst);
        busy[*server].store(false, Ordering::SeqCst);
        match (task + attempt.number() as usize) % 6 {
            0 => Err(CallFailure::elsewhere(())),
            1 => Err(CallFailure::retry(())),
            2 if attempt.number() == 1 => panic!("as planned"),
            _ => Ok(task),
        }
    };
    let report = schedule([0, 1, 2, 3], 0..TASKS, call, attempts(10)).unwrap();
    assert_eq!(report.into_results().unwrap(), Vec::from_iter(0..TASKS));
}

#[test]
fn a_panic_is_a_failed_attempt() {
    let call = |_: &mut usize, task: usize, _: &Attempt| {
        assert_ne!(task, 1, "not this one");
        Ok::<_, CallFailure<()>>(task)
    };
    let report = schedule([0], 0..3, call, attempts(2).exhausted(Exhausted::GoOn)).unwrap();
    assert_eq!((report.servers[0].counts.failed, report.servers[0].server), (2, Some(0)));
    let Some(Cause::Panicked(message)) = report.results[1].as_ref().unwrap_err().cause() else {
        panic!("it panicked")
    };
    assert!(message.contains("not this one"));
}

#[test]
fn a_call_sees_its_deadline_and_its_cancellation() {
    let start = Instant::now();
    let call = |_: &mut usize, _: usize, attempt: &Attempt| {
        assert!(attempt.deadline().is_some_and(|deadline| deadline > start));
        until("the call is cancelled", || attempt.is_cancelled());
        Err::<(), _>(CallFailure::retry("cancelled"))
    };
    let run = Run::new([0, 1], 0..3, Options::default().timeout(Duration::from_secs(60)));
    let (control, watch) = (run.control(), run.watch());
    let unfinished = scope(|scope| {
        let run = scope.spawn(|| run.call(call));
        until("two calls run", || watch.now().running == 2);
        control.shutdown(Shutdown::Abort);
        run.join().unwrap().unwrap_err()
    });
    assert_eq!(unfinished.reason, Reason::ShutDown);
    assert!(unfinished.report.servers.iter().all(|server| server.server.is_some()));

    let run = Run::new([0, 1], 0..3, Options::default().timeout(Duration::from_secs(60)));
    let (control, watch) = (run.control(), run.watch());
    let unfinished = scope(|scope| {
        let run = scope.spawn(|| run.call(call));
        until("two calls run", || watch.now().running == 2);
        control.shutdown(Shutdown::Drain { timeout: Duration::from_millis(20) });
        run.join().unwrap().unwrap_err()
    });
    assert_eq!(unfinished.reason, Reason::ShutDown);
}

#[test]
fn a_straggler_gets_a_copy() {
    let copies = AtomicUsize::new(0);
    let call = |_: &mut usize, task: usize, attempt: &Attempt| {
        if attempt.is_backup() {
            copies.fetch_add(1, Ordering::Relaxed);
            return Ok(task);
        }
        until("another is faster", || attempt.is_cancelled());
        Err(CallFailure::retry("slower"))
    };
    let options = Options::default().backup_after(Duration::from_millis(5));
    let report = schedule([0, 1], 0..1, call, options).unwrap();
    assert_eq!((report.backups, copies.into_inner()), (1, 1));
    assert_eq!(report.into_results().unwrap(), [0]);
}

#[test]
fn the_error_of_a_cancelled_copy_is_ignored() {
    let run = Run::new([0, 1, 2], 0..3, Options::default().backup_after(Duration::from_millis(5)));
    let watch = run.watch();
    let call = |_: &mut usize, task: usize, attempt: &Attempt| match task {
        0 if !attempt.is_backup() => {
            until("it is cancelled", || attempt.is_cancelled());
            Err(CallFailure::fatal("cancelled"))
        }
        2 => {
            // Keeps the run going until the cancelled copy has returned.
            let returned = || watch.servers().iter().any(|server| server.counts.cancelled > 0);
            until("the other has returned", || returned() || attempt.is_cancelled());
            Ok(task)
        }
        _ => Ok(task),
    };
    assert_eq!(run.call(call).unwrap().into_results().unwrap(), [0, 1, 2]);
}

#[test]
fn the_error_of_a_call_that_gives_up_at_the_deadline_of_a_drain_is_ignored() {
    let run = Run::new([0], 0..2, Options::default());
    let control = run.control();
    let call = |_: &mut usize, _: usize, attempt: &Attempt| {
        control.shutdown(Shutdown::Drain { timeout: Duration::from_millis(5) });
        until("the deadline has come", || attempt.is_cancelled());
        Err::<(), _>(CallFailure::fatal("no time left"))
    };
    let unfinished = run.call(call).unwrap_err();
    assert_eq!(unfinished.reason, Reason::ShutDown);
    assert_eq!(unfinished.report.servers[0].counts.cancelled, 1);
}

#[test]
fn a_retired_server_finishes_its_call() {
    let go_on = AtomicBool::new(false);
    let run = Run::new([0, 1], 0..2, Options::default());
    let (control, mut watch) = (run.control(), run.watch());
    let call = |_: &mut usize, task: usize, _: &Attempt| {
        until("it may go on", || go_on.load(Ordering::SeqCst));
        Ok::<_, CallFailure<()>>(task)
    };
    let report = scope(|scope| {
        let run = scope.spawn(|| run.call(call));
        while block_on(watch.changed()).is_some_and(|now| now.running < 2) {}
        let servers = watch.servers();
        assert!(control.retire(servers[0].id));
        go_on.store(true, Ordering::SeqCst);
        run.join().unwrap().unwrap()
    });
    assert_eq!(report.servers[0].leave_reason, Some(LeaveReason::Retired));
    assert_eq!(report.into_results().unwrap(), [0, 1]);
}

#[test]
fn calls_may_borrow_from_the_caller() {
    let words = ["a", "b", "c"].map(String::from);
    let said = Mutex::new(Vec::new());
    let call = |server: &mut &str, word, _: &_| {
        said.lock().unwrap().push(format!("{server}{word}"));
        Ok::<_, CallFailure<()>>(String::as_str(word))
    };
    let name = String::from("x");
    let report = schedule([name.as_str()], &words, call, Options::default()).unwrap();
    assert_eq!(report.into_results().unwrap(), ["a", "b", "c"]);
    assert_eq!(said.into_inner().unwrap(), ["xa", "xb", "xc"]);
}

#[test]
fn servers_not_received_stay_in_the_channel() {
    let (joining, servers) = channel(NonZeroUsize::new(4).unwrap());
    let other = servers.clone();
    let call = |_: &mut usize, task: usize, _: &Attempt| Ok::<_, CallFailure<()>>(task);
    joining.send(0).unwrap();
    let report = schedule(servers, 0..3, call, Options::default()).unwrap();
    assert_eq!(report.servers.len(), 1);
    joining.send(1).unwrap();
    assert_eq!(other.recv(), Some(1));
}

#[test]
fn a_run_dropped_before_it_starts_is_over() {
    let run = Run::new([0, 1], 0..3, Options::default());
    let mut watch = run.watch();
    drop(run);
    while block_on(watch.changed()).is_some() {}
    assert_eq!(watch.now().end, Some(Err(Reason::NoServers)));
}

/// Runs a function when it is dropped.
struct Late<'a>(&'a (dyn Fn() + Sync));

impl Drop for Late<'_> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// A worker drops the late result of its last call after it was assigned the next one, and before it
/// takes the task of that. Here it is assigned a copy, and the drop ends only after the other copy has
/// succeeded: the server of that has gone on to copy the last call.
#[test]
fn the_task_of_a_copy_is_kept_until_the_copy_has_taken_it() {
    let run = Run::new([0, 1, 2, 3], 0..4, Options::default().backup_after(Duration::ZERO));
    let watch = run.watch();
    // The tasks whose first calls may end: that of the first copy, and that of the second.
    let may_end = Mutex::new(Vec::new());
    let (copier, has_gone_on) = (AtomicUsize::new(0), AtomicBool::new(false));
    let drop_late = || {
        let servers = watch.servers();
        let assigned = servers[copier.load(Ordering::Relaxed)].running.unwrap();
        may_end.lock().unwrap().push(assigned);
        until("the other copy has won", || has_gone_on.load(Ordering::Relaxed));
    };
    let call = |server: &mut usize, task: usize, attempt: &Attempt| {
        if attempt.is_backup() {
            let mut ends = may_end.lock().unwrap();
            if ends.is_empty() {
                ends.push(task);
                drop(ends);
                copier.store(*server, Ordering::Relaxed);
                until("the first call has won", || watch.now().done == 2);
                return Ok::<_, CallFailure<()>>(Some(Late(&drop_late)));
            }
            has_gone_on.fetch_or(!ends.contains(&task), Ordering::Relaxed);
        } else if task == 0 {
            // Its server makes the first copy.
            until("each server has a call", || watch.now().running == 4);
        } else {
            let ends = || may_end.lock().unwrap().contains(&task) || attempt.is_cancelled();
            until("it may end", ends);
            if may_end.lock().unwrap()[0] == task {
                attempt.retire();
            }
        }
        Ok(None)
    };
    let report = run.call(call).unwrap();
    assert_eq!((report.attempts, report.backups), (7, 3));
    assert!(report.into_results().unwrap().iter().all(Option::is_none));
}
