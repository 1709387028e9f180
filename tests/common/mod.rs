//! The quoted string as the tests see it: what is expected, twice, and every engine behind one face.

use core::fmt;

use pushdown::quoted::{self, Event, Quoted};
use pushdown::{Error, ErrorKind, PushParser, Status};
use regex_automata::dfa::{Automaton, dense};
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input, nfa::thompson};

/// All that the law of cuts speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status after the last byte.
    pub status: Status,
    /// How many bytes were consumed.
    pub consumed: usize,
    /// The content.
    pub text: Vec<u8>,
    /// What `finish` says then.
    pub verdict: Result<(), Error>,
}

/// What is to be answered to an input, in the most naive way.
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
        verdict: error.map_or(Ok(()), |kind| Err(Error { kind, offset })),
    }
}

/// The regular expression itself, compiled by somebody else.
#[derive(Debug)]
pub struct Regex(dense::DFA<Vec<u32>>);

impl Regex {
    /// `.` is any byte (`s`), and bytes need not be UTF-8 (`-u`).
    pub fn compile() -> Self {
        let dfa = dense::Builder::new()
            .syntax(syntax::Config::new().utf8(false))
            .thompson(thompson::Config::new().utf8(false))
            .build(r#"(?s-u)^"([^"\\]|\\.)*""#);
        Self(dfa.expect("the expression is well-formed"))
    }

    /// How an input is answered, and how many of its bytes are consumed.
    ///
    /// The automaton tells of a match one byte late, so it is asked before each byte whether the
    /// match would end here.
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

/// The input cut in two everywhere if it is short, and in pieces of one size with nothing between
/// them. At most a thousand pieces, for the combinator reads all again with each.
pub fn cuttings(input: &[u8]) -> impl Iterator<Item = Vec<&[u8]>> {
    let len = input.len();
    let cuts = if len <= 256 { 0..=len } else { 0..=0 };
    let halves = cuts.map(|cut| vec![&input[..cut], &input[cut..]]);
    let sizes = [1, 2, 3, 7, 64, 4096].into_iter();
    let sizes = sizes.filter(move |size| *size < len && len / size <= 1000);
    halves.chain(sizes.map(|size| input.chunks(size).flat_map(|piece| [piece, &[]]).collect()))
}

/// One engine's parser, used again and again.
pub struct Engine {
    name: &'static str,
    /// Whether content is reported before the string is complete.
    early: bool,
    parser: Box<dyn PushParser<Events = Quoted>>,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Engine {
    /// All of them; under Miri those that bring no unsafe code of others.
    pub fn all() -> Vec<Self> {
        fn engine(
            name: &'static str,
            parser: impl PushParser<Events = Quoted> + 'static,
        ) -> Engine {
            Engine { name, early: name != "combinator", parser: Box::new(parser) }
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

    /// Checks every engine's answer to the chunks.
    pub fn check_all(engines: &mut [Self], chunks: &[&[u8]], expected: &Answer) {
        for engine in engines {
            engine.check(chunks, expected);
        }
    }

    /// Twice: while events are taken and, since scans then go another way, while none are.
    fn check(&mut self, chunks: &[&[u8]], expected: &Answer) {
        for listening in [true, false] {
            let mut answer = self.answer(chunks, listening);
            if !listening || (!self.early && expected.status != Status::Success) {
                assert_eq!(answer.text, b"", "quoted/{self:?} reports too early");
                answer.text.clone_from(&expected.text);
            }
            assert_eq!(
                answer,
                *expected,
                "quoted/{self:?} (left) is wrong about {}, listening: {listening}",
                shown(chunks)
            );
        }
    }

    /// What the engine makes of the chunks, while events are taken or while they are not.
    pub fn answer(&mut self, chunks: &[&[u8]], listening: bool) -> Answer {
        let parser = &mut self.parser;
        let mut text = Vec::new();
        let mut consumed = 0;
        parser.reset();
        let mut sink = |Event::Text(piece): Event<'_>| {
            assert_ne!(piece, b"", "an event is never empty");
            text.extend_from_slice(piece);
        };
        for chunk in chunks {
            let progress =
                if listening { parser.feed_dyn(chunk, &mut sink) } else { parser.feed(chunk) };
            consumed += progress.consumed;
        }
        let (status, offset) = (parser.status(), parser.offset());
        let verdict = parser.finish();
        assert_eq!(offset, consumed as u64, "quoted/{self:?} has lost count in {}", shown(chunks));
        assert_eq!(parser.error().copied(), verdict.err(), "quoted/{self:?}: {}", shown(chunks));
        Answer { status, consumed, text, verdict }
    }
}

fn shown(chunks: &[&[u8]]) -> String {
    let chunks: Vec<_> = chunks.iter().map(|chunk| chunk.escape_ascii().to_string()).collect();
    chunks.join(" | ")
}
