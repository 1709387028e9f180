//! The search for a set on processors with AVX-512BW: a block is one vector of 64 bytes.
//!
//! ```text
//! members      three shuffles; testing the bits gives the 64-bit mask itself
//! any          the masks of the four blocks, ORed
//! short        one load under a mask, which reads only the valid bytes and gives zeros after them
//! ```

use core::arch::x86_64::{
    __m512i, _mm_loadu_si128, _mm512_add_epi8, _mm512_and_si512, _mm512_broadcast_i32x4,
    _mm512_or_si512, _mm512_set1_epi8, _mm512_shuffle_epi8, _mm512_srli_epi16, _mm512_sub_epi8,
    _mm512_test_epi8_mask,
};

use super::Set;
use super::search::{self, BITS, Members};
use crate::scan::cpu::Avx512;
use crate::scan::escaped::{BLOCK, STRIDE};

#[inline]
pub(in crate::scan) fn find(token: Avx512, set: &Set, bytes: &[u8]) -> Option<usize> {
    /// All that it calls is inlined here, and compiled with these features.
    #[target_feature(enable = "avx512bw,bmi1,bmi2,lzcnt")]
    fn find(token: Avx512, set: &Set, bytes: &[u8]) -> Option<usize> {
        search::find(Tables::new(token, set), bytes)
    }
    // SAFETY: a token exists, so the processor has the features that `find` enables.
    unsafe { find(token, set, bytes) }
}

/// What the shuffles look up, in each lane of a vector.
#[derive(Clone, Copy)]
struct Tables {
    token: Avx512,
    low: __m512i,
    high: __m512i,
    bits: __m512i,
}

impl Tables {
    #[inline(always)]
    fn new(token: Avx512, set: &Set) -> Self {
        let [low, high] = set.tables();
        let [low, high, bits] = [low, high, BITS].map(|table| token.table(&table));
        Self { token, low, high, bits }
    }

    #[inline(always)]
    fn members(self, bytes: __m512i) -> u64 {
        self.token.members(bytes, self.low, self.high, self.bits)
    }
}

/// The vector instructions that the search needs, as safe methods of the token.
impl Avx512 {
    #[inline(always)]
    fn table(self, table: &[u8; 16]) -> __m512i {
        // SAFETY: `self` exists, so the processor has AVX-512BW; the 16 bytes are borrowed.
        unsafe { _mm512_broadcast_i32x4(_mm_loadu_si128(table.as_ptr().cast())) }
    }

    /// Returns one bit for each byte, set where its bit in its row is.
    #[inline(always)]
    fn members(self, bytes: __m512i, low: __m512i, high: __m512i, bits: __m512i) -> u64 {
        // SAFETY: `self` exists, so the processor has AVX-512BW.
        unsafe {
            let index = _mm512_and_si512(_mm512_srli_epi16::<3>(bytes), _mm512_set1_epi8(0x1f));
            let low = _mm512_shuffle_epi8(low, _mm512_add_epi8(index, _mm512_set1_epi8(0x70)));
            let high = _mm512_shuffle_epi8(high, _mm512_sub_epi8(index, _mm512_set1_epi8(16)));
            let bit = _mm512_shuffle_epi8(bits, _mm512_and_si512(bytes, _mm512_set1_epi8(15)));
            _mm512_test_epi8_mask(_mm512_or_si512(low, high), bit)
        }
    }
}

impl Members for Tables {
    #[inline(always)]
    fn any(self, stride: &[[u8; BLOCK]; STRIDE]) -> bool {
        let [a, b, c, d] = stride;
        (self.block(a) | self.block(b)) | (self.block(c) | self.block(d)) != 0
    }

    #[inline(always)]
    fn block(self, block: &[u8; BLOCK]) -> u64 {
        self.members(self.token.load(block))
    }

    #[inline(always)]
    fn short(self, bytes: &[u8]) -> u64 {
        let (bytes, valid) = self.token.load_short(bytes);
        self.members(bytes) & valid
    }
}
