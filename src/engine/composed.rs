//! The work of the composed reads on one chunk, the same for every input.

#[cfg(feature = "alloc")]
use alloc::vec::Vec;

use crate::error::ErrorKind;
use crate::parser::PushParser;
#[cfg(feature = "alloc")]
use crate::scan::Stop;

/// The length of what both begin with.
pub(super) fn common_prefix(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// The number of bytes of a chunk of `len` that a parser has consumed in a call that began at `offset`,
/// and that may have ended in a panic.
pub(super) fn consumed_since(parser: &impl PushParser, offset: u64, len: usize) -> usize {
    usize::try_from(parser.offset().saturating_sub(offset)).map_or(len, |count| count.min(len))
}

/// The kind of error that a parser inside has ended with, and the start of its part.
pub(super) fn error_of(parser: &impl PushParser) -> (ErrorKind, Option<u64>) {
    parser.error().map_or((ErrorKind::UnexpectedByte, None), |error| (error.kind, error.start))
}

/// The outcome of [`collect`].
#[cfg(feature = "alloc")]
pub(super) enum Collected {
    /// A stop lies behind so many bytes, which were appended. It was found in so many.
    Stop { at: usize, searched: usize },
    /// The whole chunk was appended, and has so many bytes.
    All(usize),
    /// So many bytes were appended. One more would be too many, and it is not a stop.
    TooLong(usize),
}

/// Appends to `to` the bytes of a chunk before the stop, until its length is `max`.
///
/// It never looks further than one byte past what fits: a stop behind that comes too late.
#[cfg(feature = "alloc")]
#[inline]
pub(super) fn collect(chunk: &[u8], stop: &impl Stop, to: &mut Vec<u8>, max: usize) -> Collected {
    let room = max.saturating_sub(to.len());
    let seen = &chunk[..chunk.len().min(room.saturating_add(1))];
    let found = stop.find(seen);
    let count = found.unwrap_or(seen.len()).min(room);
    to.extend_from_slice(&seen[..count]);
    match found {
        Some(at) => Collected::Stop { at, searched: seen.len() },
        None if count < seen.len() => Collected::TooLong(count),
        None => Collected::All(count),
    }
}
