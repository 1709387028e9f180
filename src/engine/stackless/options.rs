//! The options of parsers with an `async` body.

#[cfg(feature = "alloc")]
use alloc::boxed::Box;

use super::input::Input;
#[cfg(feature = "alloc")]
use super::parser::Parser;
use super::task::{Task, assemble};
use crate::engine::DEFAULT_MAX_DEPTH;
use crate::error::Failure;
use crate::parser::Events;

/// Options of a [`Task`] or a [`Parser`](super::Parser).
///
/// ```
/// use pushdown::engine::stackless::{Input, Options};
/// use pushdown::{PushParser, Status};
///
/// let mut parser =
///     Options::new().max_depth(8).parser(async |input: &mut Input<'_>| input.expect(b'!').await);
/// assert_eq!(parser.feed(b"!").status, Status::Success);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Options {
    max_depth: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

impl Options {
    /// The default: a depth of [`DEFAULT_MAX_DEPTH`].
    pub const fn new() -> Self {
        Self { max_depth: DEFAULT_MAX_DEPTH }
    }

    /// Limits how many levels deep `Input::nested` may go.
    #[must_use]
    pub const fn max_depth(self, max_depth: u32) -> Self {
        Self { max_depth }
    }

    /// Creates a task at the start of its input.
    pub fn task<B, E, T>(self, body: B) -> Task<B, impl Future<Output = Result<T, Failure>>, E, T>
    where
        B: AsyncFnMut(&mut Input<'_, E>) -> Result<T, Failure>,
        E: Events,
    {
        assemble(self.max_depth, body)
    }

    /// Creates a parser at the start of its input.
    #[cfg(feature = "alloc")]
    pub fn parser<B, E, T>(
        self,
        body: B,
    ) -> Parser<Task<B, impl Future<Output = Result<T, Failure>>, E, T>>
    where
        B: AsyncFnMut(&mut Input<'_, E>) -> Result<T, Failure>,
        E: Events,
    {
        Parser::from_box(Box::pin(self.task(body)))
    }
}
