//! A parser under test, without its type and the type of its events.

use core::fmt;
use core::ops::ControlFlow::{Break, Continue};
use std::boxed::Box;
use std::format;
use std::string::String;

use super::log::Log;
use super::work::Work;
use crate::error::Error;
use crate::parser::{DynParser, Events, Progress, PushParser, Status};

/// A function or closure that records the events `E` in a [`Log`].
///
/// A closure has to name the types of its arguments:
///
/// ```
/// use pushdown::quoted::Event;
/// use pushdown::testing::{Harness, Log};
///
/// let harness = Harness::new(|log: &mut Log, Event::Text(piece): Event<'_>| log.text(piece));
/// # drop(harness);
/// ```
pub trait Recorder<E: Events>: for<'e> Fn(&mut Log, E::Event<'e>) + Copy + Send {}

impl<E: Events, R> Recorder<E> for R where R: for<'e> Fn(&mut Log, E::Event<'e>) + Copy + Send {}

/// Decides after each event, with the log that ends with it, if the sink is to pause.
pub(super) type Pauses<'p> = &'p mut (dyn FnMut(&Log) -> bool + Send);

/// The answers of a parser's getters at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answers {
    pub(super) status: Status,
    pub(super) has_begun: bool,
    pub(super) offset: u64,
    pub(super) error: Option<Error>,
}

/// A parser that can be fed. Its events go to a log, if there is one.
pub(super) trait Feed {
    fn feed(&mut self, chunk: &[u8], log: Option<&mut Log>) -> Progress;
    fn finish(&mut self, log: Option<&mut Log>) -> Result<(), Error>;
}

/// A [`PushParser`].
pub(super) trait Subject: Feed {
    /// Feeds with a sink that pauses after each event for which `pause` is true.
    fn feed_until(&mut self, chunk: &[u8], log: &mut Log, pause: Pauses<'_>) -> Progress;
    /// Finishes with such a sink, whose pauses have no effect.
    fn finish_until(&mut self, log: &mut Log, pause: Pauses<'_>) -> Result<(), Error>;
    /// Takes the output, in the form that `Debug` gives it.
    fn take_output(&mut self) -> Option<String>;
    fn process_char(&mut self, c: char) -> Status;
    fn reset_at(&mut self, offset: u64);
    fn answers(&self) -> Answers;
    /// Returns the bytes inspected and the steps made, if the parser counts its [`Work`].
    fn work(&self) -> Option<[u64; 2]>;
    /// Returns the same parser behind a `Box<dyn PushParser>` around a `&mut`.
    fn through_pointers(&mut self) -> Box<dyn Subject + '_>;
}

/// A parser and the recorder of its events.
pub(super) struct Recorded<P, R> {
    parser: P,
    record: R,
    work: fn(&P) -> Option<[u64; 2]>,
}

impl<P, R> Recorded<P, R> {
    pub(super) fn without_work(parser: P, record: R) -> Self {
        Self { parser, record, work: |_| None }
    }

    pub(super) fn with_work(parser: P, record: R) -> Self
    where
        P: Work,
    {
        Self { parser, record, work: |parser| Some([parser.work(), parser.steps()]) }
    }
}

impl<P, R> Feed for Recorded<P, R>
where
    P: PushParser<Output: fmt::Debug>,
    R: Recorder<P::Events>,
{
    fn feed(&mut self, chunk: &[u8], log: Option<&mut Log>) -> Progress {
        let record = self.record;
        match log {
            None => self.parser.feed(chunk),
            Some(log) => self.parser.feed_with(chunk, move |event| {
                log.events += 1;
                record(log, event);
            }),
        }
    }

    fn finish(&mut self, log: Option<&mut Log>) -> Result<(), Error> {
        let record = self.record;
        match log {
            None => self.parser.finish(),
            Some(log) => self.parser.finish_with(move |event| {
                log.events += 1;
                record(log, event);
            }),
        }
    }
}

impl<P, R> Subject for Recorded<P, R>
where
    P: PushParser<Output: fmt::Debug>,
    R: Recorder<P::Events>,
{
    fn feed_until(&mut self, chunk: &[u8], log: &mut Log, pause: Pauses<'_>) -> Progress {
        let record = self.record;
        self.parser.feed_until(chunk, move |event| {
            log.events += 1;
            record(log, event);
            if pause(log) { Break(()) } else { Continue(()) }
        })
    }

    fn finish_until(&mut self, log: &mut Log, pause: Pauses<'_>) -> Result<(), Error> {
        let record = self.record;
        self.parser.finish_dyn(&mut move |event| {
            log.events += 1;
            record(log, event);
            if pause(log) { Break(()) } else { Continue(()) }
        })
    }

    fn take_output(&mut self) -> Option<String> {
        self.parser.take_output().map(|output| format!("{output:?}"))
    }

    fn process_char(&mut self, c: char) -> Status {
        self.parser.process_char(c)
    }

    fn reset_at(&mut self, offset: u64) {
        match offset {
            0 => self.parser.reset(),
            _ => self.parser.reset_at(offset),
        }
    }

    fn answers(&self) -> Answers {
        Answers {
            status: self.parser.status(),
            has_begun: self.parser.has_begun(),
            offset: self.parser.offset(),
            error: self.parser.error().copied(),
        }
    }

    fn work(&self) -> Option<[u64; 2]> {
        (self.work)(&self.parser)
    }

    fn through_pointers(&mut self) -> Box<dyn Subject + '_> {
        let parser: Box<DynParser<'_, P::Events, P::Output>> = Box::new(&mut self.parser);
        Box::new(Recorded::without_work(parser, self.record))
    }
}
