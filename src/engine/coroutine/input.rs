//! The input of coroutine bodies: the cursor itself, on the coroutine's stack. The invariants (I1 to
//! I6) are at the head of `port.rs`.

use core::fmt;
use core::marker::PhantomData;
use core::ptr;
use core::slice;

use corosensei::Yielder;

use super::port::{Command, Ended, Port};
use crate::error::{End, ErrorKind, Failure};
use crate::parser::Events;
use crate::scan::Stop;

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
    /// `start <= cursor <= end`, in one allocation: the chunk (I3).
    start: *const u8,
    cursor: *const u8,
    end: *const u8,
    /// The position of the cursor when the byte after it became the one to blame.
    seen: *const u8,
    depth: u32,
    port: &'p Port<E>,
    yielder: &'p Yielder<(), Ended>,
    /// Makes `'p` invariant (I4).
    brand: PhantomData<fn(&'p ()) -> &'p ()>,
}

#[allow(clippy::should_implement_trait, reason = "fallible, and the same name in every input")]
#[allow(clippy::inline_always, reason = "a switch in a callee is mispredicted when it returns")]
impl<'p, E: Events> Input<'p, E> {
    /// The input of a new run, whose chunk the driver has just lent.
    pub(super) fn new(port: &'p Port<E>, yielder: &'p Yielder<(), Ended>) -> Self {
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

    /// How many bytes of the chunk were consumed.
    pub(super) fn consumed(&self) -> usize {
        self.cursor.addr() - self.start.addr()
    }

    /// Takes the next byte.
    #[inline(always)]
    pub fn next(&mut self) -> Result<u8, End> {
        self.fill()?;
        // SAFETY: I3: `fill` has left the cursor before the end.
        let byte = unsafe { *self.cursor };
        self.advance(1);
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
            self.advance(1);
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
        self.advance(taken.len());
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
        self.scan(|rest, _| stop.skip(rest), |_, _| ())
    }

    /// Like [`skip_until`](Self::skip_until), but passes what lies before the stop to `take`.
    #[inline(always)]
    pub fn scan_until(&mut self, stop: impl Stop, mut take: impl FnMut(&[u8])) -> Result<u8, End> {
        self.scan(|rest, _| stop.find(rest), |piece, _| take(piece))
    }

    /// Like [`skip_until`](Self::skip_until), but emits what lies before the stop.
    #[inline(always)]
    pub fn text_until(
        &mut self,
        stop: impl Stop,
        event: impl for<'t> Fn(&'t [u8]) -> E::Event<'t>,
    ) -> Result<u8, End> {
        self.scan(
            |rest, input| {
                if input.wants_events() { stop.find(rest) } else { stop.skip(rest) }
            },
            |piece, input| input.emit(event(piece)),
        )
    }

    /// Reports an event.
    #[inline]
    pub fn emit(&mut self, event: E::Event<'_>) {
        if let Some(mut sink) = self.port.sink.get() {
            // SAFETY: I1: a sink that is set is lent to the call under way. It is used by this `emit`
            // alone, which holds the `&mut Input`.
            unsafe { sink.as_mut()(event) }
        }
    }

    /// Returns true if there is a sink. A body may skip building events without one.
    pub fn wants_events(&self) -> bool {
        self.port.sink.get().is_some()
    }

    /// The offset of the next byte.
    pub fn offset(&self) -> u64 {
        self.port.base.get().saturating_add(self.consumed() as u64)
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

    /// Calls a body one level deeper. Recursion goes through it, so that hostile nesting is an error
    /// and not a stack overflow.
    ///
    /// The levels are counted against [`max_depth`](super::Options::max_depth). If the stack is too
    /// small for that many, the level that comes near its end fails in the same way.
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
        let full = self.port.reserve.contains(&(&raw const here).addr());
        if self.depth == self.port.max_depth || full {
            return Err(self.fail(ErrorKind::TooDeep));
        }
        self.depth += 1;
        let result = body(self);
        self.depth -= 1;
        result
    }

    /// Suspends the body if the chunk is used up, so that there is at least one byte to read.
    #[inline(always)]
    fn fill(&mut self) -> Result<(), End> {
        if self.cursor != self.end {
            return Ok(());
        }
        // I1: the cursor is at the end. I2: no slice is alive.
        self.yielder.suspend(false);
        self.start = self.port.start.get();
        self.cursor = self.start;
        self.end = self.port.end.get();
        self.seen = ptr::null();
        if self.cursor == self.end {
            return Err(self.end());
        }
        Ok(())
    }

    /// The answer of a read when the driver has resumed the body with nothing to read.
    #[cold]
    fn end(&self) -> End {
        if self.port.exhausted.get() {
            give_up(self.port, self.yielder);
        }
        match self.port.command.get() {
            Command::Feed | Command::Finish => End::Finished,
            Command::Abandon => End::Abandoned,
        }
    }

    /// # Safety
    /// `'a` ends before the next read (I2).
    #[inline(always)]
    unsafe fn rest<'a>(&self) -> &'a [u8] {
        let len = self.end.addr() - self.cursor.addr();
        if len == 0 {
            return &[];
        }
        // SAFETY: I3: a part of the chunk.
        unsafe { slice::from_raw_parts(self.cursor, len) }
    }

    #[inline(always)]
    fn advance(&mut self, count: usize) {
        debug_assert!(count <= self.end.addr() - self.cursor.addr());
        // SAFETY: I3: the callers have just seen that many bytes before the end.
        self.cursor = unsafe { self.cursor.add(count) };
    }

    #[inline(always)]
    fn scan(
        &mut self,
        find: impl Fn(&[u8], &Self) -> Option<usize>,
        mut take: impl FnMut(&[u8], &mut Self),
    ) -> Result<u8, End> {
        loop {
            self.fill()?;
            // SAFETY: I2: used before the next read only; neither closure can keep it.
            let rest = unsafe { self.rest() };
            let found = find(rest, self);
            let piece = &rest[..found.unwrap_or(rest.len())];
            let stop = found.map(|at| rest[at]);
            if let Some(at) = found {
                let overshoot = &self.port.overshoot;
                overshoot.set(overshoot.get().found(rest.len(), at));
            }
            self.advance(piece.len() + usize::from(stop.is_some()));
            if !piece.is_empty() {
                take(piece, self);
            }
            if let Some(stop) = stop {
                return Ok(stop);
            }
        }
    }
}

impl<E: Events> fmt::Debug for Input<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input").field("offset", &self.offset()).finish_non_exhaustive()
    }
}

/// The payload that unwinds a body that keeps reading after the end. It holds the address of the
/// body's port, because the sink of one parser may run another.
#[derive(PartialEq)]
pub(super) struct GivenUp(pub(super) usize);

/// Leaves a body that keeps reading. The trampoline catches the unwinding; no panic hook runs.
///
/// In a build that does not unwind, the coroutine is suspended for good and its stack is lost.
fn give_up<E: Events>(port: &Port<E>, yielder: &Yielder<(), Ended>) -> ! {
    if cfg!(panic = "unwind") {
        std::panic::resume_unwind(std::boxed::Box::new(GivenUp(port.address())));
    }
    loop {
        yielder.suspend(false);
    }
}
