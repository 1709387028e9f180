//! Nothing is left of runs, servers, tasks and errors when they are over.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use pushdown_patterns::Shutdown;
use pushdown_patterns::schedule::{
    CallFailure, Exhausted, FailureKind, Lease, OnFailure, Options, Servers, schedule,
};
use tokio::runtime::Builder;
use tokio::sync::mpsc;
use tokio::task::yield_now;
use tokio::time::sleep;

use crate::counted::{Counted, quiet};
use crate::{SECOND, alive, attempts};

/// A departed server leaves only its report entry.
#[tokio::test]
async fn a_run_outlives_any_number_of_servers() {
    let retired = Arc::new(AtomicUsize::new(0));
    let counted = retired.clone();
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
        retired.fetch_add(1, Ordering::Relaxed);
        while watch.changed().await.is_some_and(|now| now.running > 0) {}
    }
    // The acceptor and the feeder.
    quiet(2).await;
    let named = format!("{watch:?}").matches("ServerId(").count();
    assert_eq!(named, 0, "departed servers are still listed: {watch:?}");
    drop(run.shutdown(Shutdown::Abort).await);
}

/// A run may last for days, and keeps only the errors that its report needs.
#[tokio::test(start_paused = true)]
async fn errors_of_tasks_that_are_done_are_dropped_at_once() {
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
    let watch = run.watch();
    let run = tokio::spawn(run);
    sleep(5 * SECOND).await;
    // Held by this test, the closure, and the call in progress.
    assert_eq!((watch.now().done, Arc::strong_count(&error)), (1, 3));
    run.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_thousand_runs_leave_no_runtime_task() {
    let before = alive();
    for _ in 0..1000 {
        let call = async |_: Lease<()>, task: usize| Ok::<_, CallFailure<()>>(task);
        assert!(schedule([(), ()], 0..3, call, Options::default()).await.is_ok());
    }
    assert_eq!(alive(), before);
}

/// A random run.
#[derive(Clone, Debug)]
struct Plan {
    servers: usize,
    tasks: usize,
    /// The outcomes of the attempts, in turn: success after a number of seconds, a failure of this kind,
    /// or a panic.
    outcomes: Vec<Result<u8, Option<FailureKind>>>,
    backup: bool,
    timeout: bool,
    go_on: bool,
    await_calls: bool,
    channel: bool,
    /// The number of yields after which the run is ended, and how: dropped, aborted or drained.
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
        // Calls that are awaited take a few seconds.
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
        // Many plans contain a panic; their messages would hide all others.
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
