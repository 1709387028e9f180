//! Tokens for what the processor can do.
//!
//! The fields are private to this file, so a kernel cannot make the token it needs: it exists only
//! if `detect` has found the features. A SAFETY comment that cites a token relies on this.

/// Tells if the processor has all of these features. Without `std` only those that the crate is
/// compiled with are known.
macro_rules! has {
    ($($feature:tt),*) => {{
        #[cfg(feature = "std")]
        let has = $(std::arch::is_x86_feature_detected!($feature))&&*;
        #[cfg(not(feature = "std"))]
        let has = $(cfg!(target_feature = $feature))&&*;
        has
    }};
}

/// Exists only if the processor has SSSE3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ssse3(());

impl Ssse3 {
    #[inline]
    pub(super) fn detect() -> Option<Self> {
        has!("ssse3").then_some(Self(()))
    }
}

/// Exists only if the processor has AVX2, BMI1, BMI2 and LZCNT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Avx2(());

impl Avx2 {
    #[inline]
    pub(super) fn detect() -> Option<Self> {
        has!("avx2", "bmi1", "bmi2", "lzcnt").then_some(Self(()))
    }
}

/// Exists only if the processor has AVX-512BW, BMI1, BMI2 and LZCNT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Avx512(());

impl Avx512 {
    #[inline]
    pub(super) fn detect() -> Option<Self> {
        has!("avx512bw", "bmi1", "bmi2", "lzcnt").then_some(Self(()))
    }
}
