//! A nom parser behind the push interface.
//!
//! A nom parser cannot be suspended. When its input is incomplete it gives up, and starts again from
//! the first byte when there is more. So this engine keeps a copy of the value so far and parses it
//! again with every chunk: quadratic work in the number of chunks. Use it to bring existing parsers
//! along, and as an independent oracle in tests.
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
//! The wrapped parser is code that this crate does not control, so the [law](PushParser#the-law)
//! holds for it within limits:
//!
//! * An error's offset is the length of the longest prefix that is still incomplete.
//! * The wrapped parser must be a *streaming* one, must answer the same bytes in the same way, and
//!   must not look past the end of its value. If it answers `Incomplete` for a value that is
//!   complete, this parser waits for another byte too.
//! * Events are reported only at `Success`: the wrapped parser then runs once more, with the sink.
//! * A value is at most [`DEFAULT_MAX_LEN`] bytes long, or as chosen with
//!   [`with_max_len`](Parser::with_max_len); a longer one is [`ErrorKind::TooLong`] at that offset.
//! * Input that ends while it is incomplete is [`ErrorKind::UnexpectedEnd`]: a streaming parser
//!   cannot accept the end.

use alloc::vec::Vec;
use core::cell::RefCell;
use core::fmt;
use core::marker::PhantomData;
use core::mem;

use nom::IResult;

use crate::error::{Error, ErrorKind};
use crate::parser::{
    Events, LocalParser, LocalSink, Progress, PushParser, State, engine_methods, local_methods,
    local_parser,
};

/// The largest length of a value in bytes, unless chosen otherwise.
pub const DEFAULT_MAX_LEN: usize = 64 << 10;

/// The sink of a wrapped parser.
///
/// It is shared, not exclusive, so that several closures of one parser can hold it.
pub struct Emit<'s, E: Events>(Option<RefCell<&'s mut LocalSink<'s, E>>>);

impl<E: Events> Emit<'_, E> {
    /// Reports an event, if the value is known to be complete and there is a sink.
    pub fn emit(&self, event: E::Event<'_>) {
        if let Some(sink) = &self.0 {
            // Events come with the value's last byte, so there is nothing to pause.
            let _ = sink.borrow_mut()(event);
        }
    }

    /// Returns true if there is a sink in this run.
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
    /// The value so far. Empty while the wrapped parser runs, and once the parser has ended.
    buffer: Vec<u8>,
    max_len: usize,
    state: State,
    output: Option<T>,
    /// The number of bytes that the wrapped parser was given, over all runs.
    work: u64,
    events: PhantomData<fn(E)>,
}

impl<B, E, T> Parser<B, E, T>
where
    B: for<'i> FnMut(&'i [u8], &Emit<'_, E>) -> IResult<&'i [u8], T>,
    E: Events,
{
    /// Creates a parser at the start of its input.
    pub fn new(body: B) -> Self {
        Self::with_max_len(DEFAULT_MAX_LEN, body)
    }

    /// Creates a parser at the start of its input, for values of at most `max_len` bytes.
    pub fn with_max_len(max_len: usize, body: B) -> Self {
        Self {
            body,
            buffer: Vec::new(),
            max_len,
            state: State::new(),
            output: None,
            work: 0,
            events: PhantomData,
        }
    }

    local_methods!(E);

    fn parse(&mut self, chunk: &[u8], sink: Option<&mut LocalSink<'_, E>>) -> Progress {
        if let Some(refusal) = self.state.refuse(chunk) {
            return refusal;
        }
        let held = self.buffer.len();
        let taken = chunk.len().min(self.max_len - held);
        let mut buffer = mem::take(&mut self.buffer);
        let mut value = &chunk[..taken];
        if held > 0 {
            buffer.extend_from_slice(value);
            value = &buffer;
        }
        let guard = PanicGuard(self);
        let outcome = guard.0.search(value, held, sink);
        mem::forget(guard);
        if matches!(outcome, Outcome::Incomplete) && taken == chunk.len() {
            if held == 0 {
                buffer.extend_from_slice(chunk);
            }
            self.buffer = buffer;
            return self.state.need_more(taken);
        }
        buffer.clear();
        self.buffer = buffer;
        match outcome {
            Outcome::Complete { end, output } => {
                self.output = Some(output);
                self.state.succeed(end.saturating_sub(held))
            }
            Outcome::Incomplete => self.state.fail(taken, ErrorKind::TooLong),
            Outcome::Bad { at } => self.state.fail(at - held, ErrorKind::UnexpectedByte),
        }
    }

    /// Runs the wrapped parser on the value so far, whose first `held` bytes were incomplete. Bad
    /// input is searched for its offset: the longest prefix that is still incomplete.
    fn search(
        &mut self,
        value: &[u8],
        held: usize,
        sink: Option<&mut LocalSink<'_, E>>,
    ) -> Outcome<T> {
        match (self.run(value, None), sink) {
            (Outcome::Complete { .. }, Some(sink)) => self.run(value, Some(sink)),
            (Outcome::Bad { .. }, _) => {
                let (mut incomplete, mut bad) = (held, value.len());
                while bad - incomplete > 1 {
                    let middle = incomplete.midpoint(bad);
                    match self.run(&value[..middle], None) {
                        Outcome::Incomplete => incomplete = middle,
                        _ => bad = middle,
                    }
                }
                Outcome::Bad { at: incomplete }
            }
            (outcome, _) => outcome,
        }
    }

    fn run(&mut self, value: &[u8], sink: Option<&mut LocalSink<'_, E>>) -> Outcome<T> {
        let len = value.len();
        self.work += len as u64;
        let emit = Emit(sink.map(|sink| RefCell::new(sink as _)));
        match (self.body)(value, &emit) {
            Ok((rest, output)) => Outcome::Complete { end: len.saturating_sub(rest.len()), output },
            Err(nom::Err::Incomplete(_)) => Outcome::Incomplete,
            Err(_) => Outcome::Bad { at: len },
        }
    }

    /// A streaming parser cannot accept the end, so there is never a last event.
    fn close(&mut self, _: Option<&mut LocalSink<'_, E>>) -> Result<(), Error> {
        self.buffer.clear();
        self.state.finish()
    }
}

enum Outcome<T> {
    Complete { end: usize, output: T },
    Incomplete,
    Bad { at: usize },
}

/// Dropped only when the wrapped parser, or the sink, unwinds.
struct PanicGuard<'a, B, E, T>(&'a mut Parser<B, E, T>);

impl<B, E, T> Drop for PanicGuard<'_, B, E, T> {
    fn drop(&mut self) {
        let _ = self.0.state.fail(0, ErrorKind::Panicked);
    }
}

impl<B, E, T> PushParser for Parser<B, E, T>
where
    B: for<'i> FnMut(&'i [u8], &Emit<'_, E>) -> IResult<&'i [u8], T>,
    E: Events,
{
    type Events = E;
    type Output = T;

    engine_methods!(E);

    fn take_output(&mut self) -> Option<T> {
        self.output.take()
    }

    fn reset_at(&mut self, offset: u64) {
        self.buffer.clear();
        self.state = State::at(offset);
        self.output = None;
        self.work = 0;
    }
}

impl<B, E, T> LocalParser for Parser<B, E, T>
where
    B: for<'i> FnMut(&'i [u8], &Emit<'_, E>) -> IResult<&'i [u8], T>,
    E: Events,
{
    local_parser!(E);
}

impl<B, E, T> fmt::Debug for Parser<B, E, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parser").field("state", &self.state).finish_non_exhaustive()
    }
}

#[cfg(feature = "testing")]
impl<B, E, T> crate::testing::Work for Parser<B, E, T> {
    fn work(&self) -> u64 {
        self.work
    }
}
