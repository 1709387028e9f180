//! The places where a scan stops, with the implementations for bytes, arrays and [`Escaped`].

use super::escaped::Escaped;
use super::kernel::Kernel;
use super::set::Set;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
use super::sse2;

/// The bytes that a scan stops at.
///
/// An implementation should inspect at most [`MAX_LOOKAHEAD`](super::MAX_LOOKAHEAD) bytes past the stop it returns:
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

impl<S: Stop + ?Sized> Stop for &S {
    #[inline]
    fn find(&self, bytes: &[u8]) -> Option<usize> {
        (**self).find(bytes)
    }

    #[inline]
    fn skip(&self, bytes: &[u8]) -> Option<usize> {
        (**self).skip(bytes)
    }
}

impl Stop for u8 {
    #[inline]
    fn find(&self, bytes: &[u8]) -> Option<usize> {
        match bytes.first() {
            None => None,
            Some(first) if first == self => Some(0),
            Some(_) => memchr::memchr(*self, bytes),
        }
    }
}

/// Stops at any of these bytes.
impl<const N: usize> Stop for [u8; N] {
    /// Always inlined: the set of stops that are known is then made by the compiler.
    #[inline(always)]
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

#[inline(always)]
fn find_any<const N: usize>(stops: &[u8; N], bytes: &[u8]) -> Option<usize> {
    match bytes.first() {
        None => return None,
        Some(first) if stops.contains(first) => return Some(0),
        Some(_) => {}
    }
    #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
    if let [a, b, c, d] = stops[..]
        && let Some((first, rest)) = bytes.split_first_chunk()
    {
        let further = || Some(sse2::LEN + Set::of(stops).find(rest)?);
        return sse2::find([a, b, c, d], first).or_else(further);
    }
    Set::of(stops).find(bytes)
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

/// Bytes that are looked at one by one in the function that searches, and before a kernel is called.
const PROBED_INLINE: usize = 4;
const PROBED: usize = 16;

impl Stop for Set {
    #[inline]
    fn find(&self, bytes: &[u8]) -> Option<usize> {
        let Some(first) = bytes.first_chunk::<PROBED_INLINE>() else {
            return self.find_by_byte(bytes);
        };
        self.find_by_byte(first).or_else(|| find_further(self, bytes))
    }
}

/// Not inlined: a search that stops early does not pay for it.
#[inline(never)]
fn find_further(set: &Set, bytes: &[u8]) -> Option<usize> {
    let Some((first, rest)) = bytes.split_first_chunk::<PROBED>() else {
        return set.find_by_byte(bytes);
    };
    if let Some(at) = set.find_by_byte(&first[PROBED_INLINE..]) {
        return Some(PROBED_INLINE + at);
    }
    Kernel::best().find_in_set(set, rest).map(|at| PROBED + at)
}
