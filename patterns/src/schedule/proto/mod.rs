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
//!     assert!(scheduler.handle_outcome(server, Outcome::Success, None).counts);
//! }
//! assert_eq!(scheduler.poll_action(server, None), Action::Leave);
//! scheduler.handle_leave(server, None);
//! assert!(scheduler.is_over());
//! assert_eq!(scheduler.end(), Some(Ok(())));
//! ```
//!
//! # Tasks
//! A task is given a slot by the driver, which keeps it there, and a number in the order of arrival. Its
//! slot is free again as soon as a [`Verdict`] says so: the state of a run is bounded by the tasks that
//! are held, however many there are in all.
//!
//! # Order
//! Fresh tasks come first, in their order; then failed tasks, in the order of their failures; then
//! backup copies, of the call that has run longest.
//!
//! # Cost
//! Taking a task and completing it is O(1) in the number of tasks and servers. A failed task is found
//! in O(s), where s is the number of different sets of servers that the tasks in the queue avoid: one,
//! unless tasks failed [elsewhere](FailureKind::Elsewhere). The oldest call to copy is found in
//! O(log servers), plus those on whose tasks this server has failed.
//!
//! # Changing it
//! Code that may give an idle server a task must call one (see `wakeups.rs`), or that server waits forever.
//! Every method that may be the last step of a run ends with `conclude_if_settled`. The tests compare
//! each step with a model that searches plain lists.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};
use std::num::NonZeroUsize;
use std::time::Instant;
use std::vec::Vec;

use super::{
    Exhausted, FailureKind, LeaveReason, OnFailure, Options, Reason, ServerCounts, ServerId,
};
use crate::backoff::Backoff;
use crate::seeded::{self, Bug};
use crate::trace::{Event, Notes};

mod assignment;
mod choice;
mod counts;
mod ending;
mod queries;
mod queue;
mod servers;
mod tasks;
mod wakeups;

pub use assignment::{Action, Assignment, Outcome, Room, Verdict, Wakes};
pub use counts::Counts;
use queue::Queue;
use wakeups::Attention;

/// The state of a run.
///
/// # Invariants
/// * An open task is in exactly one place: fresh, in the queue, delayed, or running. Only a backup copy
///   makes it run more than once at a time.
/// * An idle server has found no task that it may take, or has been named by [`Wakes`] since, or
///   another one has for that task.
/// * Until the run ends there is a server that can take tasks, or one that may yet join, or one that
///   still runs a task.
#[derive(Clone, Debug)]
pub struct Scheduler {
    options: Options,
    /// The latest time that was told.
    now: Option<Instant>,
    /// The tasks by slot. A slot that is free has the state of its last task.
    tasks: Vec<Task>,
    /// The slots of the tasks that were never tried.
    fresh: VecDeque<usize>,
    /// Failed tasks that wait for another attempt.
    retries: Queue,
    /// Failed tasks that wait for a time: when, in which order, and their slots.
    delayed: BinaryHeap<Reverse<(Instant, u64, usize)>>,
    delays: u64,
    backoff: Option<Backoff>,
    /// The servers on which a task failed that is tried elsewhere, sorted.
    failed_on: BTreeMap<usize, Vec<ServerId>>,
    /// The calls that may be copied: since when they run, and where.
    copyable: BTreeSet<(Instant, ServerId)>,
    /// The limit of tasks that are held.
    ahead: usize,
    /// Settled tasks stay held until their results are [claimed](Scheduler::handle_claim).
    claims: bool,
    unclaimed: usize,
    /// The source of the tasks waits for room.
    feeder_waits: bool,
    /// No other task will come.
    exhausted: bool,
    /// The source of the tasks is gone.
    fed: bool,
    servers: Vec<Server>,
    /// The number of servers that can take tasks.
    available: usize,
    /// The servers whose workers have not left.
    present: BTreeSet<ServerId>,
    /// The servers that wait for work, and were not called.
    idle: BTreeSet<ServerId>,
    /// The number of servers that were called, and have not asked.
    called: usize,
    /// The idle server that asks again at a time.
    timekeeper: Option<(ServerId, Instant)>,
    /// No other server will join.
    closed: bool,
    /// Since when no server can take tasks.
    deserted: Option<Instant>,
    draining: bool,
    drain_deadline: Option<Instant>,
    force_close: bool,
    end: Option<Result<(), Reason>>,
    wakes: Wakes,
    counts: Counts,
    pub(super) notes: Notes,
}

#[derive(Clone, Debug, Default)]
struct Task {
    number: usize,
    attempts: u32,
    /// Attempts that ended with the death of their server.
    deaths: u32,
    /// Attempts that found their server dead.
    gone: u32,
    /// The servers that run it: one, and another one with a copy.
    runs_on: [Option<ServerId>; 2],
    /// It succeeded, or was given up.
    settled: bool,
}

impl Task {
    /// Attempts that count against the limit: neither deaths nor servers that were gone before.
    fn failures(&self) -> u32 {
        self.attempts - self.deaths - self.gone
    }

    fn live(&self) -> usize {
        self.runs_on.iter().flatten().count()
    }
}

#[derive(Clone, Debug)]
struct Server {
    running: Option<Running>,
    attention: Attention,
    cancelled: bool,
    /// One of its calls was dropped.
    interrupted: bool,
    consecutive_failures: u32,
    /// Set once it takes no more tasks.
    leave_reason: Option<LeaveReason>,
    counts: ServerCounts,
}

#[derive(Clone, Copy, Debug)]
struct Running {
    slot: usize,
    since: Option<Instant>,
}

impl Scheduler {
    /// Creates a run of the tasks `0..tasks`, without servers. Each slot is the number of its task.
    pub fn new(tasks: usize, options: &Options) -> Self {
        let mut scheduler = Self::streaming(NonZeroUsize::MAX, false, options);
        (0..tasks).for_each(|slot| scheduler.handle_task(slot));
        scheduler.handle_exhausted();
        scheduler.handle_fed();
        scheduler
    }

    /// Creates a run without servers, whose tasks come one by one. At most `ahead` of them are held: with
    /// `claims`, until their results are [claimed](Self::handle_claim); otherwise until they are settled.
    pub fn streaming(ahead: NonZeroUsize, claims: bool, options: &Options) -> Self {
        Self {
            backoff: options.backoff.map(|times| Backoff::new(times, options.seed)),
            options: options.clone(),
            now: None,
            tasks: Vec::new(),
            fresh: VecDeque::new(),
            retries: Queue::default(),
            delayed: BinaryHeap::new(),
            delays: 0,
            failed_on: BTreeMap::new(),
            copyable: BTreeSet::new(),
            ahead: ahead.get(),
            claims,
            unclaimed: 0,
            feeder_waits: false,
            exhausted: false,
            fed: false,
            servers: Vec::new(),
            available: 0,
            present: BTreeSet::new(),
            idle: BTreeSet::new(),
            called: 0,
            timekeeper: None,
            closed: false,
            deserted: None,
            draining: false,
            drain_deadline: None,
            force_close: false,
            end: None,
            wakes: Wakes::default(),
            counts: Counts::default(),
            notes: Notes::default(),
        }
    }

    /// Records that no other server will join.
    pub fn handle_close(&mut self) {
        self.closed = true;
        self.conclude_if_settled();
        self.wakes.all |= self.is_over();
    }

    /// Returns the next action of a server. The time is needed only for timeouts, backup copies and
    /// delays.
    ///
    /// # Panics
    /// If the server never joined, or runs a task.
    pub fn poll_action(&mut self, server: ServerId, now: Option<Instant>) -> Action {
        assert!(self.servers[server.0].running.is_none(), "a server runs one task at a time");
        self.set_time(now);
        let was_called = self.stop_waiting(server);
        if self.end.is_some() || self.draining || self.servers[server.0].leave_reason.is_some() {
            if was_called {
                self.call_for_queue();
            }
            self.call_for_time();
            return Action::Leave;
        }
        self.queue_delayed();
        let (slot, backup) = if let Some(slot) = self.fresh.pop_front() {
            self.call_feeder();
            (slot, false)
        } else if let Some(slot) = self.pop_failed(server) {
            (slot, false)
        } else if seeded::is(Bug::WorkClosedBeforeRetries) {
            return Action::Leave;
        } else if let Some(slot) = self.straggler(server) {
            (slot, true)
        } else {
            let until = self.start_waiting(server);
            if was_called {
                self.call_for_queue();
            }
            self.call_for_time();
            return Action::Wait { until };
        };
        let assignment = self.start(server, slot, backup);
        self.call_for_time();
        Action::Call(assignment)
    }

    fn start(&mut self, server: ServerId, slot: usize, backup: bool) -> Assignment {
        let since = self.now;
        self.servers[server.0].running = Some(Running { slot, since });
        let task = &mut self.tasks[slot];
        task.attempts += 1;
        let Task { number: index, attempts: number, runs_on, .. } = *task;
        let place = task.runs_on.iter_mut().find(|place| place.is_none());
        *place.expect("a task has at most two attempts at a time") = Some(server);
        self.counts.running += 1;
        self.counts.attempts += 1;
        self.counts.backups += u64::from(backup);
        if backup {
            self.notes.add(|| Event::BackupStarted { server: server.0, task: index });
        }
        if self.options.backup_after.is_some() {
            for (first, since) in runs_on
                .into_iter()
                .flatten()
                .filter_map(|first| Some((first, self.servers[first.0].running?.since?)))
            {
                self.copyable.remove(&(since, first));
            }
            if !backup {
                self.allow_copy(server);
            }
        }
        let deadline =
            since.zip(self.options.timeout).and_then(|(now, after)| now.checked_add(after));
        Assignment { slot, task: index, number, deadline, backup }
    }

    /// Records the outcome of a server's call.
    ///
    /// # Panics
    /// If the server runs no task.
    pub fn handle_outcome(
        &mut self,
        server: ServerId,
        outcome: Outcome,
        now: Option<Instant>,
    ) -> Verdict {
        self.set_time(now);
        let here = &mut self.servers[server.0];
        let Running { slot, since } = here.running.take().expect("the server runs a task");
        if let Some(since) = since.filter(|_| self.options.backup_after.is_some()) {
            self.copyable.remove(&(since, server));
        }
        // A call that was told to end may return any error.
        let outcome = match outcome {
            Outcome::Failed(_) if here.cancelled => Outcome::Cancelled,
            Outcome::TimedOut if here.cancelled => Outcome::Dropped,
            outcome => outcome,
        };
        here.cancelled = false;
        self.counts.running -= 1;
        let task = &mut self.tasks[slot];
        for place in &mut task.runs_on {
            place.take_if(|runs_on| *runs_on == server);
        }
        let counts = !task.settled;
        match outcome {
            Outcome::Success => {
                here.consecutive_failures = 0;
                if counts || seeded::is(Bug::SecondSuccessCounts) {
                    here.counts.completed += 1;
                    self.counts.done += 1;
                    self.settle(slot);
                } else {
                    here.counts.cancelled += 1;
                }
            }
            Outcome::Cancelled => here.counts.cancelled += 1,
            Outcome::Dropped => {
                here.interrupted = true;
                here.counts.cancelled += 1;
                // At the end of a run the server leaves anyway.
                if self.end.is_none() && !self.draining && self.options.timed_out.is_dead() {
                    self.exclude(server, LeaveReason::Dead);
                }
            }
            Outcome::TimedOut => {
                here.interrupted = true;
                self.counts.timeouts += 1;
                self.failed(server, slot, self.options.timed_out);
            }
            Outcome::Failed(kind) => {
                // The failure of a server is not one of the task.
                task.deaths += u32::from(kind == FailureKind::ServerDead);
                task.gone += u32::from(kind == FailureKind::ServerGone);
                self.failed(server, slot, kind);
            }
        }
        if self.end.is_none() && !self.tasks[slot].settled {
            let undone = matches!(outcome, Outcome::Cancelled | Outcome::Dropped);
            let fails_run = self.options.exhausted == Exhausted::FailRun;
            if let Some(other) = self.tasks[slot].runs_on.iter().flatten().next() {
                // The copy that is left may get a backup copy of its own.
                self.allow_copy(*other);
            } else if undone || self.draining && fails_run {
                // The drain leaves the task undone, which is no failure of the task.
                self.queue(slot);
            } else {
                self.retry_or_give_up(slot, outcome);
            }
        }
        let task = &self.tasks[slot];
        if let Outcome::Failed(_) | Outcome::TimedOut = outcome {
            let retried = !task.settled && self.end.is_none() && !self.draining;
            self.notes.add(|| Event::AttemptFailed {
                server: server.0,
                task: task.number,
                attempts: task.attempts,
                reason: outcome.word(),
                retried,
            });
        }
        let verdict = Verdict {
            counts,
            settles: counts && task.settled,
            is_last: task.settled && task.live() == 0,
            attempts: task.attempts,
            deaths: task.deaths,
        };
        self.conclude_if_settled();
        self.call_feeder();
        self.call_for_time();
        verdict
    }

    /// Takes the wake-ups that are due since the last call.
    pub fn poll_wakes(&mut self) -> Option<Wakes> {
        self.has_wakes().then(|| std::mem::take(&mut self.wakes))
    }

    pub(super) fn has_wakes(&self) -> bool {
        let Wakes { all, servers, feeder, acceptor } = &self.wakes;
        *all || *feeder || *acceptor || !servers.is_empty()
    }

    fn failed(&mut self, server: ServerId, slot: usize, kind: FailureKind) {
        let here = &mut self.servers[server.0];
        here.counts.failed += 1;
        here.consecutive_failures += 1;
        self.counts.failures += 1;
        let limit = self.options.server_failures;
        let too_often = limit.is_some_and(|limit| here.consecutive_failures >= limit.get());
        match kind {
            FailureKind::Elsewhere if !self.tasks[slot].settled => {
                let failed_on = self.failed_on.entry(slot).or_default();
                if let Err(index) = failed_on.binary_search(&server) {
                    failed_on.insert(index, server);
                }
            }
            FailureKind::Retry | FailureKind::Elsewhere => {}
            FailureKind::ServerDead | FailureKind::ServerGone => {
                self.exclude(server, LeaveReason::Dead);
            }
            FailureKind::Fatal => {
                self.conclude(Err(Reason::Fatal { task: self.tasks[slot].number }));
            }
        }
        if too_often {
            self.exclude(server, LeaveReason::FailedTooOften);
        }
    }
}
