//! RESP for tests and fuzz targets: an oracle, and every engine behind one interface.

pub mod log;
pub mod oracle;
pub mod reread;
pub mod tree;

use core::fmt;
use core::mem;
use core::ops::ControlFlow::Continue;

use pushdown::resp::{self, Event, Resp};
use pushdown::{DynParser, Error, Progress, PushParser, Status};

use log::Log;
pub use oracle::{Answer, Rules, oracle};
use reread::Reread;

/// Length of the longest input that the oracle is run on as a parser, because its time is quadratic.
const LONGEST_REREAD: usize = 64;

/// The expected answers to one input.
#[derive(Debug)]
pub struct Expected<'i> {
    /// The input.
    pub input: &'i [u8],
    /// The answer to the whole input.
    pub whole: Answer,
    /// The answers after each byte: none, if only the answer to the whole is compared.
    prefixes: Vec<Answer>,
}

impl<'i> Expected<'i> {
    /// Asks the oracle about the whole input.
    pub fn whole(input: &'i [u8], rules: Rules) -> Self {
        Self { input, whole: oracle(input, rules), prefixes: Vec::new() }
    }

    /// Asks the oracle about every prefix of the input as well, so that a parser has to be prompt.
    pub fn prompt(input: &'i [u8], rules: Rules) -> Self {
        let prefixes = (0..=input.len()).map(|len| oracle(&input[..len], rules)).collect();
        Self { prefixes, ..Self::whole(input, rules) }
    }
}

/// The parser of one engine, reset before each use.
pub struct Engine {
    name: &'static str,
    rules: Rules,
    longest: usize,
    parser: Box<DynParser<'static, Resp>>,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "resp/{} with {:?}", self.name, self.rules)
    }
}

impl Engine {
    /// A parser that is to answer as the oracle does with these rules.
    pub fn new(
        name: &'static str,
        rules: Rules,
        parser: impl PushParser<Events = Resp, Output = ()> + 'static,
    ) -> Self {
        let longest = if name == "oracle" { LONGEST_REREAD } else { usize::MAX };
        Self { name, rules, longest, parser: Box::new(parser) }
    }

    /// Returns all engines, and the oracle, which goes through the same checks. Miri runs those that need no
    /// unsafe code of other crates.
    pub fn all(rules: Rules) -> Vec<Self> {
        let options = rules.options();
        vec![
            Self::new("oracle", rules, Reread::new(rules)),
            Self::new("machine", rules, resp::Machine::with_options(options)),
            #[cfg(not(miri))]
            Self::new("coroutine", rules, resp::Coroutine::with_options(options).expect("a stack")),
            Self::new("stackless", rules, resp::Stackless::with_options(options)),
            #[cfg(not(miri))]
            Self::new("generator", rules, resp::Generator::with_options(options)),
        ]
    }

    /// Checks every engine, with a sink and without, on the input cut at these offsets. Two cuts in one
    /// place make an empty chunk. Returns the number of runs.
    pub fn check_all(engines: &mut [Self], cuts: &[usize], expected: &Expected<'_>) -> usize {
        assert!(!engines.is_empty());
        let mut runs = 0;
        for engine in engines {
            if engine.takes(expected.input.len()) {
                engine.check(cuts, expected, true);
                engine.check(cuts, expected, false);
                runs += 2;
            }
        }
        runs
    }

    fn check(&mut self, cuts: &[usize], expected: &Expected<'_>, sink: bool) {
        let input = expected.input;
        self.parser.reset();
        let (mut start, mut consumed, mut log) = (0, 0, Log::default());
        for end in cuts.iter().copied().chain([input.len()]) {
            let progress = if sink {
                self.feed(&input[start..end], &mut log)
            } else {
                self.parser.feed(&input[start..end])
            };
            consumed += progress.consumed;
            start = end;
            if let Some(prefix) = expected.prefixes.get(end) {
                let found = (progress.status, consumed);
                let wanted = (prefix.status, prefix.consumed);
                assert_eq!(found, wanted, "{}", self.about(cuts, input, end));
                assert!(
                    !sink || log == prefix.events,
                    "{}\nfound    {log}\nexpected {}",
                    self.about(cuts, input, end),
                    prefix.events
                );
            }
        }
        let status = self.parser.status();
        let about = |engine: &Self| engine.about(cuts, input, input.len());
        assert_eq!(self.parser.offset(), consumed as u64, "the offset: {}", about(self));
        let finished = if sink { self.finish(&mut log) } else { self.parser.finish() };
        assert_eq!(self.parser.error().copied(), finished.err(), "the error: {}", about(self));
        let mut found = Answer { events: log, status, consumed, finished };
        if !sink {
            found.events.clone_from(&expected.whole.events);
        }
        assert!(
            found == expected.whole,
            "{}\nfound    {found:?}\nexpected {:?}",
            about(self),
            expected.whole
        );
    }

    /// Returns true if the engine is to be run on inputs of this length.
    pub fn takes(&self, len: usize) -> bool {
        len <= self.longest
    }

    /// Parses the input, cut at these offsets, and returns the number of bytes consumed.
    pub fn run(
        &mut self,
        cuts: &[usize],
        input: &[u8],
        mut sink: impl FnMut(Event<'_>) + Send,
    ) -> Result<usize, Error> {
        self.parser.reset();
        let mut see = |event: Event<'_>| {
            sink(event);
            Continue(())
        };
        let (mut start, mut consumed) = (0, 0);
        for end in cuts.iter().copied().chain([input.len()]) {
            consumed += self.parser.feed_dyn(&input[start..end], &mut see).consumed;
            start = end;
        }
        self.parser.finish_dyn(&mut see).map(|()| consumed)
    }

    /// Parses a stream of values, one after the other, and returns the events of each.
    pub fn values<'c>(&mut self, chunks: impl Iterator<Item = &'c [u8]>) -> Vec<Log> {
        let mut values = Vec::new();
        let mut log = Log::default();
        let mut fed = 0;
        self.parser.reset();
        for mut chunk in chunks {
            fed += chunk.len() as u64;
            while !chunk.is_empty() {
                let progress = self.feed(chunk, &mut log);
                chunk = &chunk[progress.consumed..];
                match progress.status {
                    Status::NeedMoreInput => assert!(chunk.is_empty()),
                    Status::Success => {
                        values.push(mem::take(&mut log));
                        self.parser.next_value();
                    }
                    Status::BadInput => panic!("{self:?}: {:?}", self.parser.error()),
                }
            }
        }
        assert_eq!(self.parser.offset(), fed, "{self:?}");
        assert!(!self.parser.has_begun(), "{self:?}");
        values
    }

    fn feed(&mut self, chunk: &[u8], log: &mut Log) -> Progress {
        self.parser.feed_dyn(chunk, &mut |event| {
            log.see(event);
            Continue(())
        })
    }

    fn finish(&mut self, log: &mut Log) -> Result<(), Error> {
        self.parser.finish_dyn(&mut |event| {
            log.see(event);
            Continue(())
        })
    }

    fn about(&self, cuts: &[usize], input: &[u8], fed: usize) -> String {
        let shown = |bytes: &[u8]| bytes.escape_ascii().to_string();
        let text = match input.len() {
            ..=300 => shown(input),
            _ => format!("{} and {} bytes more", shown(&input[..300]), input.len() - 300),
        };
        let cuts = match cuts.len() {
            ..=16 => format!("{cuts:?}"),
            more => format!("{:?} and {} more", &cuts[..16], more - 16),
        };
        format!("{self:?} is wrong about {text}, cut at {cuts}, after {fed} bytes")
    }
}
