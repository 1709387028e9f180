//! Compares what a failure says with what the servers did, on real threads with limits of 10 to 500 µs.

use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use pushdown_patterns::schedule::thread::Run;
use pushdown_patterns::schedule::{
    Attempt, CallFailure, Exhausted, FailureKind, Iter, Lease, NotDone, OnFailure, Options,
    schedule_stream,
};
use pushdown_patterns::{Effect, Shutdown};
use tokio::runtime::Builder;

/// A random run.
#[derive(Clone, Debug)]
struct Plan {
    servers: usize,
    tasks: usize,
    /// The time that a call takes, and its end, in turn.
    calls: Vec<(Duration, Option<FailureKind>)>,
    limit: Duration,
    flags: [bool; 5],
    /// When the run is shut down: a drain with the limit, or an abort.
    shutdown: Option<(Duration, bool)>,
}

fn plan() -> impl Strategy<Value = Plan> {
    let short = || (10..500u64).prop_map(Duration::from_micros);
    let outcome = prop_oneof![
        5 => Just(None),
        3 => prop_oneof![Just(FailureKind::Elsewhere), Just(FailureKind::Retry)].prop_map(Some),
        1 => Just(Some(FailureKind::ServerDead)),
    ];
    let calls = prop::collection::vec((short(), outcome), 1..8);
    let shutdown = prop::option::of((short(), any::<bool>()));
    (1..5usize, 1..12usize, calls, short(), any::<[bool; 5]>(), shutdown).prop_map(
        |(servers, tasks, calls, limit, flags, shutdown)| Plan {
            servers,
            tasks,
            calls,
            limit,
            flags,
            shutdown,
        },
    )
}

impl Plan {
    fn options(&self) -> Options {
        let [timeout, backup, backoff, go_on, await_calls] = self.flags;
        let mut options = Options::default().attempts(NonZeroU32::new(3).unwrap());
        if timeout {
            options = options.timeout(self.limit).timed_out(FailureKind::Elsewhere);
        }
        if backup {
            options = options.backup_after(self.limit / 2);
        }
        if backoff {
            options = options.backoff(self.limit / 4, self.limit);
        }
        if go_on {
            options = options.exhausted(Exhausted::GoOn);
        }
        if await_calls {
            options = options.on_failure(OnFailure::AwaitCalls);
        }
        options
    }

    fn how(&self) -> Option<(Duration, Shutdown)> {
        let (after, drain) = self.shutdown?;
        let drained = Shutdown::Drain { timeout: self.limit };
        Some((after, if drain { drained } else { Shutdown::Abort }))
    }
}

/// The traces of a task at the servers.
#[derive(Debug, Default)]
struct Seen {
    begun: AtomicUsize,
    completed: AtomicUsize,
}

fn check<T, E>(
    results: impl Iterator<Item = (usize, Result<usize, NotDone<T, E>>)>,
    seen: &[Seen],
) {
    for (task, result) in results {
        let begun = seen[task].begun.load(Ordering::SeqCst);
        let completed = seen[task].completed.load(Ordering::SeqCst);
        match result {
            Ok(number) => assert!(number == task && completed > 0),
            Err(failed) => {
                // Every attempt is known, and none comes later.
                assert_eq!(failed.attempts as usize, begun, "task {task}");
                assert_eq!(failed.effect() == Effect::DidNotHappen, begun == 0);
                assert!(failed.deaths <= failed.attempts);
            }
        }
    }
}

/// Spins: a call of microseconds cannot sleep.
fn work(time: Duration) {
    let start = Instant::now();
    while start.elapsed() < time {
        std::thread::yield_now();
    }
}

fn on_threads(plan: &Plan) {
    let seen = Vec::from_iter((0..plan.tasks).map(|_| Seen::default()));
    let turn = AtomicUsize::new(0);
    let call = |_: &mut usize, task: usize, attempt: &Attempt| {
        seen[task].begun.fetch_add(1, Ordering::SeqCst);
        let (time, fails) = plan.calls[turn.fetch_add(1, Ordering::Relaxed) % plan.calls.len()];
        work(time.min(plan.limit));
        if let Some(kind) = fails.filter(|_| !attempt.is_cancelled()) {
            return Err(CallFailure { kind, error: () });
        }
        seen[task].completed.fetch_add(1, Ordering::SeqCst);
        Ok(task)
    };
    let run = Run::new(Vec::from_iter(0..plan.servers), 0..plan.tasks, plan.options());
    let control = run.control();
    let finished = std::thread::scope(|scope| {
        if let Some((after, how)) = plan.how() {
            scope.spawn(move || {
                work(after);
                control.shutdown(how);
            });
        }
        run.call(call)
    });
    let report = finished.unwrap_or_else(|unfinished| unfinished.report);
    assert_eq!(report.results.len(), plan.tasks);
    assert!(report.servers.iter().all(|server| server.server.is_some()));
    let begun = seen.iter().map(|seen| seen.begun.load(Ordering::SeqCst) as u64).sum::<u64>();
    assert_eq!(report.attempts, begun);
    check(report.results.into_iter().enumerate(), &seen);
}

async fn on_tokio(plan: &Plan) {
    let seen = Arc::new(Vec::from_iter((0..plan.tasks).map(|_| Seen::default())));
    let (noted, calls) = (seen.clone(), plan.calls.clone());
    let turn = AtomicUsize::new(0);
    let call = move |_: Lease<usize>, task: usize| {
        // A call has begun once it is made: it may be dropped before its first poll.
        noted[task].begun.fetch_add(1, Ordering::SeqCst);
        let (time, fails) = calls[turn.fetch_add(1, Ordering::Relaxed) % calls.len()];
        let noted = noted.clone();
        async move {
            let start = Instant::now();
            while start.elapsed() < time {
                tokio::task::yield_now().await;
            }
            if let Some(kind) = fails {
                return Err(CallFailure { kind, error: () });
            }
            noted[task].completed.fetch_add(1, Ordering::SeqCst);
            Ok(task)
        }
    };
    let ahead = NonZeroUsize::new(1 + plan.servers).unwrap();
    let tasks = Iter::new(0..plan.tasks);
    let servers = Vec::from_iter(0..plan.servers);
    let mut results = schedule_stream(servers, tasks, ahead, call, plan.options());
    if let Some((after, how)) = plan.how() {
        let control = results.control();
        drop(std::thread::spawn(move || {
            work(after);
            control.shutdown(how);
        }));
    }
    // Each failure is checked against what the servers did by the end of the run.
    let mut all = Vec::new();
    while let Some(result) = results.next().await {
        all.push(result);
    }
    let summary = results.finish().await;
    assert!(summary.servers.iter().all(|server| server.server.is_some()));
    let mut numbers = Vec::from_iter(all.iter().map(|(task, _)| *task));
    numbers.sort_unstable();
    assert!(numbers.iter().copied().eq(0..numbers.len()), "each task taken has one result");
    assert!(summary.end.is_err() || numbers.len() == plan.tasks);
    let begun = seen.iter().map(|seen| seen.begun.load(Ordering::SeqCst) as u64).sum::<u64>();
    assert_eq!(summary.attempts, begun);
    check(all.into_iter(), &seen);
}

/// A second, or minutes with `PUSHDOWN_LONG=1`.
#[test]
fn failures_say_what_the_servers_have_seen() {
    let long = std::env::var_os("PUSHDOWN_LONG").is_some();
    let cases = if long { 60_000 } else { 400 };
    let runtime = Builder::new_multi_thread().worker_threads(3).enable_time().build().unwrap();
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(plan in plan())| {
        on_threads(&plan);
        runtime.block_on(on_tokio(&plan));
    });
}
