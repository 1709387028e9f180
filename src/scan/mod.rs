//! Byte scans: how a body gets past many bytes at once.
//!
//! A scan takes a [`Stop`], which says where to stop: a byte, an array of bytes, or [`Escaped`], a
//! closing byte that an escape byte can hide.
//!
//! ```
//! use pushdown::scan::{Escaped, Stop};
//!
//! let string = Escaped { close: b'"', escape: b'\\' };
//! let rest = br#"say \"hi\"" and go"#;
//! assert_eq!(string.find(rest), Some(4)); // the first escape
//! assert_eq!(string.skip(rest), Some(10)); // the quote that closes
//! ```

mod swar;

/// How far beyond the stop it finds a scan may have looked, in bytes.
pub const BLOCK: usize = 64;

/// Where a scan stops.
pub trait Stop {
    /// The index of the first stop byte.
    fn find(&self, bytes: &[u8]) -> Option<usize>;

    /// The index of the first stop byte that cannot be passed over when nobody takes the text
    /// before it.
    ///
    /// A stop may be passed over only together with all that its body would have read after it, and
    /// only if all of that lies in `bytes`. The default passes over none.
    fn skip(&self, bytes: &[u8]) -> Option<usize> {
        self.find(bytes)
    }
}

impl Stop for u8 {
    #[inline]
    fn find(&self, bytes: &[u8]) -> Option<usize> {
        memchr::memchr(*self, bytes)
    }
}

/// Any of these bytes.
impl<const N: usize> Stop for [u8; N] {
    #[inline]
    fn find(&self, bytes: &[u8]) -> Option<usize> {
        match self[..] {
            [] => None,
            [a] => memchr::memchr(a, bytes),
            [a, b] => memchr::memchr2(a, b, bytes),
            [a, b, c] => memchr::memchr3(a, b, c, bytes),
            _ => find_any(self, bytes),
        }
    }
}

/// Searches window by window, so that a byte that is rare cannot make the search run far ahead of
/// one that is near.
fn find_any(stops: &[u8], bytes: &[u8]) -> Option<usize> {
    for (index, window) in bytes.chunks(BLOCK).enumerate() {
        let first = stops.chunks(3).filter_map(|three| match *three {
            [a] => memchr::memchr(a, window),
            [a, b] => memchr::memchr2(a, b, window),
            [a, b, c] => memchr::memchr3(a, b, c, window),
            _ => None,
        });
        if let Some(at) = first.min() {
            return Some(index * BLOCK + at);
        }
    }
    None
}

/// A closing byte, and an escape byte that takes the byte after it along.
///
/// Both are stops. A body that reads one byte after each escape, whatever it is, may declare its
/// stop so: then a scan whose text nobody takes passes over escapes by itself, pair by pair, as fast
/// as if there were none. An escape whose second byte is not in the chunk is returned, and the
/// body's own read waits for it, so nothing has to be remembered at a cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Escaped {
    /// The byte that ends the text.
    pub close: u8,
    /// The byte that hides the one after it. Not the same as `close`.
    pub escape: u8,
}

impl Stop for Escaped {
    #[inline]
    fn find(&self, bytes: &[u8]) -> Option<usize> {
        memchr::memchr2(self.close, self.escape, bytes)
    }

    #[inline]
    fn skip(&self, bytes: &[u8]) -> Option<usize> {
        swar::skip(*self, bytes)
    }
}
