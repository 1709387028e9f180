//! The count of bytes that scans inspect past the stop they find.

/// Bytes inspected past the stop that was found. Compiled in only for the harness.
///
/// It is all the work of a parser besides taking each byte once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Overshoot(#[cfg(feature = "testing")] u64);

impl Overshoot {
    pub(crate) const NONE: Self = Self(
        #[cfg(feature = "testing")]
        0,
    );

    /// Adds a scan of `len` bytes that has stopped at `at`.
    #[inline(always)]
    pub(crate) fn found(self, len: usize, at: usize) -> Self {
        #[cfg(feature = "testing")]
        return Self(self.0 + (len - at - 1).min(crate::scan::MAX_LOOKAHEAD) as u64);
        #[cfg(not(feature = "testing"))]
        {
            let _ = (len, at);
            self
        }
    }

    /// Adds bytes that were inspected once more than they are taken.
    #[cfg(feature = "alloc")]
    #[inline(always)]
    pub(crate) fn more(self, bytes: usize) -> Self {
        #[cfg(feature = "testing")]
        return Self(self.0 + bytes as u64);
        #[cfg(not(feature = "testing"))]
        {
            let _ = bytes;
            self
        }
    }

    #[cfg(feature = "testing")]
    pub(crate) fn bytes(self) -> u64 {
        self.0
    }
}
