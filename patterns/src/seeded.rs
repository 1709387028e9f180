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

    /// The scheduler: whoever finds no task leaves, although one that runs may have to be tried
    /// again. The lecture's `close(work)` that comes too early.
    WorkClosedBeforeRetries,
    /// The scheduler: a task that is to be tried again wakes nobody.
    IdleNotCalled,
    /// The scheduler: the run goes on without servers. tower's balance waits for ever.
    NobodyLeft,
    /// The scheduler: what a server runs when it is sent away is tried again at once, and so runs
    /// twice at a time. apalis #530.
    JudgedDead,
    /// The scheduler: a success counts even if another copy of the task was faster.
    SecondSuccessCounts,
    /// The scheduler: what lets servers in is not told of the end. A slip of the lecture's.
    DoorNotTold,
    /// The scheduler: a lease that outlives its call comes back unnoticed.
    LeaseComesBackUnnoticed,
    /// The scheduler: a server that is handed back at the end goes nowhere. Most copies of the lab
    /// that belongs to the lecture.
    NobodyTakesBack,

    /// Replicated client: a late slow winner undoes a newer preference.
    LateWinnerUndoes,
    /// Replicated client: a preference that has come back counts as one that never changed.
    PreferenceHasNoVersion,
    /// Replicated client: attempts that were cancelled leave no trace (hickory #3531, #3837).
    DeadServerIsPerfect,
    /// Replicated client: an extra request is paid for before its delay is over (tower #472).
    HedgePaysEarly,
    /// Replicated client: extra requests cost nothing, so that they can double the load.
    BudgetIsNotSpent,
    /// Replicated client: an error ends the call although another attempt runs (tower's hedge).
    FirstErrorWins,
    /// Replicated client: an error does not cut the delay short (grpc-java #10145).
    ErrorWaitsForTheDelay,
    /// Replicated client: an attempt is started for a call that has been won (grpc-java #9185).
    HedgeAfterTheWinner,
    /// Replicated client: a caller that is dropped stays counted (async-nats #1617).
    DroppedCallIsCounted,
    /// Replicated client: whoever waits sees an abort only when something else wakes it.
    AbortWakesNobody,
    /// Replicated client: losers go on without a client.
    LosersOutliveTheClient,

    /// The multiplexer: the entry of an answered call stays, so that its tag can be used only once. The
    /// lecture's slip.
    MuxEntryStays,
    /// The multiplexer: a dropped call stays in the table (row 1: async-nats, jsonrpsee).
    MuxCallLeaks,
    /// The multiplexer: a call that has timed out is answered before it has left the table.
    MuxAnswersBeforeLeaving,
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
