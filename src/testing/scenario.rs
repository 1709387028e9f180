//! One way of running a parser on an input.

use core::fmt;

use super::cuttings::Cutting;
use super::law::{Breach, Law};
use super::outcome::Outcome;
use super::run::Run;
use super::subject::Subject;

/// All that a run does to a parser. It always ends with `finish`.
#[derive(Clone, Debug)]
pub(super) struct Scenario {
    /// An earlier use of the same parser, which ended with a reset.
    pub(super) before: Option<EarlierUse>,
    /// Bytes of the input that are fed.
    pub(super) len: usize,
    pub(super) cutting: Cutting,
    pub(super) mode: Mode,
}

/// A use of the parser before the run: a prefix is fed, and the parser is reset.
#[derive(Clone, Copy, Debug)]
pub(super) struct EarlierUse {
    /// Length of the prefix.
    pub(super) len: usize,
    pub(super) finished: bool,
    /// The offset given to the reset.
    pub(super) reset_to: u64,
}

/// The form in which bytes go in and events come out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    WithSink,
    WithoutSink,
    /// The sink is there after the first chunk. Events of the first chunk are not recorded, with
    /// or without a sink.
    SinkAfterFirstChunk {
        sink_before: bool,
    },
    /// The sink pauses: after every event or, with a seed, after some.
    Pausing {
        seed: Option<u64>,
    },
    /// Characters go in, as far as the input is UTF-8, without a sink.
    Characters,
    /// With a sink, through a box around a reference.
    ThroughPointers,
}

impl Scenario {
    /// Feeds the first `len` bytes of the input, cut in this way.
    pub(super) fn new(len: usize, cutting: Cutting, mode: Mode) -> Self {
        Self { before: None, len, cutting, mode }
    }

    pub(super) fn whole(len: usize) -> Self {
        Self::new(len, Cutting::whole(), Mode::WithSink)
    }

    /// Runs the parser. The input is known to hold at least `events` events.
    pub(super) fn run(
        &self,
        subject: &mut dyn Subject,
        input: &[u8],
        events: u64,
    ) -> Result<Outcome, Breach> {
        let base = self.before.map_or(0, |earlier| earlier.run(subject, input));
        let mut pointers;
        let subject = match self.mode {
            Mode::ThroughPointers => {
                pointers = subject.through_pointers();
                &mut *pointers
            }
            _ => subject,
        };
        let mut run = Run::start(subject, base, events)?;
        let fed = &input[..self.len];
        let mut chunks = self.cutting.chunks(fed);
        match self.mode {
            Mode::WithSink | Mode::ThroughPointers => run.set_sink(true),
            Mode::WithoutSink => {}
            Mode::Pausing { seed } => run.set_pauses(seed),
            Mode::SinkAfterFirstChunk { sink_before } => {
                run.set_sink(sink_before);
                chunks.next().map_or(Ok(()), |first| run.feed(first))?;
                run.set_sink(true);
            }
            Mode::Characters => {
                for c in characters(fed).chars() {
                    run.process_char(c)?;
                }
                run.feed(&fed[characters(fed).len()..])?;
                return run.end(input);
            }
        }
        for chunk in chunks {
            run.feed(chunk)?;
        }
        run.end(input)
    }

    /// Tells in words what is done with an input of `bytes` bytes.
    pub(super) fn describe(&self, bytes: usize) -> impl fmt::Display {
        fmt::from_fn(move |f| {
            if let Some(EarlierUse { len, finished, reset_to }) = self.before {
                let finish = if finished { ", finished" } else { "" };
                write!(f, "{len} of {bytes} bytes{finish}, reset to offset {reset_to}, then ")?;
            }
            write!(f, "{} of {bytes} bytes, {}", self.len, self.cutting)?;
            if let Mode::Pausing { seed: Some(seed) } = self.mode {
                write!(f, ", paused at the events that seed {seed} selects")?;
            }
            f.write_str(match self.mode {
                Mode::WithSink | Mode::Pausing { seed: Some(_) } => "",
                Mode::Pausing { seed: None } => ", paused at every event",
                Mode::WithoutSink => ", without a sink",
                Mode::SinkAfterFirstChunk { .. } => ", with a sink after the first chunk",
                Mode::Characters => ", as characters",
                Mode::ThroughPointers => ", through a Box<dyn PushParser> around a &mut",
            })?;
            f.write_str(", then finished")
        })
    }

    /// Names the law that is broken if this is the first run to fail. A parser that keeps a law
    /// until it is reset, for instance, has a faulty reset.
    pub(super) fn blames(&self, breach: Breach) -> Breach {
        let law = match (breach.law, self.mode) {
            (law @ (Law::Panic | Law::Work), _) => law,
            _ if self.before.is_some() => Law::Reset,
            (law, Mode::WithSink) => law,
            // An output that is taken late.
            (Law::Output, Mode::WithoutSink) => Law::Output,
            (_, Mode::Pausing { .. }) => Law::Pause,
            (_, Mode::WithoutSink | Mode::SinkAfterFirstChunk { .. }) => Law::Sink,
            (_, Mode::Characters) => Law::ProcessChar,
            (_, Mode::ThroughPointers) => Law::Pointer,
        };
        Breach { law, ..breach }
    }
}

impl EarlierUse {
    /// Feeds and resets the parser. Returns the offset where the next use starts.
    fn run(self, subject: &mut dyn Subject, input: &[u8]) -> u64 {
        let _ = subject.feed(&input[..self.len], None);
        if self.finished {
            let _ = subject.finish(None);
        }
        subject.reset_at(self.reset_to);
        self.reset_to
    }
}

/// Returns the characters that the input starts with.
fn characters(input: &[u8]) -> &str {
    input.utf8_chunks().next().map_or("", |chunk| chunk.valid())
}
