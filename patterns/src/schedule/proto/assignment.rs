//! The outputs and inputs of the state machine: a server's next action, and the outcome of its call.

use std::time::Instant;
use std::vec::Vec;

use super::{FailureKind, ServerId};

/// The next action of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Make a call.
    Call(Assignment),
    /// Wait for a wake-up: there is no task at the moment.
    Wait {
        /// When to ask again even without a wake-up. At most one of the idle servers is given a time.
        until: Option<Instant>,
    },
    /// Leave: there will be no task any more.
    Leave,
}

/// A task assigned to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// Where the task is kept.
    pub slot: usize,
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
    /// It was dropped at the end of its timeout.
    TimedOut,
    /// It was dropped because it was [cancelled](super::Scheduler::is_cancelled).
    Dropped,
    /// It returned because it was cancelled.
    Cancelled,
}

impl Outcome {
    /// Returns the word for events.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failed(FailureKind::Retry) => "retry",
            Self::Failed(FailureKind::Elsewhere) => "elsewhere",
            Self::Failed(FailureKind::ServerDead) => "server dead",
            Self::Failed(FailureKind::ServerGone) => "server gone",
            Self::Failed(FailureKind::Fatal) => "fatal",
            Self::TimedOut => "timed out",
            Self::Dropped => "dropped",
            Self::Cancelled => "cancelled",
        }
    }

    /// Returns `true` if the task may go to another server.
    pub(in super::super) fn allows_retry(self) -> bool {
        match self {
            Self::Failed(kind) => kind != FailureKind::Fatal,
            Self::TimedOut => true,
            Self::Success | Self::Dropped | Self::Cancelled => false,
        }
    }
}

/// The meaning of a call's outcome for its task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The task was not settled before, so the result or the failure counts.
    pub counts: bool,
    /// It is settled now: it succeeded, or was given up.
    pub settles: bool,
    /// It is settled, and no other attempt is in progress. Its slot is free.
    pub is_last: bool,
    /// Attempts at the task that were started.
    pub attempts: u32,
    /// Attempts that ended with the death of their server.
    pub deaths: u32,
}

/// The next step of the source of tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// Add at most this many tasks.
    Take(usize),
    /// Wait for a wake-up: enough tasks are held.
    Wait,
    /// Stop: no task will be started any more.
    Closed,
}

/// The workers and others that have to look again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wakes {
    /// Every server, the acceptor, the source of the tasks, and the run's handle.
    pub all: bool,
    /// These servers: idle ones for which there is work, and those whose call is cancelled.
    pub servers: Vec<ServerId>,
    /// The source of the tasks.
    pub feeder: bool,
    /// The acceptor of servers.
    pub acceptor: bool,
}
