//! The work of a parser besides taking each byte once, which is counted for the harness alone.

/// Bytes inspected past the stop that was found, and steps made. Compiled in only for the harness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Overshoot {
    #[cfg(feature = "testing")]
    bytes: u64,
    #[cfg(feature = "testing")]
    steps: u64,
}

impl Overshoot {
    pub(crate) const NONE: Self = Self {
        #[cfg(feature = "testing")]
        bytes: 0,
        #[cfg(feature = "testing")]
        steps: 0,
    };

    /// Adds a scan of `len` bytes that has stopped at `at`.
    #[inline(always)]
    pub(crate) fn found(self, len: usize, at: usize) -> Self {
        #[cfg(feature = "testing")]
        {
            let bytes = (len - at - 1).min(crate::scan::MAX_LOOKAHEAD) as u64;
            Self { bytes: self.bytes + bytes, ..self }
        }
        #[cfg(not(feature = "testing"))]
        {
            let _ = (len, at);
            self
        }
    }

    /// Adds a step of the driver: of a machine, or the poll of a call.
    #[inline(always)]
    pub(crate) fn stepped(self) -> Self {
        #[cfg(feature = "testing")]
        return Self { steps: self.steps + 1, ..self };
        #[cfg(not(feature = "testing"))]
        self
    }

    /// Adds bytes that were inspected once more than they are taken.
    #[inline(always)]
    pub(crate) fn more(self, bytes: usize) -> Self {
        #[cfg(feature = "testing")]
        return Self { bytes: self.bytes + bytes as u64, ..self };
        #[cfg(not(feature = "testing"))]
        {
            let _ = bytes;
            self
        }
    }

    #[cfg(feature = "testing")]
    pub(crate) fn bytes(self) -> u64 {
        self.bytes
    }

    #[cfg(feature = "testing")]
    pub(crate) fn steps(self) -> u64 {
        self.steps
    }
}
