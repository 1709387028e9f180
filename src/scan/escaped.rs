//! The search for a closing byte that an escape byte can hide: what all kernels share.
//!
//! A kernel compares 64 bytes at once and gives two masks, one bit for each byte: where the closing
//! byte stands, and where the escape. Which bytes are hidden is then arithmetic on whole masks,
//! after the method published for simdjson (G. Langdale and D. Lemire, "Parsing Gigabytes of JSON
//! per Second", VLDB Journal 28, 2019, section 3.1.1), so that it costs the same however many escapes
//! there are.

use super::{BLOCK, Kernel, Stop};

/// A closing byte, and an escape byte that takes the byte after it along.
///
/// Both are stops. A body that reads one byte after each escape, whatever it is, may declare its
/// stop so: then a scan whose text nobody takes passes over escapes by itself, pair by pair, as fast
/// as if there were none. An escape whose second byte is not in the chunk is returned, and the
/// body's own read waits for it, so nothing has to be remembered at a cut.
///
/// If the two bytes are the same, it is a closing byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Escaped {
    /// The byte that ends the text.
    pub close: u8,
    /// The byte that hides the one after it.
    pub escape: u8,
}

/// Below this many bytes a call of a kernel costs more than it saves.
const SHORT: usize = 8;

impl Stop for Escaped {
    #[inline]
    fn find(&self, bytes: &[u8]) -> Option<usize> {
        // What stops at once is what escapes in a row consist of.
        match bytes.first() {
            None => None,
            Some(&first) if first == self.close || first == self.escape => Some(0),
            Some(_) if bytes.len() < SHORT => {
                bytes.iter().position(|&byte| byte == self.close || byte == self.escape)
            }
            Some(_) => memchr::memchr2(self.close, self.escape, bytes),
        }
    }

    #[inline]
    fn skip(&self, bytes: &[u8]) -> Option<usize> {
        if bytes.len() < SHORT {
            return self.skip_by_byte(bytes);
        }
        self.skip_by_block(bytes)
    }
}

impl Escaped {
    /// Not inlined, so that short chunks do not pay for its registers.
    #[inline(never)]
    fn skip_by_block(self, bytes: &[u8]) -> Option<usize> {
        Kernel::best().skip_escaped(self, bytes)
    }

    /// The definition of [`Stop::skip`]: the first closing byte that is not hidden, or an escape in
    /// the last place that is not hidden itself.
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

/// One kernel, set up for one pair of bytes.
pub(super) trait Compare: Copy {
    /// Whether the closing byte is anywhere in the stride.
    fn any_close(self, stride: &[[u8; BLOCK]; STRIDE]) -> bool;

    /// Where the two bytes stand in a block.
    fn block(self, block: &[u8; BLOCK]) -> Masks;

    /// Where they stand in fewer bytes than a block.
    fn short(self, bytes: &[u8]) -> Masks;
}

/// How many blocks are passed over at once where there is no closing byte.
pub(super) const STRIDE: usize = 4;

/// Where the two bytes stand in up to 64 bytes.
#[derive(Clone, Copy, Default)]
pub(super) struct Masks {
    pub(super) close: u64,
    pub(super) escape: u64,
}

impl Masks {
    /// Adds those of a part that begins at `place`.
    #[inline(always)]
    pub(super) fn with(self, place: usize, part: Self) -> Self {
        Self { close: self.close | part.close << place, escape: self.escape | part.escape << place }
    }
}

/// [`Stop::skip`] of an [`Escaped`].
///
/// ```text
/// for every four blocks:
///     if no closing byte is in them, see only whether they end in an escape that counts
///     otherwise, for each block: hide what the escapes take along, return the first close left
/// the same for each block left over, and for the rest
/// an escape in the last place that counts is returned
/// ```
#[inline(always)]
pub(super) fn skip(compare: impl Compare, bytes: &[u8]) -> Option<usize> {
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    let (strides, blocks_left) = blocks.as_chunks::<STRIDE>();
    let mut carried = 0;
    let mut at = 0;
    for stride in strides {
        if compare.any_close(stride) {
            for (index, block) in stride.iter().enumerate() {
                if let Some(close) = first_close(compare.block(block), &mut carried) {
                    return Some(at + index * BLOCK + close);
                }
            }
        } else {
            for block in stride.iter().rev() {
                if carry(compare.block(block).escape, &mut carried) {
                    break;
                }
            }
        }
        at += STRIDE * BLOCK;
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

/// The first closing byte of a block that is not hidden.
///
/// `carried` is 1 if the block before ends in an escape that takes the first byte along.
#[inline(always)]
fn first_close(masks: Masks, carried: &mut u64) -> Option<usize> {
    let close = masks.close & !hidden(masks.escape, *carried);
    carry(masks.escape, carried);
    (close != 0).then(|| close.trailing_zeros() as usize)
}

/// Sets `carried` for the block that follows: a run of escapes at the end takes the next byte along
/// if it is odd. False if the run fills the block, and so depends on the block before.
#[inline(always)]
fn carry(escape: u64, carried: &mut u64) -> bool {
    let run = escape.leading_ones();
    let begins_here = run < u64::BITS;
    if begins_here {
        *carried = u64::from(run & 1);
    }
    begins_here
}

/// The bytes that an escape takes along and that are not escapes themselves: those that follow a
/// run of escapes of odd length.
///
/// A run is odd if it begins at an even place and the byte that follows it is at an odd one, or the
/// other way round. Adding a bit at the place where a run begins carries through the run and sets
/// the bit that follows it; so adding the bits of the runs that begin at even places, all at once,
/// tells those from the others.
#[inline(always)]
fn hidden(escape: u64, carried: u64) -> u64 {
    const EVEN: u64 = 0x5555_5555_5555_5555;
    let escape = escape & !carried;
    let begins = escape & !(escape << 1);
    let follows = (escape << 1) & !escape;
    let carries = escape.wrapping_add(begins & EVEN);
    (follows & (carries ^ EVEN)) | carried
}
