//! Bugs that can be switched on, to see that the models and the tests find them.
//!
//! They are compiled in under `pushdown_model` alone. A model runs all its threads on the thread of
//! the test that started it, so the switch is that thread's.

/// A bug of ours, or of somebody else's software. Each is described where it is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Bug {
    /// The line of waiters: a waiter that is dropped does not pass its turn on.
    TurnIsLost,
    /// The multiplexer: the entry of an answered call stays, so that its tag can be used only once. The
    /// lecture's slip.
    MuxEntryStays,
    /// The multiplexer: a dropped call stays in the table (row 1: async-nats, jsonrpsee).
    MuxCallLeaks,
    /// The multiplexer: a late reply is taken for one to nothing, which may be fatal (rows 2 and 3:
    /// jsonrpsee, tokio-tower).
    MuxLateIsUnexpected,
    /// The multiplexer: a reply to a dropped call panics (row 4: tower-lsp-server).
    MuxLatePanics,
    /// The multiplexer: the tag of a dropped call is free at once, and the old reply reaches whoever
    /// has it next (row 5: redis-rs).
    MuxTagFreedOnDrop,
    /// The multiplexer: the end of the connection wakes nobody (row 7: redis-rs).
    MuxEndForgetsCallers,
    /// The multiplexer: a flushed tag is free when the old reply comes, although the flush is still on
    /// its way.
    MuxFlushIgnored,
    /// The multiplexer: whoever sends goes to sleep without saying that it is to be woken.
    MuxSenderNotWoken,
}

cfg_select! {
    any(pushdown_model = "loom", pushdown_model = "shuttle") => {
        use std::cell::Cell;

        std::thread_local! {
            static BUG: Cell<Option<Bug>> = const { Cell::new(None) };
        }

        /// Switches a bug on, or all of them off, for what this thread runs.
        pub fn set(bug: Option<Bug>) {
            BUG.set(bug);
        }

        pub(crate) fn is(bug: Bug) -> bool {
            BUG.get() == Some(bug)
        }
    }
    _ => {
        /// Nothing is ever wrong outside of the models.
        pub(crate) const fn is(_: Bug) -> bool {
            false
        }
    }
}
