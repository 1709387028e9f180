//! Who runs which task, as a plain state machine: no runtime, no clock, no lock, and no values but
//! numbers.
//!
//! A driver gives each server a runner of its own, which [takes](Core::take) a task, calls, and
//! [settles](Core::settle) what came of it, until it is told to leave. Whoever is to look again after
//! a change is told by [`wakes`](Core::wakes).
//!
//! ```
//! use pushdown_patterns::schedule::core::{Core, Next, Outcome};
//! use pushdown_patterns::schedule::Options;
//!
//! let mut core = Core::new(2, &Options::default());
//! let server = core.join();
//! core.close(); // no other will come
//! for task in 0..2 {
//!     let Next::Run(attempt) = core.take(server, None) else { panic!() };
//!     assert_eq!((attempt.task, attempt.number), (task, 1));
//!     assert!(core.settle(server, Outcome::Success));
//! }
//! assert_eq!(core.take(server, None), Next::Leave);
//! core.leave(server);
//! assert!(core.is_over());
//! assert_eq!(core.end(), Some(Ok(())));
//! ```
//!
//! # In which order
//! Tasks that were never tried come first, in their order; then those that have failed, in the order
//! in which they failed; then backup copies, of the call that has run longest.
//!
//! # What it costs
//! Taking and settling a task that succeeds is O(1), whatever the number of tasks and servers. A task
//! that failed is found in O(s), where s is the number of different sets of servers that tasks in
//! the queue avoid: one, unless tasks failed [elsewhere](FailureKind::Elsewhere). Backup
//! copies are looked for in O(servers), by a server that is idle.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;
use std::vec::Vec;

use super::{AtFailure, Exhausted, FailureKind, Options, Reason, ServerEnd, ServerId};
use crate::seeded::{self, Bug};

mod queue;
mod words;

use queue::Queue;
pub use words::{Attempt, Counts, Next, Outcome, ServerCounts, Wakes};

/// The state of a run.
///
/// # Invariants
/// * A task that is open is in one place: not yet fresh, in the queue, or running; it runs more than
///   once at a time only by a backup copy.
/// * Whoever is idle has found nothing that it may take, or has been called by [`Wakes`] since.
/// * Without an end there is a server that can take tasks, or may yet come, or one that still runs
///   one.
#[derive(Debug)]
pub struct Core {
    options: Options,
    tasks: Vec<Task>,
    /// From here on tasks were never tried.
    fresh: usize,
    again: Queue,
    /// On which servers a task failed that is to be tried elsewhere, in order.
    avoid: BTreeMap<usize, Vec<ServerId>>,
    servers: Vec<Server>,
    /// How many servers can take tasks.
    able: usize,
    /// Those whose runners have not left.
    present: BTreeSet<ServerId>,
    closed: bool,
    draining: bool,
    cancel_at: Option<Instant>,
    hurried: bool,
    end: Option<Result<(), Reason>>,
    wakes: Wakes,
    counts: Counts,
}

#[derive(Clone, Debug, Default)]
struct Task {
    attempts: u32,
    /// How many of them run.
    live: u32,
    /// It succeeded, or was given up.
    closed: bool,
    done: bool,
}

#[derive(Debug)]
struct Server {
    running: Option<Running>,
    cancelled: bool,
    in_a_row: u32,
    /// Why it takes no more.
    end: Option<ServerEnd>,
    counts: ServerCounts,
}

#[derive(Clone, Copy, Debug)]
struct Running {
    task: usize,
    since: Option<Instant>,
}

impl Core {
    /// A run of tasks 0 to `tasks`, without servers so far.
    pub fn new(tasks: usize, options: &Options) -> Self {
        let mut core = Self {
            options: options.clone(),
            tasks: std::vec![Task::default(); tasks],
            fresh: 0,
            again: Queue::default(),
            avoid: BTreeMap::new(),
            servers: Vec::new(),
            able: 0,
            present: BTreeSet::new(),
            closed: false,
            draining: false,
            cancel_at: None,
            hurried: false,
            end: None,
            wakes: Wakes::default(),
            counts: Counts { tasks, ..Counts::default() },
        };
        core.conclude_if_settled();
        core
    }

    /// A server joins. It is told to leave as soon as it asks, if the run has ended.
    pub fn join(&mut self) -> ServerId {
        self.servers.push(Server {
            running: None,
            cancelled: false,
            in_a_row: 0,
            end: None,
            counts: ServerCounts::default(),
        });
        self.able += 1;
        let server = ServerId(self.servers.len() - 1);
        self.present.insert(server);
        server
    }

    /// No other server will join.
    pub fn close(&mut self) {
        self.closed = true;
        self.conclude_if_settled();
        self.wakes.all |= self.is_over();
    }

    /// What a server is to do next. The time matters if there are timeouts or backup copies.
    ///
    /// # Panics
    /// If the server never joined, or runs a task.
    pub fn take(&mut self, server: ServerId, now: Option<Instant>) -> Next {
        assert!(self.servers[server.0].running.is_none(), "a server runs one task at a time");
        if self.end.is_some() || self.draining || self.servers[server.0].end.is_some() {
            return Next::Leave;
        }
        let (task, backup) = if self.fresh < self.tasks.len() {
            self.fresh += 1;
            (self.fresh - 1, false)
        } else if let Some(task) = self.pop(server) {
            (task, false)
        } else if seeded::is(Bug::WorkClosedBeforeRetries) {
            return Next::Leave;
        } else {
            match self.straggler(server) {
                Some((task, due)) if now.is_some_and(|now| due <= now) => (task, true),
                other => return Next::Wait { until: other.map(|(_, due)| due) },
            }
        };
        // Those that have passed it over may be given a copy.
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
        Next::Run(Attempt { task, number: self.tasks[task].attempts, deadline, backup })
    }

    /// What came of a server's call. The answer is whether a success counts: not if another copy of
    /// the task was faster.
    ///
    /// # Panics
    /// If the server runs no task.
    pub fn settle(&mut self, server: ServerId, outcome: Outcome) -> bool {
        let here = &mut self.servers[server.0];
        let Running { task, .. } = here.running.take().expect("the server runs a task");
        // A call that was told to end may return whatever it likes.
        let told = std::mem::take(&mut here.cancelled);
        let outcome = match outcome {
            Outcome::Failed(_) if told => Outcome::Cancelled,
            outcome => outcome,
        };
        self.counts.running -= 1;
        self.tasks[task].live -= 1;
        let first = !self.tasks[task].closed;
        match outcome {
            Outcome::Success if first || seeded::is(Bug::SecondSuccessCounts) => {
                here.counts.completed += 1;
                here.in_a_row = 0;
                self.tasks[task].done = true;
                self.counts.done += 1;
                self.close_task(task);
            }
            Outcome::Success => {
                here.counts.cancelled += 1;
                here.in_a_row = 0;
            }
            Outcome::Cancelled => here.counts.cancelled += 1,
            Outcome::Failed(kind) => self.failed(server, task, kind),
        }
        let Task { closed, live, .. } = self.tasks[task];
        if self.end.is_none() && !closed {
            let fails_run = self.options.exhausted == Exhausted::FailRun;
            if live == 0 && (outcome == Outcome::Cancelled || self.draining && fails_run) {
                // It is the drain that leaves it undone, and no failure of the others' business.
                self.queue_again(task);
            } else if live == 0 {
                self.try_again(task);
            } else {
                // The copy that is left may be given another.
                self.wakes.idle = true;
            }
        }
        self.conclude_if_settled();
        first
    }

    /// A server is to leave, after its call if it runs one. `false` says that it has left already, is
    /// about to, or never joined.
    pub fn retire(&mut self, server: ServerId) -> bool {
        let known = self.servers.get(server.0).is_some_and(|server| server.end.is_none());
        if !known || self.end.is_some() {
            return false;
        }
        if let (true, Some(running)) = (seeded::is(Bug::JudgedDead), self.servers[server.0].running)
        {
            self.again.push(running.task, &[]);
        }
        self.exclude(server, ServerEnd::Retired);
        self.conclude_if_settled();
        true
    }

    /// The runner of a server is gone. What it ran has failed.
    pub fn leave(&mut self, server: ServerId) {
        if self.servers[server.0].running.is_some() {
            self.exclude(server, ServerEnd::Lost);
            self.settle(server, Outcome::Failed(FailureKind::ServerDead));
        } else if self.servers[server.0].end.is_none() && self.end.is_none() && !self.draining {
            self.exclude(server, ServerEnd::Lost);
        }
        self.present.remove(&server);
        self.conclude_if_settled();
        self.wakes.all |= self.is_over();
    }

    /// No call is begun any more. Those that run have until `deadline`, which the driver has to see
    /// to: see [`cancelled`](Self::cancelled). Of two deadlines the sooner holds.
    pub fn drain(&mut self, deadline: Option<Instant>) {
        self.draining = true;
        self.cancel_at = deadline.into_iter().chain(self.cancel_at).min();
        self.conclude_if_settled();
        self.wakes.all = true;
    }

    /// The run ends, and whatever runs is cancelled.
    pub fn abort(&mut self) {
        self.abandon();
        self.cancel_all();
    }

    /// Nobody waits for the end any more. What becomes of the calls that run is an
    /// [option](Options::at_failure).
    pub fn abandon(&mut self) {
        self.hurried = true;
        self.conclude(Err(Reason::ShutDown));
        self.wakes.all = true;
    }

    /// Whether a server is to drop the call it runs: now, or when.
    pub fn cancelled(&self, server: ServerId) -> (bool, Option<Instant>) {
        (self.servers[server.0].cancelled, self.cancel_at)
    }

    /// Whether a server that is lent out is not waited for: now, or when.
    pub fn hurried(&self) -> (bool, Option<Instant>) {
        (self.hurried, self.cancel_at)
    }

    /// How the run ended, once that is decided. There may still be runners.
    pub fn end(&self) -> Option<Result<(), Reason>> {
        self.end
    }

    /// Whether the run has ended, every runner has left, and no other will come.
    pub fn is_over(&self) -> bool {
        self.end.is_some() && self.present.is_empty() && self.closed
    }

    /// Who is to look again since the last time this was asked.
    pub fn wakes(&mut self) -> Wakes {
        std::mem::take(&mut self.wakes)
    }

    /// How many of what.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Tasks that wait for a server, whether they were tried before or not.
    pub fn queued(&self) -> usize {
        self.tasks.len() - self.fresh + self.again.len()
    }

    /// Servers that can take tasks.
    pub fn able(&self) -> usize {
        self.able
    }

    /// Every server that ever joined, in that order.
    pub fn servers(&self) -> impl Iterator<Item = ServerId> + use<> {
        (0..self.servers.len()).map(ServerId)
    }

    /// Whether a server runs nothing.
    pub fn is_idle(&self, server: ServerId) -> bool {
        self.servers[server.0].running.is_none()
    }

    /// What a server did, what it runs, and why it takes no more if it does not.
    pub fn server(&self, server: ServerId) -> (ServerCounts, Option<usize>, Option<ServerEnd>) {
        let server = &self.servers[server.0];
        (server.counts, server.running.map(|running| running.task), server.end)
    }

    /// How many attempts at a task were begun.
    pub fn attempts(&self, task: usize) -> u32 {
        self.tasks[task].attempts
    }

    /// Whether a task has succeeded.
    pub fn is_done(&self, task: usize) -> bool {
        self.tasks[task].done
    }

    /// The task that has waited longest, except that one which failed here goes to the others, as
    /// long as there is another that it has not failed on.
    fn pop(&mut self, server: ServerId) -> Option<usize> {
        let (servers, able) = (&self.servers, self.able);
        self.again.pop(|avoid| {
            let tried = || avoid.iter().filter(|other| servers[other.0].end.is_none()).count();
            avoid.binary_search(&server).is_err() || tried() == able
        })
    }

    /// The single call that has run longest, and when it is old enough for a copy on a server.
    fn straggler(&self, server: ServerId) -> Option<(usize, Instant)> {
        let age = self.options.backup_after?;
        // As in `pop`, where no other place is left: neither is the one where it runs.
        let failed_here = |at: ServerId, task| {
            self.avoid.get(&task).is_some_and(|avoid| {
                let able = |server: &&ServerId| self.servers[server.0].end.is_none();
                let runs_there = usize::from(able(&&at) && avoid.binary_search(&at).is_err());
                let tried = || avoid.iter().filter(able).count() + runs_there;
                avoid.binary_search(&server).is_ok() && tried() < self.able
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
                may && !task.closed && !failed_here(*at, running.task)
            })
            .filter_map(|(_, running)| Some((running.task, running.since?.checked_add(age)?)))
            .min_by_key(|(_, due)| *due)
    }

    fn failed(&mut self, server: ServerId, task: usize, kind: FailureKind) {
        let here = &mut self.servers[server.0];
        here.counts.failed += 1;
        here.in_a_row += 1;
        self.counts.failures += 1;
        let limit = self.options.server_failures;
        let too_often = limit.is_some_and(|limit| here.in_a_row >= limit.get());
        match kind {
            FailureKind::Elsewhere if !self.tasks[task].closed => {
                let avoid = self.avoid.entry(task).or_default();
                if let Err(place) = avoid.binary_search(&server) {
                    avoid.insert(place, server);
                }
            }
            FailureKind::Retry | FailureKind::Elsewhere => {}
            FailureKind::ServerDead => self.exclude(server, ServerEnd::Dead),
            FailureKind::Fatal => self.conclude(Err(Reason::Fatal { task })),
        }
        if too_often {
            self.exclude(server, ServerEnd::FailedTooOften);
        }
    }

    /// A task of which nothing runs, and which has not succeeded.
    fn try_again(&mut self, task: usize) {
        if self.tasks[task].attempts < self.options.attempts.get() {
            self.queue_again(task);
        } else if self.options.exhausted == Exhausted::FailRun {
            self.conclude(Err(Reason::Exhausted { task }));
        } else {
            self.counts.given_up += 1;
            self.close_task(task);
        }
    }

    fn queue_again(&mut self, task: usize) {
        let servers = &self.servers;
        let avoid = self.avoid.get_mut(&task).map_or(&[][..], |avoid| {
            // Who has left need not be avoided.
            avoid.retain(|server| servers[server.0].end.is_none());
            avoid
        });
        self.again.push(task, avoid);
        self.wakes.idle |= !seeded::is(Bug::IdleNotCalled);
    }

    /// Nothing more is to be done for a task. Copies of it that still run are cancelled.
    fn close_task(&mut self, task: usize) {
        self.tasks[task].closed = true;
        if !self.avoid.is_empty() {
            self.avoid.remove(&task);
        }
        if self.tasks[task].live > 0 {
            let runs = |server: &&ServerId| {
                self.servers[server.0].running.is_some_and(|running| running.task == task)
            };
            let copy = *self.present.iter().find(runs).expect("what is live runs on a server");
            self.servers[copy.0].cancelled = true;
            self.wakes.server = Some(copy);
        }
    }

    /// A server takes no more. Others may now take what was kept for it.
    fn exclude(&mut self, server: ServerId, end: ServerEnd) {
        let here = &mut self.servers[server.0];
        if here.end.is_none() {
            self.able -= 1;
            self.wakes.idle = true;
        }
        if matches!(here.end, None | Some(ServerEnd::Retired)) {
            here.end = Some(end);
        }
    }

    fn conclude_if_settled(&mut self) {
        let Counts { tasks, done, given_up, running, .. } = self.counts;
        if done + given_up >= tasks {
            self.conclude(Ok(()));
        } else if self.draining && running == 0 {
            self.conclude(Err(Reason::ShutDown));
        } else if self.closed && self.able == 0 && running == 0 && !seeded::is(Bug::NobodyLeft) {
            self.conclude(Err(Reason::NoServers));
        }
    }

    /// The first end is the end.
    fn conclude(&mut self, end: Result<(), Reason>) {
        if self.end.is_none() {
            self.end = Some(end);
            self.wakes.all = true;
            if end.is_err() && self.options.at_failure == AtFailure::DropCalls {
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
