//! The input of machines: the rest of a chunk. It cannot wait, so a read of a chunk that is used up
//! returns an error.

use core::fmt;

use crate::engine::overshoot::Overshoot;
use crate::error::{End, ErrorKind, Failure};
use crate::parser::{Events, LocalSink};
use crate::scan::Stop;

/// The input of a [`Machine`](crate::engine::machine::Machine): the rest of the chunk.
///
/// Its methods are [the reads](crate::engine#the-reads) of every engine. A read of a chunk that is used
/// up returns [`End::InputEmpty`], and the step must propagate it.
pub struct Input<'c, E: Events = ()> {
    chunk: &'c [u8],
    /// At most `chunk.len()`.
    cursor: usize,
    /// The position of the cursor when the byte after it became the one to blame.
    seen: Option<usize>,
    /// The offset of the chunk's first byte.
    base: u64,
    finished: bool,
    sink: Option<&'c mut LocalSink<'c, E>>,
    overshoot: Overshoot,
}

impl<'c, E: Events> Input<'c, E> {
    pub(crate) fn new(
        chunk: &'c [u8],
        base: u64,
        finished: bool,
        sink: Option<&'c mut LocalSink<'c, E>>,
        overshoot: Overshoot,
    ) -> Self {
        Self { chunk, cursor: 0, seen: None, base, finished, sink, overshoot }
    }

    pub(crate) fn consumed(&self) -> usize {
        self.cursor
    }

    pub(crate) fn overshoot(&self) -> Overshoot {
        self.overshoot
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
        self.chunk.get(self.cursor).copied().ok_or_else(|| self.end())
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
        event: impl for<'t> Fn(&'t [u8]) -> E::Event<'t>,
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

    /// Reports an event.
    #[inline]
    pub fn emit(&mut self, event: E::Event<'_>) {
        if let Some(sink) = &mut self.sink {
            sink(event);
        }
    }

    /// Returns true if there is a sink. A body may skip building events without one.
    pub fn wants_events(&self) -> bool {
        self.sink.is_some()
    }

    /// The offset of the next byte.
    pub fn offset(&self) -> u64 {
        self.base.saturating_add(self.cursor as u64)
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

    fn end(&self) -> End {
        if self.finished { End::Finished } else { End::InputEmpty }
    }

    /// Moves past the stop that a scan of the rest has found, and returns the piece before it and the
    /// stop byte.
    #[inline]
    fn pass(&mut self, found: Option<usize>) -> (&'c [u8], Result<u8, End>) {
        let rest = &self.chunk[self.cursor..];
        match found {
            Some(at) => {
                let (piece, stop) = (&rest[..at], rest[at]);
                self.overshoot = self.overshoot.found(rest.len(), at);
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

impl<E: Events> fmt::Debug for Input<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input").field("offset", &self.offset()).finish_non_exhaustive()
    }
}
