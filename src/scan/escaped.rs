//! A closing byte that an escape byte can hide, and the search for it that all kernels share.
//!
//! ```text
//! for each stride of 4 blocks:
//!     if no closing byte is in it, or each follows one escape alone:
//!         go on
//!     see if the bytes before the stride end in an escape that hides its first byte
//!     for each of its blocks of 64 bytes:
//!         close, escape = masks with one bit per byte: where each of the two bytes is
//!         hidden        = mask of the bytes that escapes hide
//!         return the place of the first bit in close & !hidden, if there is one
//! for each block that is left, and for the last bytes, which do not fill a block:
//!     the same as for a block of a stride
//! if the input ends in an escape that is not hidden itself:
//!     return the place of that escape
//! ```
//!
//! [`Escaped::skip_by_byte`] is the definition. The search is faster for five reasons:
//!
//! 1. *Masks.* A kernel compares a whole block with the two bytes and makes two 64-bit masks. All
//!    the rest is integer arithmetic that no kernel needs to repeat.
//! 2. *One addition for all escapes of a block.* [`hidden`] treats every run of escapes at once, so
//!    the search costs the same however many escapes there are. The method is simdjson's (G.
//!    Langdale and D. Lemire, "Parsing Gigabytes of JSON per Second", VLDB Journal 28, 2019,
//!    section 3.1.1).
//! 3. *Strides.* Where there is no closing byte, escapes do not matter. So a stride is first searched
//!    for the closing byte alone. With the arithmetic of 2 for every block, the search ran at a third
//!    of this speed. Computing all masks of a stride before the first branch gained nothing with
//!    AVX-512 and a tenth with AVX2; it is not done, because the code is longer.
//! 4. *Looking behind.* Most hidden closing bytes follow a single escape. Two more loads, one byte and
//!    two bytes back, tell if all of a stride do, with no arithmetic on masks and nothing carried from
//!    block to block. What is carried is found again where it is needed, by going back over the
//!    escapes before. With this, text with an escaped quote in every stride takes 0.65 of the time.
//!    Which of the two searches comes first for a stride is guessed from the strides before it
//!    ([`Outlook`]).
//! 5. *Nothing to remember between chunks.* An escape in the last place is returned as a stop, and
//!    the body's own read waits for the byte that it hides.

/// A closing byte, and an escape byte that hides the byte after it.
///
/// Both are stops. Use this if the body always reads one byte after an escape, whatever it is:
/// without a sink the scan then skips escape pairs itself, as fast as if there were none. An escape
/// whose second byte is not in the chunk is returned, and the body's own read waits for that byte,
/// so nothing has to be remembered at a cut.
///
/// If the two bytes are the same, each is a closing byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Escaped {
    /// The byte that ends the text.
    pub close: u8,
    /// The byte that hides the one after it.
    pub escape: u8,
}

impl Escaped {
    /// The definition of [`Stop::skip`](super::Stop::skip): the first closing byte that is not
    /// hidden, or an escape in the last place that is not hidden itself.
    #[inline]
    pub(super) fn skip_by_byte(self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            if byte == self.close {
                return Some(at);
            }
            if byte == self.escape {
                if at + 1 == bytes.len() {
                    return Some(at);
                }
                at += 1;
            }
            at += 1;
        }
        None
    }
}

/// Bytes in a block: one for each bit of a mask.
pub(super) const BLOCK: usize = u64::BITS as usize;

/// Blocks that are searched for the closing byte together.
pub(super) const STRIDE: usize = 4;

/// Bytes before a stride that tell if its closing bytes follow one escape alone.
pub(super) const BEHIND: usize = 2;

/// A kernel that is set up for one pair of bytes.
pub(super) trait Compare: Copy {
    /// Tells if the closing byte is anywhere in the stride.
    fn any_close(self, stride: &[[u8; BLOCK]; STRIDE]) -> bool;

    /// True if [`all_hidden`](Self::all_hidden) looks behind.
    const LOOKS_BEHIND: bool = false;

    /// Tells if each closing byte of a stride follows one escape alone, and is hidden therefore. The
    /// stride follows the two bytes before it in `window`.
    #[inline(always)]
    fn all_hidden(self, _window: &[u8; BEHIND + STRIDE * BLOCK]) -> bool {
        false
    }

    /// Returns the masks of a block.
    fn block(self, block: &[u8; BLOCK]) -> Masks;

    /// Returns the masks of fewer bytes than a block. Bits past the last byte are zero.
    fn short(self, bytes: &[u8]) -> Masks;
}

/// The places of the two bytes among up to 64. The first byte has the lowest bit.
#[derive(Clone, Copy, Default)]
pub(super) struct Masks {
    pub(super) close: u64,
    pub(super) escape: u64,
}

impl Masks {
    /// Adds the masks of a part that begins at `place`.
    #[inline(always)]
    pub(super) fn with(self, place: usize, part: Self) -> Self {
        Self { close: self.close | part.close << place, escape: self.escape | part.escape << place }
    }
}

/// Runs [`Stop::skip`](super::Stop::skip) of an [`Escaped`] on a kernel. The module has it in
/// pseudo-code.
///
/// `carried` is 1 where the bytes before the place `known` end in an escape that hides its byte.
#[inline(always)]
pub(super) fn skip(compare: impl Compare, bytes: &[u8]) -> Option<usize> {
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    let (strides, blocks_left) = blocks.as_chunks::<STRIDE>();
    let mut outlook = Outlook::new();
    let (mut carried, mut known) = (0, 0);
    let mut at = 0;
    for stride in strides {
        if !outlook.passes(compare, stride, bytes, at) {
            if known < at {
                carried = carried_over(compare, &bytes[..at]);
            }
            for (index, block) in stride.iter().enumerate() {
                if let Some(close) = first_close(compare.block(block), &mut carried) {
                    return Some(at + index * BLOCK + close);
                }
            }
            known = at + STRIDE * BLOCK;
        }
        at += STRIDE * BLOCK;
    }
    if known < at {
        carried = carried_over(compare, &bytes[..at]);
    }
    for block in blocks_left {
        if let Some(close) = first_close(compare.block(block), &mut carried) {
            return Some(at + close);
        }
        at += BLOCK;
    }
    if !rest.is_empty() {
        let masks = compare.short(rest);
        let hidden = hidden(masks.escape, carried);
        let close = masks.close & !hidden;
        if close != 0 {
            return Some(at + close.trailing_zeros() as usize);
        }
        carried = hidden >> rest.len() & 1;
    }
    (carried != 0).then(|| bytes.len() - 1)
}

/// Expectations of the strides to come, from those before. They decide how strides are searched, and
/// never what is found.
struct Outlook {
    /// True if the stride before had a closing byte.
    had_close: bool,
    /// Strides to come that are taken to have a closing byte, because two in a row had.
    dense: usize,
    /// Strides to come that are searched by blocks at once, because looking behind has not helped.
    by_block: usize,
    /// One more than the next such number. It doubles each time: closing bytes after several escapes
    /// come in crowds, as in a string of JSON in another.
    backoff: usize,
}

impl Outlook {
    const DENSE: usize = 7;
    const MAX_BACKOFF: usize = 16;

    #[inline(always)]
    fn new() -> Self {
        Self { had_close: false, dense: 0, by_block: 0, backoff: 1 }
    }

    /// Tells if the stride, which is at `at` in `bytes`, is known to have no closing byte but hidden ones.
    #[inline(always)]
    fn passes<C: Compare>(
        &mut self,
        compare: C,
        stride: &[[u8; BLOCK]; STRIDE],
        bytes: &[u8],
        at: usize,
    ) -> bool {
        if self.by_block > 0 {
            self.by_block -= 1;
            return false;
        }
        if self.dense > 0 {
            self.dense -= 1;
        } else {
            let had_close = self.had_close;
            self.had_close = compare.any_close(stride);
            if !self.had_close {
                return true;
            }
            if had_close && C::LOOKS_BEHIND {
                self.dense = Self::DENSE;
            }
        }
        // Nothing is before the first stride.
        let window = at.checked_sub(BEHIND).and_then(|from| bytes[from..].first_chunk());
        if window.is_some_and(|window| compare.all_hidden(window)) {
            self.backoff = 1;
            return true;
        }
        if C::LOOKS_BEHIND && window.is_some() {
            self.by_block = self.backoff - 1;
            self.backoff = Self::MAX_BACKOFF.min(2 * self.backoff);
        }
        false
    }
}

/// Returns what is carried over to the byte after `bytes`, which are whole blocks.
///
/// Goes back to the last block that has another byte than the escape. So a search, which goes back from
/// strides with a closing byte and from the last stride, passes each block once in this direction.
#[inline(always)]
fn carried_over(compare: impl Compare, bytes: &[u8]) -> u64 {
    let mut carried = 0;
    let (blocks, _) = bytes.as_chunks();
    for block in blocks.iter().rev() {
        if carry(compare.block(block).escape, &mut carried) {
            break;
        }
    }
    carried
}

/// Returns the place of the first closing byte of a block that is not hidden.
#[inline(always)]
fn first_close(masks: Masks, carried: &mut u64) -> Option<usize> {
    let close = masks.close & !hidden(masks.escape, *carried);
    carry(masks.escape, carried);
    (close != 0).then(|| close.trailing_zeros() as usize)
}

/// Sets `carried` for the block that follows: an odd run of escapes at the end hides the next byte.
///
/// Returns false, and leaves `carried`, if the run fills the whole block: an even number of escapes
/// changes nothing, so the block before decides.
#[inline(always)]
fn carry(escape: u64, carried: &mut u64) -> bool {
    let run = escape.leading_ones();
    let begins_here = run < u64::BITS;
    if begins_here {
        *carried = u64::from(run & 1);
    }
    begins_here
}

/// Returns the bytes that escapes hide, as far as they are not escapes themselves: those that
/// follow a run of escapes of odd length.
///
/// A run is odd if it begins at an even place and the byte after it is at an odd one, or the other
/// way round. Adding a bit where a run begins clears the run and sets the bit after it. So one
/// addition of the first bits of all runs that begin at even places tells them from the others:
///
/// ```text
/// place            0 1 2 3 4 5 6 7 8 9
/// bytes            a \ " \ \ " \ \ \ "
/// escape           . 1 . 1 1 . 1 1 1 .
/// begins           . 1 . 1 . . 1 . . .
/// begins & EVEN    . . . . . . 1 . . .
/// carries          . 1 . 1 1 . . . . 1    escape + (begins & EVEN)
/// carries ^ EVEN   1 1 1 1 . . 1 . 1 1
/// follows          . . 1 . . 1 . . . 1
/// hidden           . . 1 . . . . . . 1    follows & (carries ^ EVEN)
/// ```
#[inline(always)]
fn hidden(escape: u64, carried: u64) -> u64 {
    const EVEN: u64 = 0x5555_5555_5555_5555;
    let escape = escape & !carried;
    let begins = escape & !(escape << 1);
    let follows = (escape << 1) & !escape;
    let carries = escape.wrapping_add(begins & EVEN);
    (follows & (carries ^ EVEN)) | carried
}

#[cfg(test)]
mod tests {
    use core::cell::Cell;
    use std::vec::Vec;

    use super::*;

    /// Compares byte by byte, and counts the blocks that are loaded.
    #[derive(Clone, Copy)]
    struct Counts<'c> {
        stop: Escaped,
        blocks: &'c Cell<usize>,
    }

    impl Counts<'_> {
        fn load(self, blocks: usize) {
            self.blocks.set(self.blocks.get() + blocks);
        }
    }

    impl Compare for Counts<'_> {
        const LOOKS_BEHIND: bool = true;

        fn any_close(self, stride: &[[u8; BLOCK]; STRIDE]) -> bool {
            self.load(STRIDE);
            stride.as_flattened().contains(&self.stop.close)
        }

        fn all_hidden(self, window: &[u8; BEHIND + STRIDE * BLOCK]) -> bool {
            self.load(3 * STRIDE);
            let Escaped { close, escape } = self.stop;
            let is_hidden = |bytes: &[u8]| bytes[0] != escape && bytes[1] == escape;
            window.windows(3).all(|bytes| bytes[2] != close || is_hidden(bytes))
        }

        fn block(self, block: &[u8; BLOCK]) -> Masks {
            self.short(block)
        }

        fn short(self, bytes: &[u8]) -> Masks {
            self.load(1);
            let mask = |byte| {
                let bits = bytes.iter().enumerate().map(|(at, &is)| u64::from(is == byte) << at);
                bits.fold(0, |mask, bit| mask | bit)
            };
            Masks { close: mask(self.stop.close), escape: mask(self.stop.escape) }
        }
    }

    #[test]
    fn each_block_is_loaded_a_few_times_whatever_is_in_it() {
        let stop = Escaped { close: b'"', escape: b'\\' };
        let pieces: [&[u8]; 6] = [b"a", b"\\\"", b"\\\\", b"\\\\\\\"", b"a\\\\\\\"", b"\\\\\\\\a"];
        let mut state = 1_u64;
        let mut below = |limit: usize| {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            (state >> 33) as usize % limit
        };
        let mut most = 0;
        for round in 0..300 {
            // Every other input is escapes for the most part, which have to be gone back over.
            let escapes = round % 2 == 0;
            let mut bytes = Vec::new();
            while bytes.len() < 20_000 {
                let piece = if escapes && bytes.len() % 2 == 0 { 2 } else { below(pieces.len()) };
                let times = if piece == 2 { 2_000 } else { 300 };
                bytes.extend(pieces[piece].iter().cycle().take(1 + below(times)));
            }
            let blocks = Cell::new(0);
            let found = skip(Counts { stop, blocks: &blocks }, &bytes);
            assert_eq!(found, stop.skip_by_byte(&bytes));
            let passed = found.unwrap_or(bytes.len()) / BLOCK + 1;
            // Looking for a closing byte, looking behind, masks, and the way back.
            let limit = (1 + 3 + 1 + 1) * (passed + STRIDE);
            assert!(blocks.get() <= limit, "{} of {passed}", blocks.get());
            most = most.max(100 * blocks.get() / passed.max(100));
        }
        std::println!("{most} loads for 100 blocks at most");
        assert!(most > 300);
    }
}
