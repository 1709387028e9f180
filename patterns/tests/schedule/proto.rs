//! The state machine, step by step, and what its steps cost.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use pushdown_patterns::schedule::proto::{Action, Outcome, Scheduler};
use pushdown_patterns::schedule::{Exhausted, FailureKind, Options};

#[test]
fn a_success_that_comes_second_ends_a_row_of_failures() {
    let options = Options::default().backup_after(Duration::ZERO);
    let mut scheduler = Scheduler::new(2, &options.server_failures(NonZeroU32::new(2).unwrap()));
    let (one, other) = (scheduler.handle_join(), scheduler.handle_join());
    let now = Some(Instant::now());
    let runs = |next: Action, task| matches!(next, Action::Call(attempt) if attempt.task == task);
    assert!(runs(scheduler.poll_action(one, now), 0));
    scheduler.handle_outcome(one, Outcome::Failed(FailureKind::Retry), None);
    assert!(runs(scheduler.poll_action(one, now), 1));
    assert!(runs(scheduler.poll_action(other, now), 0));
    let third = scheduler.handle_join();
    assert!(runs(scheduler.poll_action(third, now), 1));
    assert!(scheduler.handle_outcome(third, Outcome::Success, None).counts);
    assert!(!scheduler.handle_outcome(one, Outcome::Success, None).counts);
    scheduler.handle_outcome(other, Outcome::Failed(FailureKind::Retry), None);
    assert!(runs(scheduler.poll_action(one, now), 0));
    scheduler.handle_outcome(one, Outcome::Failed(FailureKind::Retry), None);
    assert_eq!(scheduler.leave_reason(one), None);
}

#[test]
fn a_server_skips_all_tasks_that_failed_on_it_in_one_step() {
    const TASKS: usize = 20_000;
    let mut scheduler = Scheduler::new(TASKS, &Options::default());
    let (bad, good) = (scheduler.handle_join(), scheduler.handle_join());
    scheduler.handle_close();
    for _ in 0..TASKS {
        assert!(matches!(scheduler.poll_action(bad, None), Action::Call(_)));
        scheduler.handle_outcome(bad, Outcome::Failed(FailureKind::Elsewhere), None);
    }
    // A scan of one list of all tasks would take 400 million steps.
    for task in 0..TASKS {
        assert_eq!(scheduler.poll_action(bad, None), Action::Wait { until: None });
        let Action::Call(attempt) = scheduler.poll_action(good, None) else {
            panic!("a task is left")
        };
        assert_eq!((attempt.task, attempt.number), (task, 2));
        assert!(scheduler.handle_outcome(good, Outcome::Success, None).counts);
    }
    assert_eq!(scheduler.end(), Some(Ok(())));
}

#[test]
fn departed_servers_do_not_make_a_failed_task_more_expensive() {
    let mut scheduler = Scheduler::new(1, &Options::default().attempts(NonZeroU32::MAX));
    // A scan of all servers would take 800 million steps.
    for _ in 0..40_000 {
        let server = scheduler.handle_join();
        assert!(matches!(scheduler.poll_action(server, None), Action::Call(_)));
        scheduler.handle_outcome(server, Outcome::Failed(FailureKind::Elsewhere), None);
        scheduler.handle_retire(server);
        scheduler.handle_leave(server, None);
    }
    assert_eq!(scheduler.queued(), 1);
}

#[test]
fn many_different_sets_of_servers_to_avoid_stay_cheap() {
    let mut scheduler = Scheduler::new(50_000, &Options::default().exhausted(Exhausted::GoOn));
    let servers: Vec<_> = (0..100).map(|_| scheduler.handle_join()).collect();
    scheduler.handle_close();
    let mut calls = 0u64;
    while scheduler.end().is_none() {
        for server in &servers {
            if let Action::Call(_) = scheduler.poll_action(*server, None) {
                calls += 1;
                let fails = calls.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32 & 3 == 0;
                let failed = Outcome::Failed(FailureKind::Elsewhere);
                scheduler.handle_outcome(
                    *server,
                    if fails { failed } else { Outcome::Success },
                    None,
                );
            }
        }
    }
    assert_eq!(scheduler.counts().attempts, calls);
}
