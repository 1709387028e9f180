//! The lecture's machine, as a yardstick.

use pushdown::Status;

/// The lecture's `quoteReader`. It uses nothing of the library but [`Status`].
#[derive(Clone, Copy)]
pub(crate) enum Enum {
    Start,
    Inside,
    Escape,
}

impl Enum {
    /// The lecture's `ProcessChar`, for bytes and for characters.
    #[inline]
    pub(crate) fn process_char(&mut self, c: impl Into<u32>) -> Status {
        let c = c.into();
        match self {
            Self::Start if c != u32::from(b'"') => return Status::BadInput,
            Self::Inside if c == u32::from(b'"') => return Status::Success,
            Self::Inside if c == u32::from(b'\\') => *self = Self::Escape,
            Self::Start | Self::Inside | Self::Escape => *self = Self::Inside,
        }
        Status::NeedMoreInput
    }

    /// Feeds byte by byte, as usually written by hand.
    #[inline]
    pub(crate) fn feed(&mut self, chunk: &[u8]) -> Status {
        for &byte in chunk {
            match self.process_char(byte) {
                Status::NeedMoreInput => {}
                end => return end,
            }
        }
        Status::NeedMoreInput
    }
}
