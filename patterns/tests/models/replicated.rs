//! `replicated`: calls, losers and the end of the client, interleaved. And its state machines, which
//! need no interleavings, for the bugs that are seeded there.

use std::future::{Future, pending, poll_fn};
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use pushdown_patterns::clock::advance;
use pushdown_patterns::replicated::proto::{Action, Call, Outcome, Replicas};
use pushdown_patterns::replicated::{
    Budget, CallErrorKind, CallOptions, Client, EndCounts, Hedge, Losers, Options, Prefer,
};
use pushdown_patterns::seeded::Bug;
use pushdown_patterns::thread::{block_on, channel};
use pushdown_patterns::{Effect, Shutdown};

use crate::{LIMIT, Mutex, finds, holds, thread};

const DRAIN: Shutdown = Shutdown::Drain { timeout: Duration::MAX };
const FINISH: Losers = Losers::Finish { at_most: NonZeroUsize::MIN, within: Duration::MAX };

/// Opened once, which wakes the waiter.
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

/// Two calls begin under the same preference, and each is answered by its own server after the others
/// have failed. The call that ends later must not change the preference again.
fn two_winners() {
    /// The server that answers, and the one that was asked first.
    type Args = (usize, Arc<AtomicUsize>);
    const NONE: usize = 9;
    let call = |server: Arc<usize>, (answers, first): Args| async move {
        let _ = first.compare_exchange(NONE, *server, Ordering::Relaxed, Ordering::Relaxed);
        if answers == *server { Ok(()) } else { Err(()) }
    };
    let client = Client::new(0..3, call, Options::new().hedge(Hedge::Never)).unwrap();
    let first = [1, 2].map(|answers| (answers, Arc::new(AtomicUsize::new(NONE))));
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

/// A client of one server.
fn alone<Fut: Future<Output = Result<(), ()>> + Send + 'static>(
    call: impl Fn(Arc<()>, ()) -> Fut + Send + Sync + 'static,
) -> Client<(), (), (), ()> {
    Client::new([()], call, Options::new().hedge(Hedge::Never)).unwrap()
}

/// A call that waits, an answer, and an abort.
fn an_answer_and_an_abort() {
    let gate = Arc::new(Gate::default());
    let passed = gate.clone();
    let client = alone(move |_, ()| {
        let gate = passed.clone();
        async move {
            gate.passed().await;
            Ok(())
        }
    });
    let other = client.clone();
    let call = thread::spawn(move || block_on(other.call(())));
    let opened = thread::spawn(move || gate.open());
    let EndCounts { finished, cancelled, aborted, .. } =
        block_on(client.shutdown(Shutdown::Abort)).calls;
    match call.join().unwrap() {
        Ok(()) => assert_eq!((cancelled, aborted), (0, 0)),
        Err(error) => {
            assert_eq!(error.kind, CallErrorKind::Closed);
            // The call may have come too late to begin, or have begun without asking a server.
            let asked = error.effect() == Effect::MayHaveHappened;
            assert!((usize::from(asked)..=1).contains(&aborted));
            assert_eq!((finished, cancelled), (0, 0));
        }
    }
    opened.join().unwrap();
}

/// A call without an answer, and an abort. A caller that has the error finds nothing left of its call.
fn an_abort() {
    let client = alone(|_, ()| pending());
    let other = client.clone();
    let call = thread::spawn(move || {
        let error = block_on(other.call(())).unwrap_err();
        assert_eq!(other.running().calls, 0, "the call has its error, and still counts as running");
        error.kind
    });
    block_on(client.shutdown(Shutdown::Abort));
    assert_eq!(call.join().unwrap(), CallErrorKind::Closed);
}

#[test]
fn an_abort_ends_a_call_once() {
    holds("an abort", an_abort);
    holds("an answer and an abort", an_answer_and_an_abort);
}

#[test]
fn an_abort_that_wakes_no_call_is_found() {
    finds(Bug::AbortIsNotAnnounced, an_abort);
}

/// A call that is dropped during a shutdown.
fn a_dropped_call() {
    let client = alone(|_, ()| pending());
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
fn a_dropped_call_is_not_waited_for() {
    holds("a dropped call", a_dropped_call);
}

#[test]
fn a_dropped_call_that_stays_counted_is_found() {
    finds(Bug::DroppedCallIsCounted, a_dropped_call);
}

/// A call that is polled once or twice and then kept, as the loser of a `select!` is. The abort, which
/// comes at some point, does not wait for another poll.
fn a_kept_call() {
    let client = alone(|_, ()| pending());
    let other = client.clone();
    let (ended, end) = channel::<()>(NonZeroUsize::MIN);
    let caller = thread::spawn(move || {
        let mut call = Box::pin(other.call(()));
        let mut poll = || call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        let closed = poll().is_ready() || poll().is_ready();
        end.recv();
        let Poll::Ready(Err(error)) = poll_unless(closed, poll) else { return };
        assert_eq!((error.kind, error.effect()), (CallErrorKind::Closed, Effect::MayHaveHappened));
    });
    let report = block_on(client.shutdown(Shutdown::Abort));
    assert_eq!((report.calls.finished, report.calls.cancelled), (0, 0));
    assert_eq!(client.running().calls, 0);
    drop(ended);
    caller.join().unwrap();
    assert_eq!(report.stats.running(), 0);
}

/// Polls, unless that would be a poll after the end.
fn poll_unless<T>(ended: bool, poll: impl FnOnce() -> Poll<T>) -> Poll<T> {
    if ended { Poll::Pending } else { poll() }
}

#[test]
fn an_abort_ends_a_call_that_is_not_polled() {
    holds("a kept call", a_kept_call);
}

#[test]
fn an_abort_that_needs_a_poll_is_found() {
    finds(Bug::AbortNeedsAPoll, a_kept_call);
}

/// A call with a time limit, an answer, and the time that passes, in any order. The error tells the
/// truth about what the server has seen.
fn a_limit_and_an_answer() {
    let (gate, seen) = (Arc::new(Gate::default()), Arc::new(AtomicUsize::new(0)));
    let (passed, counted) = (gate.clone(), seen.clone());
    let call = move |_, ()| {
        let (gate, seen) = (passed.clone(), counted.clone());
        async move {
            gate.passed().await;
            seen.fetch_add(1, Ordering::Relaxed);
            Ok::<(), ()>(())
        }
    };
    let options = Options::new().hedge(Hedge::Never).timeout(LIMIT).losers(FINISH);
    let client = Client::new([()], call, options).unwrap();
    let time = thread::spawn(|| advance(LIMIT));
    let opened = thread::spawn(move || gate.open());
    let result = block_on(client.call(()));
    opened.join().unwrap();
    time.join().unwrap();
    // The loser ends, since the gate is open.
    let report = block_on(client.shutdown(DRAIN));
    assert_eq!(report.stats.running(), 0);
    let seen = seen.load(Ordering::Relaxed);
    match result {
        Ok(()) => assert_eq!(seen, 1),
        Err(error) => {
            assert_eq!(error.kind, CallErrorKind::TimedOut);
            assert!(error.effect() == Effect::MayHaveHappened || seen == 0);
        }
    }
}

/// A drain with a time limit, a call without an answer, and the time that passes.
fn a_drain_with_a_limit() {
    let client = alone(|_, ()| pending());
    let other = client.clone();
    let call = thread::spawn(move || block_on(other.call(())));
    let mut shutdown = Box::pin(client.shutdown(Shutdown::Drain { timeout: LIMIT }));
    let begun = shutdown.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    let time = thread::spawn(|| advance(LIMIT));
    let report = match begun {
        Poll::Ready(report) => report,
        Poll::Pending => block_on(shutdown),
    };
    assert_eq!((report.calls.finished, report.calls.cancelled), (0, 0));
    let error = call.join().unwrap().unwrap_err();
    let asked = error.effect() == Effect::MayHaveHappened;
    assert_eq!(error.kind, CallErrorKind::Closed);
    assert!(usize::from(asked) <= report.calls.aborted);
    time.join().unwrap();
}

#[test]
fn an_error_tells_the_truth_whenever_the_time_is_over() {
    holds("a limit and an answer", a_limit_and_an_answer);
}

#[test]
fn a_drain_ends_at_its_limit() {
    holds("a drain with a limit", a_drain_with_a_limit);
}

#[test]
fn an_answer_that_forgets_running_attempts_is_found() {
    finds(Bug::AnswerForgetsRunning, a_limit_and_an_answer);
}

/// A call that waits for the budget, and another one that earns the missing half of a token.
fn a_call_in_line() {
    // The argument is the first server that answers.
    let call = |server: Arc<usize>, first: usize| async move {
        if *server < first {
            pending::<()>().await;
        }
        Ok::<usize, ()>(*server)
    };
    let budget = Budget { percent: 50, per_second: 0, burst: 1 };
    let options = Options::new().hedge(Hedge::After(Duration::ZERO)).budget(budget);
    let client = Client::new(0..2, call, options).unwrap();
    // A dropped call spends what is saved up.
    drop(Box::pin(client.call(2)).as_mut().poll(&mut Context::from_waker(Waker::noop())));
    let other = client.clone();
    let waits = thread::spawn(move || block_on(other.call(1)).unwrap());
    block_on(client.call(0)).unwrap();
    assert_eq!(waits.join().unwrap(), 1);
}

#[test]
fn a_call_in_line_gets_the_token_that_another_one_earns() {
    holds("a call in line", a_call_in_line);
}

#[test]
fn a_line_that_is_not_woken_is_found() {
    finds(Bug::LineIsNotWoken, a_call_in_line);
}

type Request = Pin<Box<dyn Future<Output = Result<usize, ()>> + Send>>;

/// Two servers, asked at once. The second one replies, so the first one loses.
fn with_loser(first: impl Fn() -> Request + Send + Sync + 'static) -> Client<usize, (), usize, ()> {
    let call = move |server: Arc<usize>, ()| -> Request {
        if *server == 0 { first() } else { Box::pin(async { Ok(1) }) }
    };
    let options = Options::new().hedge(Hedge::After(Duration::ZERO)).losers(FINISH);
    Client::new(0..2, call, options).unwrap()
}

/// A loser that never ends, and the drop of the last handle.
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
fn dropping_the_last_handle_ends_the_losers() {
    holds("the last handle", the_last_handle);
}

#[test]
fn losers_that_outlive_the_client_are_found() {
    finds(Bug::LosersOutliveTheClient, the_last_handle);
}

/// A loser that finishes during a shutdown.
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

/// Two losers compete for one slot.
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
fn losers_stay_within_their_bound() {
    holds("two losers", two_losers);
}

/// A client of server 0, which never answers, and of server 1, which does.
fn stuck(servers: &[usize], hedge: Hedge) -> Client<usize, (), usize, ()> {
    let call = |server: Arc<usize>, ()| async move {
        if *server == 0 {
            pending::<()>().await;
        }
        Ok(*server)
    };
    let options = Options::new().hedge(hedge).budget(Budget::UNLIMITED);
    Client::new(servers.to_vec(), call, options).unwrap()
}

/// A call, and the departure of the server that it asks, which drops its request at some point.
fn a_departure_with_an_abort() {
    let client = stuck(&[0, 1], Hedge::Never);
    let other = client.clone();
    let call = thread::spawn(move || block_on(other.call(())).unwrap());
    let departed = block_on(client.membership().leave(0, Shutdown::Abort).unwrap());
    assert_eq!(departed.stats.running(), 0);
    assert_eq!(Arc::strong_count(&departed.server), 1);
    assert_eq!(call.join().unwrap(), 1);
    assert_eq!((client.preferred(), client.stats().running()), (Some(1), 0));
}

#[test]
fn a_server_that_leaves_takes_its_requests_along() {
    holds("a departure with an abort", a_departure_with_an_abort);
}

/// A call that is polled once or twice and then kept. The departure does not wait for another poll.
fn a_departure_and_a_kept_call() {
    let client = stuck(&[0], Hedge::Never);
    let other = client.clone();
    let (ended, end) = channel::<()>(NonZeroUsize::MIN);
    let caller = thread::spawn(move || {
        let mut call = Box::pin(other.call(()));
        let mut poll = || call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        let over = poll().is_ready() || poll().is_ready();
        end.recv();
        if let Poll::Ready(result) = poll_unless(over, poll) {
            assert_eq!(result.unwrap_err().kind, CallErrorKind::Failed);
        }
    });
    let departed = block_on(client.membership().leave(0, Shutdown::Abort).unwrap());
    assert_eq!(departed.stats.running(), 0);
    drop(ended);
    caller.join().unwrap();
    assert_eq!((client.running().calls, client.stats().running()), (0, 0));
}

#[test]
fn a_departure_does_not_wait_for_a_poll() {
    holds("a departure and a kept call", a_departure_and_a_kept_call);
}

#[test]
fn a_departure_that_needs_a_poll_is_found() {
    finds(Bug::LeaveNeedsAPoll, a_departure_and_a_kept_call);
}

/// A request that ends while the departure of its server waits for it.
fn a_departure_that_drains() {
    let gate = Arc::new(Gate::default());
    let passed = gate.clone();
    let client = alone(move |_, ()| {
        let gate = passed.clone();
        async move {
            gate.passed().await;
            Ok(())
        }
    });
    let mut call = Box::pin(client.call(()));
    assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    let leaving = client.membership().leave(0, DRAIN).unwrap();
    let departure = thread::spawn(move || block_on(leaving));
    let opened = thread::spawn(move || gate.open());
    block_on(call).unwrap();
    let departed = departure.join().unwrap();
    assert_eq!((departed.stats.succeeded, client.preferred()), (1, None));
    opened.join().unwrap();
}

#[test]
fn a_server_that_leaves_is_handed_back_after_its_last_request() {
    holds("a departure that drains", a_departure_that_drains);
}

#[test]
fn a_last_request_that_is_not_announced_is_found() {
    finds(Bug::LastAttemptIsNotAnnounced, a_departure_that_drains);
}

/// A loser, the departure of its server and an abort. One of the two ends it.
fn a_departure_and_a_loser() {
    let client = with_loser(|| Box::pin(pending()));
    block_on(client.call(())).unwrap();
    let other = client.clone();
    let shutdown = thread::spawn(move || block_on(other.shutdown(Shutdown::Abort)));
    let departed = block_on(client.membership().leave(0, Shutdown::Abort).unwrap());
    assert_eq!(departed.stats.running(), 0);
    let report = shutdown.join().unwrap();
    assert!(report.losers.aborted + report.losers.cancelled <= 1);
    assert_eq!((report.stats.running(), client.running().losers), (0, 0));
}

#[test]
fn a_server_that_leaves_takes_its_losers_along() {
    holds("a departure and a loser", a_departure_and_a_loser);
}

/// A departure with an abort beside a shutdown with one: each request is dropped and counted once.
fn a_departure_and_a_shutdown() {
    let client = stuck(&[0], Hedge::Never);
    let other = client.clone();
    let call = thread::spawn(move || block_on(other.call(())).unwrap_err());
    let leaving = client.membership();
    let departure = thread::spawn(move || block_on(leaving.leave(0, Shutdown::Abort).unwrap()));
    let report = block_on(client.shutdown(Shutdown::Abort));
    assert_eq!((report.stats.running(), client.running().calls), (0, 0));
    let stats = departure.join().unwrap().stats;
    assert_eq!((stats.attempts, stats.running()), (stats.cancelled, 0));
    let error = call.join().unwrap();
    assert_eq!(error.failures.len() as u64, stats.attempts);
}

#[test]
fn a_departure_and_a_shutdown_drop_a_request_once() {
    holds("a departure and a shutdown", a_departure_and_a_shutdown);
}

/// A call that has asked every server, and one that joins.
fn a_server_that_joins() {
    let client = stuck(&[0], Hedge::After(Duration::ZERO));
    let membership = client.membership();
    let joins = thread::spawn(move || membership.join(1).unwrap());
    assert_eq!(block_on(client.call(())).unwrap(), 1);
    assert_eq!((joins.join().unwrap(), client.preferred()), (1, Some(1)));
}

#[test]
fn a_call_asks_a_server_that_joins() {
    holds("a server that joins", a_server_that_joins);
}

#[test]
fn a_server_that_joins_unnoticed_is_found() {
    finds(Bug::JoinIsNotAnnounced, a_server_that_joins);
}

/// A reply, and the departure of the server that it is from.
fn a_winner_that_leaves() {
    let client = stuck(&[0, 1], Hedge::After(Duration::ZERO));
    let membership = client.membership();
    let leaves = thread::spawn(move || drop(membership.leave(1, DRAIN)));
    let mut call = Box::pin(client.call(()));
    let _ = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    leaves.join().unwrap();
    let stats = client.stats();
    assert_eq!((stats.preferred, stats.servers.len()), (Some(0), 1));
}

#[test]
fn a_winner_that_has_left_is_not_preferred() {
    holds("a winner that leaves", a_winner_that_leaves);
}

#[test]
fn a_winner_that_has_left_and_is_preferred_is_found() {
    finds(Bug::LeaverIsPreferred, a_winner_that_leaves);
}

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
    calls.iter_mut().for_each(|call| {
        assert_eq!(call.poll_action(&mut replicas, start), Some(Action::Start(0)))
    });
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
