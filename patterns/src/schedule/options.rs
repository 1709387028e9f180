//! What a run is told besides servers, tasks and call.

use std::num::NonZeroU32;
use std::time::Duration;

/// How often, how long, and what then.
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
    pub(super) at_failure: AtFailure,
}

/// What becomes of the run when a task has failed as often as it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exhausted {
    /// It ends with an error that holds what was done so far.
    FailRun,
    /// It goes on, and the task's failures are in the report.
    GoOn,
}

/// What becomes of the calls that run when the run fails, or its handle is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtFailure {
    /// They are dropped where they wait.
    DropCalls,
    /// They run to their end, and their results are in the report if there is one.
    AwaitCalls,
}

impl Default for Options {
    /// Four attempts for a task, the run fails with the first task that has used them up, calls
    /// that run then are dropped; no timeout, no limit for a server, no backup copies.
    fn default() -> Self {
        Self {
            attempts: NonZeroU32::new(4).expect("four is not zero"),
            timeout: None,
            exhausted: Exhausted::FailRun,
            server_failures: None,
            backup_after: None,
            at_failure: AtFailure::DropCalls,
        }
    }
}

impl Options {
    /// How many attempts a task has, backup copies included.
    #[must_use]
    pub fn attempts(mut self, limit: NonZeroU32) -> Self {
        self.attempts = limit;
        self
    }

    /// How long one call may take. Then its future is dropped, and after that the task is tried
    /// [elsewhere](super::FailureKind::Elsewhere).
    ///
    /// A blocking call cannot be dropped: under [threads](super::thread) it is told its deadline, and
    /// has to keep to it.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// What becomes of the run when a task has used up its attempts.
    #[must_use]
    pub fn exhausted(mut self, then: Exhausted) -> Self {
        self.exhausted = then;
        self
    }

    /// With how many failures in a row a server is taken for dead.
    ///
    /// A server that fails at once would else take task after task away from those that are slower
    /// and succeed.
    #[must_use]
    pub fn server_failures(mut self, limit: NonZeroU32) -> Self {
        self.server_failures = Some(limit);
        self
    }

    /// From which age on a call gets a backup copy: a second call for the same task on a server that
    /// has nothing else to do. The first success counts, and the other call is dropped.
    ///
    /// For tasks that may run twice at once. This is the remedy for stragglers in *MapReduce:
    /// Simplified Data Processing on Large Clusters* (Dean and Ghemawat, 2004), section 3.6.
    #[must_use]
    pub fn backup_after(mut self, age: Duration) -> Self {
        self.backup_after = Some(age);
        self
    }

    /// What becomes of the calls that run when the run fails, or its handle is dropped.
    #[must_use]
    pub fn at_failure(mut self, then: AtFailure) -> Self {
        self.at_failure = then;
        self
    }

    /// Whether anything depends on the time. It is not read where nothing does.
    pub(super) fn timed(&self) -> bool {
        self.timeout.is_some() || self.backup_after.is_some()
    }
}
