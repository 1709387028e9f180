//! The scheduler as a plain state machine: which server runs which task. It has no runtime, no clock and
//! no lock, and handles no values but numbers.
//!
//! A driver runs a worker for each server. The worker asks for its next [action](Scheduler::poll_action),
//! makes the call, and passes on its [outcome](Scheduler::handle_outcome), until it is told to leave.
//! After each change [`poll_wakes`](Scheduler::poll_wakes) names the workers that have to ask again.
//!
//! ```
//! use pushdown_patterns::schedule::proto::{Action, Outcome, Scheduler};
//! use pushdown_patterns::schedule::Options;
//!
//! let mut scheduler = Scheduler::new(2, &Options::default());
//! let server = scheduler.handle_join();
//! scheduler.handle_close(); // no other will join
//! for task in 0..2 {
//!     let Action::Call(assignment) = scheduler.poll_action(server, None) else { panic!() };
//!     assert_eq!((assignment.task, assignment.number), (task, 1));
//!     assert!(scheduler.handle_outcome(server, Outcome::Success));
//! }
//! assert_eq!(scheduler.poll_action(server, None), Action::Leave);
//! scheduler.handle_leave(server);
//! assert!(scheduler.is_over());
//! assert_eq!(scheduler.end(), Some(Ok(())));
//! ```
//!
//! # Order
//! Fresh tasks come first, in their order; then failed tasks, in the order of their failures; then
//! backup copies, of the call that has run longest.
//!
//! # Cost
//! Taking a task and completing it is O(1) in the number of tasks and servers. A failed task is found
//! in O(s), where s is the number of different sets of servers that the tasks in the queue avoid: one,
//! unless tasks failed [elsewhere](FailureKind::Elsewhere). An idle server looks for a call to copy in
//! O(servers).
//!
//! # Changing it
//! Every change of `tasks`, `retries` or `available` that may give an idle server a task must set
//! [`Wakes::idle`], or that server waits forever. Every method that may be the last step of a run ends
//! with `conclude_if_settled`. The tests compare each step with a model that searches plain lists.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;
use std::vec::Vec;

use super::{
    Exhausted, FailureKind, LeaveReason, OnFailure, Options, Reason, ServerCounts, ServerId,
};
use crate::seeded::{self, Bug};

mod assignment;
mod choice;
mod counts;
mod queue;

pub use assignment::{Action, Assignment, Outcome, Wakes};
pub use counts::Counts;
use queue::Queue;

/// The state of a run.
///
/// # Invariants
/// * An open task is in exactly one place: fresh, in the queue, or running. Only a backup copy makes it
///   run more than once at a time.
/// * An idle server has found no task that it may take, or has been named by [`Wakes`] since.
/// * Until the run ends there is a server that can take tasks, or one that may yet join, or one that
///   still runs a task.
#[derive(Debug)]
pub struct Scheduler {
    options: Options,
    tasks: Vec<Task>,
    /// The first fresh task: it and all later ones were never tried.
    fresh: usize,
    /// Failed tasks that wait for another attempt.
    retries: Queue,
    /// The servers on which a task failed that is tried elsewhere, sorted.
    avoid: BTreeMap<usize, Vec<ServerId>>,
    servers: Vec<Server>,
    /// The number of servers that can take tasks.
    available: usize,
    /// The servers whose workers have not left.
    present: BTreeSet<ServerId>,
    /// No other server will join.
    closed: bool,
    draining: bool,
    drain_deadline: Option<Instant>,
    force_close: bool,
    end: Option<Result<(), Reason>>,
    wakes: Wakes,
    counts: Counts,
}

#[derive(Clone, Debug, Default)]
struct Task {
    attempts: u32,
    /// Attempts in progress.
    live: u32,
    /// It succeeded, or was given up.
    settled: bool,
    done: bool,
}

#[derive(Debug)]
struct Server {
    running: Option<Running>,
    cancelled: bool,
    consecutive_failures: u32,
    /// Set once it takes no more tasks.
    leave_reason: Option<LeaveReason>,
    counts: ServerCounts,
}

#[derive(Clone, Copy, Debug)]
struct Running {
    task: usize,
    since: Option<Instant>,
}

impl Scheduler {
    /// Creates a run of the tasks `0..tasks`, without servers.
    pub fn new(tasks: usize, options: &Options) -> Self {
        let mut core = Self {
            options: options.clone(),
            tasks: std::vec![Task::default(); tasks],
            fresh: 0,
            retries: Queue::default(),
            avoid: BTreeMap::new(),
            servers: Vec::new(),
            available: 0,
            present: BTreeSet::new(),
            closed: false,
            draining: false,
            drain_deadline: None,
            force_close: false,
            end: None,
            wakes: Wakes::default(),
            counts: Counts { tasks, ..Counts::default() },
        };
        core.conclude_if_settled();
        core
    }

    /// Adds a server. If the run has ended, its first action is to leave.
    pub fn handle_join(&mut self) -> ServerId {
        self.servers.push(Server {
            running: None,
            cancelled: false,
            consecutive_failures: 0,
            leave_reason: None,
            counts: ServerCounts::default(),
        });
        self.available += 1;
        let server = ServerId(self.servers.len() - 1);
        self.present.insert(server);
        server
    }

    /// Records that no other server will join.
    pub fn handle_close(&mut self) {
        self.closed = true;
        self.conclude_if_settled();
        self.wakes.all |= self.is_over();
    }

    /// Returns the next action of a server. The time is needed only for timeouts and backup copies.
    ///
    /// # Panics
    /// If the server never joined, or runs a task.
    pub fn poll_action(&mut self, server: ServerId, now: Option<Instant>) -> Action {
        assert!(self.servers[server.0].running.is_none(), "a server runs one task at a time");
        if self.end.is_some() || self.draining || self.servers[server.0].leave_reason.is_some() {
            return Action::Leave;
        }
        let (task, backup) = if self.fresh < self.tasks.len() {
            self.fresh += 1;
            (self.fresh - 1, false)
        } else if let Some(task) = self.pop_failed(server) {
            (task, false)
        } else if seeded::is(Bug::WorkClosedBeforeRetries) {
            return Action::Leave;
        } else {
            match self.straggler(server) {
                Some((task, due)) if now.is_some_and(|now| due <= now) => (task, true),
                other => return Action::Wait { until: other.map(|(_, due)| due) },
            }
        };
        // Servers that skipped this task may now be given a copy of it.
        self.wakes.idle |= self.options.backup_after.is_some() && self.avoid.contains_key(&task);
        let entry = &mut self.tasks[task];
        entry.attempts += 1;
        entry.live += 1;
        self.counts.running += 1;
        self.counts.attempts += 1;
        self.counts.backups += u64::from(backup);
        self.servers[server.0].running = Some(Running { task, since: now });
        let deadline =
            now.zip(self.options.timeout).and_then(|(now, after)| now.checked_add(after));
        Action::Call(Assignment { task, number: self.tasks[task].attempts, deadline, backup })
    }

    /// Records the outcome of a server's call. Returns `true` unless the task was settled before, as it
    /// is when another copy was faster; then the result does not count.
    ///
    /// # Panics
    /// If the server runs no task.
    pub fn handle_outcome(&mut self, server: ServerId, outcome: Outcome) -> bool {
        let here = &mut self.servers[server.0];
        let Running { task, .. } = here.running.take().expect("the server runs a task");
        // A call that was told to end may return any error.
        let cancelled = std::mem::take(&mut here.cancelled);
        let outcome = match outcome {
            Outcome::Failed(_) if cancelled => Outcome::Cancelled,
            outcome => outcome,
        };
        self.counts.running -= 1;
        self.tasks[task].live -= 1;
        let first = !self.tasks[task].settled;
        match outcome {
            Outcome::Success if first || seeded::is(Bug::SecondSuccessCounts) => {
                here.counts.completed += 1;
                here.consecutive_failures = 0;
                self.tasks[task].done = true;
                self.counts.done += 1;
                self.settle(task);
            }
            Outcome::Success => {
                here.counts.cancelled += 1;
                here.consecutive_failures = 0;
            }
            Outcome::Cancelled => here.counts.cancelled += 1,
            Outcome::Failed(kind) => self.failed(server, task, kind),
        }
        let Task { settled, live, .. } = self.tasks[task];
        if self.end.is_none() && !settled {
            let fails_run = self.options.exhausted == Exhausted::FailRun;
            if live == 0 && (outcome == Outcome::Cancelled || self.draining && fails_run) {
                // The drain leaves the task undone, which is no failure of the task.
                self.queue_again(task);
            } else if live == 0 {
                self.retry_or_give_up(task);
            } else {
                // The copy that is left may get a backup copy of its own.
                self.wakes.idle = true;
            }
        }
        self.conclude_if_settled();
        first
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
            self.retries.push(running.task, &[]);
        }
        self.exclude(server, LeaveReason::Retired);
        self.conclude_if_settled();
        true
    }

    /// Removes a server whose worker is gone. If it ran a task, that call has failed.
    pub fn handle_leave(&mut self, server: ServerId) {
        if self.servers[server.0].running.is_some() {
            self.exclude(server, LeaveReason::Lost);
            self.handle_outcome(server, Outcome::Failed(FailureKind::ServerDead));
        } else if self.servers[server.0].leave_reason.is_none()
            && self.end.is_none()
            && !self.draining
        {
            self.exclude(server, LeaveReason::Lost);
        }
        self.present.remove(&server);
        self.conclude_if_settled();
        self.wakes.all |= self.is_over();
    }

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

    /// Returns the end of the run, once it is decided. Workers may still be present.
    pub fn end(&self) -> Option<Result<(), Reason>> {
        self.end
    }

    /// Returns `true` if the run has ended, every worker has left, and no other can join.
    pub fn is_over(&self) -> bool {
        self.end.is_some() && self.present.is_empty() && self.closed
    }

    /// Takes the wake-ups that are due since the last call.
    pub fn poll_wakes(&mut self) -> Wakes {
        std::mem::take(&mut self.wakes)
    }

    /// Returns the counters of the run.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Tasks that wait for a server, fresh or failed.
    pub fn queued(&self) -> usize {
        self.tasks.len() - self.fresh + self.retries.len()
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
        self.servers[server.0].running.map(|running| running.task)
    }

    /// Returns the counters of a server.
    pub fn server_counts(&self, server: ServerId) -> ServerCounts {
        self.servers[server.0].counts
    }

    /// Returns why a server takes no more tasks, if so.
    pub fn leave_reason(&self, server: ServerId) -> Option<LeaveReason> {
        self.servers[server.0].leave_reason
    }

    /// Attempts at a task that were started.
    pub fn attempts(&self, task: usize) -> u32 {
        self.tasks[task].attempts
    }

    /// Returns `true` if a task has succeeded.
    pub fn is_done(&self, task: usize) -> bool {
        self.tasks[task].done
    }

    fn failed(&mut self, server: ServerId, task: usize, kind: FailureKind) {
        let here = &mut self.servers[server.0];
        here.counts.failed += 1;
        here.consecutive_failures += 1;
        self.counts.failures += 1;
        let limit = self.options.server_failures;
        let too_often = limit.is_some_and(|limit| here.consecutive_failures >= limit.get());
        match kind {
            FailureKind::Elsewhere if !self.tasks[task].settled => {
                let avoid = self.avoid.entry(task).or_default();
                if let Err(index) = avoid.binary_search(&server) {
                    avoid.insert(index, server);
                }
            }
            FailureKind::Retry | FailureKind::Elsewhere => {}
            FailureKind::ServerDead => self.exclude(server, LeaveReason::Dead),
            FailureKind::Fatal => self.conclude(Err(Reason::Fatal { task })),
        }
        if too_often {
            self.exclude(server, LeaveReason::FailedTooOften);
        }
    }

    /// Queues a failed task of which no copy runs, or gives it up.
    fn retry_or_give_up(&mut self, task: usize) {
        if self.tasks[task].attempts < self.options.attempts.get() {
            self.queue_again(task);
        } else if self.options.exhausted == Exhausted::FailRun {
            self.conclude(Err(Reason::Exhausted { task }));
        } else {
            self.counts.given_up += 1;
            self.settle(task);
        }
    }

    fn queue_again(&mut self, task: usize) {
        let servers = &self.servers;
        let avoid = self.avoid.get_mut(&task).map_or(&[][..], |avoid| {
            // Servers that have left need not be avoided.
            avoid.retain(|server| servers[server.0].leave_reason.is_none());
            avoid
        });
        self.retries.push(task, avoid);
        self.wakes.idle |= !seeded::is(Bug::IdleNotCalled);
    }

    /// Settles a task, and cancels the copy of it that still runs, if there is one.
    fn settle(&mut self, task: usize) {
        self.tasks[task].settled = true;
        if !self.avoid.is_empty() {
            self.avoid.remove(&task);
        }
        if self.tasks[task].live > 0 {
            let runs = |server: &&ServerId| {
                self.servers[server.0].running.is_some_and(|running| running.task == task)
            };
            let copy = *self.present.iter().find(runs).expect("a live copy runs on a server");
            self.servers[copy.0].cancelled = true;
            self.wakes.server = Some(copy);
        }
    }

    /// Gives a server no more tasks. Tasks that were left to it may now go to others.
    fn exclude(&mut self, server: ServerId, reason: LeaveReason) {
        let here = &mut self.servers[server.0];
        if here.leave_reason.is_none() {
            self.available -= 1;
            self.wakes.idle = true;
        }
        if matches!(here.leave_reason, None | Some(LeaveReason::Retired)) {
            here.leave_reason = Some(reason);
        }
    }

    fn conclude_if_settled(&mut self) {
        let Counts { tasks, done, given_up, running, .. } = self.counts;
        if done + given_up >= tasks {
            self.conclude(Ok(()));
        } else if self.draining && running == 0 {
            self.conclude(Err(Reason::ShutDown));
        } else if self.closed && self.available == 0 && running == 0 && !seeded::is(Bug::NobodyLeft)
        {
            self.conclude(Err(Reason::NoServers));
        }
    }

    /// Ends the run, unless it has ended before.
    fn conclude(&mut self, end: Result<(), Reason>) {
        if self.end.is_none() {
            self.end = Some(end);
            self.wakes.all = true;
            if end.is_err() && self.options.on_failure == OnFailure::DropCalls {
                self.cancel_all();
            }
        }
    }

    fn cancel_all(&mut self) {
        for server in &self.present {
            let here = &mut self.servers[server.0];
            here.cancelled |= here.running.is_some();
        }
    }
}
