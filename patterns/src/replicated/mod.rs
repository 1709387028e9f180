//! A client of a service that several servers offer. It asks the server that answered last, and
//! others too if that one is slow or fails.
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//! use pushdown_patterns::replicated::{Client, Hedge, Options};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! let get = async |server: Arc<&str>, key: &str| {
//!     if *server == "stopped" {
//!         std::future::pending::<()>().await;
//!     }
//!     Ok::<_, std::io::Error>(format!("{key} from {server}"))
//! };
//! let options = Options::new()
//!     .hedge(Hedge::After(Duration::from_millis(10)))
//!     .timeout(Duration::from_secs(1));
//! let client = Client::new(["stopped", "running"], get, options).unwrap();
//!
//! assert_eq!(client.call("apple").await.unwrap(), "apple from running"); // after 10 ms
//! assert_eq!(client.call("pear").await.unwrap(), "pear from running"); // at once
//! assert_eq!(client.stats().servers[0].cancelled, 1);
//! # }
//! ```
//!
//! It is the third system of Russ Cox's lecture on concurrency in Go (MIT 6.824), with these rules:
//!
//! * The preferred server is asked first, then the others in list order, each at most once. Another
//!   server is asked whenever the last one has not answered within the delay of the [`Hedge`], and
//!   immediately after each failure. Once all have been asked, the call waits for the first answer
//!   until its deadline.
//! * **The first reply wins.** An error never wins while another attempt is running or can be made. An
//!   answer that says no is a reply. An error means that the server could not answer.
//! * **The winner becomes the preferred server**, unless the preference has changed since the call
//!   began: a slow winner that comes late undoes nothing. A call that ends without an answer before
//!   it has asked every server moves the preference to the first one it has not asked. A dropped call
//!   leaves the preference alone. With [`Prefer::First`] the first server of the list is asked now and
//!   then whether it is back.
//! * Servers [join and leave](Membership) while calls are running. A server that has left is not asked
//!   any more, cannot become the preferred one, and comes back once nothing of it is running.
//! * Attempts still running when their call ends are [cancelled or left to finish](Losers). Their time
//!   counts either way, so a server that has stopped shows in the [statistics](Client::stats).
//! * Extra requests have a [`Budget`]. Until its delay is over, an extra request holds nothing: no
//!   token, no copy of the arguments, no call of your function.
//! * A call that is [not idempotent](CallOptions::idempotent) is made once.
//!
//! Attempts run inside the call's own future, so poll it to completion or drop it: a call that is kept
//! but not polled makes no progress. It holds up nothing else, neither an abort nor the line for the
//! budget. Whenever one attempt is woken, the call polls them all.
//!
//! A call takes the client's lock when it begins and asks its first server, for each other attempt it
//! starts, for each attempt that fails, before and after each wait, and when it ends: twice if the first
//! server answers at once, four times if it answers after a wait.
//! Leaving losers behind takes it once more. No user code runs under that lock, except that a waker is
//! cloned.
//!
//! In the terms of the lecture this is state as data: each event finds the state under a lock and
//! advances it. The lecture's own client is state as code, a loop over a timer and a channel of
//! replies.

mod attempt;
mod call;
mod client;
mod error;
mod list;
mod losers;
mod membership;
mod options;
#[doc(hidden)]
pub mod proto;
mod report;
mod service;
mod shared;
mod shutdown;

pub use client::{Client, Running};
pub use error::{BuildError, CallError, CallErrorKind, Cause, Failure};
pub use membership::{Departed, JoinError, Leaving, Membership, Replaced};
pub use options::{Budget, CallOptions, Hedge, Losers, Options, Prefer};
pub use proto::{CallEnds, Latency, ServerStats, Stats};
pub use report::{EndCounts, Report};
