//! The search for any byte of a set that the vector kernels share.
//!
//! ```text
//! for the first block of 64 bytes, if there is one:
//!     return the place of its first byte in the set
//! for each stride of 4 blocks:
//!     if any byte of the stride is in the set:
//!         return the place of the first, block by block
//! for each block that is left, and for the last bytes, which do not fill a block:
//!     return the place of the first byte in the set
//! ```
//!
//! A kernel finds the bytes of a vector that are in the set with three shuffles, whatever the set is:
//!
//! ```text
//! low, high        the 32 bytes that the set is made of, in two tables of 16
//! index            byte >> 3
//! row              shuffle(low, index if below 16) | shuffle(high, index - 16 if not below)
//! bit              shuffle(1 2 4 … 128 1 2 4 … 128, byte & 15)
//! in the set       row & bit != 0
//! ```
//!
//! A shuffle takes the lower half of each byte as its index, and gives zero where the top bit is set.
//! So the two lookups need no comparison: `index + 0x70` has its top bit set from 16 on, and
//! `index - 16` below 16. The method is that of Hyperscan's Truffle (`src/nfa/truffle.c` in its
//! repository), which divides the byte into other bits.

use super::Set;
use crate::scan::escaped::{BLOCK, STRIDE};

/// The bit of a byte in its row, by the lower half of the byte.
pub(super) const BITS: [u8; 16] = {
    let mut bits = [0; 16];
    let mut lower = 0;
    while lower < 16 {
        bits[lower] = 1 << (lower % 8);
        lower += 1;
    }
    bits
};

/// A kernel that is set up for one set.
pub(super) trait Members: Copy {
    /// Returns true if any byte of the stride is in the set.
    fn any(self, stride: &[[u8; BLOCK]; STRIDE]) -> bool;

    /// Returns one bit for each byte of a block, set where the byte is in the set. The first byte has
    /// the lowest bit.
    fn block(self, block: &[u8; BLOCK]) -> u64;

    /// Returns the bits of fewer bytes than a block. Bits past the last byte are zero.
    fn short(self, bytes: &[u8]) -> u64;
}

/// Returns the index of the first byte that is in the set. The module has it in pseudo-code.
#[inline(always)]
pub(super) fn find(members: impl Members, bytes: &[u8]) -> Option<usize> {
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    let mut at = 0;
    if let [first, others @ ..] = blocks {
        if let Some(place) = first_place(members.block(first)) {
            return Some(place);
        }
        at = BLOCK;
        let (strides, blocks_left) = others.as_chunks::<STRIDE>();
        for stride in strides {
            if members.any(stride) {
                for block in stride {
                    if let Some(place) = first_place(members.block(block)) {
                        return Some(at + place);
                    }
                    at += BLOCK;
                }
            }
            at += STRIDE * BLOCK;
        }
        for block in blocks_left {
            if let Some(place) = first_place(members.block(block)) {
                return Some(at + place);
            }
            at += BLOCK;
        }
    }
    if rest.is_empty() { None } else { first_place(members.short(rest)).map(|place| at + place) }
}

#[inline(always)]
fn first_place(mask: u64) -> Option<usize> {
    (mask != 0).then(|| mask.trailing_zeros() as usize)
}

impl Set {
    /// The rows of the bytes below 0x80 and of the others.
    #[inline(always)]
    pub(super) fn tables(&self) -> [[u8; 16]; 2] {
        let words = self.words.map(u32::to_le_bytes);
        let (tables, _) = words.as_flattened().as_chunks();
        [tables[0], tables[1]]
    }

    /// The definition of the search. It is the portable kernel, and takes what is shorter than a
    /// vector.
    #[inline]
    pub(in crate::scan) fn find_by_byte(&self, bytes: &[u8]) -> Option<usize> {
        bytes.iter().position(|byte| self.contains(*byte))
    }

    /// Like [`Members::short`], byte by byte.
    #[inline(always)]
    pub(super) fn short(&self, bytes: &[u8]) -> u64 {
        let bits = bytes.iter().enumerate();
        bits.fold(0, |mask, (place, byte)| mask | u64::from(self.contains(*byte)) << place)
    }
}
