//! The scan with the vector instructions that every x86-64 processor has.
//!
//! ```text
//! masks of a window:  compare its bytes, one bit for each, the first in the lowest
//! the first 16 bytes:  they decide short lines, one after the other
//! 64 bytes at a time, with AVX2 and AVX-512BW if the processor has them
//! the last bytes:  the window that ends where the chunk ends, shifted down to begin at the position
//! ```

use core::arch::x86_64::{
    __m128i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_or_si128, _mm_set1_epi8,
};

use super::portable;
use super::search::{self, Masks, WINDOW, below};
use crate::scan::kernel::Kernel;

const SHORT: usize = 16;

/// The bits of the line ends of a window, and those of the bytes that are not ASCII.
#[inline(always)]
fn masks(window: &[u8; SHORT]) -> (u64, u64) {
    let mask = |bytes: __m128i| -> u64 {
        // SAFETY: this file is compiled only for processors with SSE2.
        let mask = unsafe { _mm_movemask_epi8(bytes) };
        (mask as u32).into()
    };
    // SAFETY: this file is compiled only for processors with SSE2; the 16 bytes are borrowed.
    let (ends, bytes) = unsafe {
        let bytes = _mm_loadu_si128(window.as_ptr().cast());
        let line_feeds = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'\n' as i8));
        let returns = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'\r' as i8));
        (_mm_or_si128(line_feeds, returns), bytes)
    };
    (mask(ends), mask(bytes))
}

/// The masks of a window as those of its parts, for processors without AVX2.
#[derive(Clone, Copy)]
struct Parts;

impl Masks for Parts {
    #[inline(always)]
    fn of(self, window: &[u8; WINDOW]) -> (u64, u64) {
        let (mut ends, mut tops) = (0, 0);
        for (index, window) in window.as_chunks().0.iter().enumerate() {
            let masks = masks(window);
            ends |= masks.0 << (SHORT * index);
            tops |= masks.1 << (SHORT * index);
        }
        (ends, tops)
    }
}

/// Returns the place of the first line feed or carriage return, or where the search has ended, and whether all bytes
/// before it are ASCII.
#[inline(always)]
pub(super) fn past_line(chunk: &[u8], at: usize) -> (usize, bool) {
    past_line_with(past_long, chunk, at)
}

/// Does so with this search behind the first bytes.
#[inline(always)]
pub(super) fn past_line_with(
    past_long: impl FnOnce(&[u8], usize, u64) -> (usize, bool),
    chunk: &[u8],
    at: usize,
) -> (usize, bool) {
    let Some(window) = chunk[at..].first_chunk() else { return past_last(chunk, at, 0) };
    let (ends, tops) = masks(window);
    if ends != 0 {
        return (at + ends.trailing_zeros() as usize, tops & below(ends) == 0);
    }
    past_long(chunk, at + SHORT, tops)
}

/// Goes on with a line. `any` is not zero if a byte of it so far is not ASCII.
#[inline(never)]
fn past_long(chunk: &[u8], at: usize, any: u64) -> (usize, bool) {
    if at == chunk.len() {
        (at, any == 0)
    } else if chunk.len() < WINDOW {
        past_last(chunk, at, any)
    } else {
        Kernel::best().past_line(chunk, at, any)
    }
}

/// The search without AVX2.
pub(in crate::scan) fn past_line_by_parts(chunk: &[u8], at: usize, any: u64) -> (usize, bool) {
    search::past_line(Parts, chunk, at, any)
}

/// The end of a line of which the chunk has fewer bytes than a window.
#[inline(never)]
fn past_last(chunk: &[u8], mut at: usize, mut any: u64) -> (usize, bool) {
    while let Some(window) = chunk[at..].first_chunk() {
        let (ends, tops) = masks(window);
        any |= tops & below(ends);
        if ends != 0 {
            return (at + ends.trailing_zeros() as usize, any == 0);
        }
        at += SHORT;
    }
    let Some(window) = chunk.last_chunk() else {
        let (end, is_ascii) = portable::past_line(chunk, at);
        return (end, is_ascii && any == 0);
    };
    if at == chunk.len() {
        return (at, any == 0);
    }
    let shift = SHORT - (chunk.len() - at);
    let (ends, tops) = masks(window);
    let (ends, tops) = (ends >> shift, tops >> shift);
    let end = if ends == 0 { chunk.len() } else { at + ends.trailing_zeros() as usize };
    (end, any | (tops & below(ends)) == 0)
}
