//! Observation of a run from outside.

use std::sync::Arc;
use std::vec::Vec;

use super::shared::Shared;
use super::snapshot::{ServerSnapshot, Snapshot};
use crate::wait;
use crate::waiters::Ticket;
use crate::waits::{At, Site};

static CHANGED: Site = Site::wait("schedule", "changed", "progress");

/// Watches a run. It is cheap to clone, and holds neither servers nor results.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use pushdown_patterns::schedule::{CallFailure, Lease, Options, schedule};
///
/// let call = async |_: Lease<&str>, task: usize| Ok::<_, CallFailure<()>>(task);
/// let run = schedule(vec!["a", "b"], 0..1000, call, Options::default());
/// let mut watch = run.watch();
/// tokio::spawn(async move {
///     while let Some(now) = watch.changed().await {
///         println!("{} of {}", now.done, now.tasks);
///     }
/// });
/// assert!(run.await.is_ok());
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Watch {
    shared: Arc<Shared>,
    seen: Option<Snapshot>,
}

impl Watch {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, seen: None }
    }

    /// Returns the current state of the run.
    pub fn now(&self) -> Snapshot {
        self.shared.read(Snapshot::of)
    }

    /// Returns the current state of every server that ever joined, in that order. O(servers).
    pub fn servers(&self) -> Vec<ServerSnapshot> {
        self.shared.read(|scheduler| {
            scheduler.servers().map(|id| ServerSnapshot::of(scheduler, id)).collect()
        })
    }

    /// Waits until the snapshot differs from the last one returned. Returns `None` when the run is over.
    ///
    /// Changes between two snapshots are merged. Cancel safe: dropping the future loses no change.
    #[track_caller]
    pub fn changed(&mut self) -> impl Future<Output = Option<Snapshot>> + Send {
        self.changed_at(CHANGED.here())
    }

    async fn changed_at(&mut self, at: At<'_>) -> Option<Snapshot> {
        struct Watching<'a>(&'a Shared, Option<Ticket>);

        impl Drop for Watching<'_> {
            fn drop(&mut self) {
                if let Some(watcher) = self.1 {
                    self.0.forget_watcher(watcher);
                }
            }
        }

        let mut watching = Watching(&self.shared, None);
        let seen = self.seen;
        let now = wait::wait(at.of(&self.shared.name), |cx, _| {
            watching.0.poll_changed(seen, &mut watching.1, cx)
        })
        .await;
        drop(watching);
        self.seen = now.or(seen);
        now
    }
}
