//! The choice of a task for a server, once no fresh task is left.

use std::time::Instant;

use super::{Scheduler, ServerId};

impl Scheduler {
    /// Takes the oldest failed task. One that failed on this server is left to the others, as long as
    /// there is one on which it has not failed.
    pub(super) fn pop_failed(&mut self, server: ServerId) -> Option<usize> {
        let (servers, available) = (&self.servers, self.available);
        self.retries.pop(|avoid| {
            let is_available = |other: &&ServerId| servers[other.0].leave_reason.is_none();
            let tried = || avoid.iter().filter(is_available).count();
            avoid.binary_search(&server).is_err() || tried() == available
        })
    }

    /// Returns the oldest call that may have a copy on this server, and the time when the copy is due.
    /// A call that has a copy already gets no other.
    pub(super) fn straggler(&self, server: ServerId) -> Option<(usize, Instant)> {
        let age = self.options.backup_after?;
        // As in `pop_failed`. The server on which the task runs cannot take the copy either.
        let failed_here = |at: ServerId, task| {
            self.avoid.get(&task).is_some_and(|avoid| {
                let is_available =
                    |server: &&ServerId| self.servers[server.0].leave_reason.is_none();
                let runs_there =
                    usize::from(is_available(&&at) && avoid.binary_search(&at).is_err());
                let tried = || avoid.iter().filter(is_available).count() + runs_there;
                avoid.binary_search(&server).is_ok() && tried() < self.available
            })
        };
        let running = self
            .present
            .iter()
            .filter_map(|server| Some((*server, self.servers[server.0].running?)));
        running
            .filter(|(at, running)| {
                let task = &self.tasks[running.task];
                let may = task.live == 1 && task.attempts < self.options.attempts.get();
                may && !task.settled && !failed_here(*at, running.task)
            })
            .filter_map(|(_, running)| Some((running.task, running.since?.checked_add(age)?)))
            .min_by_key(|(_, due)| *due)
    }
}
