//! Owned bytes.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::borrow::Borrow;
use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::ops::Deref;

/// Bytes that are held without an allocation: as many as fit beside their number in the room of a
/// `Vec`.
const INLINE: usize = 22;

/// Owned bytes: the text of a [`Value`](super::Value), an argument of a [`Request`](super::Request).
///
/// Up to 22 bytes are held in place, because most keys, fields and numbers are no longer, and an allocation for
/// each would be most of the time that a value takes.
///
/// ```
/// use pushdown::resp::Blob;
///
/// let name = Blob::from("name");
/// assert_eq!(name, *b"name");
/// assert_eq!(name.len(), 4);
/// ```
#[derive(Clone)]
pub struct Blob(Bytes);

#[derive(Clone)]
enum Bytes {
    Inline { len: u8, bytes: [u8; INLINE] },
    Boxed(Box<[u8]>),
}

impl Blob {
    pub(super) const EMPTY: Self = Self(Bytes::Inline { len: 0, bytes: [0; INLINE] });

    /// Returns the bytes as a `Vec`, without a copy if they are not held in place.
    pub fn into_vec(self) -> Vec<u8> {
        match self.0 {
            Bytes::Inline { .. } => self.to_vec(),
            Bytes::Boxed(bytes) => bytes.into_vec(),
        }
    }

    /// Copies bytes that lie in a chunk to an empty blob.
    ///
    /// A copy of a length that only the input tells is a call. So the bytes behind a short text are copied with it,
    /// where there are any.
    #[inline(always)]
    pub(super) fn copy(&mut self, bytes: &[u8], chunk: &[u8]) {
        // Anywhere, if there are none.
        let at = bytes.as_ptr().addr().wrapping_sub(chunk.as_ptr().addr());
        if let Bytes::Inline { len, bytes: inline } = &mut self.0
            && bytes.len() <= INLINE
            && let Some(more) = chunk.get(at..).and_then(<[u8]>::first_chunk)
        {
            *len = bytes.len() as u8;
            *inline = *more;
        } else {
            *self = bytes.into();
        }
    }

    /// The bytes in place, if they fit.
    #[inline]
    pub(super) fn inline(bytes: &[u8]) -> Option<Self> {
        let len = bytes.len();
        (len <= INLINE).then(|| {
            let mut inline = [0; INLINE];
            inline[..len].copy_from_slice(bytes);
            Self(Bytes::Inline { len: len as u8, bytes: inline })
        })
    }
}

impl Deref for Blob {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match &self.0 {
            Bytes::Inline { len, bytes } => &bytes[..usize::from(*len)],
            Bytes::Boxed(bytes) => bytes,
        }
    }
}

impl Default for Blob {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl From<&[u8]> for Blob {
    #[inline]
    fn from(bytes: &[u8]) -> Self {
        Self::inline(bytes).unwrap_or_else(|| Self(Bytes::Boxed(bytes.into())))
    }
}

impl<const N: usize> From<&[u8; N]> for Blob {
    fn from(bytes: &[u8; N]) -> Self {
        Self::from(&bytes[..])
    }
}

impl From<&str> for Blob {
    fn from(text: &str) -> Self {
        Self::from(text.as_bytes())
    }
}

impl From<Vec<u8>> for Blob {
    fn from(bytes: Vec<u8>) -> Self {
        Self::inline(&bytes).unwrap_or_else(|| Self(Bytes::Boxed(bytes.into())))
    }
}

impl From<String> for Blob {
    fn from(text: String) -> Self {
        Self::from(text.into_bytes())
    }
}

impl AsRef<[u8]> for Blob {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Borrow<[u8]> for Blob {
    fn borrow(&self) -> &[u8] {
        self
    }
}

impl PartialEq for Blob {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Blob {}

impl PartialEq<[u8]> for Blob {
    fn eq(&self, other: &[u8]) -> bool {
        **self == *other
    }
}

impl<const N: usize> PartialEq<[u8; N]> for Blob {
    fn eq(&self, other: &[u8; N]) -> bool {
        **self == *other
    }
}

impl PartialEq<str> for Blob {
    fn eq(&self, other: &str) -> bool {
        **self == *other.as_bytes()
    }
}

impl PartialOrd for Blob {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Blob {
    fn cmp(&self, other: &Self) -> Ordering {
        (**self).cmp(&**other)
    }
}

impl Hash for Blob {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

/// Writes the bytes as a byte string.
impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_every_length_around_the_last_in_place_are_kept() {
        let bytes: Vec<u8> = (0..64).collect();
        for len in 0..=64 {
            let bytes = &bytes[..len];
            for blob in [Blob::from(bytes), Blob::from(bytes.to_vec())] {
                assert_eq!(blob, *bytes);
                assert_eq!(matches!(blob.0, Bytes::Inline { .. }), len <= INLINE, "{len}");
                assert_eq!(blob.into_vec(), bytes);
            }
        }
    }

    #[test]
    fn a_blob_is_as_large_as_a_vec() {
        assert_eq!(size_of::<Blob>(), size_of::<Vec<u8>>());
    }
}
