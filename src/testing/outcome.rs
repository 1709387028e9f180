//! The result of a run, to be compared with that of another.

use std::format;
use std::string::String;
use std::vec::Vec;

use super::law::{Breach, Law};
use super::log::{Extent, Log};
use crate::error::{Error, ErrorKind};
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
    /// The prefixes after which the parser was looked at, if a sink was there from the start.
    pub(super) prefixes: Vec<Prefix>,
    /// The amount reported before `finish`.
    pub(super) reported: Option<Extent>,
    /// Bytes inspected and steps made before `finish`, if the parser counts its work.
    pub(super) effort: Option<u64>,
}

/// The state of a run after a prefix of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Prefix {
    pub(super) len: usize,
    pub(super) status: Status,
    pub(super) has_begun: bool,
    pub(super) reported: Extent,
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
    /// Leaves the verdict and the events, which is all that can be asked of a parser without offsets.
    pub(super) fn loosen(&mut self) {
        self.consumed = 0;
        self.error = None;
        self.finished = self.finished.map_err(|_| Error::new(ErrorKind::UnexpectedEnd, 0));
        self.output = None;
    }

    /// Compares with another outcome of the same parser, whose errors name the same starts.
    pub(super) fn same_with_starts(&self, found: &Self) -> Result<(), Breach> {
        self.same(found)?;
        for (expected, found) in
            [(self.error, found.error), (self.finished.err(), found.finished.err())]
        {
            let start = |error: Option<Error>| error.and_then(|error| error.start);
            if start(expected) != start(found) {
                return Err(Law::Error.broken(format!("{expected:?}"), format!("{found:?}")));
            }
        }
        Ok(())
    }

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
