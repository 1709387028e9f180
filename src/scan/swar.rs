//! The portable kernel, "SIMD within a register": a block is eight 64-bit words of eight bytes.
//!
//! ```text
//! word ^ splat(byte)     a byte is zero where it equals the one looked for
//! tops                   its top bit is set, all other bits are zero
//! zeros                  the eight top bits side by side, the mask of the word
//! ```
//!
//! `any_close` ORs the `tops` of a stride and never needs the mask.

use super::escaped::{BLOCK, Compare, Escaped, Masks, STRIDE};

/// The two bytes that are looked for, each in every byte of a word.
#[derive(Clone, Copy)]
pub(super) struct Swar {
    close: u64,
    escape: u64,
}

impl Swar {
    pub(super) fn new(stop: Escaped) -> Self {
        Self { close: splat(stop.close), escape: splat(stop.escape) }
    }

    /// Returns the masks of eight bytes.
    #[inline(always)]
    fn word(self, bytes: [u8; 8]) -> Masks {
        let word = u64::from_le_bytes(bytes);
        Masks { close: zeros(word ^ self.close), escape: zeros(word ^ self.escape) }
    }
}

impl Compare for Swar {
    #[inline(always)]
    fn any_close(self, stride: &[[u8; BLOCK]; STRIDE]) -> bool {
        let (words, _) = stride.as_flattened().as_chunks();
        let mut any = 0;
        for word in words {
            any |= tops(u64::from_le_bytes(*word) ^ self.close);
        }
        any != 0
    }

    #[inline(always)]
    fn block(self, block: &[u8; BLOCK]) -> Masks {
        let (words, _) = block.as_chunks();
        let mut masks = Masks::default();
        for (index, word) in words.iter().enumerate() {
            masks = masks.with(8 * index, self.word(*word));
        }
        masks
    }

    #[inline(always)]
    fn short(self, bytes: &[u8]) -> Masks {
        let (words, rest) = bytes.as_chunks();
        let mut masks = Masks::default();
        for (index, word) in words.iter().enumerate() {
            masks = masks.with(8 * index, self.word(*word));
        }
        if !rest.is_empty() {
            let mut last = [0; 8];
            last[..rest.len()].copy_from_slice(rest);
            let valid = (1 << rest.len()) - 1;
            let Masks { close, escape } = self.word(last);
            let last = Masks { close: close & valid, escape: escape & valid };
            masks = masks.with(8 * words.len(), last);
        }
        masks
    }
}

/// Returns the top bits of the bytes of `word` that are `byte`: exact up to the first, and no more than
/// that, because the subtraction of a byte may borrow from the ones after it.
#[inline(always)]
pub(super) fn tops_equal(word: u64, byte: u8) -> u64 {
    tops_below::<1>(word ^ splat(byte))
}

/// Returns the top bits of the bytes of `word` that are less than `LIMIT`, at most 128: exact up to the
/// first, as [`tops_equal`].
#[inline(always)]
pub(super) fn tops_below<const LIMIT: u8>(word: u64) -> u64 {
    word.wrapping_sub(splat(LIMIT)) & !word & splat(0x80)
}

/// Returns the top bits of the bytes of `word` that are no digits.
#[inline(always)]
pub(super) fn tops_no_digit(word: u64) -> u64 {
    // Digits become the numbers below ten; a sum of 0x80 and more has the top bit.
    let moved = word ^ splat(b'0');
    (((moved & splat(0x7f)) + splat(0x80 - 10)) | moved) & splat(0x80)
}

fn splat(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// Returns one bit for each of the eight bytes of `word`, set where the byte is zero.
#[inline(always)]
fn zeros(word: u64) -> u64 {
    // The multiplication moves each bit into the top byte, to a place of its own.
    (tops(word) >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

/// Returns the top bit of each byte of `word` that is zero.
#[inline(always)]
fn tops(word: u64) -> u64 {
    const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    // The top bits are cleared before the addition, so no carry reaches the next byte.
    !(((word & LOW) + LOW) | word | LOW)
}
