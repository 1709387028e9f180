//! The choice of the idle servers that are woken: as many as there is work for.
//!
//! An idle server is *called* when it is woken, until it asks for its next action. For every task in
//! the queue that an idle server may take, one server is called. That server may then find an older
//! task, or leave: whichever called server takes no task has others called in its place.
//!
//! One idle server is the *timekeeper*: the only one with a deadline. It asks again when the next
//! failed task or the next backup copy is due, and has others called if there is more.

use std::time::Instant;

use super::{Scheduler, ServerId};
use crate::seeded::{self, Bug};

/// The relation of a server without a call to the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attention {
    /// It is not waiting.
    None,
    /// It found no task.
    Idle,
    /// It was woken since, and has not asked again.
    Called,
}

impl Scheduler {
    /// A server asks for its next action, or takes no more tasks. Returns `true` if it was called.
    pub(super) fn stop_waiting(&mut self, server: ServerId) -> bool {
        let before = std::mem::replace(&mut self.servers[server.0].attention, Attention::None);
        match before {
            Attention::None => return false,
            Attention::Idle => drop(self.idle.remove(&server)),
            Attention::Called => self.called -= 1,
        }
        if self.timekeeper.is_some_and(|(keeper, _)| keeper == server) {
            self.timekeeper = None;
        }
        before == Attention::Called
    }

    /// A server found no task. Returns when it has to ask again without a wake-up.
    pub(super) fn start_waiting(&mut self, server: ServerId) -> Option<Instant> {
        self.idle.insert(server);
        self.servers[server.0].attention = Attention::Idle;
        let due = self.next_due()?;
        if self.timekeeper.is_some_and(|(_, until)| until <= due) {
            return None;
        }
        self.timekeeper = Some((server, due));
        Some(due)
    }

    fn call(&mut self, server: ServerId) {
        self.idle.remove(&server);
        self.servers[server.0].attention = Attention::Called;
        self.called += 1;
        self.wakes.servers.push(server);
    }

    /// Calls an idle server. Returns `false` if there is none.
    pub(super) fn call_any(&mut self) -> bool {
        let Some(server) = self.idle.first().copied() else { return false };
        self.call(server);
        true
    }

    /// Calls an idle server that may take a task which failed on these. Returns `false` if there is
    /// none.
    pub(super) fn call_for(&mut self, failed_on: &[ServerId]) -> bool {
        if self.idle.is_empty() {
            return false;
        }
        let mut idle = self.idle.iter().copied();
        let Some(server) = idle.find(|server| self.accepts(failed_on, 0, *server)) else {
            return false;
        };
        self.call(server);
        true
    }

    /// Calls servers for the tasks in the queue, after a change of who may take which.
    pub(super) fn call_for_queue(&mut self) {
        if seeded::is(Bug::WorkIsNotPassedOn) {
            return;
        }
        while self.called < self.fresh.len() && self.call_any() {}
        if self.idle.is_empty() || self.retries.len() <= self.called {
            return;
        }
        for (failed_on, tasks) in self.retries.lanes() {
            let mut left = tasks;
            while left > 0 && self.call_for(&failed_on) {
                left -= 1;
            }
        }
    }

    /// Calls a server for a backup copy that is due, and one that keeps the time. A server that was
    /// called already will do both when it asks.
    #[inline]
    pub(super) fn call_for_time(&mut self) {
        if !self.idle.is_empty() && self.called == 0 && self.end.is_none() {
            self.call_for_what_is_due();
        }
    }

    fn call_for_what_is_due(&mut self) {
        let due = self.copies_due().find_map(|(slot, runs_on)| {
            let mut idle = self.idle.iter().copied();
            idle.find(|server| self.may_copy(slot, runs_on, *server))
        });
        if let Some(server) = due {
            self.call(server);
        } else if let Some(due) = self.next_due()
            && self.timekeeper.is_none_or(|(_, until)| due < until)
        {
            self.call_any();
        }
    }
}
