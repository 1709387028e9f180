//! Four concurrent systems for [tokio](https://docs.rs/tokio) and threads, each with its state as data
//! under a lock, as code in a task that owns it, or both.
//!
//! They are the systems of Russ Cox's lecture on concurrency in Go (MIT 6.824):
//!
//! | module | system |
//! |---|---|
//! | [`pubsub`] | a publish/subscribe server |
//! | [`schedule`] | a work scheduler: tasks onto servers that come, go and fail |
//! | [`replicated`] | a client of a service that several servers offer |
//! | [`mux`] | a protocol multiplexer: many callers share one connection |
//!
//! [`thread`] has what callers without a runtime need.
//!
//! ```
//! use std::time::Duration;
//! use pushdown_patterns::pubsub::{Item, Policy, mutex::Server};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! let server = Server::<str>::new();
//! let mut all = server.subscribe(Policy::block(64, Duration::from_secs(1))).unwrap();
//! let mut latest = server.subscribe(Policy::drop_oldest(1)).unwrap();
//! server.publish("tick").await.unwrap();
//! server.publish("tock").await.unwrap();
//!
//! assert_eq!(all.recv().await, Some(Item::Event { seq: 1, event: &"tick".into() }));
//! assert_eq!(latest.recv().await, Some(Item::Gap { missed: 1 }));
//! assert_eq!(latest.recv().await, Some(Item::Event { seq: 2, event: &"tock".into() }));
//! # }
//! ```
//!
//! # Promises
//! * **Reserve, then commit.** An operation that may wait first obtains room, and has no effect if it is
//!   dropped there. Then it commits without waiting, and no longer depends on the caller.
//! * **Dropping never waits**, and leaves nothing behind: no entry, no task, no timer.
//! * **Every error says what became of its effect** ([`Effect`]), and returns what was not used.
//! * **A shutdown is a [`Drain`](Shutdown::Drain) or an [`Abort`](Shutdown::Abort)**, and reports how
//!   everything ended. Dropping the last handle aborts.
//! * **Queues are bounded.** An unbounded one has to be asked for explicitly.
//! * **A panic in user code is contained**: the others carry on, and the panic is reported.
//!
//! All four live in one process. Events and tasks are not stored, and are lost with it.
//!
//! # Shapes
//! A system whose state is *data* has a state machine under a mutex, advanced by each caller. A system
//! whose state is *code* has a task that owns it, and callers send requests. Inside each system is a
//! state machine without runtime or clock, which is told the time; the drivers around it are for tokio
//! and, where it makes sense, for threads.
//!
//! # Features
//! * `bytes`: events of `bytes::Bytes` measure themselves, for limits of bytes.
//! * `debug`: the module `debug`, a list of everything that waits in the systems, and for what.
//!
//! The minimum supported Rust version is the `rust-version` in Cargo.toml.

#![cfg_attr(docsrs, feature(doc_cfg))]

use std::time::{Duration, Instant};

mod backoff;
mod panics;
mod reply;
mod sync;
mod wait;
mod waiters;
mod waits;
mod wakers;

#[cfg(feature = "debug")]
pub mod debug;
pub mod mux;
pub mod pubsub;
pub mod replicated;
pub mod schedule;
pub mod thread;

cfg_select! {
    any(pushdown_model = "loom", pushdown_model = "shuttle") => {
        pub mod clock;
        pub mod seeded;
    }
    _ => {
        mod clock;
        #[allow(unreachable_pub, reason = "public in the models, which switch bugs on")]
        mod seeded;
    }
}

/// The effect of an operation that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// The effect did not happen, and will not.
    DidNotHappen,
    /// The effect may have happened, or may yet happen.
    MayHaveHappened,
    /// The effect happened.
    Happened,
}

/// The way in which a system shuts down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// Accept nothing new, finish what has begun, and abort what is left at the timeout.
    Drain {
        /// Time limit, from the call of the shutdown.
        timeout: Duration,
    },
    /// End everything at once.
    Abort,
}

impl Shutdown {
    /// Returns when to abort what is left, if ever. An abort is a drain whose time is over at once.
    pub(crate) fn deadline(self, now: Instant) -> Option<Instant> {
        match self {
            Self::Drain { timeout } => now.checked_add(timeout),
            Self::Abort => Some(now),
        }
    }
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
