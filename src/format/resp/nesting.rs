//! The aggregates around a value, and how many elements each of them still has.

#[cfg(feature = "alloc")]
use alloc::vec::Vec;

use super::Length;
use super::token::{Aggregate, Place};

/// Levels that are held without an allocation: all of them, where there is none.
const INLINE: usize = if cfg!(feature = "alloc") { 8 } else { 128 };

/// The stack of what is open: what a machine has to carry, and recursion gives a coroutine for nothing.
#[derive(Clone, Debug)]
pub(super) struct Nesting {
    depth: u32,
    /// The innermost level. Around all aggregates there is one more, whose elements are not counted.
    level: Level,
    /// The levels around it, the outermost first.
    inline: [Level; INLINE],
    /// Those that do not fit. Kept when it is empty, for the next value.
    #[cfg(feature = "alloc")]
    more: Vec<Level>,
}

/// An aggregate that is open.
#[derive(Clone, Copy, Debug)]
pub(super) struct Level {
    /// Elements that are still to come, or that may still come. In a map, each pair is two.
    left: u64,
    aggregate: Aggregate,
    is_streamed: bool,
    /// An attribute has ended, and the element that it describes has not begun.
    is_described: bool,
}

impl Level {
    /// Around all aggregates: any number of values.
    pub(super) const OUTERMOST: Self = Self {
        left: u64::MAX,
        aggregate: Aggregate::Array,
        is_streamed: true,
        is_described: false,
    };

    /// One value, in no aggregate.
    #[cfg(feature = "coroutine")]
    pub(super) const ONE: Self = Self { left: 1, is_streamed: false, ..Self::OUTERMOST };

    #[inline(always)]
    pub(super) fn new(aggregate: Aggregate, length: Length, max: u64) -> Self {
        let (count, is_streamed) = match length {
            Length::Counted(count) => (count, false),
            Length::Streamed => (max, true),
        };
        // Even, so that it tells if a pair is complete.
        let left = if aggregate.has_pairs() { count.saturating_mul(2) & !1 } else { count };
        Self { left, aggregate, is_streamed, is_described: false }
    }

    /// Returns true if no element may follow: a counted aggregate has ended.
    #[inline(always)]
    pub(super) fn is_complete(&self) -> bool {
        self.left == 0 && !self.is_streamed
    }

    /// Returns true if an element would be one too many.
    #[inline(always)]
    pub(super) fn is_full(&self) -> bool {
        self.left == 0
    }

    /// Returns true if the end mark of a streamed aggregate may come here.
    #[inline(always)]
    pub(super) fn may_end(&self) -> bool {
        let is_whole = !self.aggregate.has_pairs() || self.left.is_multiple_of(2);
        self.is_streamed && !self.is_described && is_whole
    }

    /// An element has ended.
    #[inline(always)]
    pub(super) fn count(&mut self) {
        self.left -= 1;
        self.is_described = false;
    }

    /// An aggregate in this one has ended. An attribute is not an element.
    #[inline(always)]
    pub(super) fn count_aggregate(&mut self, aggregate: Aggregate) {
        if aggregate == Aggregate::Attribute {
            self.is_described = true;
        } else {
            self.count();
        }
    }
}

impl Nesting {
    pub(super) fn new() -> Self {
        Self {
            depth: 0,
            level: Level::OUTERMOST,
            inline: [Level::OUTERMOST; INLINE],
            #[cfg(feature = "alloc")]
            more: Vec::new(),
        }
    }

    /// Returns true between two outermost values.
    pub(super) fn is_between(&self) -> bool {
        self.depth == 0 && self.level.may_end()
    }

    /// The place of the value that is next.
    #[inline(always)]
    pub(super) fn place(&self) -> Place<'_> {
        Place { level: &self.level, depth: self.depth, has_no_memory: false }
    }

    /// Enters an aggregate. Without `alloc` there are at most 128: see
    /// [`Options::max_depth`].
    #[inline]
    pub(super) fn push(&mut self, level: Level) {
        let around = core::mem::replace(&mut self.level, level);
        match self.inline.get_mut(self.depth as usize) {
            Some(slot) => *slot = around,
            #[cfg(feature = "alloc")]
            None => self.more.push(around),
            #[cfg(not(feature = "alloc"))]
            None => unreachable!("the depth is limited"),
        }
        self.depth += 1;
    }

    /// Leaves the innermost aggregate, and returns it. There is one.
    #[inline]
    fn pop(&mut self) -> Aggregate {
        self.depth -= 1;
        let around = match self.inline.get(self.depth as usize) {
            Some(slot) => Some(*slot),
            #[cfg(feature = "alloc")]
            None => self.more.pop(),
            #[cfg(not(feature = "alloc"))]
            None => None,
        };
        core::mem::replace(&mut self.level, around.unwrap_or(Level::OUTERMOST)).aggregate
    }

    /// A value has ended, and with it the counted aggregates that it completes, each of which is reported.
    /// Returns true if it was the outermost.
    #[inline(always)]
    pub(super) fn value_ended(&mut self, end: impl FnMut()) -> bool {
        self.level.count();
        self.depth == 0 || self.level.is_complete() && self.aggregate_ended(end)
    }

    /// The innermost aggregate has ended. Returns as [`value_ended`](Self::value_ended).
    #[inline]
    pub(super) fn aggregate_ended(&mut self, mut end: impl FnMut()) -> bool {
        loop {
            end();
            let ended = self.pop();
            self.level.count_aggregate(ended);
            if self.depth == 0 {
                return ended != Aggregate::Attribute;
            }
            if !self.level.is_complete() {
                return false;
            }
        }
    }

    /// Leaves all levels. Memory is kept.
    pub(super) fn clear(&mut self) {
        self.depth = 0;
        self.level = Level::OUTERMOST;
        #[cfg(feature = "alloc")]
        self.more.clear();
    }
}

#[cfg(all(test, feature = "alloc"))]
mod tests {
    use super::*;

    #[test]
    fn each_level_is_what_it_was_when_it_was_entered() {
        let mut nesting = Nesting::new();
        let level = |depth: u64| {
            let aggregate = if depth.is_multiple_of(3) { Aggregate::Map } else { Aggregate::Array };
            Level::new(aggregate, Length::Counted(depth + 2), 0)
        };
        for depth in 0..1000 {
            nesting.push(level(depth));
            // There and back at each depth, also where the levels no longer fit.
            nesting.push(level(depth + 1));
            assert_eq!(nesting.pop(), level(depth + 1).aggregate);
        }
        for depth in (0..1000).rev() {
            assert_eq!(nesting.depth, depth as u32 + 1);
            assert_eq!(nesting.level.left, level(depth).left, "level {depth}");
            assert_eq!(nesting.pop(), level(depth).aggregate, "level {depth}");
        }
        assert_eq!(nesting.depth, 0);
    }
}
