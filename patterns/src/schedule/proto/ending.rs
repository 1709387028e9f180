//! The end of a run: by success, by failure, or by a shutdown.

use std::time::Instant;

use super::{Counts, OnFailure, Reason, Scheduler, ServerId};
use crate::seeded::{self, Bug};
use crate::trace::Event;

impl Scheduler {
    /// Starts no more calls. Those in progress have until `deadline`, which the driver enforces:
    /// see [`drain_deadline`](Self::drain_deadline). Of two deadlines the earlier holds.
    pub fn handle_drain(&mut self, deadline: Option<Instant>) {
        self.draining = true;
        self.drain_deadline = deadline.into_iter().chain(self.drain_deadline).min();
        self.conclude_if_settled();
        self.wakes.all = true;
    }

    /// Ends the run, and cancels the calls in progress.
    pub fn handle_abort(&mut self) {
        self.handle_abandon();
        self.cancel_all();
    }

    /// Ends the run because its handle was dropped. [`Options::on_failure`] decides what happens to the
    /// calls in progress.
    pub fn handle_abandon(&mut self) {
        self.force_close = true;
        self.conclude(Err(Reason::ShutDown));
        self.wakes.all = true;
    }

    /// Ends the run: it cannot go on, because code around the calls panicked.
    pub fn handle_panic(&mut self) {
        self.conclude(Err(Reason::Panicked));
    }

    /// Tells the time. Ends the run if it has been without servers for too long.
    pub fn handle_time(&mut self, now: Option<Instant>) {
        self.set_time(now);
        self.conclude_if_settled();
    }

    pub(super) fn set_time(&mut self, now: Option<Instant>) {
        if now.is_some() {
            self.now = now;
        }
    }

    /// Returns the end of the run, once it is decided. Workers may still be present.
    pub fn end(&self) -> Option<Result<(), Reason>> {
        self.end
    }

    /// Returns `true` if the run has ended, every worker and the source of the tasks have left, and no
    /// server can join.
    pub fn is_over(&self) -> bool {
        self.end.is_some() && self.present.is_empty() && self.closed && self.fed
    }

    /// Returns `true` if a server must drop its call now.
    pub fn is_cancelled(&self, server: ServerId) -> bool {
        self.servers[server.0].cancelled
    }

    /// Returns `true` if workers must not wait for servers on lease.
    pub fn force_close(&self) -> bool {
        self.force_close
    }

    /// The time from which on every call is cancelled and no lease is waited for.
    pub fn drain_deadline(&self) -> Option<Instant> {
        self.drain_deadline
    }

    /// When the run ends if no server joins before.
    pub fn desertion_deadline(&self) -> Option<Instant> {
        self.deserted?.checked_add(self.options.without_servers?)
    }

    #[inline]
    pub(super) fn conclude_if_settled(&mut self) {
        let Counts { tasks, done, given_up, running, .. } = self.counts;
        let is_working = done + given_up < tasks && (self.available > 0 || running > 0);
        if !is_working || self.draining || self.deserted.is_some() {
            self.conclude_settled();
        }
    }

    fn conclude_settled(&mut self) {
        let Counts { tasks, done, given_up, running, .. } = self.counts;
        let deserted = self.available == 0 && running == 0;
        if done + given_up >= tasks && self.exhausted {
            self.conclude(Ok(()));
        } else if self.draining && running == 0 {
            self.conclude(Err(Reason::ShutDown));
        } else if self.closed && deserted && !seeded::is(Bug::NobodyLeft) {
            self.conclude(Err(Reason::NoServers));
        } else if done + given_up >= tasks && self.fed {
            // The source was dropped before its end, as when its runtime shuts down.
            self.conclude(Err(Reason::ShutDown));
        }
        if deserted && self.deserted.is_none() && self.options.without_servers.is_some() {
            self.deserted = self.now;
            self.wakes.acceptor |= self.now.is_some();
        }
        if let Some((deadline, now)) = self.desertion_deadline().zip(self.now)
            && deadline <= now
        {
            self.conclude(Err(Reason::NoServers));
        }
    }

    /// Ends the run, unless it has ended before.
    pub(super) fn conclude(&mut self, end: Result<(), Reason>) {
        if self.end.is_none() {
            self.end = Some(end);
            self.wakes.all = true;
            self.note_end(end);
            if end.is_err() && self.options.on_failure == OnFailure::DropCalls {
                self.cancel_all();
            }
        }
    }

    fn note_end(&mut self, end: Result<(), Reason>) {
        let Counts { tasks, done, given_up, attempts, .. } = self.counts;
        let ended = |reason| Event::RunEnded { reason, tasks, done, given_up, attempts };
        let failed = |reason| Event::RunFailed { reason, tasks, done, given_up, attempts };
        self.notes.add(|| match end {
            Ok(()) => ended("all tasks are settled"),
            Err(Reason::ShutDown) => ended("shut down"),
            Err(Reason::NoServers) => failed("no servers"),
            Err(Reason::Fatal { .. }) => failed("a fatal failure"),
            Err(Reason::Exhausted { .. }) => failed("a task used up its attempts"),
            Err(Reason::Panicked) => failed("a panic"),
        });
    }

    pub(super) fn cancel_all(&mut self) {
        for server in &self.present {
            let here = &mut self.servers[server.0];
            here.cancelled |= here.running.is_some();
        }
    }
}
