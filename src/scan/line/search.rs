//! The search of a line that the first bytes do not end, 64 bytes at a time.

use super::NEAR;

/// The bytes of a window.
pub(super) const WINDOW: usize = 64;

/// The masks of a window, with one bit for each byte, the first in the lowest.
pub(super) trait Masks: Copy {
    /// Returns the bits of the line ends, and those of the bytes that are not ASCII.
    fn of(self, window: &[u8; WINDOW]) -> (u64, u64);
}

/// The bits below the lowest bit of a mask; all if there is none.
#[inline(always)]
pub(super) fn below(mask: u64) -> u64 {
    !mask & mask.wrapping_sub(1)
}

/// Goes on with a line. `first` has any bit of the bytes so far that are not ASCII. The last bytes of the chunk are
/// searched as those of the window that ends with them, so it has one at least.
#[inline(always)]
pub(super) fn past_line(
    masks: impl Masks,
    chunk: &[u8],
    mut at: usize,
    mut any: u64,
) -> (usize, bool) {
    let near = at + NEAR;
    while let Some(window) = chunk[at..].first_chunk() {
        let (ends, tops) = masks.of(window);
        any |= tops & below(ends);
        if ends != 0 {
            return (at + ends.trailing_zeros() as usize, any == 0);
        }
        at += WINDOW;
        if at >= near {
            return (at, any == 0);
        }
    }
    let Some(window) = chunk.last_chunk::<WINDOW>().filter(|_| at < chunk.len()) else {
        return (at, any == 0);
    };
    let shift = WINDOW - (chunk.len() - at);
    let (ends, tops) = masks.of(window);
    let (ends, tops) = (ends >> shift, tops >> shift);
    let end = if ends == 0 { chunk.len() } else { at + ends.trailing_zeros() as usize };
    (end, any | (tops & below(ends)) == 0)
}
