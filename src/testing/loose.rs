//! Parsers of which only the verdict and the events count.

use super::law::{Breach, Law};
use super::log::Log;
use super::outcome::{Outcome, Prefix};
use super::scenario::Scenario;
use super::subject::Feed;
use crate::error::{Error, ErrorKind};
use crate::parser::{Progress, Status};

/// A parser that does not implement [`PushParser`](crate::PushParser), and the closure that feeds it.
pub(super) struct Foreign<P, F> {
    pub(super) parser: P,
    pub(super) feed: F,
}

impl<P, F: Fn(&mut P, Option<&[u8]>, &mut Log) -> Status> Foreign<P, F> {
    fn call(&mut self, chunk: Option<&[u8]>, log: Option<&mut Log>) -> Status {
        (self.feed)(&mut self.parser, chunk, log.unwrap_or(&mut Log::default()))
    }
}

impl<P, F: Fn(&mut P, Option<&[u8]>, &mut Log) -> Status> Feed for Foreign<P, F> {
    fn feed(&mut self, chunk: &[u8], log: Option<&mut Log>) -> Progress {
        Progress { consumed: chunk.len(), status: self.call(Some(chunk), log) }
    }

    fn finish(&mut self, log: Option<&mut Log>) -> Result<(), Error> {
        match self.call(None, log) {
            Status::Success => Ok(()),
            _ => Err(Error::new(ErrorKind::UnexpectedEnd, 0)),
        }
    }
}

/// Feeds a parser until it has ended, and finishes it if it has not. It gets no empty chunks, which to
/// some parsers are the end of the input.
pub(super) fn run(
    scenario: &Scenario,
    parser: &mut dyn Feed,
    input: &[u8],
) -> Result<Outcome, Breach> {
    let mut log = Log::default();
    let mut status = Status::NeedMoreInput;
    let mut prefixes = std::vec![];
    let mut len = 0;
    for chunk in scenario.cutting.chunks(&input[..scenario.len]) {
        if status == Status::NeedMoreInput && !chunk.is_empty() {
            status = parser.feed(chunk, Some(&mut log)).status;
        }
        len += chunk.len();
        prefixes.push(Prefix { len, status, has_begun: false, reported: log.extent() });
    }
    let reported = Some(log.extent());
    let finished = match status {
        Status::NeedMoreInput => parser.finish(Some(&mut log)),
        Status::Success => Ok(()),
        Status::BadInput => Err(Error::new(ErrorKind::UnexpectedEnd, 0)),
    };
    if log.empty_text {
        return Err(Law::EmptyText.broken("text", "an empty piece of a text"));
    }
    let mut outcome = Outcome {
        status,
        consumed: 0,
        error: None,
        finished,
        output: None,
        events: 0,
        log: Some(log),
        pauses: std::vec![],
        prefixes,
        reported,
        effort: None,
    };
    outcome.loosen();
    Ok(outcome)
}
