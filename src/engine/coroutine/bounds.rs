//! Bounds on what a part of a body may read, and on how deep bodies may call one another.

use core::ops::{Deref, DerefMut};

use super::input::Input;
use crate::engine::limit::Limit;
use crate::error::{End, ErrorKind, Failure};
use crate::parser::Events;

impl<'p, E: Events> Input<'p, E> {
    /// Bounds what is read through the result to `count` bytes. A read beyond them is
    /// [`End::TooLong`].
    pub fn at_most(&mut self, count: u64) -> Limited<'_, 'p, E> {
        let limit = self.port.limit().at_most(self.offset(), count);
        self.limited(limit)
    }

    /// The next `count` bytes as an input of their own, which ends after them.
    pub fn frame(&mut self, count: u64) -> Limited<'_, 'p, E> {
        let limit = self.port.limit().frame(self.offset(), count);
        self.limited(limit)
    }

    fn limited(&mut self, limit: Limit) -> Limited<'_, 'p, E> {
        let outer = self.port.limit();
        self.set_limit(limit);
        Limited { input: self, outer }
    }

    fn set_limit(&mut self, limit: Limit) {
        self.port.set_limit(limit);
        self.end = self.port.visible_end(self.consumed());
    }

    /// Calls a body one level deeper. Recursion goes through it, so that hostile nesting is an error
    /// and not a stack overflow.
    ///
    /// The levels are counted against [`max_depth`](super::Options::max_depth). If the stack is too
    /// small for that many, the level that comes near its end fails in the same way. So does a call on
    /// any other stack, such as the one of a parser inside this body, whose sink makes the call.
    ///
    /// ```
    /// use pushdown::engine::coroutine::{Input, Parser};
    /// use pushdown::{ErrorKind, Failure, PushParser};
    ///
    /// /// Balanced parentheses.
    /// fn group(input: &mut Input<'_>) -> Result<(), Failure> {
    ///     input.expect(b'(')?;
    ///     while input.peek()? == b'(' {
    ///         input.nested(group)?;
    ///     }
    ///     input.expect(b')')
    /// }
    ///
    /// let mut parser = Parser::new(group);
    /// assert_eq!(parser.feed(b"(()(()))").consumed, 8);
    ///
    /// parser.reset();
    /// let _ = parser.feed("(".repeat(1_000_000).as_bytes());
    /// assert_eq!(parser.error().unwrap().kind, ErrorKind::TooDeep);
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::TooDeep`], or what the body returns.
    pub fn nested<T>(
        &mut self,
        body: impl FnOnce(&mut Self) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let here = 0_u8;
        // Not whether the reserve is used: another stack, of a parser that runs inside this body, has
        // its own.
        let has_room = self.port.allowed.contains(&(&raw const here).addr());
        if self.depth == self.port.max_depth || !has_room {
            return Err(self.fail(ErrorKind::TooDeep));
        }
        self.depth += 1;
        // Left by a panic, too, which an outer body may catch.
        let level = Level(self);
        body(level.0)
    }
}

/// An [`Input`] with a bound: what [`Input::at_most`] and [`Input::frame`] return. Dropping it lifts
/// the bound.
#[derive(Debug)]
pub struct Limited<'a, 'p, E: Events = ()> {
    input: &'a mut Input<'p, E>,
    outer: Limit,
}

impl<E: Events> Limited<'_, '_, E> {
    /// Bytes that may still be read.
    pub fn remaining(&self) -> u64 {
        self.input.port.limit().room(self.input.offset())
    }

    /// Skips what is left of a frame.
    ///
    /// # Errors
    /// [`ErrorKind::UnexpectedEnd`] if the frame is cut short, [`ErrorKind::TooLong`] if it is a
    /// bound and not a frame.
    pub fn skip_rest(&mut self) -> Result<(), Failure> {
        loop {
            match self.input.chunk() {
                Ok(rest) => {
                    let count = rest.len();
                    self.input.advance(count);
                }
                Err(End::Finished) => return Ok(()),
                Err(end) => return Err(end.into()),
            }
        }
    }
}

impl<'p, E: Events> Deref for Limited<'_, 'p, E> {
    type Target = Input<'p, E>;

    fn deref(&self) -> &Self::Target {
        self.input
    }
}

impl<E: Events> DerefMut for Limited<'_, '_, E> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.input
    }
}

impl<E: Events> Drop for Limited<'_, '_, E> {
    fn drop(&mut self) {
        self.input.set_limit(self.outer);
    }
}

/// A level of [`Input::nested`].
struct Level<'a, 'p, E: Events>(&'a mut Input<'p, E>);

impl<E: Events> Drop for Level<'_, '_, E> {
    fn drop(&mut self) {
        self.0.depth -= 1;
    }
}
