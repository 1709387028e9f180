//! A nom parser behind the push interface.
//!
//! A nom parser cannot be suspended: told that its input is incomplete it gives up, and starts again
//! from the first byte when there is more. So this engine keeps a copy of the value so far and parses
//! it again with every chunk: quadratic work in the number of chunks. It is here to bring existing
//! parsers along, and as an independent voice in tests.
//!
//! ```
//! use nom::bytes::streaming::tag;
//! use nom::character::streaming::u64;
//! use nom::sequence::terminated;
//! use nom::{IResult, Parser as _};
//! use pushdown::engine::combinator::{Emit, Parser};
//! use pushdown::{PushParser, Status};
//!
//! /// A decimal number and its full stop.
//! fn number<'i>(input: &'i [u8], _: &Emit<'_, ()>) -> IResult<&'i [u8], u64> {
//!     terminated(u64, tag(".")).parse(input)
//! }
//!
//! let mut parser = Parser::new(number);
//! assert_eq!(parser.feed(b"4").status, Status::NeedMoreInput);
//! assert_eq!(parser.feed(b"2.").status, Status::Success);
//! assert_eq!(parser.take_output(), Some(42));
//! ```
//!
//! # Limits
//! The wrapped parser is code that we do not control, so the [law](PushParser#the-law) holds for it
//! within limits:
//!
//! * An error's offset is the length of the longest prefix that is still incomplete.
//! * The parser must be a *streaming* one, must give the same answer to the same bytes, and must not
//!   look past the end of its value.
//! * Events are reported at `Success` only: the parser then runs once more, with the sink.
//! * A value is at most [`DEFAULT_MAX_LEN`] bytes long, or as chosen with
//!   [`with_max_len`](Parser::with_max_len); a longer one is [`ErrorKind::TooLong`] at that offset.
//! * An input that is finished while the parser calls it incomplete is
//!   [`ErrorKind::UnexpectedEnd`], for a streaming parser cannot accept it.

use alloc::vec::Vec;
use core::cell::RefCell;
use core::fmt;
use core::marker::PhantomData;
use core::mem;

use nom::IResult;

use crate::error::{Error, ErrorKind};
use crate::parser::{EventSink, Events, LocalSink, Progress, PushParser, Standing, Status};

/// How long a value may be, in bytes, unless chosen otherwise.
pub const DEFAULT_MAX_LEN: usize = 64 << 10;

/// What a wrapped parser reports its events to.
///
/// It is shared, not exclusive, so that several closures of one parser can hold it.
pub struct Emit<'s, E: Events>(Option<RefCell<&'s mut LocalSink<'s, E>>>);

impl<E: Events> Emit<'_, E> {
    /// Reports an event, if the value is known to be complete and somebody takes events.
    pub fn emit(&self, event: E::Event<'_>) {
        if let Some(sink) = &self.0 {
            sink.borrow_mut()(event);
        }
    }

    /// Whether anybody takes events in this run.
    pub fn wants_events(&self) -> bool {
        self.0.is_some()
    }
}

impl<E: Events> fmt::Debug for Emit<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emit").field("wants_events", &self.wants_events()).finish()
    }
}

/// A nom parser as a push parser.
#[derive(Clone)]
pub struct Parser<B, E, T> {
    body: B,
    /// The value so far; empty once the parser has ended.
    buffer: Vec<u8>,
    max_len: usize,
    standing: Standing,
    output: Option<T>,
    /// How many bytes the wrapped parser was given, all in all.
    work: u64,
    events: PhantomData<fn(E)>,
}

impl<B, E, T> Parser<B, E, T>
where
    B: for<'i> FnMut(&'i [u8], &Emit<'_, E>) -> IResult<&'i [u8], T>,
    E: Events,
{
    /// A parser at the start of its input.
    pub fn new(body: B) -> Self {
        Self::with_max_len(DEFAULT_MAX_LEN, body)
    }

    /// A parser at the start of its input, for values of at most `max_len` bytes.
    pub fn with_max_len(max_len: usize, body: B) -> Self {
        Self {
            body,
            buffer: Vec::new(),
            max_len,
            standing: Standing::at(0),
            output: None,
            work: 0,
            events: PhantomData,
        }
    }

    /// The value's output, once, after [`Status::Success`].
    pub fn take_output(&mut self) -> Option<T> {
        self.output.take()
    }

    /// [`PushParser::feed_with`] for sinks that stay on this thread.
    pub fn feed_local(
        &mut self,
        chunk: &[u8],
        mut sink: impl for<'e> FnMut(E::Event<'e>),
    ) -> Progress {
        self.parse(chunk, Some(&mut sink))
    }

    /// [`PushParser::finish_with`] for sinks that stay on this thread. There is never an event.
    ///
    /// # Errors
    /// As [`PushParser::finish`].
    pub fn finish_local(&mut self, _: impl for<'e> FnMut(E::Event<'e>)) -> Result<(), Error> {
        self.close()
    }

    fn parse(&mut self, chunk: &[u8], sink: Option<&mut LocalSink<'_, E>>) -> Progress {
        if let Some(answer) = self.standing.refuses(chunk) {
            return answer;
        }
        let held = self.buffer.len();
        let taken = chunk.len().min(self.max_len - held);
        let mut buffer = mem::take(&mut self.buffer);
        let mut value = &chunk[..taken];
        if held > 0 {
            buffer.extend_from_slice(value);
            value = &buffer;
        }
        let running = Running(self);
        let verdict = running.0.verdict(value, held, sink);
        mem::forget(running);
        if matches!(verdict, Verdict::Incomplete) && taken == chunk.len() {
            if held == 0 {
                buffer.extend_from_slice(chunk);
            }
            self.buffer = buffer;
            return self.standing.need_more(taken);
        }
        buffer.clear();
        self.buffer = buffer;
        match verdict {
            Verdict::Complete { end, output } => {
                self.output = Some(output);
                self.standing.succeed(end.saturating_sub(held))
            }
            Verdict::Incomplete => self.standing.fail(taken, ErrorKind::TooLong),
            Verdict::Bad { at } => self.standing.fail(at - held, ErrorKind::UnexpectedByte),
        }
    }

    /// What the wrapped parser makes of the value so far, whose first `held` bytes were incomplete.
    fn verdict(
        &mut self,
        value: &[u8],
        held: usize,
        sink: Option<&mut LocalSink<'_, E>>,
    ) -> Verdict<T> {
        match (self.run(value, None), sink) {
            (Verdict::Complete { .. }, Some(sink)) => self.run(value, Some(sink)),
            (Verdict::Bad { .. }, _) => {
                let (mut incomplete, mut bad) = (held, value.len());
                while bad - incomplete > 1 {
                    let middle = incomplete.midpoint(bad);
                    match self.run(&value[..middle], None) {
                        Verdict::Incomplete => incomplete = middle,
                        _ => bad = middle,
                    }
                }
                Verdict::Bad { at: incomplete }
            }
            (verdict, _) => verdict,
        }
    }

    fn run(&mut self, value: &[u8], sink: Option<&mut LocalSink<'_, E>>) -> Verdict<T> {
        let len = value.len();
        self.work += len as u64;
        let emit = Emit(sink.map(|sink| RefCell::new(sink as _)));
        match (self.body)(value, &emit) {
            Ok((rest, output)) => Verdict::Complete { end: len.saturating_sub(rest.len()), output },
            Err(nom::Err::Incomplete(_)) => Verdict::Incomplete,
            Err(_) => Verdict::Bad { at: len },
        }
    }

    fn close(&mut self) -> Result<(), Error> {
        if self.standing.status() == Status::NeedMoreInput {
            self.buffer.clear();
            let _ = self.standing.fail(0, ErrorKind::UnexpectedEnd);
        }
        self.standing.verdict()
    }
}

enum Verdict<T> {
    Complete { end: usize, output: T },
    Incomplete,
    Bad { at: usize },
}

/// A run under way. Dropped only when the wrapped parser, or the sink, unwinds.
struct Running<'a, B, E, T>(&'a mut Parser<B, E, T>);

impl<B, E, T> Drop for Running<'_, B, E, T> {
    fn drop(&mut self) {
        self.0.buffer.clear();
        let _ = self.0.standing.fail(0, ErrorKind::Panicked);
    }
}

impl<B, E, T> PushParser for Parser<B, E, T>
where
    B: for<'i> FnMut(&'i [u8], &Emit<'_, E>) -> IResult<&'i [u8], T>,
    E: Events,
{
    type Events = E;

    fn feed(&mut self, chunk: &[u8]) -> Progress {
        self.parse(chunk, None)
    }

    fn feed_dyn(&mut self, chunk: &[u8], sink: &mut EventSink<'_, E>) -> Progress {
        self.parse(chunk, Some(sink))
    }

    fn finish(&mut self) -> Result<(), Error> {
        self.close()
    }

    fn finish_dyn(&mut self, _: &mut EventSink<'_, E>) -> Result<(), Error> {
        self.close()
    }

    fn status(&self) -> Status {
        self.standing.status()
    }

    fn error(&self) -> Option<&Error> {
        self.standing.error()
    }

    fn offset(&self) -> u64 {
        self.standing.offset()
    }

    fn reset_at(&mut self, offset: u64) {
        self.buffer.clear();
        self.standing = Standing::at(offset);
        self.output = None;
        self.work = 0;
    }
}

impl<B, E, T> fmt::Debug for Parser<B, E, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parser").field("standing", &self.standing).finish_non_exhaustive()
    }
}

#[cfg(feature = "testing")]
impl<B, E, T> crate::testing::Work for Parser<B, E, T> {
    fn work(&self) -> u64 {
        self.work
    }
}
