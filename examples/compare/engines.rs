//! The engines to compare, and the lecture's byte-by-byte machine as the yardstick.

use pushdown::quoted::{self, Event, Quoted};
use pushdown::{Error, ErrorKind, EventSink, Progress, PushParser, State};

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
    pushdown::scan::kernel_name()
}

/// The lecture's machine as usually written by hand: a loop over the bytes, a `match` on the state.
///
/// It implements the library's interface but uses nothing else of it, and has no scan.
pub(crate) struct ByteByByte {
    place: Place,
    state: State,
}

#[derive(Clone, Copy)]
enum Place {
    Start,
    Inside,
    Escape,
}

impl ByteByByte {
    pub(crate) fn new() -> Self {
        Self { place: Place::Start, state: State::new() }
    }

    #[inline]
    fn run(&mut self, chunk: &[u8], mut text: impl FnMut(&[u8])) -> Progress {
        let place = &mut self.place;
        self.state.feed(chunk, |state| {
            for (at, byte) in chunk.chunks(1).enumerate() {
                match (*place, byte[0]) {
                    (Place::Start, b'"') => *place = Place::Inside,
                    (Place::Start, _) => return state.fail(at, ErrorKind::UnexpectedByte),
                    (Place::Inside, b'"') => return state.succeed(at + 1),
                    (Place::Inside, b'\\') => *place = Place::Escape,
                    (Place::Inside | Place::Escape, _) => {
                        text(byte);
                        *place = Place::Inside;
                    }
                }
            }
            state.need_more(chunk.len())
        })
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
        self.state.finish()
    }

    fn state(&self) -> &State {
        &self.state
    }

    fn reset_at(&mut self, offset: u64) {
        *self = Self { place: Place::Start, state: State::at(offset) };
    }
}
