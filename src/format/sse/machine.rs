//! State as data.
//!
//! # How this is built
//! `lines` of `line.rs` goes from line to line through what the chunk has, and returns the [`Place`] where
//! the chunk ends. Such a place is a state, and has an arm here, which reads up to the end of the line.
//!
//! If you add a place, add it to the picture in the module's documentation, and a case that a cut leaves
//! there to `tests/sse/cases.rs`. `coroutine.rs` has the same arms, as lines of code.

use core::ops::ControlFlow::{self, Break};

use super::Sse;
use super::line::{self, BYTE_ORDER_MARK, Block, Place};
use crate::engine::machine::{self, Input};
use crate::error::{End, Failure};
use crate::format::parser;
use crate::text::Cut;

parser! {
    /// The event stream as an explicit state machine. It allocates nothing.
    pub struct Machine(machine, Grammar) for Sse;
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// At the beginning of the input, after so many bytes of a byte order mark.
    Start(u8),
    In(Place),
}

/// The machine.
#[derive(Clone, Debug)]
struct Grammar {
    state: State,
    block: Block,
    /// The character that a chunk has cut. Empty but in [`Place::Value`].
    cut: Cut,
}

impl Default for Grammar {
    fn default() -> Self {
        Self { state: State::Start(0), block: Block::default(), cut: Cut::NONE }
    }
}

impl machine::Machine for Grammar {
    type Events = Sse;
    type Output = ();

    #[inline]
    fn step(&mut self, input: &mut Input<'_, Sse>) -> Result<ControlFlow<()>, Failure> {
        loop {
            let byte = match input.peek() {
                Ok(byte) => byte,
                Err(End::Finished) => return Ok(Break(())),
                Err(end) => return Err(end.into()),
            };
            self.state = State::In(match self.state {
                State::Start(0) if input.offset() != 0 => Place::Line,
                State::Start(matched) if byte == BYTE_ORDER_MARK[usize::from(matched)] => {
                    input.next()?;
                    if usize::from(matched) + 1 < BYTE_ORDER_MARK.len() {
                        self.state = State::Start(matched + 1);
                        continue;
                    }
                    Place::Line
                }
                State::Start(0) => Place::Line,
                State::Start(_) => Place::Ignored,
                State::In(Place::Line) => self.lines(input),
                State::In(Place::LineFeed) => {
                    input.next_if(|byte| byte == b'\n')?;
                    Place::Line
                }
                State::In(Place::Ignored) => {
                    let mut window = input.window();
                    let end = line::ignored(&mut window);
                    let at = window.at;
                    input.seek(at);
                    after(end, Place::Ignored)
                }
                State::In(Place::Name(field, matched)) => {
                    match field.name().get(usize::from(matched)) {
                        Some(expected) if byte == *expected => {
                            input.next()?;
                            Place::Name(field, matched + 1)
                        }
                        None if byte == b':' => {
                            input.next()?;
                            Place::Colon(field)
                        }
                        None if matches!(byte, b'\r' | b'\n') => Place::Value(field),
                        _ => Place::Ignored,
                    }
                }
                State::In(Place::Colon(field)) => {
                    input.next_if(|byte| byte == b' ')?;
                    Place::Value(field)
                }
                State::In(Place::Value(field)) => {
                    let mut window = input.window();
                    let end = line::value(&mut window, field, &mut self.cut);
                    let at = window.at;
                    input.seek(at);
                    if end.is_some() {
                        self.block.add(field);
                    }
                    after(end, Place::Value(field))
                }
            });
        }
    }

    fn reset(&mut self) {
        *self = Self::default();
    }
}

impl Grammar {
    #[inline(never)]
    fn lines(&mut self, input: &mut Input<'_, Sse>) -> Place {
        let mut window = input.window();
        let place = line::lines(&mut window, &mut self.block, &mut self.cut);
        let at = window.at;
        input.seek(at);
        place
    }
}

/// The place behind the byte that ends a line, or still in the line.
fn after(end: Option<u8>, within: Place) -> Place {
    match end {
        Some(b'\r') => Place::LineFeed,
        Some(_) => Place::Line,
        None => within,
    }
}
