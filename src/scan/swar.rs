//! The portable kernel: eight bytes at a time in an ordinary 64-bit word.

use super::Escaped;

const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;

/// [`Stop::skip`](super::Stop::skip) of an [`Escaped`].
pub(super) fn skip(stop: Escaped, bytes: &[u8]) -> Option<usize> {
    let close = splat(stop.close);
    let escape = splat(stop.escape);
    let mut at = 0;
    while let Some(word) = bytes.get(at..at + 8) {
        let word = u64::from_le_bytes(word.try_into().unwrap_or_default());
        let escapes = zeros(word ^ escape);
        let closes = zeros(word ^ close);
        let first = (escapes | closes).trailing_zeros() as usize / 8;
        at += first;
        if first < 8 {
            if closes >> (8 * first) & 0x80 != 0 {
                return Some(at);
            }
            if at + 1 == bytes.len() {
                return Some(at);
            }
            at += 2;
        }
    }
    while let Some(&byte) = bytes.get(at) {
        if byte == stop.close || (byte == stop.escape && at + 1 == bytes.len()) {
            return Some(at);
        }
        at += 1 + usize::from(byte == stop.escape);
    }
    None
}

fn splat(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// The top bit of every byte of `word` that is zero, and no other bit.
fn zeros(word: u64) -> u64 {
    !(((word & LOW) + LOW) | word | LOW)
}
