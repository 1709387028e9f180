//! The search for a set on processors with SSSE3: a block is four vectors of 16 bytes.
//!
//! ```text
//! members      three shuffles, compared with zero: 16 bits
//! any, block   the bits of the vectors
//! short        the vectors that fit, and byte by byte what is left
//! ```

use core::arch::x86_64::{
    __m128i, _mm_add_epi8, _mm_and_si128, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8,
    _mm_or_si128, _mm_set1_epi8, _mm_setzero_si128, _mm_shuffle_epi8, _mm_srli_epi16, _mm_sub_epi8,
};

use super::Set;
use super::search::{self, BITS, Members};
use crate::scan::cpu::Ssse3;
use crate::scan::escaped::{BLOCK, STRIDE};

#[inline]
pub(in crate::scan) fn find(token: Ssse3, set: &Set, bytes: &[u8]) -> Option<usize> {
    /// All that it calls is inlined here, and compiled with this feature.
    #[target_feature(enable = "ssse3")]
    fn find(token: Ssse3, set: &Set, bytes: &[u8]) -> Option<usize> {
        search::find(Tables::new(token, set), bytes)
    }
    // SAFETY: a token exists, so the processor has the feature that `find` enables.
    unsafe { find(token, set, bytes) }
}

/// What the shuffles look up.
#[derive(Clone, Copy)]
struct Tables<'s> {
    token: Ssse3,
    set: &'s Set,
    low: __m128i,
    high: __m128i,
    bits: __m128i,
}

impl<'s> Tables<'s> {
    #[inline(always)]
    fn new(token: Ssse3, set: &'s Set) -> Self {
        let [low, high] = set.tables();
        let [low, high, bits] = [low, high, BITS].map(|table| token.load(&table));
        Self { token, set, low, high, bits }
    }

    #[inline(always)]
    fn members(self, bytes: &[u8; 16]) -> u64 {
        self.token.members(self.token.load(bytes), self.low, self.high, self.bits)
    }
}

/// The vector instructions that the search needs, as safe methods of the token.
impl Ssse3 {
    #[inline(always)]
    fn load(self, bytes: &[u8; 16]) -> __m128i {
        // SAFETY: `self` exists, so the processor has SSSE3; the 16 bytes are borrowed.
        unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
    }

    /// Returns one bit for each byte, set where its bit in its row is.
    #[inline(always)]
    fn members(self, bytes: __m128i, low: __m128i, high: __m128i, bits: __m128i) -> u64 {
        // SAFETY: `self` exists, so the processor has SSSE3.
        let zero = unsafe {
            let index = _mm_and_si128(_mm_srli_epi16::<3>(bytes), _mm_set1_epi8(0x1f));
            let low = _mm_shuffle_epi8(low, _mm_add_epi8(index, _mm_set1_epi8(0x70)));
            let high = _mm_shuffle_epi8(high, _mm_sub_epi8(index, _mm_set1_epi8(16)));
            let bit = _mm_shuffle_epi8(bits, _mm_and_si128(bytes, _mm_set1_epi8(15)));
            let members = _mm_and_si128(_mm_or_si128(low, high), bit);
            _mm_movemask_epi8(_mm_cmpeq_epi8(members, _mm_setzero_si128()))
        };
        (!zero.cast_unsigned() & 0xffff).into()
    }
}

impl Members for Tables<'_> {
    #[inline(always)]
    fn any(self, stride: &[[u8; BLOCK]; STRIDE]) -> bool {
        let (vectors, _) = stride.as_flattened().as_chunks();
        vectors.iter().fold(0, |any, vector| any | self.members(vector)) != 0
    }

    #[inline(always)]
    fn block(self, block: &[u8; BLOCK]) -> u64 {
        let (vectors, _) = block.as_chunks();
        let vectors = vectors.iter().enumerate();
        vectors.fold(0, |mask, (index, vector)| mask | self.members(vector) << (16 * index))
    }

    #[inline(always)]
    fn short(self, bytes: &[u8]) -> u64 {
        let (vectors, rest) = bytes.as_chunks();
        let place = 16 * vectors.len();
        let vectors = vectors.iter().enumerate();
        let mask =
            vectors.fold(0, |mask, (index, vector)| mask | self.members(vector) << (16 * index));
        if rest.is_empty() { mask } else { mask | self.set.short(rest) << place }
    }
}
