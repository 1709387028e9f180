//! The input of machines: the rest of a chunk. It cannot wait, so a read of a chunk that is used up
//! returns an error.

use core::fmt;
use core::mem;

use super::memory::{Exhausted, Memory};
use crate::engine::READS_AFTER_END;
use crate::engine::error_start::ErrorStart;
use crate::engine::limit::Limit;
use crate::engine::window::{Out, Window};
use crate::error::{End, ErrorKind, Failure};
use crate::parser::{Events, LocalSink};
#[cfg(feature = "alloc")]
use crate::scan::Delimiter;
use crate::scan::{Set, Stop};

/// The input of a [`Machine`](crate::engine::machine::Machine): the rest of the chunk.
///
/// Its methods are [the reads](crate::engine#the-reads) of every engine. A read of a chunk that is used
/// up returns [`End::InputEmpty`], and the step must propagate it.
pub struct Input<'c, E: Events = ()> {
    /// The part of the chunk that may be read: up to the limit, and up to the cursor while paused.
    pub(super) chunk: &'c [u8],
    whole: &'c [u8],
    /// At most `chunk.len()`.
    pub(super) cursor: usize,
    /// The position of the cursor when the byte after it became the one to blame.
    pub(super) seen: Option<usize>,
    /// The offset of the chunk's first byte.
    base: u64,
    pub(super) sink: Option<&'c mut LocalSink<'c, E>>,
    pub(super) memory: &'c mut Memory,
}

impl<'c, E: Events> Input<'c, E> {
    #[inline]
    pub(super) fn new(
        chunk: &'c [u8],
        base: u64,
        sink: Option<&'c mut LocalSink<'c, E>>,
        memory: &'c mut Memory,
    ) -> Self {
        memory.told = 0;
        let visible = if memory.special { memory.visible(base, chunk.len()) } else { chunk.len() };
        Self { chunk: &chunk[..visible], whole: chunk, cursor: 0, seen: None, base, sink, memory }
    }

    pub(crate) fn consumed(&self) -> usize {
        self.cursor
    }

    /// Ends a call that unwinds: [`Memory::settle`].
    pub(super) fn settle(&mut self) -> Option<u64> {
        self.cursor = self.cursor.max(self.memory.told);
        self.memory.settle()
    }

    /// Counts a step, for the harness.
    #[inline(always)]
    pub(super) fn count_step(&mut self) {
        self.memory.overshoot = self.memory.overshoot.stepped();
    }

    #[inline(always)]
    pub(super) fn has_more(&self) -> bool {
        self.cursor < self.chunk.len()
    }

    /// Says what it means that a step has returned and there is nothing to read.
    #[inline(always)]
    pub(super) fn exhausted(&mut self) -> Exhausted {
        if self.memory.special { self.memory.exhausted(self.offset()) } else { Exhausted::NeedMore }
    }

    /// An error blames no byte that an earlier step has taken.
    pub(super) fn blame_from(&mut self, start: usize) {
        if self.cursor < start {
            self.cursor = start;
            let offset = self.offset();
            if let Some(error_start) = &mut self.memory.error_start {
                error_start.blamed = offset;
            }
        }
    }

    /// Takes the next byte.
    #[inline(always)]
    #[allow(clippy::should_implement_trait, reason = "fallible, and the same name in every input")]
    pub fn next(&mut self) -> Result<u8, End> {
        match self.chunk.get(self.cursor) {
            Some(&byte) => {
                self.cursor += 1;
                Ok(byte)
            }
            None => Err(self.end()),
        }
    }

    /// Returns the next byte without taking it.
    #[inline]
    pub fn peek(&mut self) -> Result<u8, End> {
        self.seen = Some(self.cursor);
        match self.chunk.get(self.cursor) {
            Some(&byte) => Ok(byte),
            None => Err(self.end()),
        }
    }

    /// Takes the next byte if it passes the test; otherwise leaves it and returns `None`.
    #[inline]
    pub fn next_if(&mut self, test: impl FnOnce(u8) -> bool) -> Result<Option<u8>, End> {
        let byte = self.peek()?;
        if test(byte) { self.next().map(Some) } else { Ok(None) }
    }

    /// Takes the next byte if it is `byte`; otherwise fails with [`ErrorKind::UnexpectedByte`].
    #[inline]
    pub fn expect(&mut self, byte: u8) -> Result<(), Failure> {
        match self.next_if(|found| found == byte)? {
            Some(_) => Ok(()),
            None => Err(self.fail(ErrorKind::UnexpectedByte)),
        }
    }

    /// Takes 1 to `n` bytes, all from this chunk.
    pub fn take(&mut self, n: usize) -> Result<&[u8], End> {
        let rest = &self.chunk[self.cursor..];
        if rest.is_empty() && n > 0 {
            return Err(self.end());
        }
        let taken = &rest[..n.min(rest.len())];
        self.cursor += taken.len();
        self.seen = Some(self.cursor);
        Ok(taken)
    }

    /// Like [`take`](Self::take), but emits the bytes (unless empty) and returns their count.
    pub fn take_text(
        &mut self,
        n: usize,
        event: impl for<'t> FnOnce(&'t [u8]) -> E::Event<'t>,
    ) -> Result<usize, End> {
        let start = self.cursor;
        let count = self.take(n)?.len();
        if count > 0 {
            let chunk = self.chunk;
            self.emit(event(&chunk[start..self.cursor]));
        }
        Ok(count)
    }

    /// Skips everything before a stop byte, and takes the stop byte.
    #[inline]
    pub fn skip_until(&mut self, stop: impl Stop) -> Result<u8, End> {
        let found = stop.skip(&self.chunk[self.cursor..]);
        self.pass(found).1
    }

    /// Like [`skip_until`](Self::skip_until), but passes what lies before the stop to `take`.
    #[inline]
    pub fn scan_until(&mut self, stop: impl Stop, mut take: impl FnMut(&[u8])) -> Result<u8, End> {
        let found = stop.find(&self.chunk[self.cursor..]);
        let (piece, end) = self.pass(found);
        if !piece.is_empty() {
            take(piece);
        }
        end
    }

    /// Like [`skip_until`](Self::skip_until), but emits what lies before the stop.
    #[inline]
    pub fn text_until(
        &mut self,
        stop: impl Stop,
        mut event: impl for<'t> FnMut(&'t [u8]) -> E::Event<'t>,
    ) -> Result<u8, End> {
        if self.sink.is_none() {
            return self.skip_until(stop);
        }
        let found = stop.find(&self.chunk[self.cursor..]);
        let (piece, end) = self.pass(found);
        if !piece.is_empty() {
            self.emit(event(piece));
        }
        end
    }

    /// Emits bytes while they belong to the set, and returns the first that does not without taking it.
    #[inline]
    pub fn text_while(
        &mut self,
        set: Set,
        mut event: impl for<'t> FnMut(&'t [u8]) -> E::Event<'t>,
    ) -> Result<u8, End> {
        let rest = &self.chunk[self.cursor..];
        let found = set.not().find(rest);
        if let Some(at) = found {
            self.memory.overshoot = self.memory.overshoot.found(rest.len(), at);
        }
        let piece = &rest[..found.unwrap_or(rest.len())];
        self.cursor += piece.len();
        let read = self.peek();
        if !piece.is_empty() && self.sink.is_some() {
            self.emit(event(piece));
        }
        read
    }

    /// Reports an event.
    #[inline]
    pub fn emit(&mut self, event: E::Event<'_>) {
        if let Some(sink) = &mut self.sink
            && sink(event).is_break()
        {
            self.pause();
        }
    }

    /// The sink has paused the parser.
    #[inline]
    pub(super) fn pause(&mut self) {
        self.chunk = self.memory.pause(self.chunk, self.cursor);
    }

    /// Returns true if there is a sink. A body may skip building events without one.
    pub fn wants_events(&self) -> bool {
        self.sink.is_some()
    }

    /// The offset of the next byte.
    pub fn offset(&self) -> u64 {
        self.base.saturating_add(self.cursor as u64)
    }

    /// Creates an error that blames the next byte, whatever has been read.
    pub(crate) fn fail_here(&mut self, kind: ErrorKind) -> Failure {
        self.seen = Some(self.cursor);
        Failure::new(kind)
    }

    /// Borrows the chunk for tokens that lie whole in it. [`seek`](Self::seek) takes what has been read.
    #[inline(always)]
    pub(crate) fn window(&mut self) -> Window<'_, ToSink<'_, 'c, E>> {
        let out = ToSink { sink: self.sink.as_deref_mut(), memory: self.memory };
        Window::new(self.chunk, self.cursor, self.base, out)
    }

    /// Puts the cursor where a [`window`](Self::window) has ended. The next byte is then the one to blame.
    #[inline(always)]
    pub(crate) fn seek(&mut self, at: usize) {
        assert!(self.cursor <= at && at <= self.chunk.len(), "a position of the window");
        self.cursor = at;
        self.seen = Some(at);
        if self.memory.paused {
            self.chunk = &self.whole[..at];
        }
    }

    /// Creates an error that blames [this byte](crate::engine#which-byte-an-error-blames), and puts
    /// the cursor before it.
    pub fn fail(&mut self, kind: ErrorKind) -> Failure {
        if self.seen != Some(self.cursor) {
            self.cursor = self.cursor.saturating_sub(1);
        }
        self.seen = Some(self.cursor);
        Failure::new(kind)
    }

    /// Like [`fail`](Self::fail), and records where the part began that the error is about.
    pub fn fail_from(&mut self, start: u64, kind: ErrorKind) -> Failure {
        let failure = self.fail(kind);
        self.memory.error_start = Some(ErrorStart { start, blamed: self.offset() });
        failure
    }

    /// Lends the rest of the chunk, at least one byte.
    pub fn chunk(&mut self) -> Result<&[u8], End> {
        self.peek()?;
        Ok(&self.chunk[self.cursor..])
    }

    /// Takes bytes of the [`chunk`](Self::chunk).
    ///
    /// # Panics
    /// If the chunk has fewer.
    pub fn advance(&mut self, count: usize) {
        let left = self.whole.len() - self.cursor;
        let left =
            if self.memory.special { self.memory.visible(self.offset(), left) } else { left };
        assert!(count <= left, "no more than is left of the chunk");
        self.cursor += count;
        self.seen = Some(self.cursor);
        if self.memory.paused {
            self.chunk = &self.whole[..self.cursor];
        }
    }

    /// Skips bytes between values, and returns the next byte without taking it.
    pub fn skip_between(&mut self, test: impl Fn(u8) -> bool) -> Result<u8, End> {
        let start = self.offset();
        let rest = &self.chunk[self.cursor..];
        self.cursor += rest.iter().take_while(|byte| test(**byte)).count();
        self.memory.skip(start, self.base.saturating_add(self.cursor as u64));
        self.peek()
    }

    /// Bounds what is read from here on to `count` bytes, and returns the bound before it.
    pub fn at_most(&mut self, count: u64) -> Limit {
        self.set_limit(self.memory.limit.at_most(self.offset(), count))
    }

    /// Makes the next `count` bytes an input of their own, and returns the bound before it.
    pub fn frame(&mut self, count: u64) -> Limit {
        self.set_limit(self.memory.limit.frame(self.offset(), count))
    }

    /// Sets a bound that was there before, and returns the one that is lifted by it.
    pub fn set_limit(&mut self, limit: Limit) -> Limit {
        let before = mem::replace(&mut self.memory.limit, limit);
        self.memory.refusals = READS_AFTER_END;
        self.memory.special = true;
        if !self.memory.paused {
            let visible = self.memory.visible(self.offset(), self.whole.len() - self.cursor);
            self.chunk = &self.whole[..self.cursor + visible];
        }
        before
    }

    /// The number of bytes that may be read before the bound.
    pub fn remaining(&self) -> u64 {
        self.memory.limit.room(self.offset())
    }

    /// Skips the rest of a frame. Until the frame has ended it fails as a read of a chunk that is used
    /// up does, and is called again with the next chunk.
    pub fn skip_rest(&mut self) -> Result<(), Failure> {
        self.cursor = self.chunk.len();
        match self.end() {
            End::Finished => Ok(()),
            end => Err(end.into()),
        }
    }

    /// The answer of a read that has found nothing to read.
    #[inline(always)]
    fn end(&mut self) -> End {
        if !self.memory.special {
            return End::InputEmpty;
        }
        let (end, at_limit) = self.memory.end(self.offset());
        if at_limit {
            self.seen = Some(self.cursor);
        }
        end
    }

    /// Moves past the stop that a scan of the rest has found, and returns the piece before it and the
    /// stop byte.
    #[inline]
    fn pass(&mut self, found: Option<usize>) -> (&'c [u8], Result<u8, End>) {
        let rest = &self.chunk[self.cursor..];
        match found {
            Some(at) => {
                let (piece, stop) = (&rest[..at], rest[at]);
                self.memory.overshoot = self.memory.overshoot.found(rest.len(), at);
                self.cursor += at + 1;
                (piece, Ok(stop))
            }
            None => {
                self.cursor = self.chunk.len();
                (rest, Err(self.end()))
            }
        }
    }
}

/// The way from a window to the sink.
pub(crate) struct ToSink<'w, 'c, E: Events> {
    sink: Option<&'w mut LocalSink<'c, E>>,
    memory: &'w mut Memory,
}

impl<E: Events> Out for ToSink<'_, '_, E> {
    type Events = E;

    #[inline(always)]
    fn has_sink(&self) -> bool {
        self.sink.is_some()
    }

    #[inline(always)]
    fn emit(&mut self, at: usize, event: E::Event<'_>) -> bool {
        self.memory.told = at;
        let paused = self.sink.as_mut().is_some_and(|sink| sink(event).is_break());
        if paused {
            self.memory.pause(&[], 0);
        }
        paused
    }

    #[inline(always)]
    fn count(&mut self, bytes: usize) {
        self.memory.overshoot = self.memory.overshoot.more(bytes);
    }
}

/// The reads up to a [`Delimiter`], which the machine owns and resets when it is reset.
#[cfg(feature = "alloc")]
impl<E: Events> Input<'_, E> {
    /// Skips everything before the delimiter, and takes the delimiter.
    pub fn skip_before(&mut self, delimiter: &mut Delimiter) -> Result<(), End> {
        self.pass_before(delimiter, |_, _| false)
    }

    /// Like [`skip_before`](Self::skip_before), but passes what lies before the delimiter to `take`.
    pub fn scan_before(
        &mut self,
        delimiter: &mut Delimiter,
        mut take: impl FnMut(&[u8]),
    ) -> Result<(), End> {
        self.pass_before(delimiter, |piece, _| {
            take(piece);
            false
        })
    }

    /// Like [`skip_before`](Self::skip_before), but emits what lies before the delimiter.
    pub fn text_before(
        &mut self,
        delimiter: &mut Delimiter,
        mut event: impl for<'t> FnMut(&'t [u8]) -> E::Event<'t>,
    ) -> Result<(), End> {
        self.pass_before(delimiter, |piece, sink| {
            sink.as_mut().is_some_and(|sink| sink(event(piece)).is_break())
        })
    }

    /// `report` returns true if the sink has paused. It is given the sink alone: the input stays in
    /// registers.
    #[inline]
    fn pass_before(
        &mut self,
        delimiter: &mut Delimiter,
        mut report: impl FnMut(&[u8], &mut Option<&mut LocalSink<'_, E>>) -> bool,
    ) -> Result<(), End> {
        let (offset, sink) = (self.offset(), &mut self.sink);
        let rest = &self.chunk[self.cursor..];
        let taken = delimiter.search(offset, rest, |piece| report(piece, sink));
        self.memory.overshoot = self.memory.overshoot.more(taken.inspected_more);
        self.cursor += taken.count;
        if taken.found {
            return Ok(());
        }
        // The limit is asked before a pause, which must not hide it.
        let end = self.end();
        let withheld = delimiter.release(self.offset(), end);
        if (!withheld.is_empty() && report(withheld, &mut self.sink)) || taken.paused {
            self.chunk = self.memory.pause(self.chunk, self.cursor);
        }
        Err(end)
    }
}

impl<E: Events> fmt::Debug for Input<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input").field("offset", &self.offset()).finish_non_exhaustive()
    }
}
