//! Inline commands: a line of words, with quotes.

use alloc::vec::Vec;
use core::mem;

use super::Blob;
use crate::error::ErrorKind;

/// An inline command of which a part has been read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inline {
    place: Place,
    /// Bytes that the line may still have.
    left: u64,
}

/// The place in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In white space, or at the start.
    Between,
    Word,
    /// In `"…"`.
    Double,
    /// After a backslash in it.
    Escape,
    /// After `\x` in it.
    Hex,
    /// After the first digit behind that.
    HexDigit(u8),
    /// In `'…'`.
    Single,
    /// After a backslash in it.
    Backslash,
    /// After a closing quote.
    Closed,
    /// After a carriage return for which there was no room, unless it ends the line.
    End,
}

impl Inline {
    /// A line of at most so many bytes.
    pub(super) fn new(max: u64) -> Self {
        Self { place: Place::Between, left: max }
    }

    /// Takes a byte, and returns true if it ends the line. `text` has the bytes of the word that is open.
    pub(super) fn take(
        &mut self,
        byte: u8,
        text: &mut Vec<u8>,
        args: &mut Vec<Blob>,
    ) -> Result<bool, ErrorKind> {
        if byte == 0 {
            return Err(ErrorKind::UnexpectedByte);
        }
        self.place = match (self.place, byte) {
            (Place::Between | Place::Closed | Place::End, b'\n') => return Ok(true),
            (Place::Word, b'\n') => {
                args.push(mem::take(text).into());
                return Ok(true);
            }

            (Place::Between | Place::Closed, b' ' | b'\t' | b'\r' | 0x0b | 0x0c) => Place::Between,
            // Or a quote is open.
            (Place::Closed | Place::End, _) | (_, b'\n') => return Err(ErrorKind::UnexpectedByte),
            (Place::Word, b' ' | b'\t' | b'\r') => {
                args.push(mem::take(text).into());
                Place::Between
            }
            (Place::Between | Place::Word, b'"') => Place::Double,
            (Place::Between | Place::Word, b'\'') => Place::Single,
            (Place::Between | Place::Word, _) => {
                text.push(byte);
                Place::Word
            }

            (Place::Double | Place::Hex | Place::HexDigit(_), b'"') | (Place::Single, b'\'') => {
                args.push(mem::take(text).into());
                Place::Closed
            }
            (Place::Double | Place::Hex | Place::HexDigit(_), b'\\') => Place::Escape,
            (Place::Escape, b'x') => {
                text.push(byte);
                Place::Hex
            }
            (Place::Escape, _) => {
                text.push(meaning(byte));
                Place::Double
            }
            // Until there are two digits, they stand for themselves.
            (Place::Hex, _) if let Some(digit) = digit(byte) => {
                text.push(byte);
                Place::HexDigit(digit)
            }
            (Place::HexDigit(first), _) if let Some(second) = digit(byte) => {
                text.truncate(text.len() - 2);
                text.push(first << 4 | second);
                Place::Double
            }
            (Place::Double | Place::Hex | Place::HexDigit(_), _) => {
                text.push(byte);
                Place::Double
            }

            (Place::Single, b'\\') => Place::Backslash,
            (Place::Backslash, b'\\') => {
                text.push(byte);
                Place::Backslash
            }
            (Place::Single, _) | (Place::Backslash, b'\'') => {
                text.push(byte);
                Place::Single
            }
            (Place::Backslash, _) => {
                text.extend([b'\\', byte]);
                Place::Single
            }
        };
        match self.left.checked_sub(1) {
            Some(left) => self.left = left,
            // The line end is not counted.
            None if byte == b'\r' && self.place == Place::Between => self.place = Place::End,
            None => return Err(ErrorKind::TooLong),
        }
        Ok(false)
    }
}

/// The byte for which an escape stands.
fn meaning(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 0x08,
        b'a' => 0x07,
        other => other,
    }
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}
