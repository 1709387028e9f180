//! Numbers as texts.

use std::vec::Vec;

/// Appends a number in decimal.
pub(super) fn encode(mut number: u64, bytes: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    bytes.extend_from_slice(&digits[start..]);
}
