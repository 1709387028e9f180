//! The tokens that a chunk has whole, and what the engines share of those that it cuts.
//!
//! [`value`] only accepts. What it does not accept it leaves to [`Line`], which reads byte by byte, and blames:
//! so the kind and the place of an error do not depend on cuts. The rest of a text or a content is in `text.rs`.

use super::consumer::Consumer;
use super::line::Line;
use super::nesting::Level;
use super::options::Limits;
use super::text::{Kind, OpenBulk, OpenText};
use super::{Event, Length, Null, Options, Version};
use crate::engine::window::{Out, Window};
use crate::error::ErrorKind;

/// Bytes of a verbatim string's format, with its colon.
pub(super) const FORMAT: u64 = 4;

/// The types of values that hold others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aggregate {
    Array,
    Map,
    Set,
    Push,
    Attribute,
}

impl Aggregate {
    /// The aggregate with this type byte.
    #[inline(always)]
    pub(super) fn of(byte: u8) -> Option<Self> {
        Some(match byte {
            b'*' => Self::Array,
            b'%' => Self::Map,
            b'~' => Self::Set,
            b'>' => Self::Push,
            b'|' => Self::Attribute,
            _ => return None,
        })
    }

    #[inline(always)]
    pub(super) fn event(self, length: Length) -> Event<'static> {
        match self {
            Self::Array => Event::Array(length),
            Self::Map => Event::Map(length),
            Self::Set => Event::Set(length),
            Self::Push => Event::Push(length),
            Self::Attribute => Event::Attribute(length),
        }
    }

    /// Returns true if a count is one of pairs.
    #[inline(always)]
    pub(super) fn has_pairs(self) -> bool {
        matches!(self, Self::Map | Self::Attribute)
    }

    /// The largest count that is accepted.
    #[inline(always)]
    pub(super) fn max_count(self, limits: Limits) -> u64 {
        let values = if self.has_pairs() { limits.values / 2 } else { limits.values };
        limits.elements.min(values)
    }
}

/// The place of a value among others. Most values ask for nothing but [`is_full`](Self::is_full).
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) level: &'a Level,
    /// The number of aggregates around it.
    pub(super) depth: u32,
    /// There is no memory for it.
    pub(super) has_no_memory: bool,
}

impl Place<'_> {
    /// Returns true if the aggregate around it has as many elements as it may have.
    #[inline(always)]
    fn is_full(self) -> bool {
        self.level.is_full() || self.has_no_memory
    }

    /// Returns true if the streamed aggregate around it may end here.
    #[inline(always)]
    fn may_end(self) -> bool {
        self.depth > 0 && self.level.may_end()
    }
}

/// A token, or the part of one, that has been read.
pub(super) enum Token {
    /// All of a value that holds no others.
    Scalar,
    /// The line with the length of an aggregate.
    Aggregate(Aggregate, Length),
    /// The end of a streamed aggregate.
    End,
}

/// The part of a value that is left to read.
pub(super) enum Rest {
    /// All of a line but its type byte.
    Line(Line),
    /// The rest of a line that is a text.
    Text(OpenText),
    /// The content, or the line end behind it.
    Bulk(OpenBulk),
    /// The byte at the position is wrong.
    Wrong(ErrorKind),
}

/// Reads a value that begins with this byte at the position, if the chunk has it whole, and reports it. Of an
/// aggregate that is the line with its length. Otherwise the window ends where the rest begins.
#[inline(always)]
pub(super) fn value<O: Out>(
    window: &mut Window<'_, O>,
    byte: u8,
    place: Place<'_>,
    options: &Options,
    limits: Limits,
    consumer: &mut impl Consumer<Events = O::Events>,
) -> Result<Token, Rest> {
    if place.is_full() && byte != b'.' {
        return Err(Rest::Wrong(ErrorKind::TooLong));
    }
    match byte {
        b'$' => bulk(window, byte, options, limits, consumer),
        b':' => match integer(window, limits) {
            Some(integer) => {
                consumer.take(window, Event::Integer(integer));
                Ok(Token::Scalar)
            }
            None => Err(line(window, byte, options, limits)),
        },
        b'*' => aggregate(window, Aggregate::Array, byte, place, options, limits, consumer),
        b'+' | b'-' => {
            let kind = if byte == b'+' { Kind::Simple } else { Kind::Error };
            text(window, OpenText::new(kind, limits), consumer)
        }
        _ if options.version == Version::Resp2 => Err(Rest::Wrong(ErrorKind::UnexpectedByte)),
        b'%' => aggregate(window, Aggregate::Map, byte, place, options, limits, consumer),
        b'~' => aggregate(window, Aggregate::Set, byte, place, options, limits, consumer),
        b'|' => aggregate(window, Aggregate::Attribute, byte, place, options, limits, consumer),
        b'>' if place.depth == 0 => {
            aggregate(window, Aggregate::Push, byte, place, options, limits, consumer)
        }
        b',' => text(window, OpenText::new(Kind::Double, limits), consumer),
        b'(' => text(window, OpenText::new(Kind::BigNumber, limits), consumer),
        b'!' => bulk(window, byte, options, limits, consumer),
        b'_' if whole(window, b"_\r\n") => {
            consumer.take(window, Event::Null(Null::Resp3));
            Ok(Token::Scalar)
        }
        b'#' if limits.line > 0 && whole(window, b"#t\r\n") => {
            consumer.take(window, Event::Bool(true));
            Ok(Token::Scalar)
        }
        b'#' if limits.line > 0 && whole(window, b"#f\r\n") => {
            consumer.take(window, Event::Bool(false));
            Ok(Token::Scalar)
        }
        b'.' if place.may_end() && whole(window, b".\r\n") => Ok(Token::End),
        b'.' if !place.may_end() => Err(Rest::Wrong(ErrorKind::UnexpectedByte)),
        b'_' | b'#' | b'=' | b'.' => Err(line(window, byte, options, limits)),
        _ => Err(Rest::Wrong(ErrorKind::UnexpectedByte)),
    }
}

/// Takes the type byte of a line.
#[inline(always)]
fn line<O: Out>(window: &mut Window<'_, O>, byte: u8, options: &Options, limits: Limits) -> Rest {
    window.at += 1;
    Rest::Line(Line::new(byte, options, limits))
}

/// Takes these bytes, if they are next.
#[inline(always)]
fn whole<O: Out>(window: &mut Window<'_, O>, bytes: &[u8]) -> bool {
    let is_next = window.chunk[window.at..].starts_with(bytes);
    window.at += if is_next { bytes.len() } else { 0 };
    is_next
}

/// Digits of a number that is read at once: so many cannot overflow.
const MAX_DIGITS: usize = 18;

/// Reads the length from `at` on and its line end. Returns the number, and the place behind the line; `None` if that is
/// not what the chunk has.
///
/// Lengths have few digits, and as many as the one before: a branch for each is cheap.
#[inline(always)]
pub(super) fn number<O: Out>(
    window: &mut Window<'_, O>,
    at: usize,
    limits: Limits,
) -> Option<(u64, usize)> {
    let bytes = &window.chunk[at..];
    let (mut number, mut count) = (0_u64, 0);
    while let Some(digit @ ..=9) = bytes.get(count).map(|byte| byte.wrapping_sub(b'0')) {
        number = number.wrapping_mul(10).wrapping_add(digit.into());
        count += 1;
        if count > MAX_DIGITS {
            break;
        }
    }
    let is_whole = matches!(bytes.get(count..), Some([b'\r', b'\n', ..]));
    if is_whole && 0 < count && count <= MAX_DIGITS && count as u64 <= limits.line {
        return Some((number, at + count + 2));
    }
    window.count(count + 1);
    None
}

/// The number of the digits that the bytes of a word begin with, the lowest first, and their count; `None` if all are
/// digits. There is no branch
/// for each digit, because the processor cannot know how many there will be.
#[inline(always)]
fn up_to_seven_digits(word: u64) -> Option<(u64, usize)> {
    const EACH: u64 = 0x0101_0101_0101_0101;
    // A digit is its value.
    let values = word ^ (EACH * u64::from(b'0'));
    // The highest bit of each byte that is more than 9, up to the first of them.
    let others = (values.wrapping_add(EACH * 0x76) | values) & (EACH * 0x80);
    if others == 0 {
        return None;
    }
    let count = (others.trailing_zeros() / 8) as usize;
    // As eight digits, with zeros in front. Two shifts, because there may be none.
    let digits = values << 8 << (8 * (7 - count));
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    let low = (pairs & 0x0000_00ff_0000_00ff).wrapping_mul(100 + (1_000_000 << 32));
    let high = (pairs >> 16 & 0x0000_00ff_0000_00ff).wrapping_mul(1 + (10_000 << 32));
    Some((low.wrapping_add(high) >> 32, count))
}

/// Reads an integer.
#[inline(always)]
fn integer<O: Out>(window: &mut Window<'_, O>, limits: Limits) -> Option<i64> {
    let bytes = &window.chunk[window.at + 1..];
    if limits.line >= 8
        && let Some(first) = bytes.first_chunk()
    {
        let word = u64::from_le_bytes(*first);
        let is_negative = word as u8 == b'-';
        // A minus makes room for a zero, which is no digit.
        let digits = if is_negative { word >> 8 } else { word };
        if let Some((number, count @ 1..)) = up_to_seven_digits(digits) {
            let end = count + usize::from(is_negative);
            if let Some([b'\r', b'\n', ..]) = bytes.get(end..) {
                window.at += end + 3;
                let number = number.cast_signed();
                return Some(if is_negative { -number } else { number });
            }
        }
    }
    long_integer(window, limits)
}

/// Reads an integer of more digits, or at the end of the chunk.
#[inline(never)]
fn long_integer<O: Out>(window: &mut Window<'_, O>, limits: Limits) -> Option<i64> {
    let at = window.at + 1;
    let is_negative = window.chunk.get(at) == Some(&b'-');
    let limits = Limits { line: limits.line.saturating_sub(is_negative.into()), ..limits };
    let (number, end) = number(window, at + usize::from(is_negative), limits)?;
    window.at = end;
    let number = number.cast_signed();
    Some(if is_negative { -number } else { number })
}

/// Reads the length of an aggregate, and reports it.
#[inline(always)]
fn aggregate<O: Out>(
    window: &mut Window<'_, O>,
    aggregate: Aggregate,
    byte: u8,
    place: Place<'_>,
    options: &Options,
    limits: Limits,
    consumer: &mut impl Consumer<Events = O::Events>,
) -> Result<Token, Rest> {
    if place.depth >= options.depth {
        return Err(Rest::Wrong(ErrorKind::TooDeep));
    }
    match number(window, window.at + 1, limits) {
        Some((count, end)) if count <= aggregate.max_count(limits) => {
            window.at = end;
            let length = Length::Counted(count);
            consumer.take(window, aggregate.event(length));
            Ok(Token::Aggregate(aggregate, length))
        }
        _ => Err(line(window, byte, options, limits)),
    }
}

/// Reads a bulk string or a bulk error, and reports it.
#[inline(always)]
fn bulk<O: Out>(
    window: &mut Window<'_, O>,
    byte: u8,
    options: &Options,
    limits: Limits,
    consumer: &mut impl Consumer<Events = O::Events>,
) -> Result<Token, Rest> {
    let (length, from) = match number(window, window.at + 1, limits) {
        Some((length, from)) if length <= limits.bulk => (length, from),
        _ => return Err(line(window, byte, options, limits)),
    };
    let mut open = OpenBulk::new(byte, length);
    window.at = from;
    let chunk = window.chunk;
    let rest = &chunk[from..];
    if let Ok(length) = usize::try_from(length)
        && let Some((content, [b'\r', b'\n', ..])) = rest.split_at_checked(length)
    {
        window.at = from + length;
        consumer.take(window, open.event(content, false));
        if window.at + 2 <= window.chunk.len() {
            window.at += 2;
            return Ok(Token::Scalar);
        }
        // The sink has paused.
        open.left = 0;
        open.is_reported = true;
    }
    Err(Rest::Bulk(open))
}

/// Reads a line that is a text, as far as the chunk has it.
#[inline(always)]
fn text<O: Out>(
    window: &mut Window<'_, O>,
    mut open: OpenText,
    consumer: &mut impl Consumer<Events = O::Events>,
) -> Result<Token, Rest> {
    window.at += 1;
    match open.read(window, consumer) {
        Ok(true) => Ok(Token::Scalar),
        Ok(false) => Err(Rest::Text(open)),
        Err(kind) => Err(Rest::Wrong(kind)),
    }
}

#[cfg(test)]
mod tests {
    use std::format;

    use super::*;

    #[test]
    fn digits_are_read_up_to_the_first_other_byte() {
        let mut cases = 0;
        for other in (0..=255).filter(|byte: &u8| !byte.is_ascii_digit()) {
            for (number, digits) in [
                (0, ""),
                (7, "7"),
                (10, "10"),
                (0, "000"),
                (9999, "9999"),
                (123_456, "123456"),
                (1_234_567, "1234567"),
            ] {
                for filler in [b'0', b'9', 0, 0xff, other] {
                    let mut bytes = [filler; 8];
                    bytes[..digits.len()].copy_from_slice(digits.as_bytes());
                    bytes[digits.len()] = other;
                    let about = format!("{}", bytes.escape_ascii());
                    let word = u64::from_le_bytes(bytes);
                    assert_eq!(up_to_seven_digits(word), Some((number, digits.len())), "{about}");
                    cases += 1;
                }
            }
        }
        assert_eq!(cases, 246 * 7 * 5);
        assert_eq!(up_to_seven_digits(u64::from_le_bytes(*b"12345678")), None);
    }
}
