//! The search of 16 bytes for one of four stops, for x86-64 processors, all of which have SSE2.
//!
//! ```text
//! for each stop:  compare the 16 bytes with it
//! the first byte that is equal to any:  OR, extract 16 bits, count the zeros below the lowest 1
//! ```
//!
//! Inlined into the body that reads, and without a branch on the place of the stop. Where fields are
//! short and of any length, a search byte by byte is mispredicted once for each, which costs more than
//! this search does.

use core::arch::x86_64::{
    _mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_or_si128, _mm_set1_epi8,
    _mm_setzero_si128,
};

/// The bytes that are searched.
pub(super) const LEN: usize = 16;

/// Returns the index of the first byte that is one of the stops.
#[inline(always)]
pub(super) fn find(stops: [u8; 4], bytes: &[u8; LEN]) -> Option<usize> {
    // A load of four bytes. An `async` body has just stored so many, and a processor forwards no store to
    // a load that is wider, which the compiler makes of four bytes that are read one by one.
    let stops = u32::from_le_bytes(stops);
    // SAFETY: this file is compiled only for processors with SSE2; the 16 bytes are borrowed.
    let mask = unsafe {
        let bytes = _mm_loadu_si128(bytes.as_ptr().cast());
        let mut found = _mm_setzero_si128();
        for at in 0..4 {
            let stop = _mm_set1_epi8((stops >> (8 * at)) as i8);
            found = _mm_or_si128(found, _mm_cmpeq_epi8(bytes, stop));
        }
        _mm_movemask_epi8(found)
    };
    (mask != 0).then(|| mask.trailing_zeros() as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_stop_is_found_at_every_place() {
        let stops = [b',', b'\r', 0, 0xff];
        let mut cases = 0;
        for first in 0..=LEN {
            for second in first..=LEN {
                for stop in stops {
                    let mut bytes = [b'a'; LEN + 1];
                    bytes[first] = stop;
                    bytes[second] = stop;
                    let bytes = bytes.first_chunk().unwrap();
                    assert_eq!(find(stops, bytes), (first < LEN).then_some(first));
                    cases += 1;
                }
            }
        }
        assert_eq!(cases, 612);
    }

    #[test]
    fn every_byte_is_a_stop_or_is_not() {
        let stops = *b",\"\r\n";
        for byte in 0..=255 {
            let found = find(stops, &[byte; LEN]);
            assert_eq!(found, stops.contains(&byte).then_some(0), "{byte}");
        }
    }
}
