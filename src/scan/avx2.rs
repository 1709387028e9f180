//! 64 bytes as two vectors of 32, for processors with AVX2.

use core::arch::x86_64::{
    __m128i, __m256i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm256_castsi256_si128,
    _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8,
    _mm256_setzero_si256,
};

use super::BLOCK;
use super::escaped::{self, Compare, Escaped, Masks, STRIDE};
use super::kernel::detect;

/// Proof that the processor has AVX2: there is no other way to get one than [`Avx2::detect`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Avx2(());

impl Avx2 {
    #[inline]
    pub(super) fn detect() -> Option<Self> {
        detect!("avx2", "bmi1", "bmi2", "lzcnt").then_some(Self(()))
    }

    #[inline]
    pub(super) fn skip(self, stop: Escaped, bytes: &[u8]) -> Option<usize> {
        // SAFETY: `self` proves that the processor has AVX2.
        unsafe { skip(stop, bytes) }
    }
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
fn skip(stop: Escaped, bytes: &[u8]) -> Option<usize> {
    let close = _mm256_set1_epi8(stop.close.cast_signed());
    let escape = _mm256_set1_epi8(stop.escape.cast_signed());
    escaped::skip(Vectors { close, escape }, bytes)
}

/// The two bytes looked for, in every lane. Made only where AVX2 is enabled.
#[derive(Clone, Copy)]
struct Vectors {
    close: __m256i,
    escape: __m256i,
}

impl Vectors {
    /// The masks of 32 bytes.
    #[inline(always)]
    fn wide(self, bytes: &[u8; 32]) -> Masks {
        // SAFETY: made only where AVX2 is enabled; the load is of the 32 bytes borrowed.
        unsafe {
            let bytes = _mm256_loadu_si256(bytes.as_ptr().cast());
            let close = _mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, self.close));
            let escape = _mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, self.escape));
            Masks { close: close.cast_unsigned().into(), escape: escape.cast_unsigned().into() }
        }
    }

    /// The masks of 16 bytes.
    #[inline(always)]
    fn half(self, bytes: __m128i) -> Masks {
        // SAFETY: made only where AVX2 is enabled.
        unsafe {
            let close = _mm_cmpeq_epi8(bytes, _mm256_castsi256_si128(self.close));
            let escape = _mm_cmpeq_epi8(bytes, _mm256_castsi256_si128(self.escape));
            Masks {
                close: _mm_movemask_epi8(close).cast_unsigned().into(),
                escape: _mm_movemask_epi8(escape).cast_unsigned().into(),
            }
        }
    }
}

impl Compare for Vectors {
    #[inline(always)]
    fn any_close(self, stride: &[[u8; BLOCK]; STRIDE]) -> bool {
        let (halves, _) = stride.as_flattened().as_chunks::<32>();
        // SAFETY: made only where AVX2 is enabled; the loads are of the bytes borrowed.
        unsafe {
            let mut any = _mm256_setzero_si256();
            for half in halves {
                let bytes = _mm256_loadu_si256(half.as_ptr().cast());
                any = _mm256_or_si256(any, _mm256_cmpeq_epi8(bytes, self.close));
            }
            _mm256_movemask_epi8(any) != 0
        }
    }

    #[inline(always)]
    fn block(self, block: &[u8; BLOCK]) -> Masks {
        let (halves, _) = block.as_chunks();
        self.wide(&halves[0]).with(32, self.wide(&halves[1]))
    }

    /// Two loads, which overlap.
    #[inline(always)]
    fn short(self, bytes: &[u8]) -> Masks {
        if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
            return self.wide(first).with(bytes.len() - 32, self.wide(last));
        }
        // SAFETY: made only where AVX2 is enabled; the loads are of the bytes borrowed.
        let half = |bytes: &[u8; 16]| self.half(unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) });
        if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
            return half(first).with(bytes.len() - 16, half(last));
        }
        let mut padded = [0; 16];
        padded[..bytes.len()].copy_from_slice(bytes);
        let valid = (1 << bytes.len()) - 1;
        let Masks { close, escape } = half(&padded);
        Masks { close: close & valid, escape: escape & valid }
    }
}
