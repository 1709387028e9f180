//! Bounds on what a part of a body may read: the arithmetic behind `at_most` and `frame`.

use crate::error::End;

/// A position at which reads stop before the chunk does.
///
/// Positions are absolute, in bytes from the start of the stream, so a limit means the same for every
/// cut, and the tighter of two is the one that comes first.
///
/// The methods of the hot paths are inlined, so that they load the kind as the one byte that was stored.
/// A call takes it in a register, loads four bytes for that, and the processor waits until the store has
/// reached the cache: 4 ns for each bound that is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    at: u64,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    None,
    /// More than this is too long. `framed` says that a frame is around it.
    AtMost {
        framed: bool,
    },
    /// The input of the part ends here.
    Frame,
    /// A frame that a narrower one around it cuts short.
    Truncated,
}

impl Limit {
    pub(crate) const NONE: Self = Self { at: u64::MAX, kind: Kind::None };

    #[inline]
    pub(crate) fn is_none(self) -> bool {
        self.kind == Kind::None
    }

    /// The limit of a part that may have at most `count` bytes from `offset` on.
    pub(crate) fn at_most(self, offset: u64, count: u64) -> Self {
        let at = offset.saturating_add(count);
        if at >= self.at {
            self
        } else {
            Self { at, kind: Kind::AtMost { framed: self.is_framed() } }
        }
    }

    /// The limit of a part that has `count` bytes from `offset` on, and then ends.
    pub(crate) fn frame(self, offset: u64, count: u64) -> Self {
        let at = offset.saturating_add(count);
        match self.kind {
            _ if at <= self.at => Self { at, kind: Kind::Frame },
            Kind::Frame | Kind::Truncated => Self { at: self.at, kind: Kind::Truncated },
            Kind::AtMost { .. } | Kind::None => {
                Self { at: self.at, kind: Kind::AtMost { framed: true } }
            }
        }
    }

    /// Bytes that may be read from `offset` on. Without a limit there is room at the largest offset,
    /// too: offsets saturate there.
    #[inline]
    pub(crate) fn room(self, offset: u64) -> u64 {
        if self.is_none() { u64::MAX } else { self.at.saturating_sub(offset) }
    }

    /// The number of the `len` bytes from `offset` on that may be read.
    #[inline]
    pub(crate) fn visible(self, offset: u64, len: usize) -> usize {
        usize::try_from(self.room(offset)).map_or(len, |room| room.min(len))
    }

    /// Returns true if nothing may be read from `offset` on.
    #[inline]
    pub(crate) fn is_reached(self, offset: u64) -> bool {
        self.room(offset) == 0
    }

    /// The answer of a read at the limit.
    pub(crate) fn end(self) -> End {
        match self.kind {
            Kind::Frame => End::Finished,
            Kind::Truncated => End::Truncated,
            Kind::AtMost { .. } | Kind::None => End::TooLong,
        }
    }

    /// The answer of a read at the end of the whole input. A frame that is cut short there is not
    /// complete, whatever its body would accept.
    pub(crate) fn finished(self) -> End {
        if self.is_framed() { End::Truncated } else { End::Finished }
    }

    fn is_framed(self) -> bool {
        match self.kind {
            Kind::None => false,
            Kind::AtMost { framed } => framed,
            Kind::Frame | Kind::Truncated => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_that_comes_first_holds() {
        let outer = Limit::NONE.at_most(10, 5);
        assert_eq!(outer.at_most(12, 100), outer);
        assert_eq!(outer.at_most(12, 3), outer);
        assert_eq!(outer.at_most(12, 2).room(12), 2);
    }

    #[test]
    fn a_frame_that_ends_with_the_one_around_it_is_whole() {
        let outer = Limit::NONE.frame(0, 10);
        assert_eq!(outer.frame(4, 6).end(), End::Finished);
        assert_eq!(outer.frame(4, 7).end(), End::Truncated);
        assert_eq!(outer.frame(4, 7).room(4), 6);
    }

    #[test]
    fn a_frame_beyond_a_bound_is_too_long() {
        let frame = Limit::NONE.at_most(0, 10).frame(4, 7);
        assert_eq!((frame.end(), frame.room(4)), (End::TooLong, 6));
        assert_eq!(frame.finished(), End::Truncated);
    }

    #[test]
    fn only_a_frame_is_truncated_by_the_end_of_the_input() {
        assert_eq!(Limit::NONE.finished(), End::Finished);
        assert_eq!(Limit::NONE.at_most(0, 9).finished(), End::Finished);
        assert_eq!(Limit::NONE.frame(0, 9).finished(), End::Truncated);
        assert_eq!(Limit::NONE.frame(0, 9).at_most(0, 3).finished(), End::Truncated);
    }

    #[test]
    fn no_limit_leaves_room_at_the_largest_offset() {
        assert_eq!(Limit::NONE.room(u64::MAX), u64::MAX);
    }

    #[test]
    fn positions_beyond_the_last_saturate() {
        assert_eq!(Limit::NONE.at_most(5, u64::MAX), Limit::NONE);
        assert_eq!(Limit::NONE.frame(5, u64::MAX).room(5), u64::MAX - 5);
    }
}
