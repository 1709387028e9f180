//! A chunk as a slice and a position in local variables.
//!
//! A read of an `Input` stores the cursor, and the next one loads it again; for tokens of a few bytes
//! that is most of the time. A body whose tokens are short borrows a window of the input instead,
//! goes from token to token in it, and ends with `Input::seek`. Everything that waits is a read of the
//! input: the window borrows it, so no slice of the chunk is left by then.
//!
//! ```text
//! let mut window = input.window();
//! ...                                        // tokens that the chunk has whole
//! outside!(input, window, input.next()?)     // waits for one that the chunk cuts, and opens the window again
//! ...
//! let at = window.at;
//! input.seek(at);
//! ```

use crate::parser::Events;

/// The chunk as far as it may be read, and a position in it. `O` is the engine's way to the sink.
pub(crate) struct Window<'w, O> {
    /// From its first byte, also where some of it has been read: a scan may look back.
    pub(crate) chunk: &'w [u8],
    /// At most `chunk.len()`.
    pub(crate) at: usize,
    /// The offset of the chunk's first byte.
    base: u64,
    out: O,
}

/// An engine's way from a window to the sink.
pub(crate) trait Out {
    /// The events of the parser.
    type Events: Events;

    /// Returns true if there is a sink.
    fn has_sink(&self) -> bool;

    /// Reports an event; returns true if that has paused the parser.
    fn emit(&mut self, event: <Self::Events as Events>::Event<'_>) -> bool;

    /// Counts bytes that are inspected once more than they are taken.
    fn count(&mut self, bytes: usize);
}

impl<'w, O: Out> Window<'w, O> {
    #[inline(always)]
    pub(super) fn new(chunk: &'w [u8], at: usize, base: u64, out: O) -> Self {
        debug_assert!(at <= chunk.len());
        Self { chunk, at, base, out }
    }

    /// The byte at the position, or `None` at the end of what may be read.
    #[inline(always)]
    pub(crate) fn byte(&self) -> Option<u8> {
        self.chunk.get(self.at).copied()
    }

    /// The offset of the position.
    #[inline(always)]
    pub(crate) fn offset(&self) -> u64 {
        self.base.saturating_add(self.at as u64)
    }

    /// Reports an event, if there is a sink. What it is about lies before the position, where a pause ends
    /// the window.
    #[inline(always)]
    pub(crate) fn emit<'e>(&mut self, event: impl FnOnce() -> <O::Events as Events>::Event<'e>) {
        if self.out.has_sink() && self.out.emit(event()) {
            self.chunk = &self.chunk[..self.at];
        }
    }

    /// Counts bytes that are inspected once more than they are taken, for the harness.
    #[inline(always)]
    pub(crate) fn count(&mut self, bytes: usize) {
        if cfg!(feature = "testing") {
            self.out.count(bytes);
        }
    }
}

/// Closes a window for a read of the input, which may wait, and opens it again.
macro_rules! outside {
    ($input:ident, $window:ident, $read:expr) => {{
        let at = $window.at;
        $input.seek(at);
        let read = $read;
        $window = $input.window();
        read
    }};
}
pub(crate) use outside;
