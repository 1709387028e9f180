//! Reads of the state of a run.

use super::{Counts, LeaveReason, Scheduler, ServerCounts, ServerId};

impl Scheduler {
    /// Returns the counters of the run.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Servers that can take tasks.
    pub fn available(&self) -> usize {
        self.available
    }

    /// Returns every server that ever joined, in that order.
    pub fn servers(&self) -> impl Iterator<Item = ServerId> + use<> {
        (0..self.servers.len()).map(ServerId)
    }

    /// Returns `true` if a server runs no task.
    pub fn is_idle(&self, server: ServerId) -> bool {
        self.servers[server.0].running.is_none()
    }

    /// Returns the task that a server runs.
    pub fn running_task(&self, server: ServerId) -> Option<usize> {
        self.servers[server.0].running.map(|running| self.tasks[running.slot].number)
    }

    /// Returns the counters of a server.
    pub fn server_counts(&self, server: ServerId) -> ServerCounts {
        self.servers[server.0].counts
    }

    /// Returns why a server takes no more tasks, if so.
    pub fn leave_reason(&self, server: ServerId) -> Option<LeaveReason> {
        self.servers[server.0].leave_reason
    }

    /// Returns `true` if a call on this server was dropped before it ended.
    pub fn is_interrupted(&self, server: ServerId) -> bool {
        self.servers[server.0].interrupted
    }
}
