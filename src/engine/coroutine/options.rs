//! The options of a coroutine parser.

/// The size of a body's stack in bytes, unless [`Options`] set another. Larger in debug builds,
/// whose frames are larger.
pub const DEFAULT_STACK_SIZE: usize = if cfg!(debug_assertions) { 256 << 10 } else { 64 << 10 };

/// The largest depth of [`Input::nested`](super::Input::nested), unless [`Options`] set another.
pub const DEFAULT_MAX_DEPTH: u32 = 128;

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

    /// Sets the size of the stack in bytes, rounded up to whole pages. A reserve is added, so that a
    /// panic and its backtrace always have room.
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
