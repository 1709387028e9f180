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

    /// Publish/subscribe: an event is published although not everybody has room for it.
    CommitWithoutRoom,
    /// Publish/subscribe: what a subscriber misses is not counted.
    LossIsSilent,
    /// Publish/subscribe: a stream ends before what was published to it.
    CancelForgetsPublished,
    /// Publish/subscribe: a publisher goes on waiting for a subscriber that has been cancelled.
    CancelLeavesPublisher,
    /// Publish/subscribe: a publisher is not told of the room that it waits for.
    RoomIsNotAnnounced,
    /// Publish/subscribe: a reader that has left its waker does not look again.
    ReaderLooksOnce,
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
