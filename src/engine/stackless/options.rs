//! The options of parsers with an `async` body.

use crate::engine::DEFAULT_MAX_DEPTH;

/// Options of a [`Task`](super::Task) or a [`Parser`](super::Parser).
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
    pub(super) max_depth: u32,
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
}
