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

/// The number of servers that are woken.
fn woken(scheduler: &mut Scheduler) -> usize {
    scheduler
        .poll_wakes()
        .map_or(0, |wakes| if wakes.all { usize::MAX } else { wakes.servers.len() })
}

/// Without this, every failure would wake every idle server, and each would search all others.
#[test]
fn a_failure_wakes_one_of_a_thousand_idle_servers() {
    let second = Duration::from_secs(1);
    let limits = Options::default().backup_after(second).attempts(NonZeroU32::MAX);
    let mut scheduler = Scheduler::new(1, &limits);
    let mut now = Instant::now();
    let servers: Vec<_> = (0..1000).map(|_| scheduler.handle_join()).collect();
    assert!(matches!(scheduler.poll_action(servers[0], Some(now)), Action::Call(_)));
    let mut timekeepers = 0;
    for server in &servers[1..] {
        let Action::Wait { until } = scheduler.poll_action(*server, Some(now)) else { panic!() };
        timekeepers += usize::from(until.is_some());
    }
    assert_eq!(timekeepers, 1);
    assert!(scheduler.poll_wakes().is_none());
    let (mut busy, mut wakes) = (servers[0], 0);
    for _ in 0..1000 {
        now += second / 1000;
        scheduler.handle_outcome(busy, Outcome::Failed(FailureKind::Retry), Some(now));
        let named = scheduler.poll_wakes().unwrap().servers;
        assert_eq!(named.len(), 1);
        assert!(matches!(scheduler.poll_action(named[0], Some(now)), Action::Call(_)));
        let next = scheduler.poll_action(busy, Some(now));
        assert!(matches!(next, Action::Wait { .. }));
        wakes += named.len() + woken(&mut scheduler);
        busy = named[0];
    }
    // Each failure wakes one server for the task, and sometimes one to keep the time.
    assert!((1000..=2000).contains(&wakes), "{wakes} wake-ups");
}

#[test]
fn as_many_servers_are_woken_as_tasks_arrive() {
    let ahead = std::num::NonZeroUsize::new(100).unwrap();
    let mut scheduler = Scheduler::streaming(ahead, false, &Options::default());
    for _ in 0..50 {
        let server = scheduler.handle_join();
        assert!(matches!(scheduler.poll_action(server, None), Action::Wait { until: None }));
    }
    (0..3).for_each(|slot| scheduler.handle_task(slot));
    assert_eq!(woken(&mut scheduler), 3);
    (3..100).for_each(|slot| scheduler.handle_task(slot));
    assert_eq!(woken(&mut scheduler), 47);
}

#[test]
fn as_many_servers_are_woken_as_tasks_they_may_take_after_all() {
    let mut scheduler = Scheduler::new(2, &Options::default().attempts(NonZeroU32::MAX));
    let busy = scheduler.handle_join();
    let servers: Vec<_> = (0..4).map(|_| scheduler.handle_join()).collect();
    assert!(matches!(scheduler.poll_action(busy, None), Action::Call(_)));
    for server in &servers {
        assert!(matches!(scheduler.poll_action(*server, None), Action::Call(_)));
        scheduler.handle_outcome(*server, Outcome::Failed(FailureKind::Elsewhere), None);
    }
    for server in &servers {
        assert_eq!(scheduler.poll_action(*server, None), Action::Wait { until: None });
    }
    assert_eq!(woken(&mut scheduler), 0, "the task is left to the busy server");
    assert!(scheduler.handle_outcome(busy, Outcome::Success, None).counts);
    scheduler.handle_retire(busy);
    let mut named = scheduler.poll_wakes().unwrap().servers;
    named.retain(|server| *server != busy);
    assert_eq!(named.len(), 1, "no server is left where it did not fail");
    // Before the one that was woken asks, another one leaves.
    let other = servers.into_iter().find(|server| *server != named[0]).unwrap();
    scheduler.handle_leave(other, None);
    assert_eq!(woken(&mut scheduler), 0);
    assert!(matches!(scheduler.poll_action(named[0], None), Action::Call(_)));
}
