//! One parser, judged call by call: what each answer has to keep to whatever the cutting.

use core::mem;
use std::format;

use super::log::Log;
use super::outcome::Outcome;
use super::subject::{Answers, Subject};
use super::violation::{Breach, Law};
use super::work::{WORK_PER_BYTE, WORK_PER_EVENT};
use crate::error::{Error, ErrorKind};
use crate::parser::{Progress, Status};

/// How many bytes of the input a parser that has ended is tempted with.
const BAIT: usize = 64;

/// A parser on its way through an input.
pub(super) struct Trial<'t> {
    subject: &'t mut dyn Subject,
    /// Where the parser's offsets start.
    base: u64,
    answers: Answers,
    /// What is heard of the events, while somebody takes them.
    log: Option<Log>,
    /// How many events were reported.
    events: u64,
    /// How many the input is known to hold. A parser that nobody listens to may work on them too.
    events_known: u64,
    /// How many bytes it was fed, and in how many calls.
    fed: u64,
    calls: u64,
    /// Its count of work at the start, if it has one.
    work: Option<u64>,
}

impl<'t> Trial<'t> {
    pub(super) fn start(
        subject: &'t mut dyn Subject,
        base: u64,
        events_known: u64,
    ) -> Result<Self, Breach> {
        let new = Answers { status: Status::NeedMoreInput, offset: base, error: None };
        Law::Fresh.holds(new, subject.answers())?;
        Ok(Self {
            base,
            answers: new,
            log: None,
            events: 0,
            events_known,
            fed: 0,
            calls: 0,
            work: subject.work(),
            subject,
        })
    }

    /// From here on the events are heard, or not. What was heard before is forgotten.
    pub(super) fn listen(&mut self, heard: bool) {
        self.log = heard.then(Log::default);
    }

    pub(super) fn feed(&mut self, chunk: &[u8]) -> Result<(), Breach> {
        let progress = self.subject.feed(chunk, self.log.as_mut());
        self.judge(chunk, progress)
    }

    pub(super) fn process_char(&mut self, c: char) -> Result<(), Breach> {
        let status = self.subject.process_char(c);
        let moved = self.subject.answers().offset.wrapping_sub(self.answers.offset);
        let consumed = usize::try_from(moved).unwrap_or(usize::MAX);
        let progress = Progress { consumed, status };
        self.judge(c.encode_utf8(&mut [0; 4]).as_bytes(), progress)
    }

    fn judge(&mut self, chunk: &[u8], progress: Progress) -> Result<(), Breach> {
        let before = mem::replace(&mut self.answers, self.subject.answers());
        let ended = before.status != Status::NeedMoreInput;
        if ended || chunk.is_empty() {
            let law = if ended { Law::Sticky } else { Law::EmptyChunk };
            let nothing = Progress { consumed: 0, status: before.status };
            law.holds(nothing, progress)?;
            return self.unchanged(law, before);
        }
        let Progress { consumed, status } = progress;
        if consumed > chunk.len() || (status == Status::NeedMoreInput && consumed < chunk.len()) {
            let found = format!("{consumed}, and {status:?}");
            return Err(Law::Progress.broken(chunk.len(), found));
        }
        Law::Status.holds(status, self.answers.status)?;
        Law::Offset.holds(before.offset + consumed as u64, self.answers.offset)?;
        self.error_fits()?;
        match self.answers.error {
            Some(error) if error.kind == ErrorKind::UnexpectedByte && consumed == chunk.len() => {
                Err(Law::Error.broken("an unexpected byte that was fed", error))
            }
            _ => self.settle(chunk.len()),
        }
    }

    /// Says that the input is over, and says it again.
    fn finish(&mut self) -> Result<Result<(), Error>, Breach> {
        let before = self.answers;
        let verdict = self.subject.finish(self.log.as_mut());
        self.answers = self.subject.answers();
        if before.status == Status::NeedMoreInput {
            let status = match verdict {
                Ok(()) => Status::Success,
                Err(_) => Status::BadInput,
            };
            let ended = Answers { status, error: verdict.err(), ..before };
            Law::Finish.holds(ended, self.answers)?;
            self.error_fits()?;
            self.settle(0)?;
        } else {
            Law::Finish.holds(before.error.map_or(Ok(()), Err), verdict)?;
            self.unchanged(Law::Finish, before)?;
        }
        Ok(verdict)
    }

    /// Feeds a parser what it must refuse if it has ended.
    fn tempt(&mut self, input: &[u8]) -> Result<(), Breach> {
        if self.answers.status == Status::NeedMoreInput {
            return Ok(());
        }
        let bait = &input[..input.len().min(BAIT)];
        for chunk in [bait, &[], bait] {
            self.feed(chunk)?;
        }
        self.process_char(input.first().map_or('\0', |&byte| char::from(byte)))
    }

    /// Ends the run. There is nothing more to come of the input.
    pub(super) fn end(mut self, input: &[u8]) -> Result<Outcome, Breach> {
        let Answers { status, offset, error } = self.answers;
        self.tempt(input)?;
        let finished = self.finish()?;
        let _ = self.finish()?;
        self.tempt(input)?;
        let counted_from_the_start =
            |error: Error| Error { offset: error.offset - self.base, ..error };
        Ok(Outcome {
            status,
            consumed: offset - self.base,
            error: error.map(counted_from_the_start),
            finished: finished.map_err(counted_from_the_start),
            log: self.log,
            events: self.events,
        })
    }

    /// Nothing was reported, and all answers are as before.
    fn unchanged(&mut self, law: Law, before: Answers) -> Result<(), Breach> {
        law.holds(before, self.answers)?;
        match self.reported() {
            0 => Ok(()),
            events => Err(law.broken("no event", format_args!("{events} events"))),
        }
    }

    fn error_fits(&self) -> Result<(), Breach> {
        let bad = self.answers.status == Status::BadInput;
        let expected = bad.then_some(self.answers.offset);
        let found = self.answers.error.map(|error| error.offset);
        if expected == found {
            return Ok(());
        }
        let describe = |offset: Option<u64>| match offset {
            Some(offset) => format!("an error at offset {offset}"),
            None => "no error".into(),
        };
        Err(Law::Error.broken(describe(expected), describe(found)))
    }

    /// How many events the last call has reported.
    fn reported(&mut self) -> u64 {
        self.log.as_mut().map_or(0, |log| mem::take(&mut log.events))
    }

    /// Judges the events and the work of a call that the parser could use.
    fn settle(&mut self, fed: usize) -> Result<(), Breach> {
        if self.log.as_ref().is_some_and(|log| log.empty_text) {
            return Err(Law::EmptyText.broken("text", "an empty part of a text"));
        }
        self.events += self.reported();
        self.fed += fed as u64;
        self.calls += 1;
        let (Some(before), Some(now)) = (self.work, self.subject.work()) else {
            return Ok(());
        };
        let events = self.events.max(self.events_known);
        let limit = WORK_PER_BYTE * self.fed + WORK_PER_EVENT * (events + self.calls);
        let inspected = now.saturating_sub(before);
        if inspected <= limit {
            return Ok(());
        }
        Err(Law::Work.broken(
            format_args!(
                "at most {limit} bytes inspected of {} fed in {} calls, with {events} events",
                self.fed, self.calls
            ),
            inspected,
        ))
    }
}
