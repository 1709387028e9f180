//! Watching a run from outside, and steering it.

use std::sync::Arc;
use std::vec::Vec;

use super::board::Board;
use super::core::{Core, ServerCounts};
use super::{Reason, ServerEnd, ServerId};
use crate::Shutdown;
use crate::wait;
use crate::waits::Site;

static CHANGED: Site = Site::wait("schedule", "changed", "progress");

/// Watches a run. It is cheap to clone, and keeps neither servers nor results.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use pushdown_patterns::schedule::{Failure, Lease, Options, schedule};
///
/// let call = async |_: Lease<&str>, task: usize| Ok::<_, Failure<()>>(task);
/// let run = schedule(vec!["a", "b"], 0..1000, call, Options::default());
/// let mut progress = run.progress();
/// tokio::spawn(async move {
///     while let Some(now) = progress.changed().await {
///         println!("{} of {}", now.done, now.tasks);
///     }
/// });
/// assert!(run.await.is_ok());
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Progress {
    board: Arc<Board>,
    seen: Option<Snapshot>,
}

/// How things stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// Tasks in all.
    pub tasks: usize,
    /// Tasks that succeeded.
    pub done: usize,
    /// Tasks that have used up their attempts.
    pub given_up: usize,
    /// Tasks that wait for a server.
    pub queued: usize,
    /// Calls that run.
    pub running: usize,
    /// Calls that were made, those that run included.
    pub attempts: u64,
    /// Calls that failed.
    pub failures: u64,
    /// Calls that were backup copies.
    pub backups: u64,
    /// Servers that can take tasks.
    pub servers: usize,
    /// How the run ended, once that is decided.
    pub end: Option<Result<(), Reason>>,
}

/// How it stands with a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerSnapshot {
    /// Its name in this run.
    pub id: ServerId,
    /// The number of the task that it runs.
    pub running: Option<usize>,
    /// What it did.
    pub counts: ServerCounts,
    /// Why it takes no more, if it does not.
    pub end: Option<ServerEnd>,
}

impl Snapshot {
    pub(super) fn of(core: &Core) -> Self {
        let counts = core.counts();
        Self {
            tasks: counts.tasks,
            done: counts.done,
            given_up: counts.given_up,
            queued: core.queued(),
            running: counts.running,
            attempts: counts.attempts,
            failures: counts.failures,
            backups: counts.backups,
            servers: core.able(),
            end: core.end(),
        }
    }
}

impl Progress {
    pub(super) fn new(board: Arc<Board>) -> Self {
        Self { board, seen: None }
    }

    /// How things stand.
    pub fn now(&self) -> Snapshot {
        self.board.look(Snapshot::of)
    }

    /// How it stands with each server that ever joined, in that order. O(servers).
    pub fn servers(&self) -> Vec<ServerSnapshot> {
        self.board.look(|core| {
            let one = |id| {
                let (counts, running, end) = core.server(id);
                ServerSnapshot { id, running, counts, end }
            };
            core.servers().map(one).collect()
        })
    }

    /// Waits until things stand otherwise than this said last. `None` says that the run is over.
    ///
    /// What lies between two answers is not seen. Nothing is missed if this is dropped while it waits.
    pub async fn changed(&mut self) -> Option<Snapshot> {
        struct Watching<'a>(&'a Board, Option<u64>);

        impl Drop for Watching<'_> {
            fn drop(&mut self) {
                if let Some(watcher) = self.1 {
                    self.0.forget_watcher(watcher);
                }
            }
        }

        let mut watching = Watching(&self.board, None);
        let seen = self.seen;
        let now =
            wait::wait(&CHANGED, |cx, _| watching.0.poll_changed(seen, &mut watching.1, cx)).await;
        drop(watching);
        self.seen = now.or(seen);
        now
    }
}

/// Steers a run. It is cheap to clone, and does not keep the run from ending.
#[derive(Clone, Debug)]
pub struct Control {
    board: Arc<Board>,
}

impl Control {
    pub(super) fn new(board: Arc<Board>) -> Self {
        Self { board }
    }

    /// Sends a server away, after its call if it runs one. Then it is handed back.
    ///
    /// `false` says that there is no such server any more, or that the run has ended.
    pub fn retire(&self, server: ServerId) -> bool {
        self.board.change(|core| core.retire(server))
    }

    /// Ends the run. Whoever waits for it gets the report.
    ///
    /// To drain is to begin no call any more; failed tasks are not tried again. What still runs at the
    /// deadline is dropped. A blocking call cannot be dropped, and is waited for.
    pub fn shutdown(&self, how: Shutdown) {
        self.board.shutdown(how);
    }
}
