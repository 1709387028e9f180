//! The choice of a task for a server, once no fresh task is left.

use std::cmp::Reverse;
use std::time::Instant;

use super::{Running, Scheduler, ServerId};

impl Scheduler {
    /// Returns `true` if a server may take a task that failed on these. It is left to the others as
    /// long as there is one on which it has not failed. `busy` others cannot take it.
    pub(super) fn accepts(&self, failed_on: &[ServerId], busy: usize, server: ServerId) -> bool {
        let is_available = |other: &&ServerId| self.servers[other.0].leave_reason.is_none();
        let tried = || failed_on.iter().filter(is_available).count() + busy;
        failed_on.binary_search(&server).is_err() || tried() >= self.available
    }

    /// Takes the oldest failed task that this server may take.
    pub(super) fn pop_failed(&mut self, server: ServerId) -> Option<usize> {
        if self.retries.len() == 0 {
            return None;
        }
        let mut retries = std::mem::take(&mut self.retries);
        let slot = retries.pop(|failed_on| self.accepts(failed_on, 0, server));
        self.retries = retries;
        slot
    }

    /// Returns the call that has run longest, if a copy of it is due and may run on this server.
    pub(super) fn straggler(&self, server: ServerId) -> Option<usize> {
        let mut due = self.copies_due();
        due.find(|(slot, runs_on)| self.may_copy(*slot, *runs_on, server)).map(|(slot, _)| slot)
    }

    /// Returns the calls of which a copy is due, with their servers, longest first.
    pub(super) fn copies_due(&self) -> impl Iterator<Item = (usize, ServerId)> {
        let now = self.options.backup_after.zip(self.now);
        let copyable = self.copyable.iter();
        let due = copyable.take_while(move |(since, _)| {
            now.is_some_and(|(age, now)| since.checked_add(age).is_some_and(|due| due <= now))
        });
        due.filter_map(|(_, server)| Some((self.servers[server.0].running?.slot, *server)))
    }

    /// Returns `true` if a copy of a call may run on this server.
    pub(super) fn may_copy(&self, slot: usize, runs_on: ServerId, server: ServerId) -> bool {
        self.failed_on.get(&slot).is_none_or(|failed_on| {
            let is_available = self.servers[runs_on.0].leave_reason.is_none();
            let runs_there = is_available && failed_on.binary_search(&runs_on).is_err();
            self.accepts(failed_on, usize::from(runs_there), server)
        })
    }

    /// Records that a call may be copied when it is old enough, if it may.
    pub(super) fn allow_copy(&mut self, server: ServerId) {
        let Some(Running { slot, since: Some(since) }) = self.servers[server.0].running else {
            return;
        };
        let task = &self.tasks[slot];
        if self.options.backup_after.is_some() && !task.settled && self.may_try_again(slot) {
            self.copyable.insert((since, server));
        }
    }

    /// Returns when the next failed task or backup copy becomes due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let retry = self.delayed.peek().map(|Reverse((due, ..))| *due);
        let copy = self.options.backup_after.zip(self.now).and_then(|(age, now)| {
            // Those that are due already wait for a server that may take them.
            let oldest = match now.checked_sub(age) {
                Some(due) => self.copyable.range((due, ServerId(usize::MAX))..).next(),
                None => self.copyable.first(),
            };
            oldest?.0.checked_add(age)
        });
        retry.into_iter().chain(copy).min()
    }

    /// Queues the failed tasks whose delay is over.
    pub(super) fn queue_delayed(&mut self) {
        while let Some(Reverse((due, _, slot))) = self.delayed.peek().copied()
            && self.now.is_some_and(|now| due <= now)
        {
            self.delayed.pop();
            self.queue(slot);
        }
    }
}
