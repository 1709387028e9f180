//! Bytes shown to people.

use std::format;
use std::string::String;

/// Returns the bytes as a literal. Of a long input it shows those around `near`, and their place.
pub(super) fn excerpt(bytes: &[u8], near: usize) -> String {
    const AROUND: usize = 40;
    let from = near.saturating_sub(AROUND);
    let to = bytes.len().min(near.saturating_add(AROUND));
    let shown = bytes[from..to].escape_ascii();
    if to - from == bytes.len() {
        format!("b\"{shown}\"")
    } else {
        format!("b\"{shown}\" ({from}..{to} of {} bytes)", bytes.len())
    }
}
