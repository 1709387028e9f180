//! Any set of bytes, as a stop.

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "vector instructions, for processors that have AVX2")]
pub(super) mod avx2;
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "vector instructions, for processors that have AVX-512BW")]
pub(super) mod avx512;
mod search;
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "vector instructions, for processors that have SSSE3")]
pub(super) mod ssse3;

use core::fmt;
use core::ops::RangeInclusive;

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
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Set {
    /// One bit for each byte: bit 0 of the first word for byte 0.
    words: [u32; 8],
}

impl Set {
    /// Creates the set of these bytes. They may be in any order, and a byte may come twice.
    #[inline(always)]
    #[must_use]
    pub const fn of(bytes: &[u8]) -> Self {
        let mut set = Self { words: [0; 8] };
        let mut at = 0;
        while at < bytes.len() {
            set.insert(bytes[at]);
            at += 1;
        }
        set
    }

    /// Creates the set of the bytes from the first to the last.
    #[must_use]
    pub const fn range(bytes: RangeInclusive<u8>) -> Self {
        let mut set = Self { words: [0; 8] };
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
        let mut word = 0;
        while word < 8 {
            self.words[word] = !self.words[word];
            word += 1;
        }
        self
    }

    /// Returns the set of the bytes of either.
    #[must_use]
    pub const fn union(mut self, other: Self) -> Self {
        let mut word = 0;
        while word < 8 {
            self.words[word] |= other.words[word];
            word += 1;
        }
        self
    }

    /// Returns true if the byte is in the set.
    #[inline]
    #[must_use]
    pub const fn contains(&self, byte: u8) -> bool {
        self.words[(byte >> 5) as usize] >> (byte & 31) & 1 != 0
    }

    #[inline(always)]
    const fn insert(&mut self, byte: u8) {
        self.words[(byte >> 5) as usize] |= 1 << (byte & 31);
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
