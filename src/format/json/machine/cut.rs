//! Tokens that the chunk cuts, or that are wrong.

use core::ops::ControlFlow::{self, Continue};

use super::super::Marker;
use super::super::token::{self, Kind, OpenText};
use super::{Grammar, State};
use crate::engine::machine::Input;
use crate::error::{End, ErrorKind, Failure};
use crate::scan::json as scan;
use crate::text::Cut;

impl<E: Marker> Grammar<E> {
    /// Reads on in a text: what the chunk has whole, and then what it has not.
    pub(super) fn rest_of_text(
        &mut self,
        input: &mut Input<'_, E>,
    ) -> Result<ControlFlow<()>, Failure> {
        let mut window = input.window();
        let closed = token::text(&mut window, &mut self.open, E::event);
        let (at, byte) = (window.at, window.byte());
        input.seek(at);
        if closed {
            return Ok(self.after(self.open.kind));
        }
        self.state = match byte {
            None => State::Text,
            Some(b'\\') => {
                input.next()?;
                State::Escape
            }
            Some(..0x20) => return Err(input.fail_here(ErrorKind::UnexpectedByte)),
            Some(_) => {
                self.cut = Cut::NONE;
                State::Character
            }
        };
        Ok(Continue(()))
    }

    /// Reads on in a character.
    pub(super) fn character(
        &mut self,
        input: &mut Input<'_, E>,
    ) -> Result<ControlFlow<()>, Failure> {
        input.peek()?;
        let mut window = input.window();
        let read = token::character(&mut window, &mut self.open, &mut self.cut, E::event);
        let at = window.at;
        input.seek(at);
        self.state = match read {
            Ok(true) => State::Text,
            Ok(false) => State::Character,
            Err(kind) => return Err(input.fail_here(kind)),
        };
        Ok(Continue(()))
    }

    /// An escape has been read.
    pub(super) fn decoded(
        &mut self,
        input: &mut Input<'_, E>,
        character: char,
    ) -> Result<ControlFlow<()>, Failure> {
        if !self.open.count(character.len_utf8()) {
            return Err(input.fail(ErrorKind::TooLong));
        }
        report(input, &mut self.open, character.encode_utf8(&mut [0; 4]), true);
        self.state = State::Text;
        Ok(Continue(()))
    }

    /// Reads on in a number.
    pub(super) fn rest_of_number(
        &mut self,
        input: &mut Input<'_, E>,
        mut part: Part,
    ) -> Result<ControlFlow<()>, Failure> {
        match input.peek() {
            Ok(_) => {}
            Err(End::Finished) if part.may_end() => {
                report(input, &mut self.open, "", false);
                return Ok(self.after(Kind::Number));
            }
            Err(end) => return Err(end.into()),
        }
        let mut window = input.window();
        let from = window.at;
        let allowed = self.open.allowed(window.chunk, from);
        while let Some(after) = allowed.get(window.at).and_then(|byte| part.after(*byte)) {
            part = after;
            window.at += 1;
            if let Part::Integer | Part::Fraction | Part::Exponent = part {
                window.at += scan::digits(allowed, window.at).len();
            }
        }
        let next = window.byte();
        let ends = next.is_some_and(|byte| part.after(byte).is_none()) && part.may_end();
        token::piece(&mut window, &mut self.open, from, !ends, E::event);
        let at = window.at;
        input.seek(at);
        if ends {
            return Ok(self.after(Kind::Number));
        }
        match next {
            None => {
                self.state = State::Number(part);
                Ok(Continue(()))
            }
            Some(byte) => Err(input.fail_here(match part.after(byte) {
                Some(_) => ErrorKind::TooLong,
                None => ErrorKind::UnexpectedByte,
            })),
        }
    }
}

/// Reports a piece that ends at the cursor.
fn report<E: Marker>(input: &mut Input<'_, E>, open: &mut OpenText, text: &str, more: bool) {
    let mut window = input.window();
    open.report(&mut window, text, more, E::event);
    let at = window.at;
    input.seek(at);
}

/// The place in a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Start,
    Minus,
    Zero,
    Integer,
    Point,
    Fraction,
    E,
    Sign,
    Exponent,
}

impl Part {
    /// The place after this byte, if the number may go on with it.
    #[inline]
    fn after(self, byte: u8) -> Option<Self> {
        Some(match (self, byte) {
            (Self::Start, b'-') => Self::Minus,
            (Self::Start | Self::Minus, b'0') => Self::Zero,
            (Self::Start | Self::Minus | Self::Integer, b'0'..=b'9') => Self::Integer,
            (Self::Zero | Self::Integer, b'.') => Self::Point,
            (Self::Point | Self::Fraction, b'0'..=b'9') => Self::Fraction,
            (Self::Zero | Self::Integer | Self::Fraction, b'e' | b'E') => Self::E,
            (Self::E, b'+' | b'-') => Self::Sign,
            (Self::E | Self::Sign | Self::Exponent, b'0'..=b'9') => Self::Exponent,
            _ => return None,
        })
    }

    fn may_end(self) -> bool {
        matches!(self, Self::Zero | Self::Integer | Self::Fraction | Self::Exponent)
    }
}
