//! One way of running a parser on an input.

use core::fmt;

use super::cuttings::Cutting;
use super::outcome::Outcome;
use super::subject::Subject;
use super::trial::Trial;
use super::violation::{Breach, Law};

/// What is done to a parser, from its start to its end. It always comes to be finished.
#[derive(Clone, Debug)]
pub(super) struct Scenario {
    /// What the parser went through before.
    pub(super) before: Option<Life>,
    /// How many bytes of the input it is fed.
    pub(super) len: usize,
    pub(super) cutting: Cutting,
    pub(super) manner: Manner,
}

/// A life before a reset.
#[derive(Clone, Copy, Debug)]
pub(super) struct Life {
    /// How many bytes of the input it was fed.
    pub(super) len: usize,
    pub(super) finished: bool,
    /// Where the reset lets offsets start.
    pub(super) reset_to: u64,
}

/// How bytes go in and events come out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// All events are taken.
    Heard,
    /// No events are taken.
    Unheard,
    /// The events after the first chunk are taken, and perhaps those of the first, but they do not
    /// count.
    Rest { first_heard: bool },
    /// Characters go in, as far as the input is UTF-8. No events are taken.
    Characters,
    /// All events are taken, through a box around a reference.
    BehindPointers,
}

impl Scenario {
    /// The first `len` bytes of the input, cut in this way.
    pub(super) fn new(len: usize, cutting: Cutting, manner: Manner) -> Self {
        Self { before: None, len, cutting, manner }
    }

    pub(super) fn whole(len: usize) -> Self {
        Self::new(len, Cutting::whole(), Manner::Heard)
    }

    /// Runs the parser. `events` are known to be in the input.
    pub(super) fn run(
        &self,
        subject: &mut dyn Subject,
        input: &[u8],
        events: u64,
    ) -> Result<Outcome, Breach> {
        let base = self.before.map_or(0, |life| life.live(subject, input));
        let mut pointers;
        let subject = match self.manner {
            Manner::BehindPointers => {
                pointers = subject.behind_pointers();
                &mut *pointers
            }
            _ => subject,
        };
        let mut trial = Trial::start(subject, base, events)?;
        let fed = &input[..self.len];
        let mut chunks = self.cutting.chunks(fed);
        match self.manner {
            Manner::Heard | Manner::BehindPointers => trial.listen(true),
            Manner::Unheard => {}
            Manner::Rest { first_heard } => {
                trial.listen(first_heard);
                chunks.next().map_or(Ok(()), |first| trial.feed(first))?;
                trial.listen(true);
            }
            Manner::Characters => {
                for c in characters(fed).chars() {
                    trial.process_char(c)?;
                }
                trial.feed(&fed[characters(fed).len()..])?;
                return trial.end(input);
            }
        }
        for chunk in chunks {
            trial.feed(chunk)?;
        }
        trial.end(input)
    }

    /// What was done, in words, with an input of `bytes` bytes.
    pub(super) fn describe(&self, bytes: usize) -> impl fmt::Display {
        fmt::from_fn(move |f| {
            if let Some(Life { len, finished, reset_to }) = self.before {
                let finish = if finished { ", finished" } else { "" };
                write!(f, "{len} of {bytes} bytes{finish}, reset to offset {reset_to}, then ")?;
            }
            write!(f, "{} of {bytes} bytes, {}", self.len, self.cutting)?;
            f.write_str(match self.manner {
                Manner::Heard => "",
                Manner::Unheard => ", nobody taking events",
                Manner::Rest { .. } => ", nobody taking the events of the first chunk",
                Manner::Characters => ", as characters",
                Manner::BehindPointers => ", through a Box<dyn PushParser> around a &mut",
            })?;
            f.write_str(", then finished")
        })
    }

    /// The law that is broken when this run is the first to go wrong: a parser that keeps to a law
    /// until it is reset, say, has a bad reset.
    pub(super) fn blames(&self, breach: Breach) -> Breach {
        let law = match (breach.law, self.manner) {
            (law @ (Law::Panic | Law::Work), _) => law,
            _ if self.before.is_some() => Law::Reset,
            (law, Manner::Heard) => law,
            (_, Manner::Unheard | Manner::Rest { .. }) => Law::Sink,
            (_, Manner::Characters) => Law::ProcessChar,
            (_, Manner::BehindPointers) => Law::Pointer,
        };
        Breach { law, ..breach }
    }
}

impl Life {
    /// Lives it. Returns where offsets start in the next.
    fn live(self, subject: &mut dyn Subject, input: &[u8]) -> u64 {
        let _ = subject.feed(&input[..self.len], None);
        if self.finished {
            let _ = subject.finish(None);
        }
        subject.reset_at(self.reset_to);
        self.reset_to
    }
}

/// The characters that the input starts with.
fn characters(input: &[u8]) -> &str {
    input.utf8_chunks().next().map_or("", |chunk| chunk.valid())
}
