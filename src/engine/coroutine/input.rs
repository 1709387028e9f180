//! The input of coroutine bodies: the cursor itself, on the coroutine's stack. The invariants (I1 to
//! I7) are at the head of `port.rs`.

use core::fmt;
use core::marker::PhantomData;
use core::ptr;
use core::slice;
use std::thread::panicking;

use corosensei::Yielder;

use super::emit::{ToSink, emit};
use super::port::{Port, Special};
use super::wait::{after_waiting, before_waiting};
use crate::engine::window::Window;
use crate::error::{End, ErrorKind, Failure};
use crate::parser::Events;
use crate::scan::{Delimiter, Set, Stop};

/// The input of a coroutine body.
///
/// Its methods are [the reads](crate::engine#the-reads) of every engine. Each read waits for the next
/// chunk when this one is used up. A slice that a read lends is gone before the next read:
///
/// ```compile_fail,E0499
/// use pushdown::engine::coroutine::Input;
/// use pushdown::Failure;
///
/// fn body(input: &mut Input<'_>) -> Result<u8, Failure> {
///     let slice = input.take(4)?;
///     let next = input.next()?; // the chunk of `slice` may be gone now
///     Ok(slice[0] + next)
/// }
/// ```
///
/// # The cost of a helper function
/// Reads are inlined into the function that calls them, so the switch happens in its frame. If a body
/// reads in a helper function that is not inlined, the processor mispredicts the helper's return
/// after a switch: about 15 ns, once per chunk.
pub struct Input<'p, E: Events = ()> {
    /// `start <= cursor <= end`, in one allocation: the chunk (I3). A limit or a pause moves `end`.
    start: *const u8,
    pub(super) cursor: *const u8,
    pub(super) end: *const u8,
    /// The position of the cursor when the byte after it became the one to blame.
    pub(super) seen: *const u8,
    pub(super) depth: u32,
    pub(super) port: &'p Port<E>,
    yielder: &'p Yielder<(), Special>,
    /// Makes `'p` invariant (I4).
    brand: PhantomData<fn(&'p ()) -> &'p ()>,
}

#[allow(clippy::should_implement_trait, reason = "fallible, and the same name in every input")]
#[allow(clippy::inline_always, reason = "a switch in a callee is mispredicted when it returns")]
impl<'p, E: Events> Input<'p, E> {
    /// The input of a new run, whose chunk the driver has just lent.
    pub(super) fn new(port: &'p Port<E>, yielder: &'p Yielder<(), Special>) -> Self {
        Self {
            start: port.start.get(),
            cursor: port.start.get(),
            end: port.end.get(),
            seen: ptr::null(),
            depth: 0,
            port,
            yielder,
            brand: PhantomData,
        }
    }

    /// The number of bytes of the chunk that were consumed.
    pub(super) fn consumed(&self) -> usize {
        self.cursor.addr() - self.start.addr()
    }

    /// Takes the next byte.
    #[inline(always)]
    pub fn next(&mut self) -> Result<u8, End> {
        self.fill()?;
        // SAFETY: I3: `fill` has left the cursor before the end.
        let byte = unsafe { *self.cursor };
        self.pass(1);
        Ok(byte)
    }

    /// Returns the next byte without taking it.
    #[inline(always)]
    pub fn peek(&mut self) -> Result<u8, End> {
        let filled = self.fill();
        self.seen = self.cursor;
        filled?;
        // SAFETY: I3: `fill` has left the cursor before the end.
        Ok(unsafe { *self.cursor })
    }

    /// Takes the next byte if it passes the test; otherwise leaves it and returns `None`.
    #[inline(always)]
    pub fn next_if(&mut self, test: impl FnOnce(u8) -> bool) -> Result<Option<u8>, End> {
        let byte = self.peek()?;
        Ok(test(byte).then(|| {
            self.pass(1);
            byte
        }))
    }

    /// Takes the next byte if it is `byte`; otherwise fails with [`ErrorKind::UnexpectedByte`].
    #[inline(always)]
    pub fn expect(&mut self, byte: u8) -> Result<(), Failure> {
        match self.next_if(|found| found == byte)? {
            Some(_) => Ok(()),
            None => Err(self.fail(ErrorKind::UnexpectedByte)),
        }
    }

    /// Takes 1 to `n` bytes, all from this chunk.
    #[inline(always)]
    pub fn take(&mut self, n: usize) -> Result<&[u8], End> {
        if n > 0 {
            self.fill()?;
        }
        // SAFETY: I2: the slice borrows `self`.
        let rest = unsafe { self.rest() };
        let taken = &rest[..n.min(rest.len())];
        self.pass(taken.len());
        self.seen = self.cursor;
        Ok(taken)
    }

    /// Like [`take`](Self::take), but emits the bytes (unless empty) and returns their count.
    #[inline(always)]
    pub fn take_text(
        &mut self,
        n: usize,
        event: impl for<'t> FnOnce(&'t [u8]) -> E::Event<'t>,
    ) -> Result<usize, End> {
        let count = self.take(n)?.len();
        if count > 0 {
            // SAFETY: I3: the bytes just taken, which lie before the cursor in the chunk. I2: used
            // before the next read.
            let taken = unsafe { slice::from_raw_parts(self.cursor.sub(count), count) };
            self.emit(event(taken));
        }
        Ok(count)
    }

    /// Skips everything before a stop byte, and takes the stop byte.
    #[inline(always)]
    pub fn skip_until(&mut self, stop: impl Stop) -> Result<u8, End> {
        loop {
            self.fill()?;
            if let Some(stop) = self.scan::<false>(|rest| stop.skip(rest), |_, _| ()) {
                return Ok(stop);
            }
        }
    }

    /// Like [`skip_until`](Self::skip_until), but passes what lies before the stop to `take`.
    #[inline(always)]
    pub fn scan_until(&mut self, stop: impl Stop, mut take: impl FnMut(&[u8])) -> Result<u8, End> {
        loop {
            self.fill()?;
            if let Some(stop) = self.scan::<false>(|rest| stop.find(rest), |piece, _| take(piece)) {
                return Ok(stop);
            }
        }
    }

    /// Like [`skip_until`](Self::skip_until), but emits what lies before the stop.
    #[inline(always)]
    pub fn text_until(
        &mut self,
        stop: impl Stop,
        mut event: impl for<'t> FnMut(&'t [u8]) -> E::Event<'t>,
    ) -> Result<u8, End> {
        loop {
            self.fill()?;
            // Two scans, so that the one without a sink does not look for it again.
            let stop = if self.wants_events() {
                self.scan::<false>(|rest| stop.find(rest), |piece, input| input.emit(event(piece)))
            } else {
                self.scan::<false>(|rest| stop.skip(rest), |_, _| ())
            };
            if let Some(stop) = stop {
                return Ok(stop);
            }
        }
    }

    /// Emits bytes while they belong to the set, and returns the first that does not without taking it.
    #[inline(always)]
    pub fn text_while(
        &mut self,
        set: Set,
        mut event: impl for<'t> FnMut(&'t [u8]) -> E::Event<'t>,
    ) -> Result<u8, End> {
        loop {
            self.fill()?;
            let stop = self.scan::<true>(
                |rest| set.not().find(rest),
                |piece, input| {
                    if input.wants_events() {
                        input.emit(event(piece));
                    }
                },
            );
            if let Some(stop) = stop {
                return Ok(stop);
            }
        }
    }

    /// Reports an event.
    #[inline]
    pub fn emit(&mut self, event: E::Event<'_>) {
        if emit(self.port, event) {
            self.end = self.cursor;
        }
    }

    /// Returns true if there is a sink. A body may skip building events without one.
    pub fn wants_events(&self) -> bool {
        self.port.sink.get().is_some()
    }

    /// The offset of the next byte.
    pub fn offset(&self) -> u64 {
        self.port.offset(self.consumed())
    }

    /// Creates an error that blames the next byte, whatever has been read.
    pub(crate) fn fail_here(&mut self, kind: ErrorKind) -> Failure {
        self.seen = self.cursor;
        Failure::new(kind)
    }

    /// Borrows the chunk for tokens that lie whole in it. [`seek`](Self::seek) takes what has been read.
    #[inline(always)]
    pub(crate) fn window(&mut self) -> Window<'_, ToSink<'_, E>> {
        let len = self.end.addr() - self.start.addr();
        let chunk = match len {
            0 => &[],
            // SAFETY: I3: the chunk as far as it may be read. I2: the window borrows `self`.
            _ => unsafe { slice::from_raw_parts(self.start, len) },
        };
        Window::new(chunk, self.consumed(), self.port.base.get(), ToSink(self.port))
    }

    /// Puts the cursor where a [`window`](Self::window) has ended. The next byte is then the one to blame.
    #[inline(always)]
    pub(crate) fn seek(&mut self, at: usize) {
        assert!(at <= self.end.addr() - self.start.addr(), "a position of the window");
        // SAFETY: I3: so many bytes follow the start of the chunk.
        self.cursor = unsafe { self.start.add(at) };
        self.seen = self.cursor;
        if self.port.flags.get() != 0 && self.port.is_paused() {
            self.end = self.cursor;
        }
    }

    /// Creates an error that blames [this byte](crate::engine#which-byte-an-error-blames), and puts
    /// the cursor before it.
    pub fn fail(&mut self, kind: ErrorKind) -> Failure {
        if self.cursor != self.seen && self.cursor != self.start {
            // SAFETY: I3: the cursor is past the start, so the byte before it is in the chunk.
            self.cursor = unsafe { self.cursor.sub(1) };
        }
        self.seen = self.cursor;
        Failure::new(kind)
    }

    /// Like [`fail`](Self::fail), and records where the part began that the error is about.
    pub fn fail_from(&mut self, start: u64, kind: ErrorKind) -> Failure {
        let failure = self.fail(kind);
        self.port.set_error_start(start, self.offset());
        failure
    }

    /// Lends the rest of the chunk, at least one byte. [`advance`](Self::advance) takes it.
    #[inline(always)]
    pub fn chunk(&mut self) -> Result<&[u8], End> {
        self.peek()?;
        // SAFETY: I2: the slice borrows `self`.
        Ok(unsafe { self.rest() })
    }

    /// Takes bytes of the [`chunk`](Self::chunk).
    ///
    /// # Panics
    /// If the chunk has fewer.
    #[inline]
    pub fn advance(&mut self, count: usize) {
        if self.port.flags.get() == 0 {
            assert!(count <= self.len(), "no more than is left of the chunk");
        } else {
            self.end = self.port.visible_end_past(self.consumed(), count);
        }
        self.pass(count);
        self.seen = self.cursor;
    }

    /// Skips bytes between values, and returns the next byte without taking it.
    #[inline]
    pub fn skip_between(&mut self, test: impl Fn(u8) -> bool) -> Result<u8, End> {
        loop {
            let start = self.offset();
            let rest = self.chunk()?;
            let count = rest.iter().take_while(|byte| test(**byte)).count();
            let next = rest.get(count).copied();
            self.advance(count);
            if count > 0 {
                self.port.skipped_between(start, self.offset());
            }
            if let Some(next) = next {
                return Ok(next);
            }
        }
    }

    /// Suspends the body if the chunk is used up, so that there is at least one byte to read.
    ///
    /// Not inlined in debug builds, where every copy makes the frame of the body larger.
    #[cfg_attr(not(debug_assertions), inline(always))]
    #[cfg_attr(debug_assertions, inline(never))]
    fn fill(&mut self) -> Result<(), End> {
        if self.cursor != self.end {
            return Ok(());
        }
        let mut special = false;
        if self.port.flags.get() != 0 || panicking() {
            special = match before_waiting(self.port, self.yielder, self.consumed()) {
                Ok(special) => special,
                Err(end) => {
                    self.seen = self.cursor;
                    return Err(end);
                }
            };
        }
        // I1: the cursor is at the end. I2: no slice is alive.
        self.yielder.suspend(special);
        #[cfg(feature = "debug")]
        super::suspended::answer(self.port, self.yielder);
        self.start = self.port.start.get();
        self.cursor = self.start;
        self.end = self.port.end.get();
        self.seen = ptr::null();
        if self.port.flags.get() != 0 {
            self.end = after_waiting(self.port, self.yielder)?;
        }
        debug_assert_ne!(self.cursor, self.end, "the driver resumes with a byte, or sets a flag");
        Ok(())
    }

    #[inline(always)]
    fn len(&self) -> usize {
        self.end.addr() - self.cursor.addr()
    }

    /// # Safety
    /// `'a` ends before the next read (I2).
    #[inline(always)]
    pub(super) unsafe fn rest<'a>(&self) -> &'a [u8] {
        let len = self.len();
        if len == 0 {
            return &[];
        }
        // SAFETY: I3: a part of the chunk.
        unsafe { slice::from_raw_parts(self.cursor, len) }
    }

    #[inline(always)]
    pub(super) fn pass(&mut self, count: usize) {
        debug_assert!(count <= self.len() || self.port.flags.get() != 0);
        // SAFETY: I3: the callers have just seen that many bytes before the end.
        self.cursor = unsafe { self.cursor.add(count) };
    }

    #[inline(always)]
    pub(super) fn starts_with(&self, bytes: &[u8]) -> bool {
        // SAFETY: I2: used here alone.
        unsafe { self.rest() }.starts_with(bytes)
    }

    /// Scans the rest of the chunk, which is not empty: past the stop, or else to the end. With `LEAVE`
    /// the stop is not taken, and is then the byte to blame.
    #[inline(always)]
    fn scan<const LEAVE: bool>(
        &mut self,
        find: impl FnOnce(&[u8]) -> Option<usize>,
        take: impl FnOnce(&[u8], &mut Self),
    ) -> Option<u8> {
        // SAFETY: I3: a part of the chunk. I2: used before the next read only; neither closure can keep
        // it.
        let rest = unsafe { slice::from_raw_parts(self.cursor, self.len()) };
        let found = find(rest);
        let piece = &rest[..found.unwrap_or(rest.len())];
        let stop = found.map(|at| rest[at]);
        if let Some(at) = found {
            let overshoot = &self.port.overshoot;
            overshoot.set(overshoot.get().found(rest.len(), at));
        }
        self.pass(piece.len() + usize::from(stop.is_some() && !LEAVE));
        if LEAVE {
            self.seen = self.cursor;
        }
        if !piece.is_empty() {
            take(piece, self);
        }
        stop
    }
}

/// The reads up to a [`Delimiter`].
#[allow(clippy::inline_always, reason = "a switch in a callee is mispredicted when it returns")]
impl<E: Events> Input<'_, E> {
    /// Skips everything before the delimiter, and takes the delimiter.
    #[inline(always)]
    pub fn skip_before(&mut self, delimiter: &mut Delimiter) -> Result<(), End> {
        self.pass_before(delimiter, |_, _| false)
    }

    /// Like [`skip_before`](Self::skip_before), but passes what lies before the delimiter to `take`.
    #[inline(always)]
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
    #[inline(always)]
    pub fn text_before(
        &mut self,
        delimiter: &mut Delimiter,
        mut event: impl for<'t> FnMut(&'t [u8]) -> E::Event<'t>,
    ) -> Result<(), End> {
        self.pass_before(delimiter, |piece, port| {
            port.sink.get().is_some() && emit(port, event(piece))
        })
    }

    /// `report` returns true if the sink has paused.
    #[inline(always)]
    fn pass_before(
        &mut self,
        delimiter: &mut Delimiter,
        mut report: impl FnMut(&[u8], &Port<E>) -> bool,
    ) -> Result<(), End> {
        let port = self.port;
        delimiter.reset();
        loop {
            if let Err(end) = self.fill() {
                let withheld = delimiter.release(self.offset(), end);
                if !withheld.is_empty() && report(withheld, port) {
                    self.end = self.cursor;
                }
                return Err(end);
            }
            // SAFETY: I2: used before the next read only; `report` cannot keep it.
            let rest = unsafe { self.rest() };
            let taken = delimiter.search(self.offset(), rest, |piece| report(piece, port));
            port.overshoot.set(port.overshoot.get().more(taken.inspected_more));
            self.pass(taken.count);
            if taken.paused {
                self.end = self.cursor;
            }
            if taken.found {
                return Ok(());
            }
        }
    }
}

impl<E: Events> fmt::Debug for Input<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input").field("offset", &self.offset()).finish_non_exhaustive()
    }
}
