//! The options of a coroutine parser.

use crate::engine::DEFAULT_MAX_DEPTH;

/// The size in bytes of the stack of a body and the sinks it calls, unless [`Options`] set another.
/// Larger in debug builds, whose frames are larger.
pub const DEFAULT_STACK_SIZE: usize = if cfg!(debug_assertions) { 256 << 10 } else { 64 << 10 };

/// The options of a [`Parser`](super::Parser).
///
/// ```
/// use pushdown::engine::coroutine::{Input, Options};
///
/// let parser = Options::new()
///     .stack_size(16 << 10)
///     .max_depth(8)
///     .parser(|input: &mut Input<'_>| input.expect(b'!'))?;
/// # let _: pushdown::engine::coroutine::Parser = parser;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub(super) stack_size: usize,
    pub(super) max_depth: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

impl Options {
    /// [`DEFAULT_STACK_SIZE`] and [`DEFAULT_MAX_DEPTH`].
    pub fn new() -> Self {
        Self { stack_size: DEFAULT_STACK_SIZE, max_depth: DEFAULT_MAX_DEPTH }
    }

    /// Sets the size in bytes of the stack, which the body shares with the sinks that it calls. It is
    /// rounded up to whole pages. A reserve is added, so that a panic and its backtrace always have room,
    /// and so is room for the body's captures and its output.
    #[must_use]
    pub fn stack_size(self, stack_size: usize) -> Self {
        Self { stack_size, ..self }
    }

    /// Sets how many levels deep [`Input::nested`](super::Input::nested) may go.
    #[must_use]
    pub fn max_depth(self, max_depth: u32) -> Self {
        Self { max_depth, ..self }
    }
}
