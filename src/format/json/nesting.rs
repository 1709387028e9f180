//! The arrays and objects around a value.

#[cfg(feature = "alloc")]
use alloc::vec::Vec;

/// The open levels: a bit for each, set for objects.
#[derive(Clone, Debug, Default)]
pub(super) struct Nesting {
    depth: u32,
    /// The innermost levels: up to 128, the last in bit 0.
    inner: u128,
    /// 128 levels each. Kept when it is empty, for the next value.
    #[cfg(feature = "alloc")]
    outer: Vec<u128>,
}

impl Nesting {
    pub(super) fn depth(&self) -> u32 {
        self.depth
    }

    /// Tells if the innermost level is an object; `None` outside all.
    #[inline]
    pub(super) fn in_object(&self) -> Option<bool> {
        (self.depth > 0).then_some(self.inner & 1 != 0)
    }

    /// Enters an array or an object. Without `alloc` there are at most 128: see
    /// [`Limits::max_depth`](super::Limits::max_depth).
    #[inline]
    pub(super) fn push(&mut self, is_object: bool) {
        #[cfg(feature = "alloc")]
        if self.depth > 0 && self.depth.is_multiple_of(u128::BITS) {
            self.outer.push(self.inner);
        }
        self.inner = self.inner << 1 | u128::from(is_object);
        self.depth += 1;
    }

    /// Leaves the innermost level; there is one.
    #[inline]
    pub(super) fn pop(&mut self) {
        self.inner >>= 1;
        self.depth -= 1;
        #[cfg(feature = "alloc")]
        if self.depth > 0
            && self.depth.is_multiple_of(u128::BITS)
            && let Some(inner) = self.outer.pop()
        {
            self.inner = inner;
        }
    }

    /// Leaves all levels. Memory is kept.
    pub(super) fn clear(&mut self) {
        self.depth = 0;
        #[cfg(feature = "alloc")]
        self.outer.clear();
    }
}

#[cfg(all(test, feature = "alloc"))]
mod tests {
    use super::*;

    #[test]
    fn each_level_is_what_it_was_when_it_was_entered() {
        let is_object = |level: u32| (level * level / 7).is_multiple_of(2);
        let mut nesting = Nesting::default();
        for level in 0..1000 {
            nesting.push(is_object(level));
            // There and back at each depth, also between two words.
            nesting.push(!is_object(level));
            assert_eq!(nesting.in_object(), Some(!is_object(level)));
            nesting.pop();
        }
        for level in (0..1000).rev() {
            assert_eq!(nesting.depth(), level + 1);
            assert_eq!(nesting.in_object(), Some(is_object(level)), "level {level}");
            nesting.pop();
        }
        assert_eq!(nesting.in_object(), None);
    }

    #[test]
    fn memory_is_taken_only_below_128_levels() {
        let mut nesting = Nesting::default();
        for depth in [1, 128, 129] {
            for _ in 0..100 {
                (0..depth).for_each(|_| nesting.push(true));
                (0..depth).for_each(|_| nesting.pop());
                assert_eq!(nesting.outer.capacity() > 0, depth > 128, "{depth} levels");
                assert!(nesting.outer.is_empty(), "{depth} levels");
            }
        }
        (0..300).for_each(|_| nesting.push(true));
        nesting.clear();
        assert_eq!((nesting.depth(), nesting.outer.len()), (0, 0));
    }
}
