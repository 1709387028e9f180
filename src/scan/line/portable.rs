//! The scan without vector instructions, and its definition.
//!
//! # Invariant A
//! If a kernel says so, all bytes between the position and the place that it returns are ASCII. The unsafe code that
//! makes text of them relies on it. (`super::tests`)

use super::NEAR;
use crate::scan::swar::tops_equal;

/// Returns the place of the first line feed or carriage return, or where the search has ended, and whether all bytes
/// before it are ASCII.
#[inline]
pub(super) fn past_line(chunk: &[u8], at: usize) -> (usize, bool) {
    let rest = &chunk[at..];
    let near = &rest[..rest.len().min(NEAR)];
    let (words, last) = near.as_chunks::<8>();
    let mut any = 0;
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let ends = tops_equal(word, b'\r') | tops_equal(word, b'\n');
        if ends != 0 {
            // The lowest bit that is set belongs to the first end.
            let before = (ends & ends.wrapping_neg()) - 1;
            let place = at + 8 * index + (ends.trailing_zeros() / 8) as usize;
            return (place, (any | word & before) & TOPS == 0);
        }
        any |= word;
    }
    let len = last.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
    let last = &last[..len.unwrap_or(last.len())];
    (at + 8 * words.len() + last.len(), any & TOPS == 0 && last.is_ascii())
}

/// The top bits of the bytes of a word.
const TOPS: u64 = 0x8080_8080_8080_8080;
