//! The state machines, which need no interleavings, for the bugs that are seeded there.

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use pushdown_patterns::Effect;
use pushdown_patterns::replicated::proto::{Action, Call, Outcome, Replicas};
use pushdown_patterns::replicated::{Budget, CallOptions, Hedge, Prefer};
use pushdown_patterns::seeded::Bug;

use crate::finds;

const DELAY: Duration = Duration::from_millis(10);

fn replicas(servers: usize, budget: Budget) -> Replicas {
    let servers = NonZeroUsize::new(servers).unwrap();
    Replicas::new(servers, Prefer::Sticky, Hedge::After(DELAY), budget)
}

/// Each of these finds a race between a timer and an answer that other software has had. Here both
/// reach one state machine, so they come in some order.
fn first_answers() {
    let (mut replicas, start) = (replicas(3, Budget::default()), Instant::now());
    let mut call = Call::new(&mut replicas, CallOptions::new(), start);
    assert_eq!(call.poll_action(&mut replicas, start), Some(Action::Start(0)));
    assert_eq!(call.poll_action(&mut replicas, start + DELAY), Some(Action::Start(1)));
    call.handle_failure(&mut replicas, 1, Effect::MayHaveHappened, start + DELAY);
    assert_eq!(call.poll_action(&mut replicas, start + DELAY), Some(Action::Start(2)), "at once");
    call.handle_reply(&mut replicas, 0, start + 3 * DELAY);
    assert_eq!(
        call.poll_action(&mut replicas, start + 3 * DELAY),
        Some(Action::Finish(Outcome::Won(0)))
    );
}

fn a_winner_in_time() {
    let (mut replicas, start) = (replicas(2, Budget::default()), Instant::now());
    let mut call = Call::new(&mut replicas, CallOptions::new(), start);
    assert_eq!(call.poll_action(&mut replicas, start), Some(Action::Start(0)));
    call.handle_reply(&mut replicas, 0, start + DELAY);
    assert_eq!(
        call.poll_action(&mut replicas, start + DELAY),
        Some(Action::Finish(Outcome::Won(0)))
    );
}

fn a_budget_of_one() {
    let (mut replicas, start) =
        (replicas(2, Budget { percent: 0, per_second: 0, burst: 1 }), Instant::now());
    let mut healthy = Call::new(&mut replicas, CallOptions::new(), start);
    assert_eq!(healthy.poll_action(&mut replicas, start), Some(Action::Start(0)));
    healthy.handle_reply(&mut replicas, 0, start);
    let mut calls = [(); 2].map(|()| Call::new(&mut replicas, CallOptions::new(), start));
    for call in &mut calls {
        assert_eq!(call.poll_action(&mut replicas, start), Some(Action::Start(0)));
    }
    let [first, second] = &mut calls;
    assert_eq!(first.poll_action(&mut replicas, start + DELAY), Some(Action::Start(1)));
    assert_eq!(second.poll_action(&mut replicas, start + DELAY), None);
    assert_eq!(second.poll_timeout(), None, "time brings no tokens");
}

fn a_preference_that_changed_back() {
    let (mut replicas, now) = (replicas(2, Budget::default()), Instant::now());
    let mut slow = Call::new(&mut replicas, CallOptions::new(), now);
    assert_eq!(slow.poll_action(&mut replicas, now), Some(Action::Start(0)));
    assert_eq!(slow.poll_action(&mut replicas, now + DELAY), Some(Action::Start(1)));
    for server in [0, 1] {
        let mut call = Call::new(&mut replicas, CallOptions::new(), now);
        assert_eq!(call.poll_action(&mut replicas, now), Some(Action::Start(server)));
        call.handle_failure(&mut replicas, server, Effect::MayHaveHappened, now);
        assert_eq!(call.poll_action(&mut replicas, now), Some(Action::Start(1 - server)));
        call.handle_reply(&mut replicas, 1 - server, now);
    }
    slow.handle_reply(&mut replicas, 1, now + 2 * DELAY);
    assert_eq!(replicas.preferred(), Some(0));
}

fn a_dead_server() {
    let (mut replicas, now) = (replicas(1, Budget::default()), Instant::now());
    let mut call = Call::new(&mut replicas, CallOptions::new(), now);
    assert_eq!(call.poll_action(&mut replicas, now), Some(Action::Start(0)));
    call.handle_cancel(&mut replicas, 0, now + DELAY);
    let known = replicas.stats().servers[0].latency.percentile(50);
    assert!(known.is_some_and(|known| known >= DELAY));
}

/// The first server has failed, and is asked again by one call in each interval, if there is a token.
fn probes() {
    let (two, start) = (NonZeroUsize::new(2).unwrap(), Instant::now());
    let (prefer, budget) =
        (Prefer::First { probe: DELAY }, Budget { percent: 0, per_second: 0, burst: 1 });
    let mut replicas = Replicas::new(two, prefer, Hedge::After(DELAY), budget);
    let mut asks = |now| {
        let mut call = Call::new(&mut replicas, CallOptions::new(), now);
        let mut asked = Vec::new();
        while let Some(Action::Start(server)) = call.poll_action(&mut replicas, now) {
            asked.push(server);
            match server {
                0 => call.handle_failure(&mut replicas, 0, Effect::MayHaveHappened, now),
                _ => call.handle_reply(&mut replicas, 1, now),
            }
        }
        asked
    };
    assert_eq!(asks(start), [0, 1]);
    assert_eq!(asks(start), [1], "too early");
    assert_eq!(asks(start + DELAY), [0, 1]);
    assert_eq!(asks(start + 2 * DELAY), [1], "no token is left");
}

#[test]
fn probes_that_have_no_interval_are_found() {
    finds(Bug::EveryCallProbes, probes);
}

#[test]
fn probes_that_are_free_are_found() {
    finds(Bug::ProbeIsFree, probes);
}

#[test]
fn the_state_machines_keep_their_rules() {
    probes();
    first_answers();
    a_winner_in_time();
    a_budget_of_one();
    a_preference_that_changed_back();
    a_dead_server();
}

#[test]
fn an_error_that_wins_is_found() {
    finds(Bug::FirstErrorWins, first_answers);
}

#[test]
fn an_error_that_waits_is_found() {
    finds(Bug::ErrorWaitsForTheDelay, first_answers);
}

#[test]
fn a_hedge_after_the_winner_is_found() {
    finds(Bug::HedgeAfterTheWinner, a_winner_in_time);
}

#[test]
fn a_hedge_that_pays_early_is_found() {
    finds(Bug::HedgePaysEarly, a_budget_of_one);
}

#[test]
fn a_budget_that_is_not_spent_is_found() {
    finds(Bug::BudgetIsNotSpent, a_budget_of_one);
}

#[test]
fn a_preference_without_version_is_found() {
    finds(Bug::PreferenceHasNoVersion, a_preference_that_changed_back);
}

#[test]
fn a_dead_server_with_a_perfect_record_is_found() {
    finds(Bug::DeadServerIsPerfect, a_dead_server);
}
