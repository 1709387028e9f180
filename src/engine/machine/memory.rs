//! The memory of a machine's input from chunk to chunk.

use core::mem;

use crate::engine::READS_AFTER_END;
use crate::engine::error_start::ErrorStart;
use crate::engine::limit::Limit;
use crate::engine::overshoot::Overshoot;
use crate::error::{End, ErrorKind, Failure};

/// The memory of an input from chunk to chunk.
///
/// Its methods are cold and take numbers, never the input: an input whose address is taken does
/// not stay in registers, which costs a third of the speed.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    /// Set if anything below is unusual: if there is a limit, or the input is finished, or the sink has
    /// paused, or bytes between values were skipped. The hot paths ask this alone, and only where
    /// they have found nothing to read.
    pub(super) special: bool,
    /// There will be no more input.
    pub(super) finished: bool,
    pub(super) paused: bool,
    pub(super) limit: Limit,
    /// Reads that the limit may still refuse.
    pub(super) refusals: u8,
    /// Set for the error that the step is about to return.
    pub(super) error_start: Option<ErrorStart>,
    /// The offset of the value's first byte. Bytes skipped between values lie before it.
    value_start: u64,
    /// Set if it has changed in this chunk.
    skipped: bool,
    /// The chunk was used up in the middle of a parser inside.
    pub(super) runs_inner: bool,
    pub(super) overshoot: Overshoot,
    /// The position of the window at its last event.
    pub(super) told: usize,
}

impl Memory {
    /// The memory of a value that begins at this offset: nothing yet.
    pub(super) fn new(offset: u64) -> Self {
        Self {
            special: false,
            finished: false,
            paused: false,
            limit: Limit::NONE,
            refusals: READS_AFTER_END,
            error_start: None,
            value_start: offset,
            skipped: false,
            runs_inner: false,
            overshoot: Overshoot::NONE,
            told: 0,
        }
    }

    /// Ends a special call of `feed`. Returns the offset at which the value begins, if it has changed.
    #[cold]
    pub(super) fn settle(&mut self) -> Option<u64> {
        self.paused = false;
        self.special = !self.limit.is_none();
        mem::take(&mut self.skipped).then_some(self.value_start)
    }

    /// The answer of a read that has found nothing to read, and whether it is that of the limit.
    #[cold]
    #[inline(never)]
    pub(super) fn end(&self, offset: u64) -> (End, bool) {
        let at_limit = self.limit.is_reached(offset);
        let end = match self.finished {
            _ if at_limit => self.limit.end(),
            true => self.limit.finished(),
            false => End::InputEmpty,
        };
        (end, at_limit)
    }

    /// The meaning of a step that has returned with nothing to read. The limit is asked before
    /// a pause, which must not hide it.
    #[cold]
    #[inline(never)]
    pub(super) fn exhausted(&mut self, offset: u64) -> Exhausted {
        if self.limit.is_reached(offset) {
            if self.refusals > 0 {
                self.refusals -= 1;
                return Exhausted::CallAgain;
            }
            let failure = Failure::from(self.limit.end());
            return Exhausted::Failed(failure.kind().unwrap_or(ErrorKind::UnexpectedEnd));
        }
        if self.finished {
            Exhausted::Failed(ErrorKind::UnexpectedEnd)
        } else {
            Exhausted::NeedMore
        }
    }

    /// Hides the rest of the chunk from the reads to come. The end of the input is not paused.
    #[cold]
    #[inline(never)]
    pub(super) fn pause<'c>(&mut self, chunk: &'c [u8], cursor: usize) -> &'c [u8] {
        if self.finished {
            return chunk;
        }
        self.paused = true;
        self.special = true;
        &chunk[..cursor]
    }

    /// The number of the `left` bytes of a chunk that the limit shows.
    #[cold]
    #[inline(never)]
    pub(super) fn visible(&self, offset: u64, left: usize) -> usize {
        self.limit.visible(offset, left)
    }

    /// Bytes from `from` to `to` lie between values, if the value has not begun.
    pub(super) fn skip(&mut self, from: u64, to: u64) {
        if self.value_start == from {
            self.value_start = to;
            self.skipped = true;
            self.special = true;
        }
    }
}

/// The next action after a step that has returned with nothing to read.
pub(super) enum Exhausted {
    NeedMore,
    /// The step is to see the answer of the limit.
    CallAgain,
    Failed(ErrorKind),
}
