//! State as data.
//!
//! # How this is built
//! One variant of [`State`] for each place where the input may be cut, one arm of the `match` for
//! each variant. If you add a state, also add it to the picture in the module's documentation.

use core::ops::ControlFlow::{self, Break, Continue};

use super::{CLOSING, Event, Quoted};
use crate::engine::machine::{self, Input, Parser};
use crate::error::{Error, ErrorKind, Failure};
use crate::parser::{Progress, PushParser, delegate};

/// The quoted string as an explicit state machine.
#[derive(Clone, Debug)]
pub struct Machine(Parser<State>);

#[derive(Clone, Copy, Debug, Default)]
enum State {
    /// Before the opening quote.
    #[default]
    Start,
    /// Between the quotes.
    Inside,
    /// After a backslash.
    Escape,
}

impl machine::Machine for State {
    type Events = Quoted;
    type Output = ();

    #[inline]
    fn step(&mut self, input: &mut Input<'_, Quoted>) -> Result<ControlFlow<()>, Failure> {
        match self {
            Self::Start => match input.next()? {
                b'"' => *self = Self::Inside,
                _ => return Err(input.fail(ErrorKind::UnexpectedByte)),
            },
            Self::Inside => match input.text_until(CLOSING, |text| Event::Text(text))? {
                b'"' => return Ok(Break(())),
                _backslash => *self = Self::Escape,
            },
            Self::Escape => {
                let escaped = input.next()?;
                input.emit(Event::Text(&[escaped]));
                *self = Self::Inside;
            }
        }
        Ok(Continue(()))
    }

    fn reset(&mut self) {
        *self = Self::Start;
    }
}

impl Machine {
    /// A parser before the opening quote.
    pub fn new() -> Self {
        Self(Parser::new(State::Start))
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

impl Default for Machine {
    fn default() -> Self {
        Self::new()
    }
}

impl PushParser for Machine {
    type Events = Quoted;
    delegate!(self => self.0);
}

#[cfg(feature = "testing")]
crate::testing::delegate_work!(Machine);
