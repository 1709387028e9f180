//! The outputs and inputs of the state machine: a server's next action, and the outcome of its call.

use std::time::Instant;

use super::{FailureKind, ServerId};

/// The next action of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Make a call.
    Call(Assignment),
    /// Wait for a wake-up: there is no task at the moment.
    Wait {
        /// The time at which a call becomes old enough for a backup copy.
        until: Option<Instant>,
    },
    /// Leave: there will be no task any more.
    Leave,
}

/// A task assigned to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The number of the task.
    pub task: usize,
    /// The attempt's number, from 1.
    pub number: u32,
    /// The end of the timeout.
    pub deadline: Option<Instant>,
    /// Set if this is a copy of a call in progress.
    pub backup: bool,
}

/// The outcome of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It completed the task.
    Success,
    /// It failed.
    Failed(FailureKind),
    /// It was dropped because it was [cancelled](super::Scheduler::is_cancelled).
    Cancelled,
}

impl Outcome {
    /// Returns `true` if the task may go to another server.
    pub(in super::super) fn allows_retry(self) -> bool {
        matches!(self, Self::Failed(kind) if kind != FailureKind::Fatal)
    }
}

/// The workers and others that have to look again. The three are independent of each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wakes {
    /// Every idle server.
    pub idle: bool,
    /// Every server, the acceptor, and the run's handle.
    pub all: bool,
    /// One server, whose call is cancelled.
    pub server: Option<ServerId>,
}
