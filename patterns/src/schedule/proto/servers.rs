//! Servers that join and leave.

use std::time::Instant;

use super::wakeups::Attention;
use super::{
    FailureKind, LeaveReason, Outcome, Scheduler, Server, ServerCounts, ServerId, Verdict,
};
use crate::seeded::{self, Bug};
use crate::trace::Event;

impl Scheduler {
    /// Adds a server. If the run has ended, its first action is to leave.
    pub fn handle_join(&mut self) -> ServerId {
        self.servers.push(Server {
            running: None,
            attention: Attention::None,
            cancelled: false,
            interrupted: false,
            consecutive_failures: 0,
            leave_reason: None,
            counts: ServerCounts::default(),
        });
        self.available += 1;
        self.deserted = None;
        let server = ServerId(self.servers.len() - 1);
        self.present.insert(server);
        self.counts.joined += 1;
        self.notes.add(|| Event::ServerJoined { server: server.0 });
        server
    }

    /// Has a server leave, after its call if it runs one. Returns `false` if it has left, is about to,
    /// or never joined, or if the run has ended.
    pub fn handle_retire(&mut self, server: ServerId) -> bool {
        let known = self.servers.get(server.0).is_some_and(|server| server.leave_reason.is_none());
        if !known || self.end.is_some() {
            return false;
        }
        if let (true, Some(running)) = (seeded::is(Bug::JudgedDead), self.servers[server.0].running)
        {
            self.retries.push(running.slot, &[]);
        }
        self.exclude(server, LeaveReason::Retired);
        if self.is_idle(server) {
            self.wakes.servers.push(server);
        }
        self.conclude_if_settled();
        self.call_for_time();
        true
    }

    /// Records that a server's worker is going. Its call, if it runs one, has failed.
    pub fn handle_lost(&mut self, server: ServerId, now: Option<Instant>) -> Option<Verdict> {
        let running = self.servers[server.0].running.is_some();
        if running || self.end.is_none() && !self.draining {
            self.exclude(server, LeaveReason::Lost);
        }
        running.then(|| self.handle_outcome(server, Outcome::Failed(FailureKind::ServerDead), now))
    }

    /// Removes a server whose worker is gone.
    pub fn handle_leave(&mut self, server: ServerId, now: Option<Instant>) {
        let here = &self.servers[server.0];
        if here.running.is_some() || here.leave_reason.is_none() {
            self.handle_lost(server, now);
        }
        self.present.remove(&server);
        if self.stop_waiting(server) {
            self.call_for_queue();
        }
        self.conclude_if_settled();
        self.call_for_time();
        self.wakes.all |= self.is_over();
    }

    /// Gives a server no more tasks. Tasks that were left to it may now go to others.
    pub(super) fn exclude(&mut self, server: ServerId, reason: LeaveReason) {
        let here = &mut self.servers[server.0];
        let was_available = here.leave_reason.is_none();
        if matches!(here.leave_reason, None | Some(LeaveReason::Retired)) {
            here.leave_reason = Some(reason);
            self.counts.lost += usize::from(reason != LeaveReason::Retired);
            self.notes.add(|| reason.event(server));
        }
        if was_available {
            self.available -= 1;
            self.stop_waiting(server);
            self.call_for_queue();
        }
    }
}
