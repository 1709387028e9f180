//! 64 bytes as one vector, for processors with AVX-512BW.

use core::arch::x86_64::{
    __m512i, _mm512_cmpeq_epi8_mask, _mm512_loadu_si512, _mm512_maskz_loadu_epi8, _mm512_set1_epi8,
};

use super::BLOCK;
use super::escaped::{self, Compare, Escaped, Masks, STRIDE};
use super::kernel::detect;

/// Proof that the processor has AVX-512BW: there is no other way to get one than
/// [`Avx512::detect`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Avx512(());

impl Avx512 {
    #[inline]
    pub(super) fn detect() -> Option<Self> {
        detect!("avx512bw", "bmi1", "bmi2", "lzcnt").then_some(Self(()))
    }

    #[inline]
    pub(super) fn skip(self, stop: Escaped, bytes: &[u8]) -> Option<usize> {
        // SAFETY: `self` proves that the processor has AVX-512BW.
        unsafe { skip(stop, bytes) }
    }
}

#[target_feature(enable = "avx512bw,bmi1,bmi2,lzcnt")]
fn skip(stop: Escaped, bytes: &[u8]) -> Option<usize> {
    let close = _mm512_set1_epi8(stop.close.cast_signed());
    let escape = _mm512_set1_epi8(stop.escape.cast_signed());
    escaped::skip(Vectors { close, escape }, bytes)
}

/// The two bytes looked for, in every lane. Made only where AVX-512BW is enabled.
#[derive(Clone, Copy)]
struct Vectors {
    close: __m512i,
    escape: __m512i,
}

impl Vectors {
    #[inline(always)]
    fn close(self, block: &[u8; BLOCK]) -> u64 {
        self.block(block).close
    }
}

impl Compare for Vectors {
    #[inline(always)]
    fn any_close(self, stride: &[[u8; BLOCK]; STRIDE]) -> bool {
        let [a, b, c, d] = stride;
        (self.close(a) | self.close(b)) | (self.close(c) | self.close(d)) != 0
    }

    #[inline(always)]
    fn block(self, block: &[u8; BLOCK]) -> Masks {
        // SAFETY: made only where AVX-512BW is enabled; the load is of the 64 bytes borrowed.
        unsafe {
            let bytes = _mm512_loadu_si512(block.as_ptr().cast());
            Masks {
                close: _mm512_cmpeq_epi8_mask(bytes, self.close),
                escape: _mm512_cmpeq_epi8_mask(bytes, self.escape),
            }
        }
    }

    #[inline(always)]
    fn short(self, bytes: &[u8]) -> Masks {
        debug_assert!(bytes.len() < BLOCK);
        let valid = (1 << bytes.len()) - 1;
        // SAFETY: made only where AVX-512BW is enabled; the load touches the `valid` bytes only,
        // which are those borrowed.
        unsafe {
            let bytes = _mm512_maskz_loadu_epi8(valid, bytes.as_ptr().cast());
            Masks {
                close: _mm512_cmpeq_epi8_mask(bytes, self.close) & valid,
                escape: _mm512_cmpeq_epi8_mask(bytes, self.escape) & valid,
            }
        }
    }
}
