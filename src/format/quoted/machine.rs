//! State as data.
//!
//! # How this is built
//! One variant of [`State`] for each place where the input may be cut, one arm of the `match` for
//! each variant. If you add a state, also add it to the picture in the module's documentation.

use core::ops::ControlFlow::{self, Break, Continue};

use super::{CLOSING, Event, Quoted};
use crate::engine::machine::{self, Input};
use crate::error::{ErrorKind, Failure};
use crate::format::parser;

parser! {
    /// The quoted string as an explicit state machine.
    pub struct Machine(machine, State) for Quoted;
}

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
