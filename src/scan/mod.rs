//! Byte scans, which take a body past many bytes at once.
//!
//! A scan takes a [`Stop`], which says where to stop: a byte, an array of bytes, a [`Set`], or
//! [`Escaped`], a closing byte that an escape byte can hide.
//!
//! ```
//! use pushdown::scan::{Escaped, Stop};
//!
//! let string = Escaped { close: b'"', escape: b'\\' };
//! let rest = br#"say \"hi\"" and go"#;
//! assert_eq!(string.find(rest), Some(4)); // the first escape
//! assert_eq!(string.skip(rest), Some(10)); // the closing quote
//! ```
//!
//! Searches for up to three bytes are those of the memchr crate. Those for the bytes of a set, or of an
//! array of four and more, and the one that understands escapes are implemented here, with one kernel for
//! each kind of processor:
//!
//! | kernel | bytes per comparison: escapes, sets | used on |
//! |---|---|---|
//! | `swar` | 8, in a 64-bit word; 1 | every processor |
//! | `ssse3` | 8; 16 | x86-64 with SSSE3 |
//! | `avx2` | 32 | x86-64 with AVX2, BMI1, BMI2 and LZCNT |
//! | `avx512` | 64 | x86-64 with AVX-512BW, BMI1, BMI2 and LZCNT |
//!
//! On x86-64, the first 16 bytes are compared with an array of four at once, without a call.
//!
//! A [`Delimiter`] is several bytes in a row. It remembers its match at a cut, so it has
//! [reads of its own](crate::engine#the-reads).
//!
//! The scans of [`json`](crate::json) are its own: SSE2 on x86-64, 8 bytes at a time elsewhere, inlined. So is that of
//! [`sse`](crate::sse), which calls a kernel for lines of more than a few bytes.
//!
//! [`Utf8`](crate::text::Utf8) checks text with kernels of the same names; the portable one is std's.
//!
//! With the feature `std` the processor is asked once, when the first kernel is needed, and the
//! answer is kept. Without `std` nothing is asked at run time: the target features that the crate
//! is compiled with decide. All kernels give the same answer; [`kernel_name`] says which one runs,
//! and `pushdown::testing::Kernel` (feature `testing`) runs each of them.

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "vector instructions, for processors that have AVX2")]
mod avx2;
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "vector instructions, for processors that have AVX-512BW")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod cpu;
#[cfg(feature = "alloc")]
mod delimiter;
mod escaped;
#[allow(unsafe_code, reason = "text that the scan has checked")]
pub(crate) mod json;
#[cfg_attr(
    not(feature = "testing"),
    allow(unreachable_pub, reason = "public as `testing::Kernel`, behind that feature")
)]
pub(crate) mod kernel;
#[allow(unsafe_code, reason = "text that the scan has checked")]
pub(crate) mod line;
#[cfg(all(test, unix, feature = "coroutine"))]
#[allow(unsafe_code, reason = "maps pages that cannot be read")]
mod page_end;
mod set;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
#[allow(unsafe_code, reason = "vector instructions that every processor of the target has")]
mod sse2;
mod stop;
mod swar;
#[allow(unsafe_code, reason = "vector instructions, and text that they have checked")]
pub(crate) mod utf8;

#[cfg(feature = "alloc")]
pub use delimiter::Delimiter;
pub use escaped::Escaped;
pub use set::Set;
pub use stop::Stop;

/// Bytes past its stop that a scan is charged for, at most, when a parser's work is counted.
///
/// A scan compares whole blocks, so it inspects bytes past the stop it finds, and the next scan
/// inspects them again. This is the size of one block. The unrolled loops of memchr and of our
/// kernels load a few blocks at a time, which is a constant as well.
pub const MAX_LOOKAHEAD: usize = escaped::BLOCK;

/// Returns the name of the kernel that runs on this processor: `swar`, `ssse3`, `avx2` or `avx512`.
///
/// Published measurements name it.
pub fn kernel_name() -> &'static str {
    kernel::Kernel::best().name()
}
