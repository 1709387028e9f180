//! What the scans are measured against.

use pushdown::scan::Escaped;

/// The definition of `Stop::skip` for [`Escaped`]: one byte after the other.
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
