//! The search for the longest valid prefix that the vector kernels share.
//!
//! ```text
//! for each stride of 2 blocks, while there is one:
//!     if it is ASCII: check only that no character is cut short before it
//!     otherwise:      check each of its blocks of 64 bytes
//! check the block that ends where the slice ends
//!     (the first block is checked as if ASCII were before it)
//! if a check failed: look for the byte from the last character before that block, with std
//! otherwise:         everything is valid but a character that the end of the slice cuts
//! ```
//!
//! The check of a block is that of J. Keiser and D. Lemire, "Validating UTF-8 In Less Than One
//! Instruction Per Byte", Software: Practice and Experience 51, 2021; [`pairs`](super::pairs) explains it. Three
//! things are different here:
//!
//! 1. *Bytes before a block are loaded again*, one, two and three bytes further back, where the paper
//!    shifts them in from the registers of the block before. A load costs less than the shuffles, and
//!    nothing is carried from block to block, so a block can begin anywhere.
//! 2. *The last block overlaps the one before*, so that nothing is padded.
//! 3. *A cut character is no error.* A block that ends within a character is not wrong, so the end of
//!    the slice is looked at once.
//!
//! The kernels only accept or refuse a block. The place of an error is found by std.

use core::str;

use super::before_cut;

/// Bytes that are checked together.
pub(super) const BLOCK: usize = 64;

/// Bytes before a block that say what it may begin with: those of a character but the last.
pub(super) const BEFORE: usize = 3;

/// Bytes that are passed over together if they are ASCII.
pub(super) const STRIDE: usize = 2 * BLOCK;

/// A block and the bytes before it.
pub(super) type Window = [u8; BEFORE + BLOCK];

/// A kernel.
pub(super) trait Check: Copy {
    /// Tells if all bytes are ASCII.
    fn is_ascii(self, stride: &[u8; STRIDE]) -> bool;

    /// Tells if each byte of the block may follow the three bytes before it.
    ///
    /// Those are not checked themselves, and the block may end within a character.
    fn is_valid(self, window: &Window) -> bool;

    /// Like [`is_valid`](Self::is_valid), for a block with nothing before it.
    fn is_valid_start(self, block: &[u8; BLOCK]) -> bool;

    /// Like [`is_valid_start`](Self::is_valid_start), for fewer bytes than a window has.
    fn is_valid_short(self, bytes: &[u8]) -> bool;
}

/// Runs the search on a kernel.
#[inline(always)]
pub(super) fn valid_up_to(kernel: impl Check, bytes: &[u8]) -> usize {
    match first_invalid_block(kernel, bytes) {
        None => before_cut(bytes),
        Some(at) => from_block(bytes, at),
    }
}

/// Returns the place of the first block that is not valid. Every block before it is, but for a
/// character that may be cut at its end.
#[inline(always)]
fn first_invalid_block(kernel: impl Check, bytes: &[u8]) -> Option<usize> {
    let Some(last) = bytes.last_chunk() else {
        return (!kernel.is_valid_short(bytes)).then_some(0);
    };
    let mut at = 0;
    // Nothing is cut at `at`: ASCII is before it, or nothing.
    let mut after_ascii = true;
    while let Some(stride) = bytes[at..].first_chunk() {
        if kernel.is_ascii(stride) {
            if !after_ascii && before_cut(&bytes[..at]) != at {
                return Some(at);
            }
            after_ascii = true;
            at += STRIDE;
            continue;
        }
        after_ascii = false;
        for _ in 0..STRIDE / BLOCK {
            if !is_valid_at(kernel, bytes, at) {
                return Some(at);
            }
            at += BLOCK;
        }
    }
    if after_ascii && bytes.last_chunk().is_some_and(|stride| kernel.is_ascii(stride)) {
        return None;
    }
    if at + BLOCK <= bytes.len() {
        if !is_valid_at(kernel, bytes, at) {
            return Some(at);
        }
        at += BLOCK;
    }
    let rest_is_valid = at == bytes.len() || kernel.is_valid(last);
    (!rest_is_valid).then_some(at)
}

/// Checks the block at `at`: 0, or at least [`BEFORE`].
#[inline(always)]
fn is_valid_at(kernel: impl Check, bytes: &[u8], at: usize) -> bool {
    const INSIDE: &str = "the block is in the slice";
    if at == 0 {
        kernel.is_valid_start(bytes.first_chunk().expect(INSIDE))
    } else {
        kernel.is_valid(bytes[at - BEFORE..].first_chunk().expect(INSIDE))
    }
}

/// Returns the length of the longest valid prefix, if the first block that is not valid is at `at`.
#[cold]
fn from_block(bytes: &[u8], at: usize) -> usize {
    let start = before_cut(&bytes[..at]);
    match str::from_utf8(&bytes[start..]) {
        Ok(_) => {
            debug_assert!(false, "the block at {at} is valid");
            bytes.len()
        }
        Err(error) => start + error.valid_up_to(),
    }
}
