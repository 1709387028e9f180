//! The limits of a run, and its behaviour when it reaches them.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use super::FailureKind;

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
    pub(super) deaths: Option<NonZeroU32>,
    pub(super) backoff: Option<(Duration, Duration)>,
    pub(super) seed: Option<u64>,
    pub(super) timeout: Option<Duration>,
    pub(super) timed_out: FailureKind,
    pub(super) without_servers: Option<Duration>,
    pub(super) exhausted: Exhausted,
    pub(super) server_failures: Option<NonZeroU32>,
    pub(super) backup_after: Option<Duration>,
    pub(super) on_failure: OnFailure,
    pub(super) name: Option<Arc<str>>,
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
    /// calls in progress. No timeout, no limit on deaths or on a server's failures, no delay before the
    /// next attempt, no backup copies.
    fn default() -> Self {
        Self {
            attempts: NonZeroU32::new(4).expect("four is not zero"),
            deaths: None,
            backoff: None,
            seed: None,
            timeout: None,
            timed_out: FailureKind::ServerDead,
            without_servers: None,
            exhausted: Exhausted::FailRun,
            server_failures: None,
            backup_after: None,
            on_failure: OnFailure::DropCalls,
            name: None,
        }
    }
}

impl Options {
    /// Limits the attempts at a task, backup copies included. An attempt that failed because its
    /// [server died](FailureKind::ServerDead) or [was dead](FailureKind::ServerGone) does not count: that is no failure of the task.
    #[must_use]
    pub fn attempts(mut self, limit: NonZeroU32) -> Self {
        self.attempts = limit;
        self
    }

    /// Limits the servers that may die of a task. For tasks that can crash their server: without a
    /// limit, such a task ends only when no server is left.
    #[must_use]
    pub fn deaths(mut self, limit: NonZeroU32) -> Self {
        self.deaths = Some(limit);
        self
    }

    /// Delays the next attempt at a task that failed: by `min` after the first failure, twice as long
    /// after each further one, and at most by `max`. The second half of each delay is random. The server
    /// does other tasks meanwhile.
    ///
    /// The task of a server that died is tried again at once.
    #[must_use]
    pub fn backoff(mut self, min: Duration, max: Duration) -> Self {
        self.backoff = Some((min, max));
        self
    }

    /// Seeds the random part of the [delays](Self::backoff), so that a test can repeat them.
    #[must_use]
    pub fn jitter_seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Limits the duration of a call. A call that takes longer is dropped, which counts as a failed
    /// attempt at its task, and its server is [considered dead](Self::timed_out).
    ///
    /// A blocking call cannot be dropped. On [threads](super::thread) it must watch its own
    /// [deadline](super::Attempt::deadline).
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets what a call that was dropped says of its server: at the end of its
    /// [timeout](Self::timeout), or because [another copy](Self::backup_after) was faster.
    ///
    /// By default it is [dead](FailureKind::ServerDead), since a server is often a connection: the reply
    /// to a call that was dropped halfway is still to come on it, and the next task would take that reply
    /// for its own. Choose [`Elsewhere`](FailureKind::Elsewhere) for servers that can take a new call
    /// after one was dropped: processes that are asked by a new connection each time, or multiplexed
    /// connections. Of two copies the slower one is no failure, so that for it all kinds but
    /// `ServerDead` are the same.
    #[must_use]
    pub fn timed_out(mut self, kind: FailureKind) -> Self {
        self.timed_out = kind;
        self
    }

    /// Limits the time during which a run to which servers may still join has none. It then ends with
    /// [`Reason::NoServers`](super::Reason::NoServers). Without a limit it waits for the next one.
    #[must_use]
    pub fn without_servers(mut self, limit: Duration) -> Self {
        self.without_servers = Some(limit);
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
    /// server that is idle. The first success counts, and the other call is dropped. Its server is
    /// [considered dead](Self::timed_out), because a reply may still be due on it: with connections as
    /// servers, each straggler costs one.
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

    /// Names the run in the list of waiters and in events (features `debug` and `tracing`). Without a name
    /// it has a number.
    #[must_use]
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Returns `true` if a decision depends on the time. Otherwise the clock is never read.
    pub(super) fn timed(&self) -> bool {
        self.timeout.is_some()
            || self.backup_after.is_some()
            || self.backoff.is_some()
            || self.without_servers.is_some()
    }
}
