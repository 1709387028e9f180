//! A hand-written parser of the quoted string, and the bugs that can be planted in it.

use std::mem;
use std::ops::ControlFlow::{self, Break, Continue};

use pushdown::quoted::{Event, Quoted};
use pushdown::testing::Work;
use pushdown::{Error, ErrorKind, EventSink, Progress, PushParser, Status};

/// A bug in a [`Quote`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Bug {
    AcceptsTheEndAfterASingleByte,
    AcceptsTheEndInside,
    BeginsWithAnUncutChunk,
    BlamesDifferentlyAtACut,
    BlamesTheByteAfter,
    ConsumesMoreThanTheChunk,
    ConsumesPastTheQuote,
    CountsRefusedBytes,
    CountsTwice,
    DropsTheLastByteOfAChunk,
    EmitsEmptyText,
    EndsOnAnEmptyChunk,
    FinishMovesTheOffset,
    FinishesDifferentlyTheSecondTime,
    FinishesDifferentlyWithoutASink,
    ForgetsAnEscapeThatFillsAChunk,
    ForgetsAnEscapeThatEndsAPair,
    ForgetsAnEscapeThatEndsATriple,
    ForgetsThatItIsFinished,
    ForgetsTheEscapeAtACut,
    ForgetsToBeSticky,
    GivesItsOutputTwice,
    HasNoError,
    HasNoOutput,
    HasNoOutputAfterFinish,
    HasAnOutputTooEarly,
    HoldsBackTheLastByteOfAChunk,
    HoldsBackTheLastByteOfALongChunk,
    HoldsBackZeros,
    IgnoresEscapes,
    IgnoresEscapesWithoutASink,
    IgnoresPauses,
    KeepsItsOutputAfterAReset,
    LosesTextAtACut,
    LosesTheByteAfterAPause,
    LosesTheFirstEventOfALateSink,
    MissesAQuoteAfterACut,
    NamesTheStartOfTheChunk,
    OutputDependsOnTheCut,
    PanicsAtACut,
    PausesForEver,
    ReadsEverythingAgain,
    RepeatsTheEventThatPauses,
    ReportsAfterTheEnd,
    ReportsNothingThroughPointers,
    ResetDoesNothingInsideAValue,
    ResetIgnoresItsOffset,
    ResetKeepsTheEnd,
    ResetKeepsTheEscape,
    ResetKeepsTheOffset,
    StartsWithAnError,
    StatusNeverChanges,
    SucceedsAByteLate,
    SucceedsAByteLateOrAtTheEnd,
    SucceedsInSightOfTheNextByte,
    SucceedsWithoutReading,
    TruncatesCharacters,
    WaitsWithoutConsuming,
}

/// A parser that looks at each byte.
pub(crate) struct Quote {
    bug: Option<Bug>,
    state: State,
    status: Status,
    error: Option<Error>,
    offset: u64,
    /// The offset of the first byte.
    start: u64,
    work: u64,
    finished: bool,
    output: Option<u64>,
    /// The number of chunks fed.
    chunks: u64,
    /// Set if an event was reported again.
    repeated: bool,
    /// Set if the last chunk was fed without a sink.
    without_sink: bool,
    /// The length of the last chunk.
    chunk: usize,
    /// Text that is not reported yet.
    held: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Start,
    Inside,
    Escape,
    /// The value is over, and not yet a success.
    Closed,
}

impl Quote {
    pub(crate) fn new(bug: Option<Bug>) -> Self {
        let mut quote = Self {
            bug,
            state: State::Start,
            status: Status::NeedMoreInput,
            error: None,
            offset: 0,
            start: 0,
            work: 0,
            finished: false,
            output: None,
            chunks: 0,
            repeated: false,
            without_sink: false,
            chunk: 0,
            held: Vec::new(),
        };
        if quote.has(Bug::StartsWithAnError) {
            quote.fail(ErrorKind::Custom(0));
        }
        quote
    }

    fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    fn parse(&mut self, chunk: &[u8], sink: Option<&mut EventSink<'_, Quoted>>) -> Progress {
        let has_sink = sink.is_some();
        let mut loses =
            has_sink && self.without_sink && self.has(Bug::LosesTheFirstEventOfALateSink);
        self.without_sink = !has_sink;
        let emits_empty_text = self.has(Bug::EmitsEmptyText);
        let mut ignore = |_: Event<'_>| Continue(());
        let sink = sink.unwrap_or(&mut ignore);
        let ignores_pauses = self.has(Bug::IgnoresPauses);
        let report = &mut |text: &[u8]| {
            if (emits_empty_text || !text.is_empty())
                && !mem::take(&mut loses)
                && sink(Event::Text(text)).is_break()
                && !ignores_pauses
            {
                return Break(());
            }
            Continue(())
        };

        let forgets = match self.bug {
            Some(Bug::ForgetsToBeSticky) => !self.finished,
            Some(Bug::ForgetsThatItIsFinished) => self.finished,
            _ => false,
        };
        if self.status != Status::NeedMoreInput && !forgets {
            if self.has(Bug::ReportsAfterTheEnd) {
                let _ = report(b"more");
            }
            let consumed = if self.has(Bug::CountsRefusedBytes) { chunk.len() } else { 0 };
            return Progress { consumed, status: self.status };
        }
        if chunk.is_empty() {
            if self.has(Bug::EndsOnAnEmptyChunk) {
                self.fail(ErrorKind::UnexpectedEnd);
            }
            return self.consume(0, self.status);
        }
        assert!(self.state != State::Escape || !self.has(Bug::PanicsAtACut), "cut in an escape");
        self.chunk = chunk.len();
        self.chunks += 1;
        let held = mem::take(&mut self.held);
        if !held.is_empty() && report(&held).is_break() {
            return self.consume(0, Status::NeedMoreInput);
        }
        self.work += chunk.len() as u64;
        if self.has(Bug::ReadsEverythingAgain) {
            self.work += self.offset;
        }
        let escapes = match self.bug {
            Some(Bug::IgnoresEscapes) => false,
            Some(Bug::IgnoresEscapesWithoutASink) => has_sink,
            _ => true,
        };
        self.scan(chunk, escapes, report)
    }

    fn scan(
        &mut self,
        chunk: &[u8],
        escapes: bool,
        report: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Progress {
        // The start of the text that is not reported yet.
        let mut from = 0;
        for (at, &byte) in chunk.iter().enumerate() {
            match (self.state, byte) {
                (State::Start, b'"') => {
                    from = at + 1;
                    self.state = State::Inside;
                }
                (State::Start, _) if self.has(Bug::SucceedsWithoutReading) => {
                    return self.succeed(0);
                }
                (State::Start, _) => return self.refuse(at),
                (State::Inside, b'"') if at > 0 || !self.has(Bug::MissesAQuoteAfterACut) => {
                    let _ = report(&chunk[from..at]);
                    if let Some(
                        Bug::SucceedsAByteLate
                        | Bug::SucceedsAByteLateOrAtTheEnd
                        | Bug::SucceedsInSightOfTheNextByte,
                    ) = self.bug
                    {
                        self.state = State::Closed;
                        continue;
                    }
                    let past = usize::from(self.has(Bug::ConsumesPastTheQuote));
                    return self.succeed(chunk.len().min(at + 1 + past));
                }
                (State::Inside, b'\\') if escapes => {
                    self.state = State::Escape;
                    if report(&chunk[from..at]).is_break() {
                        return self.pause(chunk, from, at + 1);
                    }
                }
                (State::Inside, _) => {}
                (State::Escape, _) => {
                    from = at;
                    self.state = State::Inside;
                }
                (State::Closed, _) => {
                    let late = usize::from(!self.has(Bug::SucceedsInSightOfTheNextByte));
                    return self.succeed(at + late);
                }
            }
        }
        if self.state == State::Inside && !self.has(Bug::LosesTextAtACut) {
            let text = &chunk[from..];
            let holds_back = match self.bug {
                Some(Bug::HoldsBackTheLastByteOfAChunk) => !text.is_empty(),
                Some(Bug::HoldsBackTheLastByteOfALongChunk) => text.len() > 1,
                Some(Bug::HoldsBackZeros) => text.ends_with(b"\0"),
                _ => false,
            };
            let dropped = usize::from(holds_back || self.has(Bug::DropsTheLastByteOfAChunk));
            let (now, later) = text.split_at(text.len().saturating_sub(dropped));
            let _ = report(now);
            if holds_back {
                self.held = later.into();
            }
        }
        let forgets = match self.bug {
            Some(Bug::ForgetsTheEscapeAtACut) => true,
            Some(Bug::ForgetsAnEscapeThatFillsAChunk) => self.chunk == 1,
            Some(Bug::ForgetsAnEscapeThatEndsAPair) => self.chunk == 2,
            Some(Bug::ForgetsAnEscapeThatEndsATriple) => self.chunk == 3,
            _ => false,
        };
        if self.state == State::Escape && forgets {
            self.state = State::Inside;
        }
        let consumed = match self.bug {
            Some(Bug::ConsumesMoreThanTheChunk) => chunk.len() + 1,
            Some(Bug::WaitsWithoutConsuming) => 0,
            _ => chunk.len(),
        };
        self.consume(consumed, Status::NeedMoreInput)
    }

    /// Leaves the chunk after `at`, where the sink has paused. The text it was given began at `from`.
    fn pause(&mut self, chunk: &[u8], from: usize, at: usize) -> Progress {
        let repeats = match self.bug {
            Some(Bug::RepeatsTheEventThatPauses) => !mem::replace(&mut self.repeated, true),
            Some(Bug::PausesForEver) => true,
            _ => false,
        };
        if repeats {
            self.state = State::Inside;
            return self.consume(from, Status::NeedMoreInput);
        }
        let past = usize::from(self.has(Bug::LosesTheByteAfterAPause));
        self.consume(chunk.len().min(at + past), Status::NeedMoreInput)
    }

    fn succeed(&mut self, consumed: usize) -> Progress {
        let progress = self.consume(consumed, Status::Success);
        self.output = match self.bug {
            Some(Bug::HasNoOutput) => None,
            Some(Bug::OutputDependsOnTheCut) => Some(self.chunks),
            _ => Some(self.offset - self.start),
        };
        progress
    }

    fn consume(&mut self, consumed: usize, status: Status) -> Progress {
        let times = if self.has(Bug::CountsTwice) { 2 } else { 1 };
        self.offset += times * consumed as u64;
        self.status = status;
        Progress { consumed, status }
    }

    fn refuse(&mut self, at: usize) -> Progress {
        let after = usize::from(self.has(Bug::BlamesTheByteAfter));
        let progress = self.consume(at + after, Status::BadInput);
        self.fail(match self.bug {
            Some(Bug::BlamesDifferentlyAtACut) if self.chunk == 1 => ErrorKind::Custom(0),
            _ => ErrorKind::UnexpectedByte,
        });
        progress
    }

    fn conclude(&mut self, has_sink: bool) -> Result<(), Error> {
        self.finished = true;
        if self.has(Bug::HasNoOutputAfterFinish) {
            self.output = None;
        }
        if self.status != Status::NeedMoreInput {
            return match self.error {
                Some(error) if !self.has(Bug::FinishesDifferentlyTheSecondTime) => Err(error),
                _ => Ok(()),
            };
        }
        if self.has(Bug::FinishMovesTheOffset) {
            self.offset += 1;
        }
        let accepts = match self.bug {
            Some(Bug::AcceptsTheEndAfterASingleByte) => self.chunk == 1,
            Some(Bug::AcceptsTheEndInside) => true,
            Some(Bug::FinishesDifferentlyWithoutASink) => !has_sink,
            Some(Bug::SucceedsAByteLateOrAtTheEnd | Bug::SucceedsInSightOfTheNextByte) => {
                self.state == State::Closed
            }
            _ => false,
        };
        if accepts {
            self.status = Status::Success;
            self.output = Some(0);
        } else {
            self.fail(ErrorKind::UnexpectedEnd);
        }
        self.error.map_or(Ok(()), Err)
    }

    fn fail(&mut self, kind: ErrorKind) {
        self.status = Status::BadInput;
        let mut error = Error::new(kind, self.offset);
        if self.has(Bug::NamesTheStartOfTheChunk) {
            error.start = Some(self.offset - self.chunk.min(2) as u64);
        }
        self.error = Some(error);
    }
}

impl PushParser for Quote {
    type Events = Quoted;
    /// The length of the string.
    type Output = u64;

    fn feed(&mut self, chunk: &[u8]) -> Progress {
        self.parse(chunk, None)
    }

    fn feed_with(&mut self, chunk: &[u8], mut sink: impl FnMut(Event<'_>) + Send) -> Progress {
        self.feed_until(chunk, |event| {
            sink(event);
            Continue(())
        })
    }

    fn feed_until(
        &mut self,
        chunk: &[u8],
        mut sink: impl FnMut(Event<'_>) -> ControlFlow<()> + Send,
    ) -> Progress {
        self.parse(chunk, Some(&mut sink))
    }

    fn feed_dyn(&mut self, chunk: &[u8], sink: &mut EventSink<'_, Quoted>) -> Progress {
        let sink = (!self.has(Bug::ReportsNothingThroughPointers)).then_some(sink);
        self.parse(chunk, sink)
    }

    fn finish(&mut self) -> Result<(), Error> {
        self.conclude(false)
    }

    fn finish_dyn(&mut self, sink: &mut EventSink<'_, Quoted>) -> Result<(), Error> {
        let held = mem::take(&mut self.held);
        if !held.is_empty() {
            let _ = sink(Event::Text(&held));
        }
        self.conclude(true)
    }

    fn state(&self) -> &pushdown::State {
        unreachable!("each of its bugs is in one of the four methods below")
    }

    fn has_begun(&self) -> bool {
        let begins = if self.has(Bug::BeginsWithAnUncutChunk) { self.chunk > 1 } else { true };
        self.offset > self.start && begins
    }

    fn status(&self) -> Status {
        if self.has(Bug::StatusNeverChanges) { Status::NeedMoreInput } else { self.status }
    }

    fn error(&self) -> Option<&Error> {
        self.error.as_ref().filter(|_| !self.has(Bug::HasNoError))
    }

    fn offset(&self) -> u64 {
        self.offset
    }

    fn take_output(&mut self) -> Option<u64> {
        match self.bug {
            Some(Bug::GivesItsOutputTwice) => self.output,
            Some(Bug::HasAnOutputTooEarly)
                if self.status == Status::NeedMoreInput && self.offset > self.start =>
            {
                Some(0)
            }
            _ => self.output.take(),
        }
    }

    fn reset(&mut self) {
        if self.finished || !self.has(Bug::ResetDoesNothingInsideAValue) {
            self.reset_at(0);
        }
    }

    fn reset_at(&mut self, offset: u64) {
        let before = mem::replace(self, Self { offset, start: offset, ..Self::new(self.bug) });
        match self.bug {
            Some(Bug::KeepsItsOutputAfterAReset) => self.output = before.output,
            Some(Bug::ResetIgnoresItsOffset) => self.offset = 0,
            Some(Bug::ResetKeepsTheEnd) if before.finished => self.status = before.status,
            Some(Bug::ResetKeepsTheEscape) if before.state == State::Escape => {
                self.state = before.state;
            }
            Some(Bug::ResetKeepsTheOffset) => self.offset = before.offset,
            _ => {}
        }
    }

    fn process_char(&mut self, c: char) -> Status {
        let mut utf8 = [0; 4];
        let mut bytes = c.encode_utf8(&mut utf8).as_bytes();
        if self.has(Bug::TruncatesCharacters) {
            bytes = &bytes[..1];
        }
        self.feed(bytes).status
    }
}

impl Work for Quote {
    fn work(&self) -> u64 {
        self.work
    }
}
