//! What came of a run, to be compared with what came of another.

use super::log::Log;
use super::violation::{Breach, Law};
use crate::error::Error;
use crate::parser::Status;

/// What came of a run. Offsets count from its start.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    /// How the parser stood when there was no more input, before it was finished.
    pub(super) status: Status,
    pub(super) consumed: u64,
    pub(super) error: Option<Error>,
    /// What `finish` has answered.
    pub(super) finished: Result<(), Error>,
    /// What was heard of the events, if anybody listened to the end.
    pub(super) log: Option<Log>,
    /// How many events were taken.
    pub(super) events: u64,
}

impl Outcome {
    /// Compares with another outcome, which should be the same. Events are compared if both runs
    /// have heard them.
    pub(super) fn same(&self, found: &Self) -> Result<(), Breach> {
        Law::Status.holds(self.status, found.status)?;
        Law::Consumed.holds(self.consumed, found.consumed)?;
        Law::Error.holds(self.error, found.error)?;
        Law::Finish.holds(self.finished, found.finished)?;
        let (Some(expected), Some(found)) = (&self.log, &found.log) else {
            return Ok(());
        };
        match expected.difference(found) {
            None => Ok(()),
            Some((expected, found)) => Err(Law::Events.broken(expected, found)),
        }
    }
}
