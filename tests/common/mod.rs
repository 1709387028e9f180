//! The quoted string for tests and fuzz targets: two independent oracles, and every engine behind
//! one interface.

use core::fmt;
use core::ops::ControlFlow::Continue;

use pushdown::quoted::{self, Event, Quoted};
use pushdown::{DynParser, Error, ErrorKind, PushParser, Status};
use regex_automata::dfa::{Automaton, dense};
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input, nfa::thompson};

/// Everything that the law of cuts compares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status after the last byte.
    pub status: Status,
    /// Number of bytes consumed.
    pub consumed: usize,
    /// The content.
    pub text: Vec<u8>,
    /// The answer of `finish` after the last byte.
    pub finished: Result<(), Error>,
}

/// Computes the expected answer to an input in the most naive way.
pub fn oracle(input: &[u8]) -> Answer {
    let mut text = Vec::new();
    let mut rest = input.iter().copied();
    let status = match rest.next() {
        None => Status::NeedMoreInput,
        Some(b'"') => loop {
            match rest.next() {
                None => break Status::NeedMoreInput,
                Some(b'"') => break Status::Success,
                Some(b'\\') => text.extend(rest.next()),
                Some(byte) => text.push(byte),
            }
        },
        Some(_) => Status::BadInput,
    };
    let (consumed, error) = match status {
        Status::NeedMoreInput => (input.len(), Some(ErrorKind::UnexpectedEnd)),
        Status::Success => (input.len() - rest.len(), None),
        Status::BadInput => (0, Some(ErrorKind::UnexpectedByte)),
    };
    let offset = consumed as u64;
    Answer {
        status,
        consumed,
        text,
        finished: error.map_or(Ok(()), |kind| Err(Error::new(kind, offset))),
    }
}

/// The regular expression of the format, compiled by regex-automata: an oracle that shares no code
/// with ours.
#[derive(Debug)]
pub struct Regex(dense::DFA<Vec<u32>>);

impl Regex {
    /// Compiles the expression such that `.` is any byte: a newline (`s`), and not only UTF-8
    /// (`-u`).
    pub fn compile() -> Self {
        let dfa = dense::Builder::new()
            .syntax(syntax::Config::new().utf8(false))
            .thompson(thompson::Config::new().utf8(false))
            .build(r#"(?s-u)^"([^"\\]|\\.)*""#);
        Self(dfa.expect("the expression is well-formed"))
    }

    /// Returns the status after an input, and the number of bytes consumed.
    ///
    /// The automaton reports a match one byte late, so before each byte it is asked if the match
    /// would end here.
    pub fn answer(&self, input: &[u8]) -> (Status, usize) {
        let start = Input::new(input).anchored(Anchored::Yes);
        let mut state = (self.0.start_state_forward(&start)).expect("an anchored search can start");
        for (at, &byte) in input.iter().enumerate() {
            if self.0.is_match_state(self.0.next_eoi_state(state)) {
                return (Status::Success, at);
            }
            state = self.0.next_state(state, byte);
            if self.0.is_dead_state(state) {
                return (Status::BadInput, at);
            }
        }
        let matched = self.0.is_match_state(self.0.next_eoi_state(state));
        let status = if matched { Status::Success } else { Status::NeedMoreInput };
        (status, input.len())
    }
}

/// Cuts the input in two at every place, if it is short, and into chunks of one size with empty
/// chunks between them. There are at most a thousand chunks, since the combinator starts over with
/// each.
pub fn cuttings(input: &[u8]) -> impl Iterator<Item = Vec<&[u8]>> {
    let len = input.len();
    let cuts = if len <= 256 { 0..=len } else { 0..=0 };
    let halves = cuts.map(|cut| vec![&input[..cut], &input[cut..]]);
    let sizes = [1, 2, 3, 7, 64, 4096].into_iter();
    let sizes = sizes.filter(move |size| *size < len && len / size <= 1000);
    halves.chain(sizes.map(|size| input.chunks(size).flat_map(|chunk| [chunk, &[]]).collect()))
}

/// The parser of one engine, reset before each use.
pub struct Engine {
    name: &'static str,
    /// Set if content is reported only when the string is complete.
    deferred: bool,
    parser: Box<DynParser<'static, Quoted>>,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Engine {
    /// Returns all engines. Miri runs those that need no unsafe code of other crates.
    pub fn all() -> Vec<Self> {
        fn engine(
            name: &'static str,
            parser: impl PushParser<Events = Quoted, Output = ()> + 'static,
        ) -> Engine {
            Engine { name, deferred: name == "combinator", parser: Box::new(parser) }
        }
        vec![
            engine("machine", quoted::Machine::new()),
            #[cfg(not(miri))]
            engine("coroutine", quoted::Coroutine::new()),
            #[cfg(not(miri))]
            engine("generator", quoted::Generator::new()),
            engine("stackless", quoted::Stackless::new()),
            engine("combinator", quoted::Combinator::new()),
        ]
    }

    /// Checks the answer of every engine to the chunks. No engine is a failure.
    pub fn check_all(engines: &mut [Self], chunks: &[&[u8]], expected: &Answer) {
        assert!(!engines.is_empty());
        for engine in engines {
            engine.check(chunks, expected);
        }
    }

    /// Checks with a sink and, since scans then work differently, without one.
    fn check(&mut self, chunks: &[&[u8]], expected: &Answer) {
        for sink in [true, false] {
            let mut answer = self.answer(chunks, sink);
            if !sink || (self.deferred && expected.status != Status::Success) {
                assert_eq!(answer.text, b"", "quoted/{self:?} reports content too early");
                answer.text.clone_from(&expected.text);
            }
            assert_eq!(
                answer,
                *expected,
                "quoted/{self:?} (left) is wrong about {}, with a sink: {sink}",
                shown(chunks)
            );
        }
    }

    /// Feeds the chunks, with a sink or without, and finishes.
    pub fn answer(&mut self, chunks: &[&[u8]], sink: bool) -> Answer {
        let parser = &mut self.parser;
        let mut text = Vec::new();
        let mut consumed = 0;
        parser.reset();
        let mut record = |Event::Text(piece): Event<'_>| {
            assert_ne!(piece, b"", "an event is never empty");
            text.extend_from_slice(piece);
            Continue(())
        };
        for chunk in chunks {
            let progress =
                if sink { parser.feed_dyn(chunk, &mut record) } else { parser.feed(chunk) };
            consumed += progress.consumed;
        }
        let (status, offset) = (parser.status(), parser.offset());
        let finished = parser.finish();
        assert_eq!(offset, consumed as u64, "quoted/{self:?}: the offset in {}", shown(chunks));
        assert_eq!(
            parser.error().copied(),
            finished.err(),
            "quoted/{self:?}: the error in {}",
            shown(chunks)
        );
        Answer { status, consumed, text, finished }
    }
}

fn shown(chunks: &[&[u8]]) -> String {
    let chunks: Vec<_> = chunks.iter().map(|chunk| chunk.escape_ascii().to_string()).collect();
    chunks.join(" | ")
}
