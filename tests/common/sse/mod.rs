//! Event streams for tests and fuzz targets: a reference, and every engine behind one interface.

pub mod log;
pub mod reference;
pub mod reread;

use core::fmt;
use core::ops::ControlFlow::Continue;

use pushdown::sse::{self, LentMessages, Message, Messages, Sse};
use pushdown::{DynParser, PushParser, Status};

use log::Log;
use reference::{Stream, read};
use reread::Reread;

/// Length of the longest input that the reference is run on as a parser, because its time is quadratic.
const LONGEST_REREAD: usize = 64;

/// The expected answers to one input.
#[derive(Debug)]
pub struct Expected<'i> {
    /// The input.
    pub input: &'i [u8],
    /// The answer to the whole input.
    pub whole: Stream,
    /// The answers after each byte: none, if only the answer to the whole is compared.
    prefixes: Vec<Stream>,
}

impl<'i> Expected<'i> {
    /// Asks the reference about the whole input.
    pub fn whole(input: &'i [u8]) -> Self {
        Self { input, whole: read(input), prefixes: Vec::new() }
    }

    /// Asks the reference about every prefix of the input as well, so that a parser has to be prompt.
    pub fn prompt(input: &'i [u8]) -> Self {
        let prefixes = (0..=input.len()).map(|len| read(&input[..len])).collect();
        Self { prefixes, ..Self::whole(input) }
    }

    fn after(&self, fed: usize) -> Option<&Stream> {
        if fed == self.input.len() { Some(&self.whole) } else { self.prefixes.get(fed) }
    }
}

/// Returns the chunks of an input that is cut at these offsets, each with its end.
fn chunks<'i>(input: &'i [u8], cuts: &[usize]) -> impl Iterator<Item = (&'i [u8], usize)> {
    let mut start = 0;
    cuts.iter().copied().chain([input.len()]).map(move |end| {
        let chunk = &input[start..end];
        start = end;
        (chunk, end)
    })
}

/// The parser of one engine, reset before each use.
pub struct Engine {
    name: &'static str,
    longest: usize,
    parser: Box<DynParser<'static, Sse>>,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sse/{}", self.name)
    }
}

impl Engine {
    fn new(
        name: &'static str,
        parser: impl PushParser<Events = Sse, Output = ()> + 'static,
    ) -> Self {
        let longest = if name == "reference" { LONGEST_REREAD } else { usize::MAX };
        Self { name, longest, parser: Box::new(parser) }
    }

    /// Returns all engines, and the reference, which goes through the same checks. Miri runs those that need
    /// no unsafe code of other crates.
    pub fn all() -> Vec<Self> {
        vec![
            Self::new("reference", Reread::default()),
            Self::new("machine", sse::Machine::new()),
            #[cfg(not(miri))]
            Self::new("coroutine", sse::Coroutine::new()),
            Self::new("stackless", sse::Stackless::new()),
            #[cfg(not(miri))]
            Self::new("generator", sse::Generator::new()),
        ]
    }

    /// Checks every engine, with a sink and without, on the input cut at these offsets. Two cuts in one
    /// place make an empty chunk. Returns the number of runs.
    pub fn check_all(engines: &mut [Self], cuts: &[usize], expected: &Expected<'_>) -> usize {
        assert!(!engines.is_empty());
        let mut runs = 0;
        for engine in engines {
            if expected.input.len() <= engine.longest {
                engine.check(cuts, expected);
                engine.check_without_sink(cuts, expected.input);
                runs += 2;
            }
        }
        runs
    }

    fn check(&mut self, cuts: &[usize], expected: &Expected<'_>) {
        self.parser.reset();
        let mut log = Log::default();
        for (chunk, end) in chunks(expected.input, cuts) {
            let progress = self.parser.feed_dyn(chunk, &mut |event| {
                log.see(event);
                Continue(())
            });
            let answer = (progress.consumed, progress.status);
            assert_eq!(answer, (chunk.len(), Status::NeedMoreInput), "{self:?}");
            if let Some(answer) = expected.after(end) {
                assert!(
                    log == answer.events,
                    "{self:?} is wrong about {}, cut at {cuts:?}, after {end} bytes\n\
                     found    {log}\nexpected {}",
                    expected.input.escape_ascii(),
                    answer.events
                );
            }
        }
        let mut at_the_end = 0;
        let finished = self.parser.finish_dyn(&mut |_| {
            at_the_end += 1;
            Continue(())
        });
        assert_eq!((finished, at_the_end), (Ok(()), 0), "{self:?}");
    }

    /// Returns what the engine reports of an input that begins at this offset.
    pub fn events_from(&mut self, offset: u64, input: &[u8]) -> String {
        self.parser.reset_at(offset);
        let mut log = Log::default();
        let _ = self.parser.feed_dyn(input, &mut |event| {
            log.see(event);
            Continue(())
        });
        log.to_string()
    }

    fn check_without_sink(&mut self, cuts: &[usize], input: &[u8]) {
        self.parser.reset();
        for (chunk, _) in chunks(input, cuts) {
            let progress = self.parser.feed(chunk);
            let answer = (progress.consumed, progress.status);
            assert_eq!(answer, (chunk.len(), Status::NeedMoreInput), "{self:?}");
        }
        assert_eq!(self.parser.finish(), Ok(()), "{self:?}");
    }
}

/// Checks the messages of [`Messages`] and of [`LentMessages`], in the chunk that completes each, on the input cut at
/// these offsets. Returns the number of runs.
pub fn check_messages(cuts: &[usize], expected: &Expected<'_>) -> usize {
    let (mut parser, mut lender) = (Messages::new(), LentMessages::new());
    let (mut found, mut lent): (Vec<Message>, Vec<Message>) = (Vec::new(), Vec::new());
    for (mut chunk, end) in chunks(expected.input, cuts) {
        let progress = lender.feed_with(chunk, |message| lent.push(message.into()));
        assert_eq!((progress.consumed, progress.status), (chunk.len(), Status::NeedMoreInput));
        loop {
            let progress = parser.feed(chunk);
            chunk = &chunk[progress.consumed..];
            let Some(message) = parser.take_output() else { break };
            assert_eq!(progress.status, Status::Success);
            found.push(message);
            parser.next_value();
        }
        assert_eq!((parser.offset(), parser.status()), (end as u64, Status::NeedMoreInput));
        if let Some(answer) = expected.after(end) {
            for (name, found) in [("owned", &found), ("lent", &lent)] {
                assert_eq!(
                    found,
                    &answer.messages,
                    "{} (left: {name}), cut at {cuts:?}, after {end} bytes",
                    expected.input.escape_ascii()
                );
            }
        }
    }
    assert_eq!((parser.finish(), parser.take_output()), (Ok(()), None));
    assert_eq!(lender.finish(), Ok(()));
    2
}
