/// How many bytes scans have looked at beyond the stop they found, which is all the work a parser
/// does besides taking each byte once. Counted for the harness alone; nothing without it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Overshoot(#[cfg(feature = "testing")] u64);

impl Overshoot {
    pub(crate) const NONE: Self = Self(
        #[cfg(feature = "testing")]
        0,
    );

    /// A scan of `len` bytes has stopped at `at`.
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

    #[cfg(feature = "testing")]
    pub(crate) fn bytes(self) -> u64 {
        self.0
    }
}
