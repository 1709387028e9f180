//! Control of a run from outside.

use std::sync::Arc;

use super::ServerId;
use super::shared::Shared;
use crate::Shutdown;

/// Controls a run. It is cheap to clone, and does not keep the run from ending.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use pushdown_patterns::schedule::{CallFailure, Lease, LeaveReason, Options, schedule};
///
/// let call = async |_: Lease<&str>, task: usize| Ok::<_, CallFailure<()>>(task);
/// let run = schedule(vec!["a", "b"], 0..9, call, Options::default());
/// let first = run.watch().servers()[0].id;
/// assert!(run.control().retire(first));
/// let report = run.await.unwrap();
/// assert_eq!(report.servers[0].leave_reason, Some(LeaveReason::Retired));
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Control {
    shared: Arc<Shared>,
}

impl Control {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Retires a server: it finishes its call, takes no more tasks, and is handed back.
    ///
    /// Returns `false` if the server has left or is about to, or if the run has ended.
    pub fn retire(&self, server: ServerId) -> bool {
        self.shared.change(|scheduler| scheduler.handle_retire(server))
    }

    /// Ends the run. Its [`Run`](super::Run) then returns the report.
    ///
    /// A drain starts no more calls, and does not try failed tasks again. Calls still in progress at
    /// its deadline are dropped. A blocking call cannot be dropped, and is waited for.
    pub fn shutdown(&self, how: Shutdown) {
        self.shared.shutdown(how);
    }
}
