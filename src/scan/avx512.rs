//! The kernel for processors with AVX-512BW: a block is one vector of 64 bytes.
//!
//! ```text
//! any_close    load and compare, for each of the four blocks, and OR the masks
//! all_hidden   the same with loads from one byte and two bytes back too
//! block        load and compare; the comparison gives the 64-bit mask itself
//! short        one load under a mask, which reads only the valid bytes and gives zeros after them
//! ```

use core::arch::x86_64::{
    __m512i, _mm512_cmpeq_epi8_mask, _mm512_loadu_si512, _mm512_maskz_loadu_epi8, _mm512_set1_epi8,
};

use super::cpu::Avx512;
use super::escaped::{self, BEHIND, BLOCK, Compare, Escaped, Masks, STRIDE};

#[inline]
pub(super) fn skip(token: Avx512, stop: Escaped, bytes: &[u8]) -> Option<usize> {
    /// All that it calls is inlined here, and compiled with these features.
    #[target_feature(enable = "avx512bw,bmi1,bmi2,lzcnt")]
    fn skip(token: Avx512, stop: Escaped, bytes: &[u8]) -> Option<usize> {
        escaped::skip(Vectors::new(token, stop), bytes)
    }
    // SAFETY: a token exists, so the processor has the features that `skip` enables.
    unsafe { skip(token, stop, bytes) }
}

/// The vector instructions that the kernel needs, as safe methods of the token.
impl Avx512 {
    #[inline(always)]
    fn splat(self, byte: u8) -> __m512i {
        // SAFETY: `self` exists, so the processor has AVX-512BW.
        unsafe { _mm512_set1_epi8(byte.cast_signed()) }
    }

    #[inline(always)]
    pub(super) fn load(self, bytes: &[u8; BLOCK]) -> __m512i {
        // SAFETY: `self` exists, so the processor has AVX-512BW; the 64 bytes are borrowed.
        unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
    }

    /// Loads fewer bytes than a vector has. Returns them followed by zeros, and one bit for each.
    #[inline(always)]
    pub(super) fn load_short(self, bytes: &[u8]) -> (__m512i, u64) {
        debug_assert!(bytes.len() < BLOCK);
        let valid = (1 << bytes.len()) - 1;
        // SAFETY: `self` exists, so the processor has AVX-512BW; the load touches the `valid` bytes
        // alone, which are borrowed.
        let vector = unsafe { _mm512_maskz_loadu_epi8(valid, bytes.as_ptr().cast()) };
        (vector, valid)
    }

    /// Returns one bit for each byte of `bytes` that equals the byte of `other` in its place.
    #[inline(always)]
    fn equal(self, bytes: __m512i, other: __m512i) -> u64 {
        // SAFETY: `self` exists, so the processor has AVX-512BW.
        unsafe { _mm512_cmpeq_epi8_mask(bytes, other) }
    }
}

/// The two bytes that are looked for, each in every lane of a vector.
#[derive(Clone, Copy)]
struct Vectors {
    token: Avx512,
    close: __m512i,
    escape: __m512i,
}

impl Vectors {
    #[inline(always)]
    fn new(token: Avx512, stop: Escaped) -> Self {
        Self { token, close: token.splat(stop.close), escape: token.splat(stop.escape) }
    }

    #[inline(always)]
    fn close(self, block: &[u8; BLOCK]) -> u64 {
        self.token.equal(self.token.load(block), self.close)
    }

    #[inline(always)]
    fn escape(self, block: &[u8; BLOCK]) -> u64 {
        self.token.equal(self.token.load(block), self.escape)
    }

    #[inline(always)]
    fn masks(self, bytes: __m512i) -> Masks {
        Masks {
            close: self.token.equal(bytes, self.close),
            escape: self.token.equal(bytes, self.escape),
        }
    }
}

impl Compare for Vectors {
    const LOOKS_BEHIND: bool = true;

    #[inline(always)]
    fn any_close(self, stride: &[[u8; BLOCK]; STRIDE]) -> bool {
        let [a, b, c, d] = stride;
        (self.close(a) | self.close(b)) | (self.close(c) | self.close(d)) != 0
    }

    #[inline(always)]
    fn all_hidden(self, window: &[u8; BEHIND + STRIDE * BLOCK]) -> bool {
        let [before, last, blocks] = [0, 1, BEHIND].map(|from| window[from..].as_chunks().0);
        let mut found = 0;
        for ((before, last), block) in before.iter().zip(last).zip(blocks) {
            found |= self.close(block) & (!self.escape(last) | self.escape(before));
        }
        found == 0
    }

    #[inline(always)]
    fn block(self, block: &[u8; BLOCK]) -> Masks {
        self.masks(self.token.load(block))
    }

    #[inline(always)]
    fn short(self, bytes: &[u8]) -> Masks {
        let (bytes, valid) = self.token.load_short(bytes);
        let Masks { close, escape } = self.masks(bytes);
        Masks { close: close & valid, escape: escape & valid }
    }
}
