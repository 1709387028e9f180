//! The tasks that are held, from their source to their settlement.

use std::cmp::Reverse;

use super::{Exhausted, Outcome, Reason, Room, Scheduler, Task};
use crate::seeded::{self, Bug};
use crate::trace::Event;

impl Scheduler {
    /// Returns how many tasks the source may add, and has it woken when it is to ask again.
    pub fn poll_room(&mut self) -> Room {
        if self.end.is_some() || self.draining {
            return Room::Closed;
        }
        let room = self.ahead.saturating_sub(self.held());
        self.feeder_waits = room == 0;
        if room == 0 { Room::Wait } else { Room::Take(room) }
    }

    /// Adds a task, in a slot that is free. The tasks are numbered as they are added.
    #[inline]
    pub fn handle_task(&mut self, slot: usize) {
        if slot >= self.tasks.len() {
            self.tasks.resize_with(slot + 1, Task::default);
        }
        self.tasks[slot] = Task { number: self.counts.tasks, ..Task::default() };
        self.counts.tasks += 1;
        self.fresh.push_back(slot);
        if !self.idle.is_empty() {
            self.call_any();
        }
    }

    /// Records that there is no other task.
    pub fn handle_exhausted(&mut self) {
        self.exhausted = true;
        self.conclude_if_settled();
    }

    /// Records that the source of the tasks is gone.
    pub fn handle_fed(&mut self) {
        self.fed = true;
        self.conclude_if_settled();
        self.wakes.all |= self.is_over();
    }

    /// Records that the result of a settled task has been passed on.
    pub fn handle_claim(&mut self) {
        self.unclaimed -= 1;
        self.call_feeder();
    }

    /// Tasks that wait for a server, fresh or failed.
    pub fn queued(&self) -> usize {
        self.fresh.len() + self.retries.len() + self.delayed.len()
    }

    /// Tasks that were added and are not settled, or not claimed.
    pub fn held(&self) -> usize {
        self.counts.tasks - self.counts.done - self.counts.given_up + self.unclaimed
    }

    /// Returns the attempts at the task in a slot that were started, and those of them that ended with
    /// the death of their server.
    pub fn attempts(&self, slot: usize) -> (u32, u32) {
        (self.tasks[slot].attempts, self.tasks[slot].deaths)
    }

    /// Returns `true` if the limits allow another attempt.
    pub(super) fn may_try_again(&self, slot: usize) -> bool {
        let Task { deaths, .. } = self.tasks[slot];
        let survives = self.options.deaths.is_none_or(|limit| deaths < limit.get());
        survives && self.tasks[slot].failures() < self.options.attempts.get()
    }

    /// Has a failed task of which no copy runs tried again, or gives it up.
    pub(super) fn retry_or_give_up(&mut self, slot: usize, outcome: Outcome) {
        if self.may_try_again(slot) {
            let failures = self.tasks[slot].failures();
            // The death of a server says nothing about the task.
            let is_failure = !matches!(outcome, Outcome::Failed(kind) if kind.is_dead());
            let backoff = self.backoff.as_mut().filter(|_| is_failure);
            let delay = backoff.map(|backoff| backoff.delay(failures));
            match self.now.zip(delay).and_then(|(now, delay)| now.checked_add(delay)) {
                Some(due) => {
                    self.delayed.push(Reverse((due, self.delays, slot)));
                    self.delays += 1;
                }
                None => self.queue(slot),
            }
        } else if self.options.exhausted == Exhausted::FailRun {
            self.conclude(Err(Reason::Exhausted { task: self.tasks[slot].number }));
        } else {
            self.counts.given_up += 1;
            let Task { number, attempts, .. } = self.tasks[slot];
            self.notes.add(|| Event::TaskGivenUp { task: number, attempts });
            self.settle(slot);
        }
    }

    /// Queues a failed task, and calls a server for it.
    pub(super) fn queue(&mut self, slot: usize) {
        let servers = &self.servers;
        let failed_on = self.failed_on.get_mut(&slot).map_or(&[][..], |failed_on| {
            // Servers that have left need not be avoided.
            failed_on.retain(|server| servers[server.0].leave_reason.is_none());
            failed_on
        });
        self.retries.push(slot, failed_on);
        if !seeded::is(Bug::IdleNotCalled) && !self.idle.is_empty() {
            let failed_on = failed_on.to_vec();
            self.call_for(&failed_on);
        }
    }

    /// Settles a task, and cancels the copy of it that still runs, if there is one.
    #[inline]
    pub(super) fn settle(&mut self, slot: usize) {
        let task = &mut self.tasks[slot];
        task.settled = true;
        self.unclaimed += usize::from(self.claims);
        if task.live() > 0 {
            self.cancel_copies(slot);
        }
        if !self.failed_on.is_empty() {
            self.failed_on.remove(&slot);
        }
    }

    fn cancel_copies(&mut self, slot: usize) {
        for copy in self.tasks[slot].runs_on.into_iter().flatten() {
            let copy_runs = &mut self.servers[copy.0];
            copy_runs.cancelled = true;
            if let Some(since) = copy_runs.running.and_then(|running| running.since) {
                self.copyable.remove(&(since, copy));
            }
            self.wakes.servers.push(copy);
        }
    }

    /// Wakes the source of the tasks, once half of the tasks that are held and not running are used up.
    pub(super) fn call_feeder(&mut self) {
        if !self.feeder_waits || seeded::is(Bug::RoomIsNotNoticed) {
            return;
        }
        let (held, ahead) = (self.held(), self.ahead);
        if held < ahead && held + self.fresh.len() <= ahead {
            self.feeder_waits = false;
            self.wakes.feeder = true;
        }
    }
}
