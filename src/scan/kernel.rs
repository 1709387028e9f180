//! The choice of a kernel. It is made here and nowhere else.

use super::escaped::{self, Escaped};
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
use super::line;
use super::set::Set;
use super::swar::Swar;
use super::utf8;
#[cfg(target_arch = "x86_64")]
use super::{
    avx2, avx512,
    cpu::{Avx2, Avx512, Ssse3},
    set,
};

/// One implementation of the scans, which this processor can run: the search for an [`Escaped`] byte
/// or for one of a [`Set`], and the check of UTF-8.
///
/// All of them give the same answer. Programs need not choose:
/// [`Stop::skip`](crate::scan::Stop::skip) runs the best one. Tests and fuzzers run each.
///
/// ```
/// use pushdown::scan::Escaped;
/// use pushdown::testing::Kernel;
///
/// let string = Escaped { close: b'"', escape: b'\\' };
/// for kernel in Kernel::available() {
///     assert_eq!(kernel.skip_escaped(string, br#"a \" b" c"#), Some(6), "{}", kernel.name());
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernel(Choice);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Choice {
    Swar,
    #[cfg(target_arch = "x86_64")]
    Ssse3(Ssse3),
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
}

impl Kernel {
    /// Returns the fastest kernel that this processor can run.
    ///
    /// With `std` the processor is asked once and the answer kept. Without it the target features
    /// of the build decide, and the compiler removes the other kernels.
    #[inline]
    pub fn best() -> Self {
        #[cfg(feature = "std")]
        {
            static BEST: std::sync::OnceLock<Kernel> = std::sync::OnceLock::new();
            *BEST.get_or_init(Self::last_available)
        }
        #[cfg(not(feature = "std"))]
        Self::last_available()
    }

    fn last_available() -> Self {
        Self::available().last().unwrap_or(Self(Choice::Swar))
    }

    /// Returns every kernel that this processor can run, slowest first.
    pub fn available() -> impl Iterator<Item = Self> {
        let swar = core::iter::once(Choice::Swar);
        #[cfg(target_arch = "x86_64")]
        let all = swar
            .chain(Ssse3::detect().map(Choice::Ssse3))
            .chain(Avx2::detect().map(Choice::Avx2))
            .chain(Avx512::detect().map(Choice::Avx512));
        #[cfg(not(target_arch = "x86_64"))]
        let all = swar;
        all.map(Self)
    }

    /// Returns `swar`, `ssse3`, `avx2` or `avx512`.
    pub fn name(self) -> &'static str {
        match self.0 {
            Choice::Swar => "swar",
            #[cfg(target_arch = "x86_64")]
            Choice::Ssse3(_) => "ssse3",
            #[cfg(target_arch = "x86_64")]
            Choice::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Choice::Avx512(_) => "avx512",
        }
    }

    /// Runs [`Stop::skip`](crate::scan::Stop::skip) of `stop` with this kernel, however short the
    /// input is.
    #[inline]
    pub fn skip_escaped(self, stop: Escaped, bytes: &[u8]) -> Option<usize> {
        match self.0 {
            Choice::Swar => escaped::skip(Swar::new(stop), bytes),
            #[cfg(target_arch = "x86_64")]
            Choice::Ssse3(_) => escaped::skip(Swar::new(stop), bytes),
            #[cfg(target_arch = "x86_64")]
            Choice::Avx2(token) => avx2::skip(token, stop, bytes),
            #[cfg(target_arch = "x86_64")]
            Choice::Avx512(token) => avx512::skip(token, stop, bytes),
        }
    }

    /// Runs [`Stop::find`](crate::scan::Stop::find) of `set` with this kernel, however short the input
    /// is.
    #[inline]
    pub fn find_in_set(self, set: &Set, bytes: &[u8]) -> Option<usize> {
        match self.0 {
            Choice::Swar => set.find_by_byte(bytes),
            #[cfg(target_arch = "x86_64")]
            Choice::Ssse3(token) => set::ssse3::find(token, set, bytes),
            #[cfg(target_arch = "x86_64")]
            Choice::Avx2(token) => set::avx2::find(token, set, bytes),
            #[cfg(target_arch = "x86_64")]
            Choice::Avx512(token) => set::avx512::find(token, set, bytes),
        }
    }

    /// Returns the length of the longest prefix that is valid UTF-8, however short the input is.
    ///
    /// This is the unsafe code's invariant V: the prefix is valid UTF-8.
    #[inline]
    pub fn valid_up_to(self, bytes: &[u8]) -> usize {
        match self.0 {
            Choice::Swar => utf8::valid_up_to_by_std(bytes),
            #[cfg(target_arch = "x86_64")]
            Choice::Ssse3(_) => utf8::valid_up_to_by_std(bytes),
            #[cfg(target_arch = "x86_64")]
            Choice::Avx2(token) => utf8::avx2::valid_up_to(token, bytes),
            #[cfg(target_arch = "x86_64")]
            Choice::Avx512(token) => utf8::avx512::valid_up_to(token, bytes),
        }
    }

    /// Goes on with the search for the end of a line, in a chunk of 64 bytes and more: `scan::line`.
    #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
    #[inline]
    pub(super) fn past_line(self, chunk: &[u8], at: usize, any: u64) -> (usize, bool) {
        match self.0 {
            Choice::Swar | Choice::Ssse3(_) => line::sse2::past_line_by_parts(chunk, at, any),
            Choice::Avx2(token) => line::avx2::past_line(token, chunk, at, any),
            Choice::Avx512(token) => line::avx512::past_line(token, chunk, at, any),
        }
    }
}
