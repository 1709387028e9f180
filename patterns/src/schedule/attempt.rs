//! One attempt at a task, as its call sees it.

use core::fmt;
use std::sync::Arc;
use std::time::Instant;

use super::ServerId;
use super::proto::Assignment;
use super::shared::Shared;

/// One attempt at a task, as its call sees it.
///
/// An async call finds it in its [lease](super::Lease::attempt); a call on a
/// [thread](super::thread) gets it as an argument.
pub struct Attempt {
    server: Arc<ServerHandle>,
    assignment: Assignment,
}

/// A server, and the run that it has joined. Each worker has one of its own, so that workers do not
/// contend for a reference count at every call.
#[derive(Debug)]
pub(super) struct ServerHandle {
    pub(super) id: ServerId,
    pub(super) shared: Arc<Shared>,
}

impl Attempt {
    pub(super) fn new(server: Arc<ServerHandle>, assignment: Assignment) -> Self {
        Self { server, assignment }
    }

    pub(super) fn into_handle(self) -> Arc<ServerHandle> {
        self.server
    }

    /// Returns the server's number in this run.
    pub fn server_id(&self) -> ServerId {
        self.server.id
    }

    /// Returns the number of the task, in the order of the tasks from 0. It is the same in every attempt,
    /// and no other task of the run has it: the key by which a server can recognise a task it has done.
    pub fn task(&self) -> usize {
        self.assignment.task
    }

    /// The attempt's number, from 1.
    pub fn number(&self) -> u32 {
        self.assignment.number
    }

    /// Returns the end of the [timeout](super::Options::timeout), if there is one. An async call is
    /// dropped then. A blocking call must return on its own.
    pub fn deadline(&self) -> Option<Instant> {
        self.assignment.deadline
    }

    /// Returns `true` if this is the [backup copy](super::Options::backup_after) of a call that is
    /// still in progress.
    pub fn is_backup(&self) -> bool {
        self.assignment.backup
    }

    /// Retires the server once this call is over and its lease returned, as
    /// [`Control::retire`](super::Control::retire) does. For a call that succeeds, and knows that the
    /// server's next one will not.
    ///
    /// Returns `false` if the server is already about to leave, or if the run has ended.
    pub fn retire(&self) -> bool {
        self.server.shared.change(|scheduler| scheduler.handle_retire(self.server.id))
    }

    /// Returns `true` if the result of this call in progress is no longer wanted: another copy
    /// succeeded first, or the run ended. An async call is dropped then. A blocking call should
    /// return; an error that it returns is ignored.
    pub fn is_cancelled(&self) -> bool {
        self.server.shared.is_cancelled(self.server.id)
    }
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt")
            .field("server", &self.server.id)
            .field("assignment", &self.assignment)
            .finish_non_exhaustive()
    }
}
