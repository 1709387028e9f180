//! The state of a run and of its servers at one moment.

use super::proto::Scheduler;
use super::{LeaveReason, Reason, ServerCounts, ServerId};

/// The state of a run at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// All tasks of the run.
    pub tasks: usize,
    /// Tasks that succeeded.
    pub done: usize,
    /// Tasks that used up their attempts.
    pub given_up: usize,
    /// Tasks that wait for a server.
    pub queued: usize,
    /// Calls in progress.
    pub running: usize,
    /// Calls made, those in progress included.
    pub attempts: u64,
    /// Calls that failed.
    pub failures: u64,
    /// Calls that failed because their time was over.
    pub timeouts: u64,
    /// Calls that were backup copies.
    pub backups: u64,
    /// Servers that can take tasks.
    pub servers: usize,
    /// Servers that have joined.
    pub joined: usize,
    /// Servers that are dead, have failed too often, or whose workers were dropped.
    pub lost: usize,
    /// The end of the run, once it is decided.
    pub end: Option<Result<(), Reason>>,
}

/// The state of a server at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerSnapshot {
    /// The server's number in this run.
    pub id: ServerId,
    /// The number of the task that it runs.
    pub running: Option<usize>,
    /// Its calls so far.
    pub counts: ServerCounts,
    /// Set once it takes no more tasks.
    pub leave_reason: Option<LeaveReason>,
}

impl Snapshot {
    pub(super) fn of(scheduler: &Scheduler) -> Self {
        let counts = scheduler.counts();
        Self {
            tasks: counts.tasks,
            done: counts.done,
            given_up: counts.given_up,
            queued: scheduler.queued(),
            running: counts.running,
            attempts: counts.attempts,
            failures: counts.failures,
            timeouts: counts.timeouts,
            backups: counts.backups,
            servers: scheduler.available(),
            joined: counts.joined,
            lost: counts.lost,
            end: scheduler.end(),
        }
    }
}

impl ServerSnapshot {
    pub(super) fn of(scheduler: &Scheduler, id: ServerId) -> Self {
        Self {
            id,
            running: scheduler.running_task(id),
            counts: scheduler.server_counts(id),
            leave_reason: scheduler.leave_reason(id),
        }
    }
}
