//! The scans without vector instructions, and their definition.
//!
//! # Invariant A
//! The bytes that a kernel passes are ASCII: all that `past_digits` and `past_number` pass, and what
//! `past_run` passes if it says so. The unsafe code that makes text of them relies on it.
//! (`super::tests`)

use crate::scan::swar::{tops_below, tops_equal, tops_no_digit};

/// Returns the place of the first byte that is not a digit, or the length.
#[inline(always)]
pub(super) fn past_digits(chunk: &[u8], mut at: usize) -> usize {
    while let Some(word) = chunk[at..].first_chunk() {
        let others = tops_no_digit(u64::from_le_bytes(*word));
        if others != 0 {
            return at + (others.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while let Some(b'0'..=b'9') = chunk.get(at) {
        at += 1;
    }
    at
}

/// Returns the place of the byte after the number at `at`, if it is in the chunk.
#[inline]
pub(super) fn past_number(chunk: &[u8], mut at: usize) -> Option<usize> {
    let digits = |at: usize| {
        let end = past_digits(chunk, at);
        (end > at).then_some(end)
    };
    if *chunk.get(at)? == b'-' {
        at += 1;
    }
    at = match chunk.get(at)? {
        b'0' => at + 1,
        _ => digits(at)?,
    };
    if *chunk.get(at)? == b'.' {
        at = digits(at + 1)?;
    }
    if let b'e' | b'E' = *chunk.get(at)? {
        at += 1;
        if let b'+' | b'-' = *chunk.get(at)? {
            at += 1;
        }
        at = digits(at)?;
    }
    (at < chunk.len()).then_some(at)
}

/// Returns the place of the first quote, backslash or control character, or the length, and whether all
/// bytes before it are ASCII.
#[inline]
pub(super) fn past_run(chunk: &[u8], at: usize) -> (usize, bool) {
    let (words, rest) = chunk[at..].as_chunks::<8>();
    let mut any = 0;
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let stops = tops_equal(word, b'"') | tops_equal(word, b'\\') | tops_below::<0x20>(word);
        if stops != 0 {
            // The lowest bit that is set belongs to the first stop.
            let before = (stops & stops.wrapping_neg()) - 1;
            let place = at + 8 * index + (stops.trailing_zeros() / 8) as usize;
            return (place, (any | word & before) & TOPS == 0);
        }
        any |= word;
    }
    let len = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | ..0x20));
    let last = &rest[..len.unwrap_or(rest.len())];
    (chunk.len() - rest.len() + last.len(), any & TOPS == 0 && last.is_ascii())
}

/// The top bits of the bytes of a word.
const TOPS: u64 = 0x8080_8080_8080_8080;
