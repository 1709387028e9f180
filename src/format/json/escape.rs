//! Escapes: `\n`, `\u20AC`, `\uD83D\uDE00`.

use crate::error::ErrorKind;
use crate::scan::utf8::split_valid;

/// The character of the escape that these bytes begin with, and its length, if it is whole.
#[inline(always)]
pub(super) fn escape(bytes: &[u8]) -> Option<(char, usize)> {
    if let Some(unit) = unit(bytes) {
        return match char::from_u32(unit.into()) {
            Some(character) => Some((character, 6)),
            None => Some((pair(unit, self::unit(&bytes[6..])?)?, 12)),
        };
    }
    match *bytes {
        [b'\\', byte, ..] => Some((simple(byte)?, 2)),
        _ => None,
    }
}

/// The unit of the escape `\uXXXX` that these bytes begin with.
#[inline(always)]
fn unit(bytes: &[u8]) -> Option<u16> {
    let [b'\\', b'u', digits @ ..] = bytes.first_chunk::<6>()? else { return None };
    let [a, b, c, d] = digits.map(|digit| DIGITS[usize::from(digit)]);
    // Only `NO_DIGIT` has the highest bit.
    if (a | b | c | d) & 0x80 != 0 {
        return None;
    }
    let [a, b, c, d] = [a, b, c, d].map(u16::from);
    Some(a << 12 | b << 8 | c << 4 | d)
}

/// The character of an escape of two bytes, from the second.
#[inline]
pub(super) fn simple(byte: u8) -> Option<char> {
    Some(match byte {
        b'"' | b'\\' | b'/' => byte.into(),
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        _ => return None,
    })
}

/// The value of a hexadecimal digit.
#[inline]
pub(super) fn digit(byte: u8) -> Option<u16> {
    match DIGITS[usize::from(byte)] {
        NO_DIGIT => None,
        digit => Some(digit.into()),
    }
}

const NO_DIGIT: u8 = 0xff;

/// The value of each byte as a hexadecimal digit.
const DIGITS: [u8; 256] = {
    let mut digits = [NO_DIGIT; 256];
    let mut value = 0;
    while value < 16 {
        digits[b"0123456789abcdef"[value] as usize] = value as u8;
        digits[b"0123456789ABCDEF"[value] as usize] = value as u8;
        value += 1;
    }
    digits
};

/// The meaning of a unit.
pub(super) enum Unit {
    Character(char),
    /// It is the first half of a pair.
    High,
}

/// The meaning of a unit that has been read digit by digit, after a first half if there is one.
pub(super) fn meaning(high: Option<u16>, unit: u16) -> Result<Unit, ErrorKind> {
    match (high, char::from_u32(unit.into())) {
        (None, Some(character)) => Ok(Unit::Character(character)),
        (None, None) if unit < 0xdc00 => Ok(Unit::High),
        (None, None) => Err(ErrorKind::LoneSurrogate),
        (Some(high), _) => pair(high, unit).map(Unit::Character).ok_or(ErrorKind::LoneSurrogate),
    }
}

/// The character of a pair, if the two are the halves of one.
#[inline(never)]
fn pair(high: u16, low: u16) -> Option<char> {
    char::decode_utf16([high, low]).next()?.ok()
}

/// Decoded text that is not in the chunk as it is: escapes, and short runs between them.
///
/// It is empty whenever the parser waits, so it lives on the stack of a call.
pub(super) struct Decoded {
    bytes: [u8; CAPACITY],
    len: usize,
}

/// Twice the room that a short run and an escape take, and a little: more would be reported later.
const CAPACITY: usize = 128;

impl Decoded {
    #[inline]
    pub(super) fn new() -> Self {
        Self { bytes: [0; CAPACITY], len: 0 }
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns true if so many bytes more fit.
    #[inline]
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        CAPACITY - self.len >= bytes
    }

    /// Appends text, for which there must be room.
    #[inline]
    pub(super) fn push(&mut self, text: &str) {
        self.bytes[self.len..self.len + text.len()].copy_from_slice(text.as_bytes());
        self.len += text.len();
    }

    /// Appends a character, for which there must be room.
    #[inline]
    pub(super) fn push_char(&mut self, character: char) {
        self.len += character.encode_utf8(&mut self.bytes[self.len..]).len();
    }

    #[inline]
    pub(super) fn text(&self) -> &str {
        let (text, rest) = split_valid(&self.bytes[..self.len]);
        debug_assert!(rest.is_empty(), "only text is pushed");
        text
    }

    #[inline]
    pub(super) fn clear(&mut self) {
        self.len = 0;
    }
}
