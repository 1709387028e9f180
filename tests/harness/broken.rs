//! A quoted string by hand, and the bugs that can be planted in it.

use std::mem;

use pushdown::quoted::{Event, Quoted};
use pushdown::testing::Work;
use pushdown::{Error, ErrorKind, EventSink, Progress, PushParser, Status};

/// What can be wrong with a [`Quote`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Bug {
    AcceptsTheEndAfterASingleByte,
    AcceptsTheEndInside,
    BlamesOtherwiseAtACut,
    BlamesTheByteAfter,
    ConsumesMoreThanTheChunk,
    ConsumesPastTheQuote,
    CountsTwice,
    CountsWhatItRefuses,
    DropsTheLastByteOfAChunk,
    EmitsEmptyText,
    EndsOnAnEmptyChunk,
    FinishMovesTheOffset,
    FinishesOtherwiseUnheard,
    FinishesTwoWays,
    ForgetsAnEscapeThatIsAChunk,
    ForgetsThatItIsFinished,
    ForgetsTheEscapeAtACut,
    ForgetsToBeSticky,
    HasNoError,
    KnowsNoEscapes,
    KnowsNoEscapesUnheard,
    LosesTextAtACut,
    MissesAQuoteAfterACut,
    PanicsAtACut,
    ReadsAllAgain,
    ReportsAfterTheEnd,
    ResetDoesNothingHalfWay,
    ResetIgnoresItsOffset,
    ResetKeepsTheEnd,
    ResetKeepsTheEscape,
    ResetKeepsTheOffset,
    StartsWithAnError,
    StatusLags,
    SwallowsTheFirstEventHeard,
    TellsPointersNothing,
    TruncatesCharacters,
    WaitsWithoutConsuming,
}

/// The string, recognised byte by byte.
pub(crate) struct Quote {
    bug: Option<Bug>,
    state: State,
    status: Status,
    error: Option<Error>,
    offset: u64,
    work: u64,
    finished: bool,
    /// Whether nobody took the events of the last chunk.
    unheard: bool,
    /// Whether the last chunk was one byte.
    single: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Start,
    Inside,
    Escape,
}

impl Quote {
    pub(crate) fn new(bug: Option<Bug>) -> Self {
        let mut quote = Self {
            bug,
            state: State::Start,
            status: Status::NeedMoreInput,
            error: None,
            offset: 0,
            work: 0,
            finished: false,
            unheard: false,
            single: false,
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
        let heard = sink.is_some();
        let mut swallows = heard && self.unheard && self.has(Bug::SwallowsTheFirstEventHeard);
        self.unheard = !heard;
        let emits_empty_text = self.has(Bug::EmitsEmptyText);
        let mut nobody = |_: Event<'_>| {};
        let sink = sink.unwrap_or(&mut nobody);
        let report = &mut |text: &[u8]| {
            if (emits_empty_text || !text.is_empty()) && !mem::take(&mut swallows) {
                sink(Event::Text(text));
            }
        };

        let forgets = match self.bug {
            Some(Bug::ForgetsToBeSticky) => !self.finished,
            Some(Bug::ForgetsThatItIsFinished) => self.finished,
            _ => false,
        };
        if self.status != Status::NeedMoreInput && !forgets {
            if self.has(Bug::ReportsAfterTheEnd) {
                report(b"more");
            }
            let consumed = if self.has(Bug::CountsWhatItRefuses) { chunk.len() } else { 0 };
            return Progress { consumed, status: self.status };
        }
        if chunk.is_empty() {
            if self.has(Bug::EndsOnAnEmptyChunk) {
                self.fail(ErrorKind::UnexpectedEnd);
            }
            return self.consume(0, self.status);
        }
        assert!(self.state != State::Escape || !self.has(Bug::PanicsAtACut), "cut in an escape");
        self.single = chunk.len() == 1;
        self.work += chunk.len() as u64;
        if self.has(Bug::ReadsAllAgain) {
            self.work += self.offset;
        }
        let escapes = match self.bug {
            Some(Bug::KnowsNoEscapes) => false,
            Some(Bug::KnowsNoEscapesUnheard) => heard,
            _ => true,
        };
        self.scan(chunk, escapes, report)
    }

    fn scan(&mut self, chunk: &[u8], escapes: bool, report: &mut dyn FnMut(&[u8])) -> Progress {
        // Where the text starts that was not reported yet.
        let mut from = 0;
        for (at, &byte) in chunk.iter().enumerate() {
            match (self.state, byte) {
                (State::Start, b'"') => {
                    from = at + 1;
                    self.state = State::Inside;
                }
                (State::Start, _) => return self.refuse(at),
                (State::Inside, b'"') if at > 0 || !self.has(Bug::MissesAQuoteAfterACut) => {
                    report(&chunk[from..at]);
                    let past = usize::from(self.has(Bug::ConsumesPastTheQuote));
                    return self.consume(chunk.len().min(at + 1 + past), Status::Success);
                }
                (State::Inside, b'\\') if escapes => {
                    report(&chunk[from..at]);
                    self.state = State::Escape;
                }
                (State::Inside, _) => {}
                (State::Escape, _) => {
                    from = at;
                    self.state = State::Inside;
                }
            }
        }
        if self.state == State::Inside && !self.has(Bug::LosesTextAtACut) {
            let dropped = usize::from(self.has(Bug::DropsTheLastByteOfAChunk));
            report(&chunk[from..from.max(chunk.len() - dropped)]);
        }
        if self.state == State::Escape
            && (self.has(Bug::ForgetsTheEscapeAtACut)
                || self.has(Bug::ForgetsAnEscapeThatIsAChunk) && self.single)
        {
            self.state = State::Inside;
        }
        let consumed = match self.bug {
            Some(Bug::ConsumesMoreThanTheChunk) => chunk.len() + 1,
            Some(Bug::WaitsWithoutConsuming) => 0,
            _ => chunk.len(),
        };
        self.consume(consumed, Status::NeedMoreInput)
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
            Some(Bug::BlamesOtherwiseAtACut) if self.single => ErrorKind::Custom(0),
            _ => ErrorKind::UnexpectedByte,
        });
        progress
    }

    fn conclude(&mut self, heard: bool) -> Result<(), Error> {
        self.finished = true;
        if self.status != Status::NeedMoreInput {
            return match self.error {
                Some(error) if !self.has(Bug::FinishesTwoWays) => Err(error),
                _ => Ok(()),
            };
        }
        if self.has(Bug::FinishMovesTheOffset) {
            self.offset += 1;
        }
        let accepts = match self.bug {
            Some(Bug::AcceptsTheEndAfterASingleByte) => self.single,
            Some(Bug::AcceptsTheEndInside) => true,
            Some(Bug::FinishesOtherwiseUnheard) => !heard,
            _ => false,
        };
        if accepts {
            self.status = Status::Success;
        } else {
            self.fail(ErrorKind::UnexpectedEnd);
        }
        self.error.map_or(Ok(()), Err)
    }

    fn fail(&mut self, kind: ErrorKind) {
        self.status = Status::BadInput;
        self.error = Some(Error { kind, offset: self.offset });
    }
}

impl PushParser for Quote {
    type Events = Quoted;

    fn feed(&mut self, chunk: &[u8]) -> Progress {
        self.parse(chunk, None)
    }

    fn feed_with(&mut self, chunk: &[u8], mut sink: impl FnMut(Event<'_>) + Send) -> Progress {
        self.parse(chunk, Some(&mut sink))
    }

    fn feed_dyn(&mut self, chunk: &[u8], sink: &mut EventSink<'_, Quoted>) -> Progress {
        let sink = (!self.has(Bug::TellsPointersNothing)).then_some(sink);
        self.parse(chunk, sink)
    }

    fn finish(&mut self) -> Result<(), Error> {
        self.conclude(false)
    }

    fn finish_dyn(&mut self, _: &mut EventSink<'_, Quoted>) -> Result<(), Error> {
        self.conclude(true)
    }

    fn state(&self) -> &pushdown::State {
        unreachable!("each of its bugs is in one of the three methods below")
    }

    fn status(&self) -> Status {
        if self.has(Bug::StatusLags) { Status::NeedMoreInput } else { self.status }
    }

    fn error(&self) -> Option<&Error> {
        self.error.as_ref().filter(|_| !self.has(Bug::HasNoError))
    }

    fn offset(&self) -> u64 {
        self.offset
    }

    fn reset(&mut self) {
        if self.finished || !self.has(Bug::ResetDoesNothingHalfWay) {
            self.reset_at(0);
        }
    }

    fn reset_at(&mut self, offset: u64) {
        let before = mem::replace(self, Self { offset, ..Self::new(self.bug) });
        match self.bug {
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
