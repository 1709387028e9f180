//! The lines that a chunk cuts, and those that are rare or wrong: read byte by byte, in every engine with the
//! code here.
//!
//! A line has no value in it, so there is nothing to choose between states and code. What follows a line is the
//! engine's.

use super::options::Limits;
use super::text::OpenBulk;
use super::token::{Aggregate, FORMAT};
use super::{Event, Length, Null, Options, Version};
use crate::engine::window::{Out, Window};
use crate::error::ErrorKind;

/// A line that is not a text: a number, a truth value, or nothing. Its type byte has been read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    /// The type byte.
    kind: u8,
    part: Part,
    /// The carriage return has been read.
    is_ended: bool,
    is_negative: bool,
    is_resp3: bool,
    number: u64,
    /// The largest number that is accepted.
    max: u64,
    /// Bytes that the line may still have.
    left: u64,
}

/// The place in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Start,
    /// After the sign of an integer.
    Sign,
    Digits,
    /// After `-` in place of a length.
    Minus,
    /// After `-1` in place of a length.
    Null,
    /// After `?` in place of a length.
    Streamed,
    True,
    False,
    /// In a line of the type byte alone.
    Empty,
}

/// A line that is complete.
pub(super) enum Complete {
    /// It is a value.
    Scalar(Event<'static>),
    /// A content follows.
    Bulk(OpenBulk),
    /// The parts of a string follow.
    Streamed,
    /// A format follows, and a content of this length.
    Verbatim(u64),
    Aggregate(Aggregate, Length),
    /// A part of a streamed string follows, or the string has ended if this is zero.
    Part(u64),
    /// A streamed aggregate has ended.
    End,
}

impl Line {
    /// A line of this type.
    pub(super) fn new(kind: u8, options: &Options, limits: Limits) -> Self {
        let max = match kind {
            b':' => i64::MAX as u64,
            b'$' | b'!' | b'=' => limits.bulk,
            kind => Aggregate::of(kind).map_or(0, |aggregate| aggregate.max_count(limits)),
        };
        Self::with_max(kind, max, options)
    }

    /// A length, and no null: of a part of a streamed string, or of an argument.
    pub(super) fn of_length(max: u64, options: &Options) -> Self {
        Self::with_max(b';', max, options)
    }

    fn with_max(kind: u8, max: u64, options: &Options) -> Self {
        Self {
            kind,
            part: if let b'_' | b'.' = kind { Part::Empty } else { Part::Start },
            is_ended: false,
            is_negative: false,
            is_resp3: options.version == Version::Resp3,
            number: 0,
            max,
            left: options.limits.line,
        }
    }

    /// Reads on. Returns true at the end of the line. If it fails, the byte at the position of the window is to
    /// blame.
    pub(super) fn read<O: Out>(&mut self, window: &mut Window<'_, O>) -> Result<bool, ErrorKind> {
        while let Some(byte) = window.byte() {
            let is_complete = self.take(byte)?;
            window.at += 1;
            if is_complete {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Takes a byte, and returns true if it completes the line.
    fn take(&mut self, byte: u8) -> Result<bool, ErrorKind> {
        if self.is_ended {
            return if byte == b'\n' { Ok(true) } else { Err(ErrorKind::UnexpectedByte) };
        }
        let is_length = matches!(self.kind, b'$' | b'*');
        self.part = match (self.part, byte) {
            (_, b'\r') if self.may_end() => {
                self.is_ended = true;
                return Ok(false);
            }
            (Part::Start, b'+' | b'-') if self.kind == b':' => Part::Sign,
            (Part::Start, b'-') if is_length => Part::Minus,
            (Part::Minus, b'1') => Part::Null,
            (Part::Start, b'?')
                if self.is_resp3 && (is_length || matches!(self.kind, b'~' | b'%')) =>
            {
                Part::Streamed
            }
            (Part::Start, b't') if self.kind == b'#' => Part::True,
            (Part::Start, b'f') if self.kind == b'#' => Part::False,
            (Part::Start | Part::Sign | Part::Digits, b'0'..=b'9') if self.kind != b'#' => {
                Part::Digits
            }
            _ => return Err(ErrorKind::UnexpectedByte),
        };
        self.left = self.left.checked_sub(1).ok_or(ErrorKind::TooLong)?;
        match self.part {
            Part::Sign if byte == b'-' => {
                self.is_negative = true;
                self.max += 1;
            }
            Part::Digits => {
                let number = self.number.checked_mul(10);
                let number = number.and_then(|number| number.checked_add((byte - b'0').into()));
                self.number = match number {
                    Some(number) if number <= self.max => number,
                    _ if self.kind == b':' => return Err(ErrorKind::UnexpectedByte),
                    _ => return Err(ErrorKind::TooLong),
                };
            }
            _ => {}
        }
        Ok(false)
    }

    /// Returns true if the line may end here.
    fn may_end(&self) -> bool {
        match self.part {
            Part::Digits => self.kind != b'=' || self.number >= FORMAT,
            Part::Null | Part::Streamed | Part::True | Part::False | Part::Empty => true,
            Part::Start | Part::Sign | Part::Minus => false,
        }
    }

    /// The line, when it is complete.
    pub(super) fn complete(&self) -> Complete {
        let null = |null| Complete::Scalar(Event::Null(null));
        match (self.kind, self.part) {
            (b':', _) => {
                // The largest number after a minus is that of the smallest integer.
                let integer = self.number.cast_signed();
                let integer = if self.is_negative { integer.wrapping_neg() } else { integer };
                Complete::Scalar(Event::Integer(integer))
            }
            (b'#', part) => Complete::Scalar(Event::Bool(part == Part::True)),
            (b'_', _) => null(Null::Resp3),
            (b'$', Part::Null) => null(Null::Bulk),
            (b'*', Part::Null) => null(Null::Array),
            (b'$', Part::Streamed) => Complete::Streamed,
            (b'$' | b'!', _) => Complete::Bulk(OpenBulk::new(self.kind, self.number)),
            (b'=', _) => Complete::Verbatim(self.number - FORMAT),
            (b';', _) => Complete::Part(self.number),
            (kind, part) => match Aggregate::of(kind) {
                Some(aggregate) if part == Part::Streamed => {
                    Complete::Aggregate(aggregate, Length::Streamed)
                }
                Some(aggregate) => Complete::Aggregate(aggregate, Length::Counted(self.number)),
                None => Complete::End,
            },
        }
    }
}

/// The place in a double or in a big number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    Start,
    Sign,
    Integer,
    Point,
    Fraction,
    E,
    ExponentSign,
    Exponent,
    I,
    In,
    Inf,
    N,
    Na,
    Nan,
    /// In the parenthesis behind `nan`.
    Payload,
    PayloadEnd,
}

impl Number {
    /// The place after this byte, if the number may go on with it.
    #[inline]
    pub(super) fn after(self, byte: u8, is_double: bool) -> Option<Self> {
        Some(match (self, byte) {
            (Self::Start, b'+' | b'-') => Self::Sign,
            (Self::Start | Self::Sign | Self::Integer, b'0'..=b'9') => Self::Integer,
            _ if !is_double => return None,
            (Self::Integer, b'.') => Self::Point,
            (Self::Point | Self::Fraction, b'0'..=b'9') => Self::Fraction,
            (Self::Integer | Self::Fraction, b'e' | b'E') => Self::E,
            (Self::E, b'+' | b'-') => Self::ExponentSign,
            (Self::E | Self::ExponentSign | Self::Exponent, b'0'..=b'9') => Self::Exponent,
            (Self::Start | Self::Sign, b'i') => Self::I,
            (Self::I, b'n') => Self::In,
            (Self::In, b'f') => Self::Inf,
            (Self::Start | Self::Sign, b'n' | b'N') => Self::N,
            (Self::N, b'a' | b'A') => Self::Na,
            (Self::Na, b'n' | b'N') => Self::Nan,
            (Self::Nan, b'(') | (Self::Payload, b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'_') => {
                Self::Payload
            }
            (Self::Payload, b')') => Self::PayloadEnd,
            _ => return None,
        })
    }

    #[inline]
    pub(super) fn may_end(self) -> bool {
        matches!(
            self,
            Self::Integer
                | Self::Fraction
                | Self::Exponent
                | Self::Inf
                | Self::Nan
                | Self::PayloadEnd
        )
    }
}
