//! The limits of a run, and its behaviour when it reaches them.

use std::num::NonZeroU32;
use std::time::Duration;

/// Attempts, timeouts, backup copies, and the handling of failures.
///
/// ```
/// use std::num::NonZeroU32;
/// use std::time::Duration;
/// use pushdown_patterns::schedule::{Exhausted, Options};
///
/// let options = Options::default()
///     .attempts(NonZeroU32::new(3).unwrap())
///     .timeout(Duration::from_secs(5))
///     .exhausted(Exhausted::GoOn);
/// assert_eq!(options, options.clone());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    pub(super) attempts: NonZeroU32,
    pub(super) timeout: Option<Duration>,
    pub(super) exhausted: Exhausted,
    pub(super) server_failures: Option<NonZeroU32>,
    pub(super) backup_after: Option<Duration>,
    pub(super) on_failure: OnFailure,
}

/// The effect on the run of a task that has used up its attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exhausted {
    /// The run fails with [`Reason::Exhausted`](super::Reason::Exhausted), and a report of what was done.
    FailRun,
    /// The run goes on, and reports the task's failures at its end.
    GoOn,
}

/// The treatment of calls in progress when the run fails, or its handle is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// They are dropped.
    DropCalls,
    /// They finish. Their results are in the report, if there is one.
    AwaitCalls,
}

impl Default for Options {
    /// Four attempts per task. The run fails with the first task that uses them up, and drops the
    /// calls in progress. No timeout, no limit on a server's failures, no backup copies.
    fn default() -> Self {
        Self {
            attempts: NonZeroU32::new(4).expect("four is not zero"),
            timeout: None,
            exhausted: Exhausted::FailRun,
            server_failures: None,
            backup_after: None,
            on_failure: OnFailure::DropCalls,
        }
    }
}

impl Options {
    /// Limits the attempts at a task, backup copies included.
    #[must_use]
    pub fn attempts(mut self, limit: NonZeroU32) -> Self {
        self.attempts = limit;
        self
    }

    /// Limits the duration of a call. A call that takes longer is dropped, and then its task is tried
    /// [elsewhere](super::FailureKind::Elsewhere).
    ///
    /// A blocking call cannot be dropped. On [threads](super::thread) it must watch its own
    /// [deadline](super::Attempt::deadline).
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets what happens to the run when a task has used up its attempts.
    #[must_use]
    pub fn exhausted(mut self, then: Exhausted) -> Self {
        self.exhausted = then;
        self
    }

    /// Consecutive failures after which a server is considered dead.
    ///
    /// Without a limit, a server that fails at once takes task after task away from slower servers
    /// that would succeed.
    #[must_use]
    pub fn server_failures(mut self, limit: NonZeroU32) -> Self {
        self.server_failures = Some(limit);
        self
    }

    /// Starts a backup copy of a call that has run for `age`: a second call for the same task, on a
    /// server that is idle. The first success counts, and the other call is dropped.
    ///
    /// Use this only for tasks that may run twice at once. It is the remedy for stragglers in
    /// *MapReduce: Simplified Data Processing on Large Clusters* (Dean and Ghemawat, 2004), section
    /// 3.6.
    #[must_use]
    pub fn backup_after(mut self, age: Duration) -> Self {
        self.backup_after = Some(age);
        self
    }

    /// Sets what happens to calls in progress when the run fails, or its handle is dropped.
    #[must_use]
    pub fn on_failure(mut self, then: OnFailure) -> Self {
        self.on_failure = then;
        self
    }

    /// Returns `true` if a decision depends on the time. Otherwise the clock is never read.
    pub(super) fn timed(&self) -> bool {
        self.timeout.is_some() || self.backup_after.is_some()
    }
}
