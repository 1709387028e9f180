//! A server on loan to a call.

use core::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use super::Attempt;
use super::slot::ServerSlot;

/// Exclusive use of a server for one call. Dropping it returns the server to the scheduler, which gives
/// it no other task before.
///
/// A call may move its lease into a task it spawns; the server stays busy until the lease is dropped.
/// If that call failed or timed out, its task is not tried again before then. A
/// [forgotten](std::mem::forget) lease never comes back, and a run that is not aborted waits for it.
///
/// ```
/// use pushdown_patterns::schedule::{CallFailure, Lease};
///
/// async fn call(mut server: Lease<Vec<u32>>, task: u32) -> Result<usize, CallFailure<String>> {
///     let attempt = server.attempt();
///     if attempt.number() > 1 {
///         println!("{} tries task {task} again", attempt.server_id());
///     }
///     server.push(task); // the server is a `Vec<u32>`
///     Ok(server.len())
/// }
/// ```
pub struct Lease<S> {
    /// `None` only during the drop.
    lent: Option<(S, Attempt)>,
    slot: Arc<ServerSlot<S>>,
}

impl<S> Lease<S> {
    pub(super) fn new(slot: Arc<ServerSlot<S>>, server: S, attempt: Attempt) -> Self {
        Self { lent: Some((server, attempt)), slot }
    }

    fn lent(&self) -> &(S, Attempt) {
        self.lent.as_ref().expect("the server is here until the drop")
    }

    /// Returns the number of the task for which the server is lent: see [`Attempt::task`].
    pub fn task(&self) -> usize {
        self.attempt().task()
    }

    /// Returns the attempt for which the server is lent.
    pub fn attempt(&self) -> &Attempt {
        &self.lent().1
    }
}

impl<S> Deref for Lease<S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.lent().0
    }
}

impl<S> DerefMut for Lease<S> {
    fn deref_mut(&mut self) -> &mut S {
        &mut self.lent.as_mut().expect("the server is here until the drop").0
    }
}

impl<S: fmt::Debug> fmt::Debug for Lease<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Lease");
        debug.field("attempt", self.attempt()).field("server", &**self).finish_non_exhaustive()
    }
}

impl<S> Drop for Lease<S> {
    fn drop(&mut self) {
        if let Some((server, attempt)) = self.lent.take() {
            self.slot.put_back(server, attempt.into_handle());
        }
    }
}
