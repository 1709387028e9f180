//! The longest valid prefix of a slice that should be UTF-8: std's validator, and the vector kernels,
//! whose search is in `search.rs`.

#[cfg(target_arch = "x86_64")]
pub(super) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(super) mod avx512;
#[cfg(target_arch = "x86_64")]
mod pairs;
#[cfg(target_arch = "x86_64")]
mod search;

use core::str;

use super::kernel::Kernel;

/// Splits a slice after its longest prefix that is valid UTF-8.
#[inline]
pub(crate) fn split_valid(bytes: &[u8]) -> (&str, &[u8]) {
    let valid =
        if bytes.len() < SHORT && bytes.is_ascii() { bytes.len() } else { by_kernel(bytes) };
    let (valid, rest) = bytes.split_at(valid);
    debug_assert!(str::from_utf8(valid).is_ok());
    // SAFETY: invariant V of `Kernel::valid_up_to`; ASCII is UTF-8.
    (unsafe { str::from_utf8_unchecked(valid) }, rest)
}

/// Slices shorter than this are first searched for bytes that are not ASCII: most are short because
/// a parser has cut them, and the call of a kernel costs more than that.
const SHORT: usize = 128;

/// Not inlined, so that short pieces do not pay for saving its registers.
#[inline(never)]
fn by_kernel(bytes: &[u8]) -> usize {
    Kernel::best().valid_up_to(bytes)
}

/// The definition, which is also the portable kernel.
pub(super) fn valid_up_to_by_std(bytes: &[u8]) -> usize {
    // Without a character that is cut, std says yes or no at once.
    let whole = before_cut(bytes);
    match str::from_utf8(&bytes[..whole]) {
        Ok(_) => whole,
        Err(error) => error.valid_up_to(),
    }
}

/// Returns the place of the first byte of a character that the end of the slice cuts, or the length
/// if it cuts none. What lies before the last character does not matter.
#[inline]
fn before_cut(bytes: &[u8]) -> usize {
    // The last byte begins a character, the last but one begins one of three bytes, or the one before
    // that begins one of four.
    match *bytes {
        [.., 0xc0..=0xff] => bytes.len() - 1,
        [.., 0xe0..=0xff, _] => bytes.len() - 2,
        [.., 0xf0..=0xff, _, _] => bytes.len() - 3,
        _ => bytes.len(),
    }
}
