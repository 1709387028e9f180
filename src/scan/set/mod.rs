//! Any set of bytes, as a stop.

use core::fmt;
use core::ops::RangeInclusive;

use super::stop::Stop;

/// A set of bytes, made at compile time or later. As a [`Stop`] it stops at any of them.
///
/// ```
/// use pushdown::scan::{Set, Stop};
///
/// /// The bytes of a token: RFC 9110, section 5.6.2.
/// const TOKEN: Set = Set::range(b'0'..=b'9')
///     .union(Set::range(b'A'..=b'Z'))
///     .union(Set::range(b'a'..=b'z'))
///     .union(Set::of(b"!#$%&'*+-.^_`|~"));
///
/// assert!(TOKEN.contains(b'x') && !TOKEN.contains(b':'));
/// // A scan stops at the first byte that ends the token.
/// assert_eq!(TOKEN.not().find(b"Content-Type: text/html"), Some(12));
/// ```
///
/// Its representation serves the search for one byte and for many at once:
///
/// ```text
///                     bit: upper half of the byte
///                     0 1 2 3 4 5 6 7   8 … f
///  row: lower half 0  . . 1 . . . . .   . … .    0x20, the space
///                  …
///                  9  1 . . . . . . .   . … .    0x09, the tab
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Set {
    rows: [u16; 16],
}

impl Set {
    /// Creates the set of these bytes. They may be in any order, and a byte may come twice.
    #[must_use]
    pub const fn of(bytes: &[u8]) -> Self {
        let mut set = Self { rows: [0; 16] };
        let mut rest = bytes;
        while let [byte, others @ ..] = rest {
            set.insert(*byte);
            rest = others;
        }
        set
    }

    /// Creates the set of the bytes from the first to the last.
    #[must_use]
    pub const fn range(bytes: RangeInclusive<u8>) -> Self {
        let mut set = Self { rows: [0; 16] };
        let mut byte = *bytes.start() as u16;
        while byte <= *bytes.end() as u16 {
            set.insert(byte as u8);
            byte += 1;
        }
        set
    }

    /// Returns the set of all other bytes.
    #[must_use]
    pub const fn not(mut self) -> Self {
        let mut row = 0;
        while row < 16 {
            self.rows[row] = !self.rows[row];
            row += 1;
        }
        self
    }

    /// Returns the set of the bytes of either.
    #[must_use]
    pub const fn union(mut self, other: Self) -> Self {
        let mut row = 0;
        while row < 16 {
            self.rows[row] |= other.rows[row];
            row += 1;
        }
        self
    }

    /// Returns true if the byte is in the set.
    #[inline]
    #[must_use]
    pub const fn contains(&self, byte: u8) -> bool {
        self.rows[(byte & 0xf) as usize] >> (byte >> 4) & 1 != 0
    }

    const fn insert(&mut self, byte: u8) {
        self.rows[(byte & 0xf) as usize] |= 1 << (byte >> 4);
    }
}

/// Shows the bytes as ranges.
impl fmt::Debug for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut ranges = f.debug_set();
        let mut bytes = (0..=255).filter(|byte| self.contains(*byte)).peekable();
        while let Some(first) = bytes.next() {
            let mut last = first;
            while let Some(next) = bytes.next_if(|byte| byte - last == 1) {
                last = next;
            }
            let [first, last] = [first, last].map(u8::escape_ascii);
            if last.clone().eq(first.clone()) {
                ranges.entry(&format_args!("b'{first}'"));
            } else {
                ranges.entry(&format_args!("b'{first}'..=b'{last}'"));
            }
        }
        ranges.finish()
    }
}

impl Stop for Set {
    #[inline]
    fn find(&self, bytes: &[u8]) -> Option<usize> {
        bytes.iter().position(|byte| self.contains(*byte))
    }
}
