//! Bugs that can be switched on, to check that the models find them.
//!
//! They are compiled in only under `pushdown_model`. A model runs all its threads on the thread of the
//! test that started it, so the switch is thread-local.

/// A bug of this crate or of other software.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Bug {
    /// Queues of waiters: a waiter that is dropped does not pass its turn on.
    TurnIsLost,

    /// Publish/subscribe: an event is published although a subscriber has no room for it.
    CommitWithoutRoom,
    /// Publish/subscribe: events that a subscriber misses are not counted.
    LossIsSilent,
    /// Publish/subscribe: a stream ends before the events that were published to it.
    CancelForgetsPublished,
    /// Publish/subscribe: a publisher keeps waiting for a subscriber that has been cancelled.
    CancelLeavesPublisher,
    /// Publish/subscribe: a publisher is told that it has timed out while its event is still in the
    /// line.
    AnswersInLine,
    /// Publish/subscribe: a publisher is not woken when there is room.
    RoomIsNotAnnounced,
    /// Publish/subscribe: a reader takes events that were published after the end of its stream.
    BatchPassesTheEnd,
    /// Publish/subscribe: what a reader has taken outlives an abort.
    BatchOutlivesTheAbort,
    /// Publish/subscribe: a reader does not check again after it has stored its waker.
    ReaderLooksOnce,

    /// The scheduler: a worker that finds no task leaves, although a running task may have to be
    /// retried. The lecture's `close(work)`, too early.
    WorkClosedBeforeRetries,
    /// The scheduler: a task that has to be retried wakes no worker.
    IdleNotCalled,
    /// The scheduler: a server that was woken for a task and does not take it has no other woken in its
    /// place.
    WorkIsNotPassedOn,
    /// The scheduler: the report is made when the end of the run is decided, although calls are still in
    /// progress. What it says of them may change.
    AnswerBeforeLeaving,
    /// The scheduler: the source of the tasks is not woken when there is room for more.
    RoomIsNotNoticed,
    /// The scheduler: the run carries on without servers. tower's balance waits for ever.
    NobodyLeft,
    /// The scheduler: the task of a server that is removed is retried at once, and so runs twice at the
    /// same time. apalis #530.
    JudgedDead,
    /// The scheduler: a success counts even if another copy of the task was faster.
    SecondSuccessCounts,
    /// The scheduler: the acceptor of servers is not told that the run has ended. A slip of the lecture.
    DoorNotTold,
    /// The scheduler: a lease that outlives its call is returned unnoticed.
    LeaseComesBackUnnoticed,
    /// The scheduler: the server of a worker that leaves is lost instead of returned. Most copies of the
    /// lecture's lab.
    NobodyTakesBack,

    /// Replicated client: a slow winner that comes late undoes a newer preference.
    LateWinnerUndoes,
    /// Replicated client: a preference that has changed back counts as unchanged.
    PreferenceHasNoVersion,
    /// Replicated client: cancelled attempts do not count (hickory #3531, #3837).
    DeadServerIsPerfect,
    /// Replicated client: an extra request is paid for before its delay is over (tower #472).
    HedgePaysEarly,
    /// Replicated client: extra requests cost nothing, so that they can double the load.
    BudgetIsNotSpent,
    /// Replicated client: an error ends the call although another attempt is running (tower's hedge).
    FirstErrorWins,
    /// Replicated client: an error does not cut the delay short (grpc-java #10145).
    ErrorWaitsForTheDelay,
    /// Replicated client: an attempt is started after the call has been won (grpc-java #9185).
    HedgeAfterTheWinner,
    /// Replicated client: a call that is dropped stays counted (async-nats #1617).
    DroppedCallIsCounted,
    /// Replicated client: a call or loser that waits is not woken by an abort.
    AbortIsNotAnnounced,
    /// Replicated client: an abort waits until a call is polled, which may never be.
    AbortNeedsAPoll,
    /// Replicated client: the error of a call says nothing of the attempts that are running. They may
    /// still have an effect, or have had one.
    AnswerForgetsRunning,
    /// Replicated client: a call that waits for the budget is not woken when there is some.
    LineIsNotWoken,
    /// Replicated client: a server that has left becomes the preferred one, when a reply from it wins.
    LeaverIsPreferred,
    /// Replicated client: a server that leaves is not handed back when its last attempt ends.
    LastAttemptIsNotAnnounced,
    /// Replicated client: an attempt at a server that leaves is dropped only when its call is polled.
    LeaveNeedsAPoll,
    /// Replicated client: a call that has asked all servers is not woken when another one joins.
    JoinIsNotAnnounced,
    /// Replicated client: every call probes the first server.
    EveryCallProbes,
    /// Replicated client: a probe costs nothing.
    ProbeIsFree,
    /// Replicated client: losers outlive the client.
    LosersOutliveTheClient,

    /// The multiplexer: the entry of an answered call stays, so its tag can be used only once. A slip
    /// of the lecture.
    MuxEntryStays,
    /// The multiplexer: a dropped call stays in the table (async-nats, jsonrpsee).
    MuxCallLeaks,
    /// The multiplexer: a call that has timed out is answered before it has left the table.
    MuxAnswersBeforeLeaving,
    /// The multiplexer: a late reply counts as a reply to no call, which may be fatal
    /// (jsonrpsee, tokio-tower).
    MuxLateIsUnexpected,
    /// The multiplexer: a reply to a dropped call panics (tower-lsp-server).
    MuxLatePanics,
    /// The multiplexer: the tag of a dropped call is free at once, and the old reply reaches the next
    /// call with that tag (redis-rs).
    MuxTagFreedOnDrop,
    /// The multiplexer: the end of the connection wakes no caller (redis-rs).
    MuxEndForgetsCallers,
    /// The multiplexer: a flushed tag is free when the old reply comes, although the flush has not been
    /// answered.
    MuxFlushIgnored,
    /// The multiplexer: the sending loop waits without storing its waker.
    MuxSenderNotWoken,

    /// The client that reconnects: the callers of calls that were given to a new connection are not woken.
    ReconnectLineNotWoken,
    /// The client that reconnects: its end does not wake the calls that wait for a connection.
    ReconnectEndForgetsLine,
    /// The client that reconnects: a call that was sent on one connection and not on the next is said
    /// not to have happened.
    ReconnectForgetsSent,
    /// The client that reconnects: a call that is dropped in the line is sent on the next connection.
    ReconnectDroppedCallStays,
    /// The client that reconnects: the driver is not woken by a shutdown.
    ReconnectDriverNotWoken,
}

cfg_select! {
    any(pushdown_model = "loom", pushdown_model = "shuttle") => {
        use std::cell::Cell;

        std::thread_local! {
            static BUG: Cell<Option<Bug>> = const { Cell::new(None) };
        }

        /// Switches one bug on, or all off, for this thread.
        pub fn set(bug: Option<Bug>) {
            BUG.set(bug);
        }

        pub(crate) fn is(bug: Bug) -> bool {
            BUG.get() == Some(bug)
        }
    }
    _ => {
        /// Outside of the models no bug is ever on.
        pub(crate) const fn is(_: Bug) -> bool {
            false
        }
    }
}
