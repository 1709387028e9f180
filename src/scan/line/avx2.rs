//! The search with AVX2: a window is two vectors of 32 bytes.

use core::arch::x86_64::{
    __m256i, _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_or_si256,
    _mm256_set1_epi8,
};

use super::search::{self, Masks, WINDOW};
use crate::scan::cpu::Avx2;

/// Runs the search of [`past_line`](search::past_line).
pub(in crate::scan) fn past_line(token: Avx2, chunk: &[u8], at: usize, any: u64) -> (usize, bool) {
    /// All that it calls is inlined here, and compiled with these features.
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
    fn past_line(token: Avx2, chunk: &[u8], at: usize, any: u64) -> (usize, bool) {
        search::past_line(token, chunk, at, any)
    }
    // SAFETY: a token exists, so the processor has the features that `past_line` enables.
    unsafe { past_line(token, chunk, at, any) }
}

impl Masks for Avx2 {
    #[inline(always)]
    fn of(self, window: &[u8; WINDOW]) -> (u64, u64) {
        let mask = |bytes: __m256i| -> u64 {
            // SAFETY: `self` exists, so the processor has AVX2.
            let mask = unsafe { _mm256_movemask_epi8(bytes) };
            mask.cast_unsigned().into()
        };
        let half = |bytes: &[u8; 32]| {
            // SAFETY: `self` exists, so the processor has AVX2; the 32 bytes are borrowed.
            let (ends, bytes) = unsafe {
                let bytes = _mm256_loadu_si256(bytes.as_ptr().cast());
                let line_feeds = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(b'\n'.cast_signed()));
                let returns = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(b'\r'.cast_signed()));
                (_mm256_or_si256(line_feeds, returns), bytes)
            };
            (mask(ends), mask(bytes))
        };
        let (halves, _) = window.as_chunks();
        let (first, second) = (half(&halves[0]), half(&halves[1]));
        (first.0 | second.0 << 32, first.1 | second.1 << 32)
    }
}
