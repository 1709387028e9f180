//! A work scheduler: tasks run on servers, one task at a time on each.
//!
//! ```
//! use pushdown_patterns::schedule::{CallFailure, Lease, Options, schedule};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! /// Asks a server to square a number. A real server is a connection, or a process.
//! async fn square(server: Lease<&'static str>, number: u64) -> Result<u64, CallFailure<String>> {
//!     if *server == "broken" {
//!         return Err(CallFailure::server_dead("no answer".into()));
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
//! This is the lecture's `Schedule(servers, numTask, call)`. A *run* is given servers, tasks and a
//! *call*: a function that has one server do one task. Each server gets a *worker*, a loop that takes
//! a task, lends the server to a call as a [`Lease`], and records the result. A task whose attempt
//! failed is queued again. The run ends with a [`Report`] of every task and every server; with
//! [`schedule_stream`] the results come one by one instead, for more tasks than fit into memory.
//!
//! ```text
//! tasks ── feeder ──► queue ──► worker ── lease ──► call ──► result ──► report, or reader
//!                       ▲                            │
//!                       └───────── failure ──────────┘    one worker per server
//! ```
//!
//! Servers are a `Vec`, a channel or a stream. They may [join](Servers) and
//! [leave](Control::retire) during the run. The module [`thread`] runs the same on threads.
//!
//! # Guarantees
//! * **A server runs one task at a time.** It stays busy until its [`Lease`] is dropped.
//! * **A task runs once at a time**, unless [backup copies](Options::backup_after) are enabled. A call
//!   that times out is dropped, and its lease returned, before its task is tried again. A server that
//!   is retired finishes its call first.
//! * **No run hangs** for lack of servers: when the last one has left and no other can join, the run
//!   ends with [`Reason::NoServers`]. While others can join it waits, if need be
//!   [for a limited time](Options::without_servers). A call without a [timeout](Options::timeout) may
//!   still take forever.
//! * **Every server comes back**, in the [report](Report::servers) or through
//!   [`hand_back`](Servers::hand_back).
//! * **Nothing is left running** when a run is over: no call, no worker, and no acceptor of new servers.
//! * **A panic in a call is a failed attempt**, and has no other effect. A panic elsewhere, such as that
//!   of a runtime without a timer, ends the run with its message.
//! * **No reply reaches the wrong task**: a server whose call was dropped gets no other, unless
//!   [the options allow it](Options::timed_out).
//! * **A failure is final**: when it is reported, no attempt at its task is in progress, and none follows.
//!
//! # State as data, and state as code
//! The tasks are data: a state machine under a lock, because every worker changes it. A worker is
//! code: its position in the loop is the state of its server, as in the lecture. There is no runtime
//! task per call.
//!
//! # Failures
//! A failed call says [how to go on](FailureKind). [`Options::attempts`] limits the attempts at a task,
//! and [`Exhausted`] decides what happens to the run when they are used up. The death of a server is no
//! failure of its task, and has [its own limit](Options::deaths); a server that was dead
//! [before](FailureKind::ServerGone) is neither. Failed tasks may be
//! [delayed](Options::backoff). [`Lease::task`] is the same number in each attempt, by which a server can
//! recognise a task that it has done.
//!
//! # Fairness
//! Whichever server is free takes the next task, so a fast server does more of them. A failed task goes
//! to the end of the queue, and wakes one idle server that may take it. A worker whose calls never wait yields to other
//! tasks as tokio's cooperative budget demands.
//!
//! # Bounds
//! Memory is bounded by the tasks that are held: one call per server, one result per task, and for each
//! unfinished task its last failure on each server. A departed server leaves only its report entry. The
//! number of servers is up to their source: each accepted server has a worker, idle or not.

mod acceptor;
mod attempt;
mod control;
mod failure;
mod feeder;
mod lease;
mod options;
#[doc(hidden)]
pub mod proto;
mod report;
mod results;
mod run;
mod serve;
mod server;
mod servers;
mod shared;
mod slot;
mod snapshot;
#[cfg(not(pushdown_model = "loom"))] // loom has no scoped threads
pub mod thread;
mod values;
mod watch;
mod worker;

pub use attempt::Attempt;
pub use control::Control;
pub use failure::{CallFailure, Cause, FailedAttempt, FailureKind};
pub use feeder::Iter;
pub use lease::Lease;
pub use options::{Exhausted, OnFailure, Options};
pub use report::{Finished, NotDone, Reason, Report, ServerReport, Summary, Unfinished};
pub use results::Results;
pub use run::{Run, WorkerFuture, schedule, schedule_on, schedule_stream, schedule_stream_on};
pub use server::{LeaveReason, ServerCounts, ServerId};
pub use servers::Servers;
pub use snapshot::{ServerSnapshot, Snapshot};
pub use watch::Watch;
