//! The multiplexer as its callers see it, in paused time, with a peer under the test's control.
//!
//! | file | tests |
//! |---|---|
//! | `calls`, `unsolicited`, `quarantine` | calls, messages that answer no call, tags of dropped calls |
//! | `model` | the sans-IO core against a naive model |
//! | `drops`, `leaks` | futures dropped at every point; what is left afterwards |
//! | `shutdown`, `panics` | ends of connections |
//! | `effects` | errors against what the peer received, on real threads |
//! | `hostile` | late, duplicate and unknown replies |
//! | `in_order` | protocols without tags |
//! | `others` | bugs of other software |
//! | `reconnect` | a client whose connection is replaced when it ends |
//! | `bytes`, `protocols` | the included protocols, and two more |
//! | `servers`, `redis` | a real memcached, a real redis-server |

use std::future::{Future, poll_fn};
use std::num::NonZeroUsize;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use pushdown_patterns::mux::{CallError, CallErrorKind, CloseReason};

#[path = "../common/servers.rs"]
mod common;

mod bytes;
mod calls;
mod drops;
mod effects;
mod hostile;
mod in_order;
mod leaks;
mod model;
mod others;
mod panics;
mod protocols;
mod quarantine;
mod random;
mod reconnect;
mod redis;
mod servers;
mod shutdown;
mod unsolicited;
mod wire;

const SECOND: Duration = Duration::from_secs(1);

fn count(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap()
}

/// Lets all tasks run until each of them waits: paused time advances only then.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

/// Polls a future a few times, lets all others run after each poll, and drops it.
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

/// Number of live tasks, once those that are ending have ended.
async fn tasks() -> usize {
    settle().await;
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

/// The reason why the connection of a failed call has ended.
fn end_of<Q>(error: &CallError<Q>) -> &CloseReason {
    match error.kind() {
        CallErrorKind::Ended(end) => end,
        other => panic!("{other:?}"),
    }
}
