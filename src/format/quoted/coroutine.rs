//! State as code, on a stack.

use std::io;

use super::{CLOSING, Event, Quoted};
use crate::engine::coroutine::{Input, Options, Parser};
use crate::error::{Error, Failure};
use crate::parser::{Events, Progress, PushParser, delegate};

/// The quoted string as straight-line code on a stack of its own.
#[derive(Debug)]
pub struct Coroutine(Parser<Quoted>);

/// Reads a quoted string: a body, for bodies of the `coroutine` engine to call.
///
/// `event` makes one of the caller's events of each part of the content.
///
/// # Errors
/// [`UnexpectedByte`](crate::ErrorKind::UnexpectedByte) if there is no opening quote, or the end.
#[inline]
pub fn string<E: Events>(
    input: &mut Input<'_, E>,
    event: impl for<'t> Fn(Event<'t>) -> E::Event<'t>,
) -> Result<(), Failure> {
    input.expect(b'"')?;
    loop {
        match input.text_until(CLOSING, |text| event(Event::Text(text)))? {
            b'"' => return Ok(()),
            _backslash => {
                let escaped = input.next()?;
                input.emit(event(Event::Text(&[escaped])));
            }
        }
    }
}

impl Coroutine {
    /// A parser before the opening quote.
    ///
    /// # Panics
    /// When no stack can be had; [`try_new`](Self::try_new) returns the error.
    pub fn new() -> Self {
        Self(Parser::new(|input| string(input, |event| event)))
    }

    /// A parser before the opening quote.
    ///
    /// # Errors
    /// When no stack can be had.
    pub fn try_new() -> io::Result<Self> {
        Self::with_options(Options::new())
    }

    /// A parser before the opening quote, with a stack as chosen.
    ///
    /// # Errors
    /// When no stack can be had.
    pub fn with_options(options: Options) -> io::Result<Self> {
        options.parser(|input| string(input, |event| event)).map(Self)
    }

    /// [`PushParser::feed_with`] for sinks that stay on this thread.
    pub fn feed_local(&mut self, chunk: &[u8], sink: impl FnMut(Event<'_>)) -> Progress {
        self.0.feed_local(chunk, sink)
    }

    /// [`PushParser::finish_with`] for sinks that stay on this thread.
    ///
    /// # Errors
    /// As [`PushParser::finish`].
    pub fn finish_local(&mut self, sink: impl FnMut(Event<'_>)) -> Result<(), Error> {
        self.0.finish_local(sink)
    }
}

impl Default for Coroutine {
    fn default() -> Self {
        Self::new()
    }
}

impl PushParser for Coroutine {
    type Events = Quoted;
    delegate!(self => self.0);
}

#[cfg(feature = "testing")]
crate::testing::delegate_work!(Coroutine);
