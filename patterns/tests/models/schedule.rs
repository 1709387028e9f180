//! The scheduler: in every interleaving all tasks are done, none runs twice at once, every server comes
//! back, and no thread waits forever.
//!
//! Each worker is a thread here, which runs the same future as a tokio task would.

use std::future::ready;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use pushdown_patterns::schedule::{
    CallFailure, Iter, Lease, Options, Reason, Report, WorkerFuture, schedule_on,
    schedule_stream_on,
};
use pushdown_patterns::seeded::Bug;
use pushdown_patterns::thread::block_on;
use pushdown_patterns::{Effect, Shutdown};

use crate::{finds, holds, thread};

fn spawn(worker: WorkerFuture) {
    thread::spawn(|| block_on(worker));
}

/// Returns the results, and checks that every server is back.
fn complete<R: Clone, E>(report: &Report<usize, usize, R, E>, servers: usize) -> Vec<R> {
    let back = report.servers.iter().filter(|server| server.server.is_some()).count();
    assert_eq!(back, servers);
    let results = report.results.iter().map(|result| result.as_ref().ok().cloned().unwrap());
    results.collect()
}

/// One server dies in its first call, and the other completes all tasks.
fn a_server_dies() {
    let call = |server: Lease<usize>, task: usize| {
        ready(if *server == 0 { Err(CallFailure::server_dead(())) } else { Ok(task) })
    };
    let run = schedule_on(spawn, [0, 1], 0..2, call, Options::default());
    assert_eq!(complete(&block_on(run).unwrap(), 2), [0, 1]);
}

/// The only server dies, and no other can join.
fn the_last_server_dies() {
    let call = |_: Lease<usize>, _| ready(Err::<(), _>(CallFailure::server_dead(())));
    let run = schedule_on(spawn, [0], 0..2, call, Options::default());
    assert_eq!(block_on(run).unwrap_err().reason, Reason::NoServers);
}

/// A task that failed on one server is done by the other, which may be idle by then.
fn a_task_fails_elsewhere() {
    let call = |server: Lease<usize>, task| {
        ready(if *server == 0 { Err(CallFailure::elsewhere(())) } else { Ok::<usize, _>(task) })
    };
    let run = schedule_on(spawn, [0, 1], 0..1, call, Options::default());
    assert_eq!(complete(&block_on(run).unwrap(), 2), [0]);
}

/// A server is retired, perhaps during a call. The task runs once at a time.
fn a_server_is_retired() {
    let (live, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let noted = most.clone();
    let call = move |_: Lease<usize>, task: usize| {
        noted.fetch_max(1 + live.fetch_add(1, Ordering::SeqCst), Ordering::SeqCst);
        thread::yield_now();
        live.fetch_sub(1, Ordering::SeqCst);
        ready(Ok::<_, CallFailure<()>>(task))
    };
    let run = schedule_on(spawn, [0, 1], 0..1, call, Options::default());
    let first = run.watch().servers()[0].id;
    run.control().retire(first);
    assert_eq!(complete(&block_on(run).unwrap(), 2), [0]);
    assert_eq!(most.load(Ordering::SeqCst), 1, "two calls for one task");
}

/// Servers join through a channel whose sender is kept: the end of the run must wake the acceptor.
fn servers_join() {
    let (joining, servers) = tokio::sync::mpsc::unbounded_channel();
    joining.send(0).unwrap();
    let call = |_: Lease<usize>, task: usize| ready(Ok::<_, CallFailure<()>>(task));
    let run = schedule_on(spawn, servers, 0..1, call, Options::default());
    assert_eq!(complete(&block_on(run).unwrap(), 1), [0]);
    assert!(joining.is_closed());
}

/// A lease outlives its call, on a thread of its own.
fn a_lease_outlives_its_call() {
    let call = |server: Lease<usize>, task: usize| {
        if task == 0 {
            thread::spawn(|| drop(server));
        }
        ready(Ok::<_, CallFailure<()>>(task))
    };
    let run = schedule_on(spawn, [0], 0..2, call, Options::default());
    assert_eq!(complete(&block_on(run).unwrap(), 1), [0, 1]);
}

/// Both servers run a task. One success counts, and the run ends once.
fn a_backup_copy() {
    let call = |server: Lease<usize>, _: usize| {
        let mut polls = 0;
        std::future::poll_fn(move |cx| {
            polls += 1;
            if polls < 2 {
                cx.waker().wake_by_ref();
                return std::task::Poll::Pending;
            }
            std::task::Poll::Ready(Ok::<_, CallFailure<()>>(*server))
        })
    };
    let options = Options::default().backup_after(Duration::ZERO);
    let report = block_on(schedule_on(spawn, [0, 1], 0..2, call, options)).unwrap();
    complete(&report, 2);
    let completed = report.servers.iter().map(|server| server.counts.completed).sum::<u64>();
    assert_eq!(completed, 2);
}

/// A watched run is aborted while its call waits forever.
fn an_abort() {
    let call = |_: Lease<usize>, _: usize| std::future::pending::<Result<(), CallFailure<()>>>();
    let run = schedule_on(spawn, [0], 0..1, call, Options::default());
    let (control, mut watch) = (run.control(), run.watch());
    let other = thread::spawn(move || control.shutdown(Shutdown::Abort));
    let unfinished = block_on(run).unwrap_err();
    assert!(unfinished.report.servers[0].server.is_some());
    while block_on(watch.changed()).is_some() {}
    other.join().unwrap();
}

/// More tasks than are held: a feeder adds them as their results are taken.
fn a_stream() {
    let call = |_: Lease<usize>, task: usize| ready(Ok::<_, CallFailure<()>>(task));
    let tasks = Iter::new(0..3);
    let results =
        schedule_stream_on(spawn, [0], tasks, NonZeroUsize::MIN, call, Options::default());
    block_on(async move {
        let mut results = results;
        for task in 0..3 {
            assert_eq!(results.next().await.map(|(task, _)| task), Some(task));
        }
        assert!(results.next().await.is_none());
        let summary = results.finish().await;
        assert!(summary.end.is_ok() && summary.servers[0].server.is_some());
    });
}

/// A task fails while two servers are idle. One of them is woken for it, and leaves instead.
fn the_woken_server_leaves() {
    let call = |server: Lease<usize>, task: usize| {
        ready(if *server == 0 { Err(CallFailure::elsewhere(())) } else { Ok(task) })
    };
    let run = schedule_on(spawn, [0, 1, 2], 0..1, call, Options::default());
    let (control, servers) = (run.control(), run.watch().servers());
    let retiring = thread::spawn(move || control.retire(servers[1].id));
    assert_eq!(complete(&block_on(run).unwrap(), 3), [0]);
    retiring.join().unwrap();
}

/// The report of an aborted run says of each task exactly what the server did.
fn an_abort_that_tells_the_truth() {
    let executed = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
    let counted = executed.clone();
    let call = move |_: Lease<usize>, task: usize| {
        thread::yield_now();
        counted[task].fetch_add(1, Ordering::SeqCst);
        ready(Ok::<_, CallFailure<()>>(()))
    };
    let run = schedule_on(spawn, [0], 0..2, call, Options::default());
    let control = run.control();
    let other = thread::spawn(move || control.shutdown(Shutdown::Abort));
    let report = match block_on(run) {
        Ok(report) => report,
        Err(unfinished) => unfinished.report,
    };
    for (result, executed) in report.results.iter().zip(&*executed) {
        let executed = executed.load(Ordering::SeqCst);
        match result {
            Ok(()) => assert_eq!(executed, 1),
            Err(failed) if failed.effect() == Effect::DidNotHappen => assert_eq!(executed, 0),
            Err(_) => {}
        }
    }
    other.join().unwrap();
    assert!(report.servers.iter().all(|server| server.server.is_some()));
}

cfg_select! {
    // loom has no scoped threads. In shuttle, the end of the last scoped thread wakes the thread that
    // opened the scope, even if that waits for something else, such as for a server to join.
    pushdown_model = "loom" => {}
    _ => {
        use pushdown_patterns::clock::{advance, now};
        use pushdown_patterns::schedule::thread::{Run, schedule};
        use pushdown_patterns::schedule::{Attempt, Exhausted};

        use crate::LIMIT;

        /// One server dies, and a task fails elsewhere.
        fn the_driver_for_threads() {
            let call = |server: &mut usize, task: usize, attempt: &Attempt| match *server {
                0 => Err(CallFailure::server_dead(())),
                1 if attempt.number() < 3 => Err(CallFailure::elsewhere(())),
                _ => Ok(task),
            };
            let report = schedule([0, 1, 2], 0..2, call, Options::default()).unwrap();
            assert_eq!(complete(&report, 3), [0, 1]);
        }

        /// A timeout, and a drain in the middle.
        fn limits_and_a_drain() {
            let executed = [AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0)];
            let options = Options::default()
                .timeout(LIMIT)
                .backup_after(LIMIT)
                .backoff(LIMIT / 4, LIMIT)
                .exhausted(Exhausted::GoOn);
            let run = Run::new([0, 1], 0..3, options);
            let control = run.control();
            let other = thread::spawn(move || {
                advance(LIMIT);
                control.shutdown(Shutdown::Drain { timeout: LIMIT });
                (0..4).for_each(|_| advance(LIMIT / 2));
            });
            let call = |_: &mut usize, task: usize, attempt: &Attempt| {
                executed[task].fetch_add(1, Ordering::SeqCst);
                let late = attempt.deadline().is_none_or(|deadline| deadline <= now());
                thread::yield_now();
                if late || attempt.is_cancelled() { Err(CallFailure::retry(())) } else { Ok(()) }
            };
            let report = match run.call(call) {
                Ok(report) => report,
                Err(unfinished) => unfinished.report,
            };
            other.join().unwrap();
            for (result, executed) in report.results.iter().zip(&executed) {
                let executed = executed.load(Ordering::SeqCst);
                match result {
                    Ok(()) => assert!(executed > 0),
                    Err(failed) => {
                        assert_eq!(failed.attempts as usize, executed);
                        assert_eq!(failed.effect() == Effect::DidNotHappen, executed == 0);
                    }
                }
            }
            assert!(report.servers.iter().all(|server| server.server.is_some()));
        }

        #[test]
        fn limits_tell_the_truth() {
            holds("limits and a drain", limits_and_a_drain);
        }

        #[test]
        fn the_driver_for_threads_completes_all_tasks() {
            holds("servers with threads", the_driver_for_threads);
        }

        #[test]
        fn a_retry_that_wakes_no_thread_is_found() {
            finds(Bug::IdleNotCalled, the_driver_for_threads);
        }
    }
}

#[test]
fn a_dead_server_does_not_keep_a_run_from_ending() {
    holds("two servers of which one dies", a_server_dies);
    holds("the last server dies", the_last_server_dies);
}

#[test]
fn a_failed_task_reaches_another_server() {
    holds("a task fails elsewhere", a_task_fails_elsewhere);
}

#[test]
fn a_retired_server_keeps_its_task() {
    holds("a server is retired", a_server_is_retired);
}

#[test]
fn servers_are_accepted_until_the_end() {
    holds("a server joins", servers_join);
}

#[test]
fn a_lease_comes_back_whenever_it_is_dropped() {
    holds("a lease outlives its call", a_lease_outlives_its_call);
}

#[test]
fn one_of_two_copies_counts() {
    holds("a backup copy", a_backup_copy);
}

#[test]
fn an_abort_wakes_every_waiter() {
    holds("an abort", an_abort);
}

#[test]
fn a_stream_yields_every_result() {
    holds("a stream", a_stream);
}

/// Its five threads are too many for loom, which only finds the bug.
#[cfg(not(pushdown_model = "loom"))]
#[test]
fn a_task_does_not_depend_on_the_server_that_was_woken_for_it() {
    holds("the woken server leaves", the_woken_server_leaves);
}

#[test]
fn an_aborted_run_tells_the_truth() {
    holds("an abort that tells the truth", an_abort_that_tells_the_truth);
}

#[test]
fn work_that_is_not_passed_on_is_found() {
    finds(Bug::WorkIsNotPassedOn, the_woken_server_leaves);
}

#[test]
fn an_answer_before_the_workers_have_left_is_found() {
    finds(Bug::AnswerBeforeLeaving, an_abort_that_tells_the_truth);
}

#[test]
fn room_that_is_not_noticed_is_found() {
    finds(Bug::RoomIsNotNoticed, a_stream);
}

#[test]
fn work_that_is_closed_before_its_retries_is_found() {
    finds(Bug::WorkClosedBeforeRetries, a_task_fails_elsewhere);
}

#[test]
fn a_retry_that_wakes_no_worker_is_found() {
    finds(Bug::IdleNotCalled, a_task_fails_elsewhere);
}

#[test]
fn a_run_that_goes_on_without_servers_is_found() {
    finds(Bug::NobodyLeft, the_last_server_dies);
}

#[test]
fn a_task_that_runs_twice_at_once_is_found() {
    finds(Bug::JudgedDead, a_server_is_retired);
}

#[test]
fn a_success_that_counts_twice_is_found() {
    finds(Bug::SecondSuccessCounts, a_backup_copy);
}

#[test]
fn an_acceptor_that_is_not_woken_at_the_end_is_found() {
    finds(Bug::DoorNotTold, servers_join);
}

#[test]
fn a_lease_that_comes_back_unnoticed_is_found() {
    finds(Bug::LeaseComesBackUnnoticed, a_lease_outlives_its_call);
}

#[test]
fn a_server_that_is_not_handed_back_is_found() {
    finds(Bug::NobodyTakesBack, a_server_dies);
}
