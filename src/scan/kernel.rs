//! Which kernel runs: the choice is made here, and nowhere else.

#[cfg(target_arch = "x86_64")]
use super::{avx2::Avx2, avx512::Avx512};
use super::{escaped, escaped::Escaped, swar::Swar};

/// Whether the processor has all of these features: asked at run time where there is `std`.
#[cfg(target_arch = "x86_64")]
macro_rules! detect {
    ($($feature:tt),*) => {{
        #[cfg(feature = "std")]
        let has = $(std::arch::is_x86_feature_detected!($feature))&&*;
        #[cfg(not(feature = "std"))]
        let has = $(cfg!(target_feature = $feature))&&*;
        has
    }};
}
#[cfg(target_arch = "x86_64")]
pub(super) use detect;

/// One implementation of the search for an [`Escaped`] byte, which this processor can run.
///
/// All give the same answer. Programs have no need to choose; tests and benchmarks do.
///
/// ```
/// use pushdown::scan::{Escaped, Kernel};
///
/// let string = Escaped { close: b'"', escape: b'\\' };
/// for kernel in Kernel::available() {
///     assert_eq!(kernel.skip_escaped(string, br#"a \" b" c"#), Some(6), "{}", kernel.name());
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernel(Which);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    Swar,
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
}

impl Kernel {
    /// The fastest that this processor can run.
    #[inline]
    pub fn best() -> Self {
        #[cfg(feature = "std")]
        {
            static BEST: std::sync::OnceLock<Kernel> = std::sync::OnceLock::new();
            *BEST.get_or_init(Self::detect)
        }
        #[cfg(not(feature = "std"))]
        Self::detect()
    }

    fn detect() -> Self {
        Self::available().last().unwrap_or(Self(Which::Swar))
    }

    /// All that this processor can run, slowest first.
    pub fn available() -> impl Iterator<Item = Self> {
        let swar = core::iter::once(Which::Swar);
        #[cfg(target_arch = "x86_64")]
        let all =
            swar.chain(Avx2::detect().map(Which::Avx2)).chain(Avx512::detect().map(Which::Avx512));
        #[cfg(not(target_arch = "x86_64"))]
        let all = swar;
        all.map(Self)
    }

    /// `swar`, `avx2` or `avx512`.
    pub fn name(self) -> &'static str {
        match self.0 {
            Which::Swar => "swar",
            #[cfg(target_arch = "x86_64")]
            Which::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Which::Avx512(_) => "avx512",
        }
    }

    /// [`Stop::skip`](super::Stop::skip) of `stop`, by this kernel whatever the length.
    #[inline]
    pub fn skip_escaped(self, stop: Escaped, bytes: &[u8]) -> Option<usize> {
        match self.0 {
            Which::Swar => escaped::skip(Swar::new(stop), bytes),
            #[cfg(target_arch = "x86_64")]
            Which::Avx2(avx2) => avx2.skip(stop, bytes),
            #[cfg(target_arch = "x86_64")]
            Which::Avx512(avx512) => avx512.skip(stop, bytes),
        }
    }
}
