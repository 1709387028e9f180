//! The kernel for processors with AVX2: a block is two vectors of 32 bytes.
//!
//! ```text
//! any_close    load, compare, OR the results of eight vectors, and look at the result once
//! all_hidden   the same with loads from one byte and two bytes back too
//! block        load, compare and extract 32 bits, for each half
//! short        two loads that overlap, if there are enough bytes for a vector of 32 or 16:
//!                  0 ........ 31            first 32 bytes
//!                       13 ........ 44      last 32 bytes
//!              The masks are ORed, so bytes that are compared twice do no harm. Fewer than 16
//!              bytes are copied into a vector of zeros.
//! ```
//!
//! Loads are not aligned. Chunks begin anywhere, and the distance to an aligned address would have
//! to be searched by other code.

use core::arch::x86_64::{
    __m128i, __m256i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm256_andnot_si256,
    _mm256_castsi256_si128, _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_movemask_epi8,
    _mm256_or_si256, _mm256_set1_epi8, _mm256_setzero_si256,
};

use super::cpu::Avx2;
use super::escaped::{self, BEHIND, BLOCK, Compare, Escaped, Masks, STRIDE};

#[inline]
pub(super) fn skip(token: Avx2, stop: Escaped, bytes: &[u8]) -> Option<usize> {
    /// All that it calls is inlined here, and compiled with these features.
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
    fn skip(token: Avx2, stop: Escaped, bytes: &[u8]) -> Option<usize> {
        escaped::skip(Vectors::new(token, stop), bytes)
    }
    // SAFETY: a token exists, so the processor has the features that `skip` enables.
    unsafe { skip(token, stop, bytes) }
}

/// The vector instructions that the kernel needs, as safe methods of the token.
impl Avx2 {
    #[inline(always)]
    fn splat(self, byte: u8) -> __m256i {
        // SAFETY: `self` exists, so the processor has AVX2.
        unsafe { _mm256_set1_epi8(byte.cast_signed()) }
    }

    #[inline(always)]
    pub(super) fn load(self, bytes: &[u8; 32]) -> __m256i {
        // SAFETY: `self` exists, so the processor has AVX2; the 32 bytes are borrowed.
        unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
    }

    #[inline(always)]
    pub(super) fn load_half(self, bytes: &[u8; 16]) -> __m128i {
        // SAFETY: `self` exists, so the processor has AVX2; the 16 bytes are borrowed.
        unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
    }

    /// Returns one bit for each byte of `bytes` that equals the byte of `other` in its place.
    #[inline(always)]
    fn equal(self, bytes: __m256i, other: __m256i) -> u64 {
        // SAFETY: `self` exists, so the processor has AVX2.
        let mask = unsafe { _mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, other)) };
        mask.cast_unsigned().into()
    }

    /// Like [`equal`](Self::equal), with the lower half of `other`.
    #[inline(always)]
    fn equal_half(self, bytes: __m128i, other: __m256i) -> u64 {
        // SAFETY: `self` exists, so the processor has AVX2.
        let mask = unsafe {
            let other = _mm256_castsi256_si128(other);
            _mm_movemask_epi8(_mm_cmpeq_epi8(bytes, other))
        };
        mask.cast_unsigned().into()
    }

    /// Tells if `close` is anywhere in `bytes`, but for where `last` has an `escape` in its place and
    /// `before` has none.
    #[inline(always)]
    fn any_but_behind_one(
        self,
        [before, last, bytes]: [&[[u8; 32]]; 3],
        close: __m256i,
        escape: __m256i,
    ) -> bool {
        // SAFETY: `self` exists, so the processor has AVX2.
        unsafe {
            let mut any = _mm256_setzero_si256();
            for ((before, last), bytes) in before.iter().zip(last).zip(bytes) {
                let before = _mm256_cmpeq_epi8(self.load(before), escape);
                let last = _mm256_cmpeq_epi8(self.load(last), escape);
                let bytes = _mm256_cmpeq_epi8(self.load(bytes), close);
                let one = _mm256_andnot_si256(before, last);
                any = _mm256_or_si256(any, _mm256_andnot_si256(one, bytes));
            }
            _mm256_movemask_epi8(any) != 0
        }
    }

    /// Tells if any byte of the vectors equals the byte of `other` in its place.
    #[inline(always)]
    fn any_equal(self, vectors: &[[u8; 32]], other: __m256i) -> bool {
        // SAFETY: `self` exists, so the processor has AVX2.
        unsafe {
            let mut any = _mm256_setzero_si256();
            for bytes in vectors {
                any = _mm256_or_si256(any, _mm256_cmpeq_epi8(self.load(bytes), other));
            }
            _mm256_movemask_epi8(any) != 0
        }
    }
}

/// The two bytes that are looked for, each in every lane of a vector.
#[derive(Clone, Copy)]
struct Vectors {
    token: Avx2,
    close: __m256i,
    escape: __m256i,
}

impl Vectors {
    #[inline(always)]
    fn new(token: Avx2, stop: Escaped) -> Self {
        Self { token, close: token.splat(stop.close), escape: token.splat(stop.escape) }
    }

    /// Returns the masks of 32 bytes.
    #[inline(always)]
    fn wide(self, bytes: &[u8; 32]) -> Masks {
        let bytes = self.token.load(bytes);
        Masks {
            close: self.token.equal(bytes, self.close),
            escape: self.token.equal(bytes, self.escape),
        }
    }

    /// Returns the masks of 16 bytes.
    #[inline(always)]
    fn half(self, bytes: &[u8; 16]) -> Masks {
        let bytes = self.token.load_half(bytes);
        Masks {
            close: self.token.equal_half(bytes, self.close),
            escape: self.token.equal_half(bytes, self.escape),
        }
    }
}

impl Compare for Vectors {
    const LOOKS_BEHIND: bool = true;

    #[inline(always)]
    fn any_close(self, stride: &[[u8; BLOCK]; STRIDE]) -> bool {
        let (vectors, _) = stride.as_flattened().as_chunks();
        self.token.any_equal(vectors, self.close)
    }

    #[inline(always)]
    fn all_hidden(self, window: &[u8; BEHIND + STRIDE * BLOCK]) -> bool {
        let vectors = [0, 1, BEHIND].map(|from| window[from..].as_chunks().0);
        !self.token.any_but_behind_one(vectors, self.close, self.escape)
    }

    #[inline(always)]
    fn block(self, block: &[u8; BLOCK]) -> Masks {
        let (halves, _) = block.as_chunks();
        self.wide(&halves[0]).with(32, self.wide(&halves[1]))
    }

    #[inline(always)]
    fn short(self, bytes: &[u8]) -> Masks {
        if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
            return self.wide(first).with(bytes.len() - 32, self.wide(last));
        }
        if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
            return self.half(first).with(bytes.len() - 16, self.half(last));
        }
        let mut padded = [0; 16];
        padded[..bytes.len()].copy_from_slice(bytes);
        let valid = (1 << bytes.len()) - 1;
        let Masks { close, escape } = self.half(&padded);
        Masks { close: close & valid, escape: escape & valid }
    }
}
