//! Servers that join and leave, beside calls, losers and shutdowns.

use std::future::pending;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use pushdown_patterns::Shutdown;
use pushdown_patterns::replicated::{Budget, CallErrorKind, Client, Hedge, Options};
use pushdown_patterns::seeded::Bug;
use pushdown_patterns::thread::{block_on, channel};

use super::losers::with_loser;
use super::{DRAIN, Gate, alone, poll_unless};
use crate::{finds, holds, thread};

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
