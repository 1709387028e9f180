//! `pattern::replicated`: calls, losers and the end of the client, at the same time. And the core,
//! which needs no interleavings, for the bugs that are seeded there.

use std::future::{Future, pending, poll_fn};
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use pushdown_patterns::replicated::core::{Action, Outcome, Replicas};
use pushdown_patterns::replicated::{
    Budget, CallErrorKind, CallOptions, Client, Ends, Hedge, Losers,
};
use pushdown_patterns::seeded::Bug;
use pushdown_patterns::thread::{block_on, channel};
use pushdown_patterns::{Effect, Shutdown};

use crate::{Mutex, finds, holds, thread};

const DRAIN: Shutdown = Shutdown::Drain { timeout: Duration::MAX };
const FINISH: Losers = Losers::Finish { at_most: NonZeroUsize::MIN, within: Duration::MAX };

/// Opened once; whoever waits for that is woken.
#[derive(Default)]
struct Gate(Mutex<(bool, Option<Waker>)>);

impl Gate {
    fn open(&self) {
        let waker = {
            let mut gate = self.0.lock().unwrap();
            gate.0 = true;
            gate.1.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }

    async fn passed(&self) {
        poll_fn(|cx| {
            let mut gate = self.0.lock().unwrap();
            gate.1 = Some(cx.waker().clone());
            if gate.0 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

/// Two calls begin under the same preference; each is answered by a server of its own, after the
/// others have failed. The one that is done later must not change what the other one has chosen.
fn two_winners() {
    /// Which server answers, and who was asked first.
    type Args = (usize, Arc<AtomicUsize>);
    const NOBODY: usize = 9;
    let client: Client<usize, Args, (), ()> =
        Client::builder(|server: Arc<usize>, (answers, first): Args| async move {
            let _ = first.compare_exchange(NOBODY, *server, Ordering::Relaxed, Ordering::Relaxed);
            if answers == *server { Ok(()) } else { Err(()) }
        })
        .servers(0..3)
        .hedge(Hedge::Never)
        .build()
        .unwrap();
    let first = [1, 2].map(|answers| (answers, Arc::new(AtomicUsize::new(NOBODY))));
    let (other, args) = (client.clone(), first[0].clone());
    let call = thread::spawn(move || block_on(other.call(args)).unwrap());
    block_on(client.call(first[1].clone())).unwrap();
    call.join().unwrap();
    let both_from_0 = first.iter().all(|(_, first)| first.load(Ordering::Relaxed) == 0);
    assert_eq!(client.stats().moves, if both_from_0 { 1 } else { 2 });
}

#[test]
fn a_late_winner_changes_nothing() {
    holds("two winners", two_winners);
}

#[test]
fn a_late_winner_that_undoes_is_found() {
    finds(Bug::LateWinnerUndoes, two_winners);
}

/// A call that waits, an answer, and an abort.
fn an_answer_and_an_abort() {
    let gate = Arc::new(Gate::default());
    let passed = gate.clone();
    let client: Client<(), (), (), ()> = Client::builder(move |_, ()| {
        let gate = passed.clone();
        async move {
            gate.passed().await;
            Ok(())
        }
    })
    .server(())
    .hedge(Hedge::Never)
    .build()
    .unwrap();
    let other = client.clone();
    let call = thread::spawn(move || block_on(other.call(())));
    let opened = thread::spawn(move || gate.open());
    let Ends { finished, cancelled, aborted, .. } =
        block_on(client.shutdown(Shutdown::Abort)).calls;
    match call.join().unwrap() {
        Ok(()) => assert_eq!((cancelled, aborted), (0, 0)),
        Err(error) => {
            assert_eq!(error.kind, CallErrorKind::Closed);
            // It may have come too late even to begin, or have begun without asking anybody.
            let asked = error.effect() == Effect::MayHaveHappened;
            assert!((usize::from(asked)..=1).contains(&aborted));
            assert_eq!((finished, cancelled), (0, 0));
        }
    }
    opened.join().unwrap();
}

/// A call that nobody answers, and an abort.
fn an_abort() {
    let client: Client<(), (), (), ()> =
        Client::builder(|_, ()| pending()).server(()).hedge(Hedge::Never).build().unwrap();
    let other = client.clone();
    let call = thread::spawn(move || block_on(other.call(())));
    block_on(client.shutdown(Shutdown::Abort));
    assert_eq!(call.join().unwrap().unwrap_err().kind, CallErrorKind::Closed);
}

#[test]
fn an_abort_ends_a_call_once() {
    holds("an abort", an_abort);
    holds("an answer and an abort", an_answer_and_an_abort);
}

#[test]
fn an_abort_that_wakes_nobody_is_found() {
    finds(Bug::AbortWakesNobody, an_abort);
}

/// A caller that goes away while another waits for the end.
fn a_caller_goes() {
    let client: Client<(), (), (), ()> =
        Client::builder(|_, ()| pending()).server(()).hedge(Hedge::Never).build().unwrap();
    let other = client.clone();
    let caller = thread::spawn(move || {
        let mut call = Box::pin(other.call(()));
        let _ = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    });
    let report = block_on(client.shutdown(DRAIN));
    assert!(report.calls.cancelled <= 1 && report.calls.finished == 0);
    caller.join().unwrap();
}

#[test]
fn a_caller_that_goes_away_is_not_waited_for() {
    holds("a caller that goes away", a_caller_goes);
}

#[test]
fn a_caller_that_stays_counted_is_found() {
    finds(Bug::DroppedCallIsCounted, a_caller_goes);
}

type Request = Pin<Box<dyn Future<Output = Result<usize, ()>> + Send>>;

/// Two servers, asked at once. The second one replies, so that the first one loses.
fn with_loser(first: impl Fn() -> Request + Send + Sync + 'static) -> Client<usize, (), usize, ()> {
    Client::builder(move |server: Arc<usize>, ()| -> Request {
        if *server == 0 { first() } else { Box::pin(async { Ok(1) }) }
    })
    .servers(0..2)
    .hedge(Hedge::After(Duration::ZERO))
    .losers(FINISH)
    .build()
    .unwrap()
}

/// A loser that never ends by itself, and the last handle, which is dropped.
fn the_last_handle() {
    let (held, released) = channel::<()>(NonZeroUsize::MIN);
    let client = with_loser(move || {
        let held = held.clone();
        Box::pin(async move {
            let _held = held;
            pending().await
        })
    });
    assert_eq!(block_on(client.call(())).unwrap(), 1);
    drop(client);
    assert_eq!(released.recv(), None);
}

#[test]
fn the_last_handle_takes_the_losers_along() {
    holds("the last handle", the_last_handle);
}

#[test]
fn losers_that_outlive_the_client_are_found() {
    finds(Bug::LosersOutliveTheClient, the_last_handle);
}

/// A loser that finishes while its end is waited for.
fn a_loser_finishes() {
    let gate = Arc::new(Gate::default());
    let passed = gate.clone();
    let client = with_loser(move || {
        let gate = passed.clone();
        Box::pin(async move {
            gate.passed().await;
            Ok(0)
        })
    });
    let opened = thread::spawn(move || gate.open());
    let won = block_on(client.call(())).unwrap();
    let report = block_on(client.shutdown(DRAIN));
    let servers = &report.stats.servers;
    assert!(servers.iter().all(|server| server.attempts == server.succeeded), "won by {won}");
    assert!(report.losers.finished <= 1 && report.losers.aborted == 0);
    opened.join().unwrap();
}

#[test]
fn a_loser_that_finishes_is_waited_for_and_counted() {
    holds("a loser that finishes", a_loser_finishes);
}

/// Two losers want the one place that there is, and two callers drop what they wait for.
fn two_losers() {
    let client = with_loser(|| Box::pin(pending()));
    let other = client.clone();
    let call = thread::spawn(move || block_on(other.call(())).unwrap());
    block_on(client.call(())).unwrap();
    call.join().unwrap();
    assert_eq!(client.running().losers, 1);
    let report = block_on(client.shutdown(Shutdown::Abort));
    assert_eq!(report.losers.aborted, 1);
    let cancelled: u64 = report.stats.servers.iter().map(|server| server.cancelled).sum();
    assert_eq!(cancelled, report.stats.servers[0].attempts);
}

#[test]
fn losers_keep_to_their_number() {
    holds("two losers", two_losers);
}

const DELAY: Duration = Duration::from_millis(10);

fn replicas(servers: usize, budget: Budget) -> Replicas {
    Replicas::new(NonZeroUsize::new(servers).unwrap(), Hedge::After(DELAY), budget)
}

/// What each of these finds is a race that others had between a timer and an answer. Here both reach
/// one function, so that they come in an order.
fn first_answers() {
    let (mut core, start) = (replicas(3, Budget::default()), Instant::now());
    let mut call = core.begin(CallOptions::default(), start);
    assert_eq!(call.tick(&mut core, start), Action::Start(0));
    assert_eq!(call.tick(&mut core, start + DELAY), Action::Start(1));
    call.failed(&mut core, 1, Effect::MayHaveHappened, start + DELAY);
    assert_eq!(call.tick(&mut core, start + DELAY), Action::Start(2), "at once");
    call.succeeded(&mut core, 0, start + 3 * DELAY);
    assert_eq!(call.tick(&mut core, start + 3 * DELAY), Action::Finish(Outcome::Won(0)));
}

fn a_winner_in_time() {
    let (mut core, start) = (replicas(2, Budget::default()), Instant::now());
    let mut call = core.begin(CallOptions::default(), start);
    assert_eq!(call.tick(&mut core, start), Action::Start(0));
    call.succeeded(&mut core, 0, start + DELAY);
    assert_eq!(call.tick(&mut core, start + DELAY), Action::Finish(Outcome::Won(0)));
}

fn a_budget_of_one() {
    let (mut core, start) =
        (replicas(2, Budget { percent: 0, per_second: 0, burst: 1 }), Instant::now());
    let mut healthy = core.begin(CallOptions::default(), start);
    assert_eq!(healthy.tick(&mut core, start), Action::Start(0));
    healthy.succeeded(&mut core, 0, start);
    let mut calls = [(); 2].map(|()| core.begin(CallOptions::default(), start));
    calls.iter_mut().for_each(|call| assert_eq!(call.tick(&mut core, start), Action::Start(0)));
    let [first, second] = &mut calls;
    assert_eq!(first.tick(&mut core, start + DELAY), Action::Start(1));
    let until = Some(start + 2 * DELAY);
    assert_eq!(second.tick(&mut core, start + DELAY), Action::Wait { until });
}

fn a_preference_that_came_back() {
    let (mut core, now) = (replicas(2, Budget::default()), Instant::now());
    let mut slow = core.begin(CallOptions::default(), now);
    assert_eq!(slow.tick(&mut core, now), Action::Start(0));
    assert_eq!(slow.tick(&mut core, now + DELAY), Action::Start(1));
    for server in [0, 1] {
        let mut call = core.begin(CallOptions::default(), now);
        assert_eq!(call.tick(&mut core, now), Action::Start(server));
        call.failed(&mut core, server, Effect::MayHaveHappened, now);
        assert_eq!(call.tick(&mut core, now), Action::Start(1 - server));
        call.succeeded(&mut core, 1 - server, now);
    }
    slow.succeeded(&mut core, 1, now + 2 * DELAY);
    assert_eq!(core.preferred(), 0);
}

fn a_dead_server() {
    let (mut core, now) = (replicas(1, Budget::default()), Instant::now());
    let mut call = core.begin(CallOptions::default(), now);
    assert_eq!(call.tick(&mut core, now), Action::Start(0));
    call.cancelled(&mut core, 0, now + DELAY);
    let known = core.stats().servers[0].latency.percentile(50);
    assert!(known.is_some_and(|known| known >= DELAY));
}

#[test]
fn the_core_keeps_its_rules() {
    first_answers();
    a_winner_in_time();
    a_budget_of_one();
    a_preference_that_came_back();
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
    finds(Bug::PreferenceHasNoVersion, a_preference_that_came_back);
}

#[test]
fn a_dead_server_with_a_perfect_score_is_found() {
    finds(Bug::DeadServerIsPerfect, a_dead_server);
}
