//! The scans with the vector instructions that every x86-64 processor has.
//!
//! ```text
//! mask of a window:  compare its bytes, one bit for each, the first in the lowest
//! the first 16 bytes:  they decide most scans
//! 32 bytes at a time
//! the last bytes:  the window that ends where the chunk ends, shifted down to begin at the position
//! ```
//!
//! So no bytes are copied, and none are looked at one by one, unless the chunk is shorter than a window:
//! the bytes before the position are loaded, and shifted out.
//!
//! Code that few tokens need is not inlined, so that it takes no registers from the rest.

use core::arch::x86_64::{
    __m128i, _mm_add_epi8, _mm_cmpeq_epi8, _mm_cmplt_epi8, _mm_loadu_si128, _mm_min_epu8,
    _mm_movemask_epi8, _mm_or_si128, _mm_set1_epi8,
};

use super::portable;

const SHORT: usize = 16;
const LONG: usize = 32;

#[inline(always)]
fn load(bytes: &[u8; SHORT]) -> __m128i {
    // SAFETY: this file is compiled only for processors with SSE2; the 16 bytes are borrowed.
    unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
}

#[inline(always)]
fn mask(bytes: __m128i) -> u32 {
    // SAFETY: this file is compiled only for processors with SSE2.
    unsafe { _mm_movemask_epi8(bytes) as u32 }
}

/// The bytes that end a run of text.
#[inline(always)]
fn stops(bytes: &[u8; SHORT]) -> u32 {
    let bytes = load(bytes);
    // SAFETY: this file is compiled only for processors with SSE2.
    let stops = unsafe {
        let quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'"' as i8));
        let backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'\\' as i8));
        let control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
        _mm_or_si128(_mm_or_si128(quote, backslash), control)
    };
    mask(stops)
}

/// The bytes that are not ASCII.
#[inline(always)]
fn tops(bytes: &[u8; SHORT]) -> u32 {
    mask(load(bytes))
}

/// The bytes that are digits.
#[inline(always)]
fn digits(bytes: &[u8; SHORT]) -> u32 {
    let bytes = load(bytes);
    // SAFETY: this file is compiled only for processors with SSE2.
    let digits = unsafe {
        // The digits become the least of the signed numbers.
        let moved = _mm_add_epi8(bytes, _mm_set1_epi8((0x80 - b'0') as i8));
        _mm_cmplt_epi8(moved, _mm_set1_epi8((0x80 + 10_u8) as i8))
    };
    mask(digits)
}

/// The masks of two windows as one.
#[inline(always)]
fn both(bytes: &[u8; LONG], mask: impl Fn(&[u8; SHORT]) -> u32) -> u32 {
    let ([low, high], []) = bytes.as_chunks::<SHORT>() else { return 0 };
    mask(low) | mask(high) << SHORT
}

/// The place of the lowest bit of a mask whose first bit is for `place`, or `end` if there is none.
#[inline(always)]
fn lowest(mask: u32, place: usize, end: usize) -> usize {
    if mask == 0 { end } else { place + mask.trailing_zeros() as usize }
}

/// The bits below the lowest bit of a mask; all if there is none.
#[inline(always)]
fn below(mask: u32) -> u32 {
    !mask & mask.wrapping_sub(1)
}

/// Returns the place of the first quote, backslash or control character, or the length, and whether all
/// bytes before it are ASCII.
#[inline(always)]
pub(super) fn past_run(chunk: &[u8], at: usize) -> (usize, bool) {
    match chunk[at..].first_chunk() {
        Some(window) => {
            let (stops, tops) = (stops(window), tops(window));
            if stops != 0 {
                return (lowest(stops, at, at), tops & below(stops) == 0);
            }
            past_long_run(chunk, at + SHORT, tops)
        }
        None => past_short_run(chunk, at),
    }
}

/// Goes on with a run. `any` is not zero if a byte of it so far is not ASCII.
#[inline]
fn past_long_run(chunk: &[u8], mut at: usize, mut any: u32) -> (usize, bool) {
    let end = chunk.len();
    while let Some(window) = chunk[at..].first_chunk() {
        let (stops, tops) = (both(window, stops), both(window, tops));
        any |= tops & below(stops);
        if stops != 0 {
            return (lowest(stops, at, end), any == 0);
        }
        at += LONG;
    }
    let Some(window) = chunk.last_chunk() else { return past_last(chunk, at, any) };
    if at == end {
        return (end, any == 0);
    }
    let shift = LONG - (end - at);
    let (stops, tops) = (both(window, stops) >> shift, both(window, tops) >> shift);
    (lowest(stops, at, end), any | (tops & below(stops)) == 0)
}

/// A run of which the chunk has fewer bytes than a short window.
#[inline(never)]
fn past_short_run(chunk: &[u8], at: usize) -> (usize, bool) {
    let end = chunk.len();
    let Some(window) = chunk.last_chunk() else { return portable::past_run(chunk, at) };
    let shift = SHORT - (end - at);
    let (stops, tops) = (stops(window) >> shift, tops(window) >> shift);
    (lowest(stops, at, end), tops & below(stops) == 0)
}

/// The end of a run in a chunk that is shorter than a long window.
#[inline(never)]
fn past_last(chunk: &[u8], at: usize, any: u32) -> (usize, bool) {
    let (end, is_ascii) = past_short_run(chunk, at);
    (end, is_ascii && any == 0)
}

/// Returns the place of the byte after the number at `at`, if it is in the chunk.
#[inline(always)]
pub(super) fn past_number(chunk: &[u8], at: usize) -> Option<usize> {
    if let Some(window) = chunk[at..].first_chunk()
        && let Some(len) = decimal(window)
    {
        return Some(at + len);
    }
    past_any_number(chunk, at)
}

/// The length of the number that these bytes begin with, if it has a point after a few digits, and no
/// exponent. The place of the point is guessed by the processor, and not computed: the window of the digits
/// after it does not wait.
#[inline(always)]
fn decimal(bytes: &[u8; LONG]) -> Option<usize> {
    let is_whole = |len: usize| match bytes[..len] {
        [b'-', b'1'..=b'9', ref rest @ ..] | [b'1'..=b'9', ref rest @ ..] => {
            rest.iter().all(u8::is_ascii_digit)
        }
        [b'0'] | [b'-', b'0'] => true,
        _ => false,
    };
    if bytes[3] == b'.' && is_whole(3) {
        fraction::<4>(bytes)
    } else if bytes[2] == b'.' && is_whole(2) {
        fraction::<3>(bytes)
    } else if bytes[4] == b'.' && is_whole(4) {
        fraction::<5>(bytes)
    } else if bytes[1] == b'.' && is_whole(1) {
        fraction::<2>(bytes)
    } else {
        None
    }
}

/// The length of a number whose digits after the point are at `FROM`, up to 15 of them.
#[inline(always)]
fn fraction<const FROM: usize>(bytes: &[u8; LONG]) -> Option<usize> {
    let others = digits(bytes[FROM..].first_chunk()?) ^ 0xffff;
    let len = FROM + (others | 1 << SHORT).trailing_zeros() as usize;
    (len > FROM && len < FROM + SHORT && bytes[len] | 0x20 != b'e').then_some(len)
}

/// Returns what [`past_number`] does.
#[inline(always)]
fn past_any_number(chunk: &[u8], at: usize) -> Option<usize> {
    let left = chunk.len() - at;
    let (digits, visible) = match (chunk[at..].first_chunk(), chunk.last_chunk()) {
        (Some(window), _) => (both(window, digits), LONG),
        (None, Some(window)) if left > 0 => (both(window, digits) >> (LONG - left), left),
        _ => return past_rare_number(chunk, at),
    };
    match number_in(&chunk[at..at + visible], digits.into()) {
        None if left > visible => past_rare_number(chunk, at),
        len => Some(at + len?),
    }
}

/// A number that is longer than a window, or in a chunk that is shorter.
#[inline(never)]
fn past_rare_number(chunk: &[u8], at: usize) -> Option<usize> {
    portable::past_number(chunk, at)
}

/// The length of the number that these bytes begin with and do not end with. `digits` has a bit for each
/// digit.
#[inline(always)]
fn number_in(bytes: &[u8], digits: u64) -> Option<usize> {
    // The other bytes. One that has been looked at is removed, so that the lowest bit is the next: a shift
    // by its place would have to wait for that place.
    let mut others = !digits;
    let mut from = 0;
    if *bytes.first()? == b'-' {
        others &= others - 1;
        from = 1;
    }
    let mut at = others.trailing_zeros() as usize;
    if at <= from + 1 || bytes[from] == b'0' {
        if at == from {
            return None;
        }
        at = from + 1;
    }
    if *bytes.get(at)? == b'.' {
        others &= others - 1;
        from = at + 1;
        at = others.trailing_zeros() as usize;
        if at == from {
            return None;
        }
    }
    if *bytes.get(at)? | 0x20 == b'e' {
        others &= others - 1;
        from = at + 1;
        if let b'+' | b'-' = *bytes.get(from)? {
            others &= others - 1;
            from += 1;
        }
        at = others.trailing_zeros() as usize;
        if at == from {
            return None;
        }
    }
    (at < bytes.len()).then_some(at)
}
