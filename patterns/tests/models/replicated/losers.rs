//! Losers that finish, and the end of the client.

use std::future::{Future, pending};
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use pushdown_patterns::Shutdown;
use pushdown_patterns::replicated::{Client, Hedge, Options};
use pushdown_patterns::seeded::Bug;
use pushdown_patterns::thread::{block_on, channel};

use super::{DRAIN, FINISH, Gate};
use crate::{finds, holds, thread};

pub(super) type Request = Pin<Box<dyn Future<Output = Result<usize, ()>> + Send>>;

/// Two servers, asked at once. The second one replies, so the first one loses.
pub(super) fn with_loser(
    first: impl Fn() -> Request + Send + Sync + 'static,
) -> Client<usize, (), usize, ()> {
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
