//! The systems of the lecture, for real use: each with its state as data under a lock, as code in a
//! task that owns it, or both.
//!
//! # What they have in common
//! * **Reserve, then commit.** What may wait first obtains room, and has no effect if it is dropped
//!   there. Then it commits without waiting, and after that nothing depends on the caller.
//! * **Dropping never waits**, and leaves nothing behind: no entry, no task, no timer.
//! * **Every error says what became of its effect** ([`Effect`]), and gives back what was not used.
//! * **Shutting down is [`Drain`](Shutdown::Drain) or [`Abort`](Shutdown::Abort)**, and returns how
//!   everything ended. Dropping the last handle aborts.
//! * **Bounds are in the types**; a queue without one has to be spelt out.
//! * **A panic in the user's code is contained**: the others go on, the panic is reported.
//!
//! Each has a core without runtime and clock, a plain state machine that is told the time. The
//! drivers around it are for [tokio](https://docs.rs/tokio) and, where it makes sense, for
//! [threads](thread).

#![cfg_attr(docsrs, feature(doc_cfg))]

use std::time::Duration;

#[cfg(feature = "debug")]
pub mod debug;
pub mod mux;
mod panics;
pub mod pubsub;
mod reply;
mod sync;
mod wait;
mod waiters;
mod waits;
mod wakers;

cfg_select! {
    any(pushdown_model = "loom", pushdown_model = "shuttle") => { pub mod seeded; }
    _ => {
        #[allow(unreachable_pub, reason = "public in the models, which switch bugs on")]
        mod seeded;
    }
}
pub mod replicated;
pub mod schedule;
pub mod thread;

/// What became of what an operation was to bring about, when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// It did not happen, and will not.
    DidNotHappen,
    /// It may have happened, or may happen yet.
    MayHaveHappened,
    /// It happened.
    Happened,
}

/// How to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// Take on nothing new, bring to an end what was begun, and abort what is left then.
    Drain {
        /// For how long, counted from the call.
        timeout: Duration,
    },
    /// End everything at once.
    Abort,
}
