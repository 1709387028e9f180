//! `replicated`: calls and the end of the client, interleaved.
//!
//! | file | models |
//! |---|---|
//! | `losers` | losers that finish, and the end of the client |
//! | `members` | servers that join and leave, beside calls, losers and shutdowns |
//! | `proto` | the state machines, which need no interleavings, for the bugs that are seeded there |

use std::future::{Future, pending, poll_fn};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use pushdown_patterns::clock::advance;
use pushdown_patterns::replicated::{
    Budget, CallErrorKind, Client, EndCounts, Hedge, Losers, Options,
};
use pushdown_patterns::seeded::Bug;
use pushdown_patterns::thread::{block_on, channel};
use pushdown_patterns::{Effect, Shutdown};

use crate::{LIMIT, Mutex, finds, holds, thread};

mod losers;
mod members;
mod proto;

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
