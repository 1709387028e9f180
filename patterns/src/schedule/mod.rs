//! A work scheduler: tasks onto servers, each server one task at a time.
//!
//! ```
//! use pushdown_patterns::schedule::{Failure, Lease, Options, schedule};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! /// Has a server square a number. In earnest the server is a connection, or a process.
//! async fn square(server: Lease<&'static str>, number: u64) -> Result<u64, Failure<String>> {
//!     if *server == "broken" {
//!         return Err(Failure::server_dead("no answer".into()));
//!     }
//!     Ok(number * number)
//! }
//!
//! let servers = vec!["first", "broken", "second"];
//! let report = schedule(servers, 1..=5, square, Options::default()).await.unwrap();
//! assert_eq!(report.servers.len(), 3);
//! assert_eq!(report.into_results().unwrap(), [1, 4, 9, 16, 25]);
//! # }
//! ```
//!
//! This is the lecture's `Schedule(servers, numTask, call)`. Servers are a `Vec`, a channel or a
//! stream, and may [join](Servers) and [leave](Control::retire) while the run goes on.
//!
//! # What holds
//! * **A server runs one task at a time.** A call has it as a [`Lease`], and until that is dropped the
//!   server is busy.
//! * **A task runs once at a time**, unless [backup copies](Options::backup_after) are wanted: a call
//!   that has timed out is dropped before its task is tried again, and its lease is back; a server that is
//!   sent away finishes its call.
//! * **No run hangs** because servers are gone: when the last one has left and no other can come, the
//!   run ends with [`Reason::NoServers`]. A call without a [timeout](Options::timeout) may still
//!   take for ever.
//! * **Every server comes back**: in the [report](Report::servers), or through
//!   [`hand_back`](Servers::hand_back).
//! * **Nothing is left running** when a run is over, neither calls nor whatever let servers in.
//! * **A panic in a call is a failed attempt**, and nothing else.
//!
//! # State as data, and state as code
//! The tasks are data: a [state machine](core) under a lock, since everybody changes it. Each server
//! is code: a loop that takes a task, calls, and takes the next, as in the lecture,
//!
//! ```text
//! loop { next task? ── call ── what came of it ┐
//!        ▲                                     │   one such task or thread per server
//!        └─────────────────────────────────────┘
//! ```
//!
//! and where it stands in that loop is the state of the server. There is no task per call.
//!
//! # How often a task may fail
//! [`Options::attempts`] limits it, and what then becomes of the run is [an option](Exhausted).
//! A call says with each failure [what is to be done](FailureKind).
//!
//! # Fairness and bounds
//! A server that is free takes the next task, so each does as much as it manages. A failed task goes to
//! the end of the queue. Calls that are ready at once give way to others as tokio asks for.
//!
//! What is held is bounded by what was given: the tasks, one call for each server, two with backup
//! copies for a task, one result for each task, and of its failures the last on each server, which go
//! with the server if the task is done by then. Of a server that has left stays its part of the report,
//! a few hundred bytes. A stream may yield as many servers as it likes: each that is accepted has a task of its own, idle or not.
//!
//! When a failed task is queued again, every idle server is woken to look at it.
//!
//! [`thread`] has the same for threads.

use std::future::Future;

mod board;
pub mod core;
mod failure;
mod lease;
mod options;
mod progress;
mod report;
mod run;
mod runner;
mod seat;
mod servers;
#[cfg(not(pushdown_model = "loom"))] // which has no scoped threads
pub mod thread;

pub use failure::{Cause, FailedAttempt, Failure, FailureKind};
pub use lease::Lease;
pub use options::{AtFailure, Exhausted, Options};
pub use progress::{Control, Progress, ServerSnapshot, Snapshot};
pub use report::{
    Finished, NotDone, Reason, Report, ServerEnd, ServerId, ServerReport, Unfinished,
};
pub use run::{Run, Runner, schedule_on};
pub use servers::Servers;

/// Runs every task on one of the servers, and starts at once. Await the [`Run`] for the [`Report`].
///
/// Tasks are numbered in their order; `0..20` are the lecture's. A task is cloned for each attempt.
/// The calls of one server run in one tokio task, one after another.
///
/// # Panics
/// If it is not called in a tokio runtime.
pub fn schedule<S, T, R, E, F, Fut>(
    servers: impl Into<Servers<S>>,
    tasks: impl IntoIterator<Item = T>,
    call: F,
    options: Options,
) -> Run<S, T, R, E>
where
    S: Send + 'static,
    T: Clone + Send + Sync + 'static,
    R: Send + 'static,
    E: Send + 'static,
    F: Fn(Lease<S>, T) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, Failure<E>>> + Send + 'static,
{
    let runtime = tokio::runtime::Handle::current();
    let spawn = move |runner| drop(runtime.spawn(runner));
    schedule_on(spawn, servers, tasks, call, options)
}
