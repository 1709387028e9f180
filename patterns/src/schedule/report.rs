//! The outcome of a run: its tasks, its servers, and why it ended early.

use core::fmt;
use std::boxed::Box;
use std::vec::Vec;

use super::{Cause, FailedAttempt, LeaveReason, ServerCounts, ServerId};
use crate::Effect;

/// The outcome of every task and every server.
#[non_exhaustive]
pub struct Report<S, T, R, E> {
    /// The outcome of each task, in task order.
    pub results: Vec<Result<R, NotDone<T, E>>>,
    /// The servers, in the order in which they joined.
    pub servers: Vec<ServerReport<S>>,
    /// Calls made, backup copies included.
    pub attempts: u64,
    /// Calls that were backup copies.
    pub backups: u64,
    /// The panic message of the stream of servers, if it panicked. The run continued with the servers
    /// it had.
    pub source_panic: Option<Box<str>>,
    /// The panic message of [`Reason::Panicked`].
    pub panic: Option<Box<str>>,
}

/// The outcome of a run whose results were taken one by one.
#[derive(Debug)]
#[non_exhaustive]
pub struct Summary<S> {
    /// The end: success, or the reason why tasks are left over.
    pub end: Result<(), Reason>,
    /// The servers, in the order in which they joined.
    pub servers: Vec<ServerReport<S>>,
    /// Calls made, backup copies included.
    pub attempts: u64,
    /// Calls that were backup copies.
    pub backups: u64,
    /// The panic message of the stream of servers, if it panicked. The run continued with the servers
    /// it had.
    pub source_panic: Option<Box<str>>,
    /// The panic message of [`Reason::Panicked`].
    pub panic: Option<Box<str>>,
}

impl<S> Summary<S> {
    /// Adds the results.
    pub(super) fn with<T, R, E>(
        self,
        results: Vec<Result<R, NotDone<T, E>>>,
    ) -> Finished<S, T, R, E> {
        let Self { end, servers, attempts, backups, source_panic, panic } = self;
        let report = Report { results, servers, attempts, backups, source_panic, panic };
        match end {
            Ok(()) => Ok(report),
            Err(reason) => Err(Unfinished { reason, report }),
        }
    }
}

impl<S, T, R, E> Report<S, T, R, E> {
    /// Returns the results of all tasks, in task order.
    ///
    /// # Errors
    /// Returns the first task that was not done.
    pub fn into_results(self) -> Result<Vec<R>, NotDone<T, E>> {
        self.results.into_iter().collect()
    }
}

/// The end of a run: a report of success, or of what is missing.
pub type Finished<S, T, R, E> = Result<Report<S, T, R, E>, Unfinished<S, T, R, E>>;

/// A task without a result.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotDone<T, E> {
    /// The number of the task.
    pub index: usize,
    /// The task.
    pub task: T,
    /// Attempts that were started.
    pub attempts: u32,
    /// Attempts of these that ended with the death of their server.
    pub deaths: u32,
    /// The last failed attempt on each server, in the order of the attempts.
    pub failures: Vec<FailedAttempt<E>>,
}

impl<T, E> NotDone<T, E> {
    /// A task that the run did not take.
    pub(super) fn untried(index: usize, task: T) -> Self {
        Self { index, task, attempts: 0, deaths: 0, failures: Vec::new() }
    }

    /// Returns [`Effect::DidNotHappen`] if no attempt was started.
    pub fn effect(&self) -> Effect {
        if self.attempts == 0 { Effect::DidNotHappen } else { Effect::MayHaveHappened }
    }

    /// Returns the cause of the last failed attempt.
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

/// The outcome of one server.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerReport<S> {
    /// The server's number in this run.
    pub id: ServerId,
    /// Its calls.
    pub counts: ServerCounts,
    /// Set if it left before the end of the run.
    pub leave_reason: Option<LeaveReason>,
    /// A call was dropped before it ended. If the server is a connection, a reply may still be due on it.
    pub interrupted: bool,
    /// The server itself. `None` if it went to [`hand_back`](super::Servers::hand_back), or if its
    /// lease was still out when the run was aborted.
    pub server: Option<S>,
}

/// The reason why a run ended with tasks left over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The last server left, and no other can join.
    NoServers,
    /// A call failed [fatally](super::FailureKind::Fatal).
    Fatal {
        /// The task of that call.
        task: usize,
    },
    /// A task used up its [attempts](super::Options::attempts).
    Exhausted {
        /// That task.
        task: usize,
    },
    /// The run was [shut down](super::Control::shutdown), or its handle or its runtime was dropped.
    ShutDown,
    /// Code around the calls panicked: the stream of tasks, or the runtime, because it has no timer
    /// although the options need one. [`Report::panic`] has the message.
    Panicked,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoServers => f.write_str("no server is left"),
            Self::Fatal { task } => write!(f, "task {task} failed fatally"),
            Self::Exhausted { task } => write!(f, "task {task} used up its attempts"),
            Self::ShutDown => f.write_str("shut down"),
            Self::Panicked => f.write_str("panicked"),
        }
    }
}

/// A run that ended with tasks left over.
pub struct Unfinished<S, T, R, E> {
    /// The reason.
    pub reason: Reason,
    /// The tasks that were done, and those that were not.
    pub report: Report<S, T, R, E>,
}

impl<S, T, R, E> Unfinished<S, T, R, E> {
    /// Returns [`Effect::DidNotHappen`] if no call was made at all. The report has each task.
    pub fn effect(&self) -> Effect {
        if self.report.attempts == 0 { Effect::DidNotHappen } else { Effect::MayHaveHappened }
    }

    /// Returns the failure that ended the run, if a task did. After a fatal failure it is that failure,
    /// even if another copy of the task failed later.
    pub fn cause(&self) -> Option<&Cause<E>> {
        let not_done = |task: usize| self.report.results[task].as_ref().err();
        match self.reason {
            Reason::Fatal { task } => {
                let mut causes = not_done(task)?.failures.iter().map(|failed| &failed.cause);
                causes.find(|cause| cause.is_fatal())
            }
            Reason::Exhausted { task } => not_done(task)?.cause(),
            Reason::NoServers | Reason::ShutDown | Reason::Panicked => None,
        }
    }
}

impl<S, T, R, E> Report<S, T, R, E> {
    fn done(&self) -> usize {
        self.results.iter().filter(|result| result.is_ok()).count()
    }
}

/// Places no bounds on servers, tasks and results, so every run can be unwrapped.
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
        self.cause().map_or(Ok(()), |cause| write!(f, "; {cause}"))?;
        self.report.panic.as_ref().map_or(Ok(()), |message| write!(f, "; {message}"))
    }
}

impl<S, T, R, E: fmt::Debug + fmt::Display> core::error::Error for Unfinished<S, T, R, E> {}
