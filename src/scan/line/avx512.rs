//! The search with AVX-512BW: a window is one vector, and comparisons give the masks themselves.

use core::arch::x86_64::{
    _mm512_cmpeq_epi8_mask, _mm512_loadu_si512, _mm512_movepi8_mask, _mm512_set1_epi8,
};

use super::search::{self, Masks, WINDOW};
use crate::scan::cpu::Avx512;

/// Runs the search of [`past_line`](search::past_line).
pub(in crate::scan) fn past_line(
    token: Avx512,
    chunk: &[u8],
    at: usize,
    any: u64,
) -> (usize, bool) {
    /// All that it calls is inlined here, and compiled with these features.
    #[target_feature(enable = "avx512bw,bmi1,bmi2,lzcnt")]
    fn past_line(token: Avx512, chunk: &[u8], at: usize, any: u64) -> (usize, bool) {
        search::past_line(token, chunk, at, any)
    }
    // SAFETY: a token exists, so the processor has the features that `past_line` enables.
    unsafe { past_line(token, chunk, at, any) }
}

impl Masks for Avx512 {
    #[inline(always)]
    fn of(self, window: &[u8; WINDOW]) -> (u64, u64) {
        // SAFETY: `self` exists, so the processor has AVX-512BW; the 64 bytes are borrowed.
        unsafe {
            let bytes = _mm512_loadu_si512(window.as_ptr().cast());
            let line_feeds = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(b'\n'.cast_signed()));
            let returns = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(b'\r'.cast_signed()));
            (line_feeds | returns, _mm512_movepi8_mask(bytes))
        }
    }
}
