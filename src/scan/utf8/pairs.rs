//! The rules of UTF-8 for two bytes in a row, as three tables of 16 entries.
//!
//! Every fault but one shows in two adjacent bytes: see [`FAULTS`]. A fault is a bit. It is in an
//! entry of a table if the half byte that the table is for allows it, so a pair has the faults that
//! are in all three entries:
//!
//! ```text
//! faults = FIRST_HIGH[first >> 4] & FIRST_LOW[first & 15] & SECOND_HIGH[second >> 4]
//! ```
//!
//! The other fault is a third or a fourth byte that does not continue, or a byte that continues
//! where there is no character to continue. [`TWO_CONTINUE`] has a bit of its own, because it is right
//! in the third and in the fourth place of a character and wrong in all others:
//!
//! ```text
//! third or fourth = the byte two before is at least E0, or the byte three before is at least F0
//! fault           = faults != (third or fourth ? TWO_CONTINUE : 0)
//! ```

use core::ops::RangeInclusive;

/// First and second bytes that must not be adjacent, and the bit of the fault.
type Fault = (u8, RangeInclusive<u8>, RangeInclusive<u8>);

/// Both bytes continue a character. The kernels expect it in the top bit.
pub(super) const TWO_CONTINUE: u8 = 1 << 7;

/// Pairs that RFC 3629, section 4, does not allow. Each table sees one half byte only, so two faults may
/// have the same bit only if they differ in one of the three.
const FAULTS: [Fault; 11] = [
    // A character that is begun and not continued.
    (1 << 0, 0xc0..=0xff, 0x00..=0x7f),
    (1 << 0, 0xc0..=0xff, 0xc0..=0xff),
    // A byte that continues ASCII.
    (1 << 1, 0x00..=0x7f, 0x80..=0xbf),
    // Two bytes for what fits in one.
    (1 << 2, 0xc0..=0xc1, 0x80..=0xbf),
    // Three bytes for what fits in two.
    (1 << 3, 0xe0..=0xe0, 0x80..=0x9f),
    // A surrogate.
    (1 << 4, 0xed..=0xed, 0xa0..=0xbf),
    // Beyond U+10FFFF.
    (1 << 5, 0xf4..=0xf4, 0x90..=0xbf),
    (1 << 5, 0xf5..=0xff, 0x90..=0xbf),
    (1 << 6, 0xf5..=0xff, 0x80..=0x8f),
    // Four bytes for what fits in three.
    (1 << 6, 0xf0..=0xf0, 0x80..=0x8f),
    (TWO_CONTINUE, 0x80..=0xbf, 0x80..=0xbf),
];

pub(super) const FIRST_HIGH: [u8; 16] = table(Half::FirstHigh);
pub(super) const FIRST_LOW: [u8; 16] = table(Half::FirstLow);
pub(super) const SECOND_HIGH: [u8; 16] = table(Half::SecondHigh);

#[derive(Clone, Copy)]
enum Half {
    FirstHigh,
    FirstLow,
    SecondHigh,
}

const fn table(half: Half) -> [u8; 16] {
    let mut table = [0; 16];
    let mut index = 0;
    while index < FAULTS.len() {
        let (bit, first, second) = &FAULTS[index];
        let range = if matches!(half, Half::SecondHigh) { second } else { first };
        let mut byte = *range.start() as usize;
        while byte <= *range.end() as usize {
            let place = if matches!(half, Half::FirstLow) { byte & 15 } else { byte >> 4 };
            table[place] |= *bit;
            byte += 1;
        }
        index += 1;
    }
    table
}
