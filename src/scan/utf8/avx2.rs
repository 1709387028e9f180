//! The kernel for processors with AVX2: a block is two vectors of 32 bytes.

use core::arch::x86_64::{
    __m256i, _mm_loadu_si128, _mm256_alignr_epi8, _mm256_and_si256, _mm256_broadcastsi128_si256,
    _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_or_si256, _mm256_permute2x128_si256,
    _mm256_set1_epi8, _mm256_shuffle_epi8, _mm256_srli_epi16, _mm256_subs_epu8, _mm256_testz_si256,
    _mm256_xor_si256,
};

use super::pairs::{FIRST_HIGH, FIRST_LOW, SECOND_HIGH, TWO_CONTINUE};
use super::search::{self, BEFORE, BLOCK, Check, STRIDE, Window};
use crate::scan::cpu::Avx2;

/// The fewest bytes that a vector at the start and one at the end can be made of.
const FEWEST: usize = BEFORE + 32;

/// Runs the search of [`valid_up_to`](search::valid_up_to).
pub(in crate::scan) fn valid_up_to(token: Avx2, bytes: &[u8]) -> usize {
    if bytes.len() < FEWEST {
        return super::valid_up_to_by_std(bytes);
    }
    /// All that it calls is inlined here, and compiled with these features.
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
    fn valid_up_to(token: Avx2, bytes: &[u8]) -> usize {
        search::valid_up_to(Vectors(token), bytes)
    }
    // SAFETY: a token exists, so the processor has the features that `valid_up_to` enables.
    unsafe { valid_up_to(token, bytes) }
}

/// The vector instructions that the kernel needs, as safe methods.
#[derive(Clone, Copy)]
struct Vectors(Avx2);

impl Vectors {
    #[inline(always)]
    fn load(self, bytes: &[u8; 32]) -> __m256i {
        // SAFETY: `self` has a token, so the processor has AVX2; the 32 bytes are borrowed.
        unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
    }

    /// Returns 32 bytes of a slice.
    #[inline(always)]
    fn part(self, bytes: &[u8], at: usize) -> __m256i {
        self.load(bytes[at..].first_chunk().expect("the slice has so many bytes"))
    }

    /// Looks up the lower half of each byte.
    #[inline(always)]
    fn lookup(self, table: &[u8; 16], bytes: __m256i) -> __m256i {
        // SAFETY: `self` has a token, so the processor has AVX2; the 16 bytes are borrowed.
        unsafe {
            let table = _mm256_broadcastsi128_si256(_mm_loadu_si128(table.as_ptr().cast()));
            _mm256_shuffle_epi8(table, _mm256_and_si256(bytes, _mm256_set1_epi8(15)))
        }
    }

    /// Moves the upper half of each byte to the lower, and leaves anything in the upper.
    #[inline(always)]
    fn upper_half(self, bytes: __m256i) -> __m256i {
        // SAFETY: `self` has a token, so the processor has AVX2.
        unsafe { _mm256_srli_epi16::<4>(bytes) }
    }

    /// Returns the faults of 32 bytes, the first of which is at `at` in a slice, after at least three
    /// others.
    #[inline(always)]
    fn faults_at(self, bytes: &[u8], at: usize) -> __m256i {
        let second = self.part(bytes, at);
        let before = [self.part(bytes, at - 1), self.part(bytes, at - 2), self.part(bytes, at - 3)];
        self.faults(second, before)
    }

    /// Returns the faults of 32 bytes that nothing is before.
    #[inline(always)]
    fn faults_at_start(self, bytes: &[u8]) -> __m256i {
        let second = self.part(bytes, 0);
        // SAFETY: `self` has a token, so the processor has AVX2.
        let before = unsafe {
            // The bytes of each half move up by one, two and three; the upper half gets those that
            // leave the lower one, which gets zeros.
            let lower = _mm256_permute2x128_si256::<0x08>(second, second);
            [
                _mm256_alignr_epi8::<15>(second, lower),
                _mm256_alignr_epi8::<14>(second, lower),
                _mm256_alignr_epi8::<13>(second, lower),
            ]
        };
        self.faults(second, before)
    }

    /// Returns the faults of 32 bytes. `before` has the bytes that are one, two and three before each.
    #[inline(always)]
    fn faults(self, second: __m256i, before: [__m256i; 3]) -> __m256i {
        let [first, two_before, three_before] = before;
        let first_high = self.lookup(&FIRST_HIGH, self.upper_half(first));
        let first_low = self.lookup(&FIRST_LOW, first);
        let second_high = self.lookup(&SECOND_HIGH, self.upper_half(second));
        let third = self.at_least(two_before, 0xe0);
        let fourth = self.at_least(three_before, 0xf0);
        // SAFETY: `self` has a token, so the processor has AVX2.
        unsafe {
            let faults = _mm256_and_si256(_mm256_and_si256(first_high, first_low), second_high);
            let two_continue = _mm256_set1_epi8(TWO_CONTINUE.cast_signed());
            let expected = _mm256_and_si256(_mm256_or_si256(third, fourth), two_continue);
            _mm256_xor_si256(faults, expected)
        }
    }

    #[inline(always)]
    fn or(self, a: __m256i, b: __m256i) -> __m256i {
        // SAFETY: `self` has a token, so the processor has AVX2.
        unsafe { _mm256_or_si256(a, b) }
    }

    #[inline(always)]
    fn is_zero(self, vector: __m256i) -> bool {
        // SAFETY: `self` has a token, so the processor has AVX2.
        unsafe { _mm256_testz_si256(vector, vector) != 0 }
    }

    /// Sets the top bit of each byte that is at least `least`, and clears that of the others.
    #[inline(always)]
    fn at_least(self, bytes: __m256i, least: u8) -> __m256i {
        // SAFETY: `self` has a token, so the processor has AVX2.
        unsafe { _mm256_subs_epu8(bytes, _mm256_set1_epi8((least - 0x80).cast_signed())) }
    }
}

impl Check for Vectors {
    #[inline(always)]
    fn is_ascii(self, stride: &[u8; STRIDE]) -> bool {
        let (parts, _) = stride.as_chunks();
        let mut any = self.load(&parts[0]);
        for part in &parts[1..] {
            any = self.or(any, self.load(part));
        }
        // SAFETY: `self` has a token, so the processor has AVX2.
        unsafe { _mm256_movemask_epi8(any) == 0 }
    }

    #[inline(always)]
    fn is_valid(self, window: &Window) -> bool {
        let low = self.faults_at(window, BEFORE);
        self.is_zero(self.or(low, self.faults_at(window, BEFORE + 32)))
    }

    #[inline(always)]
    fn is_valid_start(self, block: &[u8; BLOCK]) -> bool {
        let low = self.faults_at_start(block);
        self.is_zero(self.or(low, self.faults_at(block, 32)))
    }

    #[inline(always)]
    fn is_valid_short(self, bytes: &[u8]) -> bool {
        let mut faults = self.faults_at_start(bytes);
        if bytes.len() > 64 {
            faults = self.or(faults, self.faults_at(bytes, 32));
        }
        self.is_zero(self.or(faults, self.faults_at(bytes, bytes.len() - 32)))
    }
}
