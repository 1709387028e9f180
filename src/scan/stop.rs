//! The places where a scan stops, with the implementations for bytes, arrays and [`Escaped`].

use super::MAX_LOOKAHEAD;
use super::escaped::Escaped;
use super::kernel::Kernel;

/// The bytes that a scan stops at.
///
/// An implementation should inspect at most [`MAX_LOOKAHEAD`] bytes past the stop it returns:
/// then a body that stops often still does linear work.
pub trait Stop {
    /// Returns the index of the first stop byte.
    fn find(&self, bytes: &[u8]) -> Option<usize>;

    /// Returns the index of the first stop that the body must see when no events are wanted.
    ///
    /// A stop may be skipped only together with every byte that the body would have read after it,
    /// and only if `bytes` holds all of them. The default skips none.
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

/// Stops at any of these bytes.
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

/// Searches window by window: over the whole input, the search for a rare byte would run far ahead
/// of a common one that is near.
fn find_any(stops: &[u8], bytes: &[u8]) -> Option<usize> {
    for (index, window) in bytes.chunks(MAX_LOOKAHEAD).enumerate() {
        let first = stops.chunks(3).filter_map(|three| match *three {
            [a] => memchr::memchr(a, window),
            [a, b] => memchr::memchr2(a, b, window),
            [a, b, c] => memchr::memchr3(a, b, c, window),
            _ => None,
        });
        if let Some(at) = first.min() {
            return Some(index * MAX_LOOKAHEAD + at);
        }
    }
    None
}

/// Inputs shorter than this are searched byte by byte: calling a kernel costs more than it saves.
const SHORT: usize = 8;

impl Stop for Escaped {
    #[inline]
    fn find(&self, bytes: &[u8]) -> Option<usize> {
        // In a run of escapes, each search after the first stops at its first byte.
        match bytes.first() {
            None => None,
            Some(&first) if first == self.close || first == self.escape => Some(0),
            Some(_) if bytes.len() < SHORT => {
                bytes.iter().position(|&byte| byte == self.close || byte == self.escape)
            }
            Some(_) => memchr::memchr2(self.close, self.escape, bytes),
        }
    }

    #[inline]
    fn skip(&self, bytes: &[u8]) -> Option<usize> {
        if bytes.len() < SHORT { self.skip_by_byte(bytes) } else { skip_by_block(*self, bytes) }
    }
}

/// Not inlined, so that short chunks do not pay for saving its registers.
#[inline(never)]
fn skip_by_block(stop: Escaped, bytes: &[u8]) -> Option<usize> {
    Kernel::best().skip_escaped(stop, bytes)
}
