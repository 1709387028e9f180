//! The engines to compare, and the lecture's byte-by-byte machine as the yardstick.

use pushdown::quoted::{self, Event, Quoted};
use pushdown::scan::Kernel;
use pushdown::{Error, ErrorKind, EventSink, Progress, PushParser, Status};

/// All engines behind one type, so that no call is inlined.
pub(crate) type Parser = dyn PushParser<Events = Quoted>;

pub(crate) struct Engine {
    pub(crate) name: &'static str,
    pub(crate) new: fn() -> Box<Parser>,
    /// The name of the scan that skips many bytes at once.
    pub(crate) scan: fn() -> &'static str,
    /// Set for an engine that parses a string again with every chunk.
    pub(crate) parses_again: bool,
}

pub(crate) const CHUNK_SIZES: [usize; 5] = [1, 16, 64, 1460, LARGEST_CHUNK];
pub(crate) const LARGEST_CHUNK: usize = 65536;

/// The row that uses nothing of the library.
pub(crate) const YARDSTICK: usize = 0;
/// The row that the ratios are relative to.
pub(crate) const MACHINE: usize = 1;

pub(crate) const ENGINES: [Engine; 6] = [
    Engine {
        name: "byte by byte",
        new: || Box::new(ByteByByte::new()),
        scan: || "none",
        parses_again: false,
    },
    Engine {
        name: "machine",
        new: || Box::new(quoted::Machine::new()),
        scan: kernel,
        parses_again: false,
    },
    Engine {
        name: "coroutine",
        new: || Box::new(quoted::Coroutine::new()),
        scan: kernel,
        parses_again: false,
    },
    Engine {
        name: "generator",
        new: || Box::new(quoted::Generator::new()),
        scan: kernel,
        parses_again: false,
    },
    Engine {
        name: "stackless",
        new: || Box::new(quoted::Stackless::new()),
        scan: kernel,
        parses_again: false,
    },
    Engine {
        name: "combinator",
        new: || Box::new(quoted::Combinator::new()),
        scan: || "nom",
        parses_again: true,
    },
];

fn kernel() -> &'static str {
    Kernel::best().name()
}

/// The lecture's machine as usually written by hand: a loop over the bytes, a `match` on the state.
///
/// It implements the library's interface but uses nothing else of it, and has no scan.
pub(crate) struct ByteByByte {
    state: State,
    status: Status,
    /// `offset` counts the bytes consumed; `kind` is meaningful after `BadInput` alone.
    error: Error,
}

#[derive(Clone, Copy)]
enum State {
    Start,
    Inside,
    Escape,
}

impl ByteByByte {
    pub(crate) fn new() -> Self {
        Self {
            state: State::Start,
            status: Status::NeedMoreInput,
            error: Error { kind: ErrorKind::UnexpectedEnd, offset: 0 },
        }
    }

    #[inline]
    fn run(&mut self, chunk: &[u8], mut text: impl FnMut(&[u8])) -> Progress {
        let mut consumed = 0;
        if self.status == Status::NeedMoreInput {
            for byte in chunk.chunks(1) {
                consumed += 1;
                match (self.state, byte[0]) {
                    (State::Start, b'"') => self.state = State::Inside,
                    (State::Start, _) => {
                        consumed -= 1;
                        self.error.kind = ErrorKind::UnexpectedByte;
                        self.status = Status::BadInput;
                        break;
                    }
                    (State::Inside, b'"') => {
                        self.status = Status::Success;
                        break;
                    }
                    (State::Inside, b'\\') => self.state = State::Escape,
                    (State::Inside | State::Escape, _) => {
                        text(byte);
                        self.state = State::Inside;
                    }
                }
            }
        }
        self.error.offset += consumed as u64;
        Progress { consumed, status: self.status }
    }
}

impl PushParser for ByteByByte {
    type Events = Quoted;

    #[inline]
    fn feed(&mut self, chunk: &[u8]) -> Progress {
        self.run(chunk, |_| {})
    }

    fn feed_dyn(&mut self, chunk: &[u8], sink: &mut EventSink<'_, Quoted>) -> Progress {
        self.run(chunk, |text| sink(Event::Text(text)))
    }

    fn finish_dyn(&mut self, _: &mut EventSink<'_, Quoted>) -> Result<(), Error> {
        if self.status == Status::NeedMoreInput {
            self.status = Status::BadInput;
        }
        self.error().map_or(Ok(()), |error| Err(*error))
    }

    fn status(&self) -> Status {
        self.status
    }

    fn error(&self) -> Option<&Error> {
        (self.status == Status::BadInput).then_some(&self.error)
    }

    fn offset(&self) -> u64 {
        self.error.offset
    }

    fn reset_at(&mut self, offset: u64) {
        *self = Self::new();
        self.error.offset = offset;
    }
}
