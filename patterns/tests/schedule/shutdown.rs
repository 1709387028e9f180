//! Runs that are dropped, shut down, or lose their runtime.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use proptest::prelude::*;
use pushdown_patterns::Shutdown;
use pushdown_patterns::schedule::{
    CallFailure, Exhausted, FailureKind, Lease, LeaveReason, OnFailure, Options, Reason, Servers,
    WorkerFuture, schedule, schedule_on,
};
use pushdown_patterns::thread::block_on;
use tokio::runtime::{Builder, Handle};
use tokio::sync::mpsc;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, timeout};

use crate::{alive, attempts};

const SECOND: Duration = Duration::from_secs(1);

/// Counts what has been made and not yet dropped.
#[derive(Debug, Default)]
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn one(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count.clone())
    }
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        Self::one(&self.0)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Lets the runtime's other tasks run until there are no more than so many.
async fn quiet(left: usize) {
    for _ in 0..1000 {
        if alive() <= left {
            return;
        }
        yield_now().await;
    }
    panic!("{} tasks are left", alive());
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_dropped_at_any_moment_leaves_nothing_behind() {
    let mut dropped_early = 0;
    for turns in 0..40 {
        let count = Arc::new(AtomicUsize::new(0));
        let (returned, mut back) = mpsc::unbounded_channel();
        let (joining, servers) = mpsc::channel(4);
        for server in 0..3 {
            joining.try_send((server, Counted::one(&count))).unwrap();
        }
        let servers = Servers::from(servers).hand_back(move |_, it| returned.send(it).unwrap());
        let call = async |server: Lease<(i32, Counted)>, task: Counted| {
            for _ in 0..server.0 {
                yield_now().await;
            }
            let result = task.clone();
            if server.attempt().number() == 1 {
                Err(CallFailure::elsewhere(result))
            } else {
                Ok(result)
            }
        };
        let tasks = Vec::from_iter((0..6).map(|_| Counted::one(&count)));
        let mut run = Box::pin(schedule(servers, tasks, call, Options::default()));
        let mut left = turns;
        let ended = poll_fn(|cx| match run.as_mut().poll(cx) {
            Poll::Ready(ended) => Poll::Ready(Some(ended)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => {
                left -= 1;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        })
        .await;
        dropped_early += usize::from(ended.is_none());
        drop((ended, run));
        quiet(0).await;
        for _ in 0..3 {
            assert!(back.try_recv().is_ok(), "a server was lost after {turns} turns");
        }
        assert_eq!(count.load(Ordering::Relaxed), 0, "something is left after {turns} turns");
    }
    assert!((5..40).contains(&dropped_early), "{dropped_early} were dropped early");
}

#[tokio::test]
async fn a_run_that_is_dropped_before_its_first_turn_calls_no_server() {
    let call =
        async |_: Lease<u32>, _: usize| -> Result<(), CallFailure<()>> { panic!("was called") };
    let (returned, mut back) = mpsc::unbounded_channel();
    let servers = Servers::from([1, 2]).hand_back(move |_, it| returned.send(it).unwrap());
    let run = schedule(servers, 0..9, call, Options::default());
    let watch = run.watch();
    drop(run);
    quiet(0).await;
    assert_eq!((back.try_recv(), back.try_recv()), (Ok(1), Ok(2)));
    assert_eq!((watch.now().attempts, watch.now().end), (0, Some(Err(Reason::ShutDown))));
}

/// Nothing is kept of a server that has left but a line for the report: nobody looks at it any more.
#[tokio::test]
async fn a_run_outlives_any_number_of_servers() {
    let sent_away = Arc::new(AtomicUsize::new(0));
    let counted = sent_away.clone();
    let call = move |server: Lease<usize>, _: usize| {
        let counted = counted.clone();
        async move {
            while counted.load(Ordering::Relaxed) <= *server {
                yield_now().await;
            }
            Ok::<_, CallFailure<()>>(())
        }
    };
    let (joining, servers) = mpsc::channel(1);
    let run = schedule(servers, 0..1000, call, Options::default());
    let (control, mut watch) = (run.control(), run.watch());
    for server in 0..100 {
        joining.send(server).await.unwrap();
        while watch.changed().await.is_some_and(|now| now.running == 0) {}
        yield_now().await;
        assert!(control.retire(watch.servers()[server].id));
        sent_away.fetch_add(1, Ordering::Relaxed);
        while watch.changed().await.is_some_and(|now| now.running > 0) {}
    }
    quiet(1).await;
    let named = format!("{watch:?}").matches("ServerId(").count();
    assert_eq!(named, 0, "servers are still looked at");
    drop(run.shutdown(Shutdown::Abort).await);
}

#[tokio::test(start_paused = true)]
async fn calls_of_a_dropped_run_are_dropped_or_awaited() {
    for (then, expected) in [(OnFailure::DropCalls, 0), (OnFailure::AwaitCalls, 2)] {
        let finished = Arc::new(AtomicUsize::new(0));
        let counted = finished.clone();
        let call = move |_: Lease<usize>, _: usize| {
            let counted = counted.clone();
            async move {
                sleep(SECOND).await;
                counted.fetch_add(1, Ordering::Relaxed);
                Ok::<_, CallFailure<()>>(())
            }
        };
        let run = schedule([0, 1], 0..9, call, Options::default().on_failure(then));
        sleep(SECOND / 2).await;
        drop(run);
        sleep(SECOND).await;
        assert_eq!((finished.load(Ordering::Relaxed), alive()), (expected, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn to_drain_is_to_finish_what_runs_and_begin_nothing() {
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

/// Neither has a task failed that was not given the time for its last attempt, nor is it done.
#[tokio::test(start_paused = true)]
async fn a_drain_at_its_deadline_is_no_failure_of_what_it_drops() {
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
async fn a_last_failure_while_draining_leaves_the_others_their_time() {
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
async fn of_two_deadlines_the_sooner_holds() {
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
async fn a_run_that_is_done_before_the_deadline_does_not_wait_for_it() {
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
async fn anybody_may_shut_a_run_down() {
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

/// Whoever waits elsewhere learns of it.
#[test]
fn a_runtime_that_is_shut_down_ends_the_run() {
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
    runtime.shutdown_timeout(20 * SECOND);
    let unfinished = block_on(run).unwrap_err();
    assert_eq!(unfinished.reason, Reason::NoServers);
    assert!(unfinished.report.results[..3].iter().all(Result::is_ok));
    for server in unfinished.report.servers {
        assert_eq!((server.leave_reason, server.server.is_some()), (Some(LeaveReason::Lost), true));
    }
}

/// Each server's future is dropped after so many polls, wherever it then waits.
#[tokio::test(start_paused = true)]
async fn a_runner_that_is_dropped_at_any_moment_leaves_nothing_behind() {
    let mut lost = 0;
    for turns in 0..20 {
        let spawn = move |mut runner: WorkerFuture| {
            let mut left = turns;
            drop(tokio::spawn(poll_fn(move |cx| {
                if left == 0 || runner.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(());
                }
                left -= 1;
                cx.waker().wake_by_ref();
                Poll::Pending
            })));
        };
        let count = Arc::new(AtomicUsize::new(0));
        let call = async |server: Lease<(i32, Counted)>, task: Counted| {
            for _ in 0..server.0 {
                yield_now().await;
            }
            Ok::<_, CallFailure<()>>(task)
        };
        let servers = [1, 2, 3].map(|server| (server, Counted::one(&count)));
        let tasks = Vec::from_iter((0..6).map(|_| Counted::one(&count)));
        let run = schedule_on(spawn, servers, tasks, call, Options::default());
        let report = match run.await {
            Ok(report) => report,
            Err(unfinished) => {
                assert_eq!(unfinished.reason, Reason::NoServers);
                lost += 1;
                unfinished.report
            }
        };
        assert!(report.servers.iter().all(|server| server.server.is_some()));
        assert_eq!(count.load(Ordering::Relaxed), 3 + 6, "servers, and tasks or results");
        drop(report);
        quiet(0).await;
        assert_eq!(count.load(Ordering::Relaxed), 0);
    }
    assert!((3..20).contains(&lost), "{lost} runs lost their servers");
}

/// Calls that are ready at once leave the others their turn.
#[tokio::test]
async fn a_run_of_tasks_that_do_not_wait_lets_others_run() {
    let call = async |_: Lease<()>, task: usize| Ok::<_, CallFailure<()>>(task);
    let run = schedule([()], 0..100_000, call, Options::default());
    let watch = run.watch();
    let mut turns = 0;
    let others = async {
        while watch.now().end.is_none() {
            yield_now().await;
            turns += 1;
        }
    };
    let (finished, ()) = tokio::join!(run, others);
    assert!(finished.is_ok());
    assert!(turns > 500, "{turns} turns");
}

#[test]
fn a_spawner_that_drops_everything_fails_the_run() {
    let call = async |_: Lease<u32>, task: usize| Ok::<_, CallFailure<()>>(task);
    let run = schedule_on(drop, [0, 1], 0..2, call, Options::default());
    assert_eq!(block_on(run).unwrap_err().reason, Reason::NoServers);
    let (joining, servers) = mpsc::unbounded_channel();
    joining.send(0).unwrap();
    let run = schedule_on(drop, servers, 0..2, call, Options::default());
    let unfinished = block_on(run).unwrap_err();
    assert_eq!(unfinished.report.servers[0].server, Some(0));
}

#[test]
#[should_panic(expected = "a run is polled after completion")]
fn a_run_is_not_polled_after_its_end() {
    let call = async |_: Lease<u32>, task: usize| Ok::<_, CallFailure<()>>(task);
    let mut run = pin!(schedule_on(drop, [], 0..2, call, Options::default()));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(run.as_mut().poll(&mut cx).is_ready());
    let _ = run.poll(&mut cx);
}

/// What a random run is made of.
#[derive(Clone, Debug)]
struct Plan {
    servers: usize,
    tasks: usize,
    /// What comes of each attempt, in turn: a failure of this kind, a panic, or success.
    outcomes: Vec<Result<u8, Option<FailureKind>>>,
    backup: bool,
    timeout: bool,
    go_on: bool,
    await_calls: bool,
    channel: bool,
    /// After so many turns of the runtime it is dropped, or shut down.
    cut: Option<(u8, u8)>,
}

fn plan() -> impl Strategy<Value = Plan> {
    let outcome = prop_oneof![
        6 => (0..4u8).prop_map(Ok),
        2 => Just(Err(Some(FailureKind::Elsewhere))),
        1 => Just(Err(Some(FailureKind::Retry))),
        1 => prop_oneof![
            4 => Just(Err(None)),
            3 => Just(Err(Some(FailureKind::ServerDead))),
            1 => Just(Err(Some(FailureKind::Fatal))),
        ],
    ];
    let outcomes = prop::collection::vec(outcome, 1..12);
    let flags = (any::<[bool; 5]>(), prop::option::of((0..20u8, 0..3u8)));
    (0..5usize, 0..9usize, outcomes, flags).prop_map(|(servers, tasks, outcomes, (flags, cut))| {
        let [backup, timeout, go_on, await_calls, channel] = flags;
        Plan { servers, tasks, outcomes, backup, timeout, go_on, await_calls, channel, cut }
    })
}

async fn carry_out(plan: Plan) {
    let count = Arc::new(AtomicUsize::new(0));
    let mut options = attempts(3);
    if plan.backup {
        options = options.backup_after(SECOND);
    }
    if plan.timeout {
        options = options.timeout(2 * SECOND);
    }
    if plan.go_on {
        options = options.exhausted(Exhausted::GoOn);
    }
    if plan.await_calls {
        options = options.on_failure(OnFailure::AwaitCalls);
    }
    let all = Vec::from_iter((0..plan.servers).map(|_| Counted::one(&count)));
    let back = Arc::new(AtomicUsize::new(0));
    let counted = back.clone();
    let servers = if plan.channel {
        let (joining, servers) = mpsc::unbounded_channel();
        all.into_iter().for_each(|server| joining.send(server).unwrap());
        Servers::from(servers)
    } else {
        Servers::from(all)
    };
    let servers = servers.hand_back(move |_, _| {
        counted.fetch_add(1, Ordering::Relaxed);
    });
    let (turn, outcomes) = (AtomicUsize::new(0), plan.outcomes);
    let call = move |server: Lease<Counted>, task: Counted| {
        let turn = turn.fetch_add(1, Ordering::Relaxed);
        let outcome = outcomes[turn % outcomes.len()];
        async move {
            let _server = server;
            match outcome {
                Ok(seconds) => {
                    sleep(SECOND * u32::from(seconds)).await;
                    Ok(task.clone())
                }
                Err(Some(kind)) => Err(CallFailure { kind, error: task.clone() }),
                Err(None) => panic!("as planned"),
            }
        }
    };
    let tasks = Vec::from_iter((0..plan.tasks).map(|_| Counted::one(&count)));
    let run = schedule(servers, tasks, call, options);
    if let Some((turns, how)) = plan.cut {
        for _ in 0..turns {
            yield_now().await;
            if turns % 3 == 0 {
                sleep(SECOND / 2).await;
            }
        }
        let drained = Shutdown::Drain { timeout: SECOND };
        match how {
            0 => drop(run),
            1 => drop(run.shutdown(Shutdown::Abort).await),
            _ => drop(run.shutdown(drained).await),
        }
        // Calls that are awaited take their time.
        sleep(10 * SECOND).await;
    } else {
        drop(run.await);
    }
    assert_eq!(alive(), 0);
    assert_eq!(back.load(Ordering::Relaxed), plan.servers);
    assert_eq!(count.load(Ordering::Relaxed), 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn ten_thousand_runs_leave_nothing_behind(plan in plan()) {
        // A panic is part of many plans, and its report would be all that is seen.
        std::thread_local!(static RUNTIME: tokio::runtime::Runtime = {
            std::panic::set_hook(Box::new(|panic| {
                if panic.payload_as_str() != Some("as planned") {
                    eprintln!("{panic}");
                }
            }));
            Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
        });
        RUNTIME.with(|runtime| runtime.block_on(carry_out(plan)));
    }
}

#[tokio::test]
async fn nothing_is_alive_but_what_was_before() {
    let before = Handle::current().metrics().num_alive_tasks();
    for _ in 0..1000 {
        let call = async |_: Lease<()>, task: usize| Ok::<_, CallFailure<()>>(task);
        assert!(schedule([(), ()], 0..3, call, Options::default()).await.is_ok());
    }
    assert_eq!(alive(), before);
}
