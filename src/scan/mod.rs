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
//!
//! Searches for bytes are those of the memchr crate. The search that knows about escapes is our own;
//! it has one [`Kernel`] for each kind of processor.

mod escaped;
mod kernel;

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "vector loads, and functions for processors that have AVX2")]
mod avx2;
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "vector loads, and functions for processors that have AVX-512BW")]
mod avx512;
mod swar;

pub use escaped::Escaped;
pub use kernel::Kernel;

/// How far beyond the stop it finds a scan may have looked, in bytes.
pub const MAX_LOOKAHEAD: usize = BLOCK;

/// The bytes of one block, for which a kernel makes one mask.
const BLOCK: usize = 64;

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
