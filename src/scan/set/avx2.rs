//! The search for a set on processors with AVX2: a block is two vectors of 32 bytes.
//!
//! ```text
//! members      three shuffles; a byte of the result is zero where the byte is not in the set
//! any          the results of eight vectors, ORed, and one test
//! block        compare the results with zero and extract 32 bits, for each half
//! short        two vectors that overlap, of 32 bytes or of 16; fewer than 16 go byte by byte
//! ```

use core::arch::x86_64::{
    __m128i, __m256i, _mm_loadu_si128, _mm256_add_epi8, _mm256_and_si256,
    _mm256_broadcastsi128_si256, _mm256_castsi128_si256, _mm256_cmpeq_epi8, _mm256_movemask_epi8,
    _mm256_or_si256, _mm256_set1_epi8, _mm256_setzero_si256, _mm256_shuffle_epi8,
    _mm256_srli_epi16, _mm256_sub_epi8, _mm256_testz_si256,
};

use super::Set;
use super::search::{self, BITS, Members};
use crate::scan::cpu::Avx2;
use crate::scan::escaped::{BLOCK, STRIDE};

#[inline]
pub(in crate::scan) fn find(token: Avx2, set: &Set, bytes: &[u8]) -> Option<usize> {
    /// All that it calls is inlined here, and compiled with these features.
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
    fn find(token: Avx2, set: &Set, bytes: &[u8]) -> Option<usize> {
        search::find(Tables::new(token, set), bytes)
    }
    // SAFETY: a token exists, so the processor has the features that `find` enables.
    unsafe { find(token, set, bytes) }
}

/// What the shuffles look up, in each lane of a vector.
#[derive(Clone, Copy)]
struct Tables<'s> {
    token: Avx2,
    set: &'s Set,
    low: __m256i,
    high: __m256i,
    bits: __m256i,
}

impl<'s> Tables<'s> {
    #[inline(always)]
    fn new(token: Avx2, set: &'s Set) -> Self {
        let [low, high] = set.tables();
        let [low, high, bits] = [low, high, BITS].map(|table| token.table(&table));
        Self { token, set, low, high, bits }
    }

    #[inline(always)]
    fn wide(self, bytes: &[u8; 32]) -> u64 {
        let members = self.members(self.token.load(bytes));
        self.token.not_zero(members).into()
    }

    #[inline(always)]
    fn half(self, bytes: &[u8; 16]) -> u64 {
        let bytes = self.token.widen(self.token.load_half(bytes));
        u64::from(self.token.not_zero(self.members(bytes))) & 0xffff
    }

    #[inline(always)]
    fn members(self, bytes: __m256i) -> __m256i {
        self.token.members(bytes, self.low, self.high, self.bits)
    }
}

/// The vector instructions that the search needs, as safe methods of the token.
impl Avx2 {
    #[inline(always)]
    fn table(self, table: &[u8; 16]) -> __m256i {
        // SAFETY: `self` exists, so the processor has AVX2; the 16 bytes are borrowed.
        unsafe { _mm256_broadcastsi128_si256(_mm_loadu_si128(table.as_ptr().cast())) }
    }

    /// Returns the bytes with anything behind them.
    #[inline(always)]
    fn widen(self, bytes: __m128i) -> __m256i {
        // SAFETY: `self` exists, so the processor has AVX2.
        unsafe { _mm256_castsi128_si256(bytes) }
    }

    /// Returns a byte for each byte, which is not zero where its bit in its row is set.
    #[inline(always)]
    fn members(self, bytes: __m256i, low: __m256i, high: __m256i, bits: __m256i) -> __m256i {
        // SAFETY: `self` exists, so the processor has AVX2.
        unsafe {
            let index = _mm256_and_si256(_mm256_srli_epi16::<3>(bytes), _mm256_set1_epi8(0x1f));
            let low = _mm256_shuffle_epi8(low, _mm256_add_epi8(index, _mm256_set1_epi8(0x70)));
            let high = _mm256_shuffle_epi8(high, _mm256_sub_epi8(index, _mm256_set1_epi8(16)));
            let bit = _mm256_shuffle_epi8(bits, _mm256_and_si256(bytes, _mm256_set1_epi8(15)));
            _mm256_and_si256(_mm256_or_si256(low, high), bit)
        }
    }

    /// Returns true if any byte of any vector is in the set that `members` looks up.
    #[inline(always)]
    fn any_not_zero(self, vectors: &[[u8; 32]], members: impl Fn(__m256i) -> __m256i) -> bool {
        // SAFETY: `self` exists, so the processor has AVX2.
        unsafe {
            let mut any = _mm256_setzero_si256();
            for bytes in vectors {
                any = _mm256_or_si256(any, members(self.load(bytes)));
            }
            _mm256_testz_si256(any, any) == 0
        }
    }

    /// Returns one bit for each byte that is not zero.
    #[inline(always)]
    fn not_zero(self, bytes: __m256i) -> u32 {
        // SAFETY: `self` exists, so the processor has AVX2.
        let zero =
            unsafe { _mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, _mm256_setzero_si256())) };
        !zero.cast_unsigned()
    }
}

impl Members for Tables<'_> {
    #[inline(always)]
    fn any(self, stride: &[[u8; BLOCK]; STRIDE]) -> bool {
        let (vectors, _) = stride.as_flattened().as_chunks();
        self.token.any_not_zero(vectors, |vector| self.members(vector))
    }

    #[inline(always)]
    fn block(self, block: &[u8; BLOCK]) -> u64 {
        let (halves, _) = block.as_chunks();
        self.wide(&halves[0]) | self.wide(&halves[1]) << 32
    }

    #[inline(always)]
    fn short(self, bytes: &[u8]) -> u64 {
        if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
            return self.wide(first) | self.wide(last) << (bytes.len() - 32);
        }
        if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
            return self.half(first) | self.half(last) << (bytes.len() - 16);
        }
        self.set.short(bytes)
    }
}
