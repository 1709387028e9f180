//! The choice of a kernel. It is made here and nowhere else.

use super::escaped::{self, Escaped};
use super::set::{self, Set};
use super::swar::Swar;
#[cfg(target_arch = "x86_64")]
use super::{
    avx2, avx512,
    cpu::{Avx2, Avx512, Ssse3},
};

/// One implementation of the search for an [`Escaped`] byte, which this processor can run.
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

    /// Returns `swar`, `avx2` or `avx512`.
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
}
