//! One run of a parser, with every answer checked against the laws that need no second run.

use core::mem;
use std::format;
use std::string::String;
use std::vec::Vec;

use super::law::{Breach, Law};
use super::log::Log;
use super::outcome::{Outcome, Pause, Prefix};
use super::random::Random;
use super::subject::{Answers, Subject};
use super::work::{WORK_PER_BYTE, WORK_PER_EVENT};
use crate::error::{Error, ErrorKind};
use crate::parser::{Progress, Status};

/// Bytes of the input that are fed to a parser after its end.
const FED_AFTER_END: usize = 64;

/// A parser in the middle of an input.
pub(super) struct Run<'r> {
    subject: &'r mut dyn Subject,
    /// The parser's offset at the start.
    base: u64,
    answers: Answers,
    /// The events so far, while there is a sink.
    log: Option<Log>,
    pattern: Option<Pattern>,
    pauses: Vec<Pause>,
    /// Events that reached the sink.
    events: u64,
    /// Events that the input is known to hold. A parser may work for them without a sink as well.
    events_known: u64,
    /// Bytes fed, and the calls that fed them.
    fed: u64,
    calls: u64,
    /// The counts of work at the start, if the parser has them.
    work: Option<[u64; 2]>,
    /// Bytes of the input that were fed, those after the end included.
    position: usize,
    /// The state after prefixes of the input; `None` unless a sink was there from the start.
    prefixes: Option<Vec<Prefix>>,
}

/// The events after which a sink pauses.
enum Pattern {
    Every,
    Random(Random),
}

impl Pattern {
    fn next(&mut self) -> bool {
        match self {
            Self::Every => true,
            Self::Random(random) => random.below(2) == 0,
        }
    }
}

impl<'r> Run<'r> {
    pub(super) fn start(
        subject: &'r mut dyn Subject,
        base: u64,
        events_known: u64,
    ) -> Result<Self, Breach> {
        let status = Status::NeedMoreInput;
        let new = Answers { status, has_begun: false, offset: base, error: None };
        Law::Fresh.holds(new, subject.answers())?;
        Law::Output.holds(None, subject.take_output().as_deref())?;
        Ok(Self {
            base,
            answers: new,
            log: None,
            pattern: None,
            pauses: Vec::new(),
            events: 0,
            events_known,
            fed: 0,
            calls: 0,
            work: subject.work(),
            position: 0,
            prefixes: None,
            subject,
        })
    }

    /// Adds or removes the sink. The events so far are forgotten.
    pub(super) fn set_sink(&mut self, present: bool) {
        self.log = present.then(Log::default);
        self.prefixes = (present && self.position == 0).then(Vec::new);
    }

    /// Adds a sink that pauses after every event or, with a seed, after some.
    pub(super) fn set_pauses(&mut self, seed: Option<u64>) {
        self.set_sink(true);
        self.pattern = Some(seed.map_or(Pattern::Every, |seed| Pattern::Random(Random(seed))));
    }

    /// Feeds the next chunk of the input.
    pub(super) fn feed(&mut self, chunk: &[u8]) -> Result<(), Breach> {
        self.feed_any(chunk)?;
        self.position += chunk.len();
        if let (Some(prefixes), Some(log)) = (&mut self.prefixes, &self.log) {
            let Answers { status, has_begun, .. } = self.answers;
            let reported = log.extent();
            prefixes.push(Prefix { len: self.position, status, has_begun, reported });
        }
        Ok(())
    }

    fn feed_any(&mut self, chunk: &[u8]) -> Result<(), Breach> {
        if self.pattern.is_some() {
            return self.feed_and_pause(chunk);
        }
        let progress = self.subject.feed(chunk, self.log.as_mut());
        self.check_progress(chunk, progress, false)
    }

    /// Feeds a chunk, and what a pause leaves of it.
    fn feed_and_pause(&mut self, mut chunk: &[u8]) -> Result<(), Breach> {
        // A parser may report events without reading, but no more than the input has.
        let mut idle = 0;
        while let (Some(pattern), Some(log)) = (&mut self.pattern, &mut self.log) {
            let (mut reported, mut before) = (None, log.extent());
            let progress = self.subject.feed_until(chunk, log, &mut |log| {
                let now = log.extent();
                let grown = mem::replace(&mut before, now) < now;
                let pauses = pattern.next();
                if pauses && reported.is_none() {
                    reported = Some(grown.then_some(now));
                }
                pauses
            });
            self.check_progress(chunk, progress, reported.is_some())?;
            if let Some(reported) = reported {
                let at = (self.answers.offset - self.base) as usize;
                self.pauses.push(Pause { at, reported });
            }
            chunk = &chunk[progress.consumed..];
            if chunk.is_empty() || progress.status != Status::NeedMoreInput {
                break;
            }
            idle = if progress.consumed == 0 { idle + 1 } else { 0 };
            if idle > self.events_known {
                return Err(
                    Law::Pause.broken("a chunk that is used up in the end", "the same pause")
                );
            }
        }
        Ok(())
    }

    pub(super) fn process_char(&mut self, c: char) -> Result<(), Breach> {
        let status = self.subject.process_char(c);
        let moved = self.subject.answers().offset.wrapping_sub(self.answers.offset);
        let consumed = usize::try_from(moved).unwrap_or(usize::MAX);
        let progress = Progress { consumed, status };
        self.check_progress(c.encode_utf8(&mut [0; 4]).as_bytes(), progress, false)
    }

    fn check_progress(
        &mut self,
        chunk: &[u8],
        progress: Progress,
        paused: bool,
    ) -> Result<(), Breach> {
        let before = mem::replace(&mut self.answers, self.subject.answers());
        let ended = before.status != Status::NeedMoreInput;
        if ended || chunk.is_empty() {
            let law = if ended { Law::Sticky } else { Law::EmptyChunk };
            let nothing = Progress { consumed: 0, status: before.status };
            law.holds(nothing, progress)?;
            return self.check_unchanged(law, before);
        }
        let Progress { consumed, status } = progress;
        let waits = status == Status::NeedMoreInput;
        if consumed > chunk.len() || (waits && !paused && consumed < chunk.len()) {
            let found = format!("{consumed}, and {status:?}");
            return Err(Law::Progress.broken(chunk.len(), found));
        }
        Law::Status.holds(status, self.answers.status)?;
        Law::Offset.holds(before.offset + consumed as u64, self.answers.offset)?;
        self.check_error()?;
        if waits {
            Law::Output.holds(None, self.subject.take_output().as_deref())?;
        }
        match self.answers.error {
            Some(error) if error.kind == ErrorKind::UnexpectedByte && consumed == chunk.len() => {
                Err(Law::Error.broken("an unexpected byte that was fed", error))
            }
            _ => self.check_events_and_work(chunk.len()),
        }
    }

    fn finish(&mut self) -> Result<Result<(), Error>, Breach> {
        let before = self.answers;
        let result = match (&mut self.pattern, &mut self.log) {
            (Some(pattern), Some(log)) => self.subject.finish_until(log, &mut |_| pattern.next()),
            (_, log) => self.subject.finish(log.as_mut()),
        };
        self.answers = self.subject.answers();
        if before.status == Status::NeedMoreInput {
            let status = match result {
                Ok(()) => Status::Success,
                Err(_) => Status::BadInput,
            };
            let ended = Answers { status, error: result.err(), ..before };
            Law::Finish.holds(ended, self.answers)?;
            self.check_error()?;
            self.check_events_and_work(0)?;
        } else {
            Law::Finish.holds(before.error.map_or(Ok(()), Err), result)?;
            self.check_unchanged(Law::Finish, before)?;
        }
        Ok(result)
    }

    /// Feeds a parser that has ended: it must refuse everything.
    fn feed_after_end(&mut self, input: &[u8]) -> Result<(), Breach> {
        if self.answers.status == Status::NeedMoreInput {
            return Ok(());
        }
        let more = &input[..input.len().min(FED_AFTER_END)];
        for chunk in [more, &[], more] {
            self.feed_any(chunk)?;
        }
        self.process_char(input.first().map_or('\0', |&byte| char::from(byte)))
    }

    /// Finishes the parser twice and ends the run.
    pub(super) fn end(mut self, input: &[u8]) -> Result<Outcome, Breach> {
        let Answers { status, offset, error, .. } = self.answers;
        let reported = self.log.as_ref().map(Log::extent);
        let counts = self.work.zip(self.subject.work());
        let effort = counts.map(|(before, now)| {
            let [inspected, steps] = [0, 1].map(|count| now[count].saturating_sub(before[count]));
            inspected + steps
        });
        // Without a sink the output is taken after all this.
        let takes_early = status == Status::Success && self.log.is_some();
        let early = if takes_early { Some(self.output()?) } else { None };
        self.feed_after_end(input)?;
        let finished = self.finish()?;
        let _ = self.finish()?;
        self.feed_after_end(input)?;
        let output = match early {
            None if status == Status::Success => Some(self.output()?),
            None if finished.is_ok() => self.subject.take_output(),
            early => early,
        };
        Law::Output.holds(None, self.subject.take_output().as_deref())?;
        let counted_from_the_start = |error: Error| Error {
            offset: error.offset - self.base,
            start: error.start.map(|start| start.wrapping_sub(self.base)),
            ..error
        };
        Ok(Outcome {
            status,
            consumed: offset - self.base,
            error: error.map(counted_from_the_start),
            finished: finished.map_err(counted_from_the_start),
            output,
            log: self.log,
            events: self.events,
            pauses: self.pauses,
            prefixes: self.prefixes.unwrap_or_default(),
            reported,
            effort,
        })
    }

    /// Takes the output of a parser that has succeeded.
    fn output(&mut self) -> Result<String, Breach> {
        self.subject.take_output().ok_or_else(|| Law::Output.broken("an output", "none"))
    }

    /// Checks that the last call reported no event and changed no answer.
    fn check_unchanged(&mut self, law: Law, before: Answers) -> Result<(), Breach> {
        law.holds(before, self.answers)?;
        match self.take_reported() {
            0 => Ok(()),
            events => Err(law.broken("no event", format_args!("{events} events"))),
        }
    }

    /// Checks that there is an error exactly after `BadInput`, at the parser's offset.
    fn check_error(&self) -> Result<(), Breach> {
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

    /// Returns the number of events that the last call reported, and forgets it.
    fn take_reported(&mut self) -> u64 {
        self.log.as_mut().map_or(0, |log| mem::take(&mut log.events))
    }

    /// Checks the events and the work of a call that fed `fed` bytes.
    fn check_events_and_work(&mut self, fed: usize) -> Result<(), Breach> {
        if self.log.as_ref().is_some_and(|log| log.empty_text) {
            return Err(Law::EmptyText.broken("text", "an empty piece of a text"));
        }
        self.events += self.take_reported();
        self.fed += fed as u64;
        self.calls += 1;
        let (Some([before, _]), Some([now, _])) = (self.work, self.subject.work()) else {
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
