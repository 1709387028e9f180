//! Numbers as texts.

use std::vec::Vec;

/// Appends a number in decimal.
pub(super) fn encode(number: u64, bytes: &mut Vec<u8>) {
    if number >= 10 {
        encode(number / 10, bytes);
    }
    bytes.push(b'0' + (number % 10) as u8);
}
