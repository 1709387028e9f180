//! How a run ended.

use core::fmt;
use std::vec::Vec;

use super::core::ServerCounts;
use super::{Cause, FailedAttempt, FailureKind};
use crate::Effect;
use crate::waits::Peer;

/// Names a server for one run: the first to join is 0, and no number is given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerId(pub(super) usize);

impl ServerId {
    pub(super) fn peer(self) -> Peer {
        Peer::Number(self.0 as u64)
    }

    /// Its place among all servers that joined.
    pub const fn index(self) -> usize {
        self.0
    }
}

impl fmt::Display for ServerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "server {}", self.0)
    }
}

/// What became of every task and every server.
#[non_exhaustive]
pub struct Report<S, T, R, E> {
    /// What became of the tasks, in their order.
    pub results: Vec<Result<R, NotDone<T, E>>>,
    /// What became of the servers, in the order in which they joined.
    pub servers: Vec<ServerReport<S>>,
    /// Calls that were made.
    pub attempts: u64,
    /// Calls that were backup copies.
    pub backups: u64,
    /// With what message the stream of servers has panicked, if it has. The run then went on with the
    /// servers it had.
    pub source_panic: Option<std::string::String>,
}

impl<S, T, R, E> Report<S, T, R, E> {
    /// The results of all tasks, in their order.
    ///
    /// # Errors
    /// The first task that was not done.
    pub fn into_results(self) -> Result<Vec<R>, NotDone<T, E>> {
        self.results.into_iter().collect()
    }
}

/// How a run ends.
pub type Finished<S, T, R, E> = Result<Report<S, T, R, E>, Unfinished<S, T, R, E>>;

/// A task without a result.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotDone<T, E> {
    /// Its number.
    pub index: usize,
    /// The task itself.
    pub task: T,
    /// How many attempts were begun.
    pub attempts: u32,
    /// The last that failed on each server, in order.
    pub failures: Vec<FailedAttempt<E>>,
}

impl<T, E> NotDone<T, E> {
    /// Whether anything of it may have been done.
    pub fn effect(&self) -> Effect {
        if self.attempts == 0 { Effect::DidNotHappen } else { Effect::MayHaveHappened }
    }

    /// Why the last attempt that failed did so.
    pub fn cause(&self) -> Option<&Cause<E>> {
        self.failures.last().map(|failed| &failed.cause)
    }
}

impl<T, E: fmt::Display> fmt::Display for NotDone<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {} was not done in {} attempts", self.index, self.attempts)?;
        self.cause().map_or(Ok(()), |cause| write!(f, ": {cause}"))
    }
}

impl<T: fmt::Debug, E: fmt::Debug + fmt::Display> core::error::Error for NotDone<T, E> {}

/// What became of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerReport<S> {
    /// Its name in this run.
    pub id: ServerId,
    /// What it did.
    pub counts: ServerCounts,
    /// Why it left before the end, if it did.
    pub end: Option<ServerEnd>,
    /// The server itself. It is not here if it went to
    /// [`hand_back`](super::Servers::hand_back), or if its lease was still out when the run was aborted.
    pub server: Option<S>,
}

/// Why a server left before the end of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ServerEnd {
    /// A call said that it was [dead](super::FailureKind::ServerDead).
    Dead,
    /// It failed as often in a row as it [may](super::Options::server_failures).
    FailedTooOften,
    /// It was sent away, [from outside](super::Control::retire) or [by a call](super::Lease::retire).
    Retired,
    /// What ran its calls is gone: the runtime was shut down.
    Lost,
}

/// Why a run ended without having done everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The last server has left, and no other can come.
    NoServers,
    /// A call has failed [fatally](super::FailureKind::Fatal).
    Fatal {
        /// For which task.
        task: usize,
    },
    /// A task has used up its [attempts](super::Options::attempts).
    Exhausted {
        /// Which.
        task: usize,
    },
    /// It was [told to](super::Control::shutdown), or its handle was dropped.
    ShutDown,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoServers => f.write_str("no server is left"),
            Self::Fatal { task } => write!(f, "task {task} failed fatally"),
            Self::Exhausted { task } => write!(f, "task {task} has used up its attempts"),
            Self::ShutDown => f.write_str("shut down"),
        }
    }
}

/// A run that has not done everything.
pub struct Unfinished<S, T, R, E> {
    /// Why.
    pub reason: Reason,
    /// What was done all the same, and what was not.
    pub report: Report<S, T, R, E>,
}

impl<S, T, R, E> Unfinished<S, T, R, E> {
    /// Whether anything happened. What became of a single task is in the report.
    pub fn effect(&self) -> Effect {
        if self.report.attempts == 0 { Effect::DidNotHappen } else { Effect::MayHaveHappened }
    }

    /// Why the task failed that the run has failed with, if there is one. If it failed fatally, that
    /// is it, whatever copies of it have said.
    pub fn cause(&self) -> Option<&Cause<E>> {
        let not_done = |task: usize| self.report.results[task].as_ref().err();
        match self.reason {
            Reason::Fatal { task } => {
                let mut causes = not_done(task)?.failures.iter().map(|failed| &failed.cause);
                causes.find(|cause| cause.kind() == FailureKind::Fatal)
            }
            Reason::Exhausted { task } => not_done(task)?.cause(),
            Reason::NoServers | Reason::ShutDown => None,
        }
    }
}

impl<S, T, R, E> Report<S, T, R, E> {
    fn done(&self) -> usize {
        self.results.iter().filter(|result| result.is_ok()).count()
    }
}

/// Asks nothing of servers, tasks and results, so that any run can be unwrapped.
impl<S, T, R, E> fmt::Debug for Report<S, T, R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Report")
            .field("tasks", &self.results.len())
            .field("done", &self.done())
            .field("servers", &self.servers.len())
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}

impl<S, T, R, E: fmt::Debug> fmt::Debug for Unfinished<S, T, R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unfinished")
            .field("reason", &self.reason)
            .field("cause", &self.cause())
            .field("report", &self.report)
            .finish()
    }
}

impl<S, T, R, E: fmt::Display> fmt::Display for Unfinished<S, T, R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tasks = self.report.results.len();
        write!(f, "{}; {} of {tasks} tasks are done", self.reason, self.report.done())?;
        self.cause().map_or(Ok(()), |cause| write!(f, "; {cause}"))
    }
}

impl<S, T, R, E: fmt::Debug + fmt::Display> core::error::Error for Unfinished<S, T, R, E> {}
