//! The kernel for processors with AVX-512BW: a block is one vector of 64 bytes.

use core::arch::x86_64::{
    __m512i, _mm_loadu_si128, _mm512_and_si512, _mm512_broadcast_i32x4, _mm512_loadu_si512,
    _mm512_maskz_loadu_epi8, _mm512_movepi8_mask, _mm512_or_si512, _mm512_set1_epi8,
    _mm512_shuffle_epi8, _mm512_srli_epi16, _mm512_subs_epu8, _mm512_test_epi8_mask,
    _mm512_xor_si512,
};

use super::pairs::{FIRST_HIGH, FIRST_LOW, SECOND_HIGH, TWO_CONTINUE};
use super::search::{self, BEFORE, BLOCK, Check, STRIDE, Window};
use crate::scan::cpu::Avx512;

/// Runs the search of [`valid_up_to`](search::valid_up_to).
pub(in crate::scan) fn valid_up_to(token: Avx512, bytes: &[u8]) -> usize {
    /// All that it calls is inlined here, and compiled with these features.
    #[target_feature(enable = "avx512bw,bmi1,bmi2,lzcnt")]
    fn valid_up_to(token: Avx512, bytes: &[u8]) -> usize {
        search::valid_up_to(Vectors(token), bytes)
    }
    // SAFETY: a token exists, so the processor has the features that `valid_up_to` enables.
    unsafe { valid_up_to(token, bytes) }
}

/// The vector instructions that the kernel needs, as safe methods.
#[derive(Clone, Copy)]
struct Vectors(Avx512);

impl Vectors {
    #[inline(always)]
    fn load(self, bytes: &[u8; BLOCK]) -> __m512i {
        // SAFETY: `self` has a token, so the processor has AVX-512BW; the 64 bytes are borrowed.
        unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
    }

    /// Returns 64 bytes of a window.
    #[inline(always)]
    fn part(self, window: &Window, at: usize) -> __m512i {
        self.load(window[at..].first_chunk().expect("a window has so many bytes"))
    }

    /// Loads the 64 bytes from `before` bytes before `at` on, with zeros for those outside the slice.
    #[inline(always)]
    fn load_around(self, bytes: &[u8], at: usize, before: usize) -> __m512i {
        let absent = before.saturating_sub(at);
        let inside = lowest(bytes.len() - at + before) & (u64::MAX << absent);
        let start = bytes.as_ptr().wrapping_add(at).wrapping_sub(before);
        // SAFETY: `self` has a token, so the processor has AVX-512BW; the load touches the bytes
        // `inside` the slice alone, which are borrowed.
        unsafe { _mm512_maskz_loadu_epi8(inside, start.cast()) }
    }

    /// Returns the faults of the bytes from `at` on, 64 at most: one bit for each.
    #[inline(always)]
    fn faults_from(self, bytes: &[u8], at: usize) -> u64 {
        let second = self.load_around(bytes, at, 0);
        let before = [
            self.load_around(bytes, at, 1),
            self.load_around(bytes, at, 2),
            self.load_around(bytes, at, 3),
        ];
        self.faults(second, before) & lowest(bytes.len() - at)
    }

    /// Returns the faults of 64 bytes. `before` has the bytes that are one, two and three before each.
    #[inline(always)]
    fn faults(self, second: __m512i, before: [__m512i; 3]) -> u64 {
        let [first, two_before, three_before] = before;
        let first_high = self.lookup(&FIRST_HIGH, self.upper_half(first));
        let first_low = self.lookup(&FIRST_LOW, first);
        let second_high = self.lookup(&SECOND_HIGH, self.upper_half(second));
        let third = self.at_least(two_before, 0xe0);
        let fourth = self.at_least(three_before, 0xf0);
        // SAFETY: `self` has a token, so the processor has AVX-512BW.
        unsafe {
            let faults = _mm512_and_si512(_mm512_and_si512(first_high, first_low), second_high);
            let two_continue = _mm512_set1_epi8(TWO_CONTINUE.cast_signed());
            let expected = _mm512_and_si512(_mm512_or_si512(third, fourth), two_continue);
            let faults = _mm512_xor_si512(faults, expected);
            _mm512_test_epi8_mask(faults, faults)
        }
    }

    /// Looks up the lower half of each byte.
    #[inline(always)]
    fn lookup(self, table: &[u8; 16], bytes: __m512i) -> __m512i {
        // SAFETY: `self` has a token, so the processor has AVX-512BW; the 16 bytes are borrowed.
        unsafe {
            let table = _mm512_broadcast_i32x4(_mm_loadu_si128(table.as_ptr().cast()));
            _mm512_shuffle_epi8(table, _mm512_and_si512(bytes, _mm512_set1_epi8(15)))
        }
    }

    /// Moves the upper half of each byte to the lower, and leaves anything in the upper.
    #[inline(always)]
    fn upper_half(self, bytes: __m512i) -> __m512i {
        // SAFETY: `self` has a token, so the processor has AVX-512BW.
        unsafe { _mm512_srli_epi16::<4>(bytes) }
    }

    /// Sets the top bit of each byte that is at least `least`, and clears that of the others.
    #[inline(always)]
    fn at_least(self, bytes: __m512i, least: u8) -> __m512i {
        // SAFETY: `self` has a token, so the processor has AVX-512BW.
        unsafe { _mm512_subs_epu8(bytes, _mm512_set1_epi8((least - 0x80).cast_signed())) }
    }
}

impl Check for Vectors {
    #[inline(always)]
    fn is_ascii(self, stride: &[u8; STRIDE]) -> bool {
        let (blocks, _) = stride.as_chunks();
        // SAFETY: `self` has a token, so the processor has AVX-512BW.
        unsafe {
            let any = _mm512_or_si512(self.load(&blocks[0]), self.load(&blocks[1]));
            _mm512_movepi8_mask(any) == 0
        }
    }

    #[inline(always)]
    fn is_valid(self, window: &Window) -> bool {
        let second = self.part(window, BEFORE);
        let before = [self.part(window, 2), self.part(window, 1), self.part(window, 0)];
        self.faults(second, before) == 0
    }

    #[inline(always)]
    fn is_valid_start(self, block: &[u8; BLOCK]) -> bool {
        self.faults_from(block, 0) == 0
    }

    #[inline(always)]
    fn is_valid_short(self, bytes: &[u8]) -> bool {
        self.faults_from(bytes, 0) == 0
            && (bytes.len() <= BLOCK || self.faults_from(bytes, BLOCK) == 0)
    }
}

/// A mask whose lowest bits are set: so many, or all if there are more than 64.
#[inline(always)]
fn lowest(count: usize) -> u64 {
    if count < 64 { (1 << count) - 1 } else { u64::MAX }
}
