//! Where the part began that an error is about.

/// The start that `fail_from` was told.
///
/// It belongs to the error that was made with it, and so goes with the offset that this one blames: a
/// body may recover, and fail later for another reason.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ErrorStart {
    pub(crate) start: u64,
    pub(crate) blamed: u64,
}

impl ErrorStart {
    /// The start of the part that an error at this offset is about.
    pub(crate) fn of(self, error: u64) -> Option<u64> {
        (self.blamed == error).then_some(self.start)
    }
}
