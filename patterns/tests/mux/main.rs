//! The multiplexer, in paused time: what callers see, with a peer that does what the test says.

use std::future::{Future, poll_fn};
use std::num::NonZeroUsize;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use pushdown_patterns::mux::{CallError, CallErrorKind, End};

#[path = "../common/servers.rs"]
mod common;

mod bugs;
mod bytes;
mod calls;
mod core;
mod drops;
mod fuzzed;
mod protocols;
mod quarantine;
mod servers;
mod shutdown;
mod unsolicited;
mod wire;

const SECOND: Duration = Duration::from_secs(1);

fn count(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap()
}

/// Lets all tasks run until each of them waits: time, which is paused, goes on only then.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

/// Polls a future a few times, lets all others run after each, and drops it.
async fn poll_times<F: Future>(times: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..times {
        let polled = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await;
        if let Poll::Ready(output) = polled {
            return Some(output);
        }
        settle().await;
    }
    None
}

/// How many tasks there are, once those that are ending have ended.
async fn tasks() -> usize {
    settle().await;
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

/// How the connection of a failed call has ended.
fn end_of<Q>(error: &CallError<Q>) -> &End {
    match error.kind() {
        CallErrorKind::Ended(end) => end,
        other => panic!("{other:?}"),
    }
}
