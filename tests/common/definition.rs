//! The definition that the scans are compared with.

use pushdown::scan::Escaped;

/// Does what `Stop::skip` of an [`Escaped`] does, byte by byte.
pub fn skip(stop: Escaped, bytes: &[u8]) -> Option<usize> {
    let mut escaped = false;
    for (at, &byte) in bytes.iter().enumerate() {
        if escaped {
            escaped = false;
        } else if byte == stop.close {
            return Some(at);
        } else {
            escaped = byte == stop.escape;
        }
    }
    escaped.then(|| bytes.len() - 1)
}
