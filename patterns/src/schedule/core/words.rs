//! What the core is told, and what it says.

use std::time::Instant;

use super::{FailureKind, ServerId};

/// What a server is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Call.
    Run(Attempt),
    /// There is nothing at the moment.
    Wait {
        /// When there may be something, whatever else happens.
        until: Option<Instant>,
    },
    /// There will be nothing any more.
    Leave,
}

/// One call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The number of the task.
    pub task: usize,
    /// The how-manieth attempt at it this is, from 1.
    pub number: u32,
    /// By when it has to be over.
    pub deadline: Option<Instant>,
    /// Whether it is a copy of one that runs.
    pub backup: bool,
}

/// What came of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The task is done.
    Success,
    /// It is not.
    Failed(FailureKind),
    /// The call was dropped since it was [cancelled](super::Core::cancelled).
    Cancelled,
}

impl Outcome {
    /// Whether the task may go to another server.
    pub(in super::super) fn may_be_tried_again(self) -> bool {
        matches!(self, Self::Failed(kind) if kind != FailureKind::Fatal)
    }
}

/// Who is to look again. The two flags and the server are independent of each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wakes {
    /// Every server that is idle.
    pub idle: bool,
    /// Everybody: servers, and whoever lets them in or waits for the end.
    pub all: bool,
    /// One server, whose call is cancelled.
    pub server: Option<ServerId>,
}

/// How many of what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tasks in all.
    pub tasks: usize,
    /// Tasks that succeeded.
    pub done: usize,
    /// Tasks that have used up their attempts.
    pub given_up: usize,
    /// Calls that run.
    pub running: usize,
    /// Calls that were made, those that run included.
    pub attempts: u64,
    /// Calls that failed.
    pub failures: u64,
    /// Calls that were backup copies.
    pub backups: u64,
}

/// What a server did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServerCounts {
    /// Tasks that it did.
    pub completed: u64,
    /// Calls that failed on it.
    pub failed: u64,
    /// Calls that were dropped, or came second after another copy.
    pub cancelled: u64,
}
