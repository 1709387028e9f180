//! The result of a run, to be compared with that of another.

use std::string::String;
use std::vec::Vec;

use super::law::{Breach, Law};
use super::log::{Extent, Log};
use crate::error::Error;
use crate::parser::Status;

/// The result of a run. Offsets count from its start.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    /// The status at the end of the input, before `finish`.
    pub(super) status: Status,
    pub(super) consumed: u64,
    pub(super) error: Option<Error>,
    /// The answer of `finish`.
    pub(super) finished: Result<(), Error>,
    /// The output, after a success or an accepted end.
    pub(super) output: Option<String>,
    /// The events, if there was a sink at the end.
    pub(super) log: Option<Log>,
    /// Events that reached a sink.
    pub(super) events: u64,
    /// The pauses, in order.
    pub(super) pauses: Vec<Pause>,
}

/// A pause of the sink.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pause {
    /// Where the parser has left its input.
    pub(super) at: usize,
    /// The amount reported when the sink has paused, if the event there was recorded.
    pub(super) reported: Option<Extent>,
}

impl Outcome {
    /// Compares with another outcome, which should be the same. Events are compared if both runs
    /// have recorded them.
    pub(super) fn same(&self, found: &Self) -> Result<(), Breach> {
        Law::Status.holds(self.status, found.status)?;
        Law::Consumed.holds(self.consumed, found.consumed)?;
        Law::Error.holds(self.error, found.error)?;
        Law::Finish.holds(self.finished, found.finished)?;
        Law::Output.holds(self.output.as_deref(), found.output.as_deref())?;
        let (Some(expected), Some(found)) = (&self.log, &found.log) else {
            return Ok(());
        };
        match expected.difference(found) {
            None => Ok(()),
            Some((expected, found)) => Err(Law::Events.broken(expected, found)),
        }
    }
}
