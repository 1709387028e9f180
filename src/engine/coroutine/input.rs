//! The input of coroutine bodies: the cursor itself, on the coroutine's stack.
//!
//! ```text
//!   the caller's stack                 the coroutine's stack
//!  ┌────────────────────┐             ┌───────────────────────────┐
//!  │ feed(chunk)        │             │ Frame                     │
//!  │   Parser           │             │   port: start, end, ...   │
//!  │     frame ─────────┼────────────►│ body                      │
//!  │     coroutine ─────┼─ switches ─►│ trampoline                │
//!  └────────────────────┘             │   Input                   │
//!                                     │     cursor, end ──► chunk │
//!                                     │   body(&mut Input)        │
//!                                     └───────────────────────────┘
//! ```
//!
//! # The invariants
//! * **I1.** Outside `feed` and `finish` no chunk is reachable: a suspended input has its cursor at
//!   its end, the port's range is read only after a resume, which has set it, and the driver takes
//!   the sink back. Nothing unwinds through a switch: the trampoline catches every panic.
//! * **I2.** No slice of a chunk outlives the call that lent it: a slice borrows the `&mut Input`,
//!   only a read suspends, and every read needs the `&mut Input`.
//! * **I4.** An `Input` serves only the run it was made for: `'p` is invariant and chosen by the
//!   trampoline, so no two inputs have one type, and none can be swapped for another or stored.
//! * **I5.** The port lies at the top of the stack, beside the body, and outlives every run.
//! * **I7.** A suspended coroutine never changes thread: the parser is not `Send`, and neither is
//!   the input, so the body's side of the switch stays where it is too.

use core::cell::Cell;
use core::fmt;
use core::marker::PhantomData;
use core::mem;
use core::ops::Range;
use core::ptr::{self, NonNull};
use core::slice;

use corosensei::Yielder;

use crate::engine::overshoot::Overshoot;
use crate::error::{End, ErrorKind, Failure};
use crate::parser::{Events, LocalSink};
use crate::scan::Stop;

/// What goes through the switch to the driver: false when the body is hungry, true when it has
/// ended. Small, so that it goes in a register.
pub(crate) type Ended = bool;

/// What the driver resumes a body for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// To parse the chunk.
    Feed,
    /// To come to an end because the input is over.
    Finish,
    /// To come to an end because the parser is reset or dropped.
    Abandon,
}

/// What driver and body share. The invariants are those of this module.
pub(crate) struct Port<E: Events> {
    start: Cell<*const u8>,
    end: Cell<*const u8>,
    /// The offset of `start`.
    pub(crate) base: Cell<u64>,
    pub(crate) order: Cell<Order>,
    /// Whether the body has been told often enough that there is nothing more to read.
    pub(crate) exhausted: Cell<bool>,
    sink: Cell<Option<NonNull<LocalSink<'static, E>>>>,
    max_depth: u32,
    /// The addresses at the end of the stack that nested calls leave alone.
    reserve: Range<usize>,
    pub(crate) overshoot: Cell<Overshoot>,
}

impl<E: Events> Port<E> {
    pub(crate) fn new(max_depth: u32, reserve: Range<usize>) -> Self {
        Self {
            start: Cell::new(ptr::null()),
            end: Cell::new(ptr::null()),
            base: Cell::new(0),
            order: Cell::new(Order::Feed),
            exhausted: Cell::new(false),
            sink: Cell::new(None),
            max_depth,
            reserve,
            overshoot: Cell::new(Overshoot::NONE),
        }
    }

    pub(crate) fn address(&self) -> usize {
        ptr::from_ref(self).addr()
    }

    /// Lends a chunk for one resume.
    #[inline(always)]
    pub(crate) fn lend(&self, chunk: &[u8]) {
        let range = chunk.as_ptr_range();
        self.start.set(range.start);
        self.end.set(range.end);
    }

    /// Lends a sink.
    ///
    /// # Safety
    /// [`take_sink_back`](Self::take_sink_back) is called before the sink ends.
    pub(crate) unsafe fn lend_sink(&self, sink: &mut LocalSink<'_, E>) {
        // SAFETY: only the lifetime changes, and `take_sink_back` ends the use in time.
        let sink = unsafe {
            mem::transmute::<NonNull<LocalSink<'_, E>>, NonNull<LocalSink<'static, E>>>(sink.into())
        };
        self.sink.set(Some(sink));
    }

    pub(crate) fn take_sink_back(&self) {
        self.sink.set(None);
    }
}

/// What a coroutine body reads from.
///
/// Every read waits for the next chunk when there is nothing to read. A slice that a read lends is
/// gone before the next read:
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
/// # What a helper costs
/// Reads are inlined into the function that calls them, so the switch happens in its frame. Where a
/// body has its read in a helper that is not inlined, the return from the helper after the switch
/// is mispredicted, about 15 ns once per chunk.
pub struct Input<'p, E: Events = ()> {
    /// `start <= cursor <= end`, one allocation: the chunk.
    start: *const u8,
    cursor: *const u8,
    end: *const u8,
    /// Where the cursor stood when the byte after it became the one to blame.
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
    /// The input of a new run, which the driver has just resumed for.
    pub(crate) fn new(port: &'p Port<E>, yielder: &'p Yielder<(), Ended>) -> Self {
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
    pub(crate) fn consumed(&self) -> usize {
        self.cursor.addr() - self.start.addr()
    }

    /// Takes the next byte.
    ///
    /// # Errors
    /// [`End::Finished`] or [`End::Abandoned`].
    #[inline(always)]
    pub fn next(&mut self) -> Result<u8, End> {
        self.fill()?;
        // SAFETY: `fill` has left the cursor before the end.
        let byte = unsafe { *self.cursor };
        self.advance(1);
        Ok(byte)
    }

    /// Looks at the next byte without taking it.
    ///
    /// # Errors
    /// [`End::Finished`] or [`End::Abandoned`].
    #[inline(always)]
    pub fn peek(&mut self) -> Result<u8, End> {
        let filled = self.fill();
        self.seen = self.cursor;
        filled?;
        // SAFETY: `fill` has left the cursor before the end.
        Ok(unsafe { *self.cursor })
    }

    /// Takes the next byte if it passes the test; `None` leaves it.
    ///
    /// # Errors
    /// [`End::Finished`] or [`End::Abandoned`].
    #[inline(always)]
    pub fn next_if(&mut self, test: impl FnOnce(u8) -> bool) -> Result<Option<u8>, End> {
        let byte = self.peek()?;
        Ok(test(byte).then(|| {
            self.advance(1);
            byte
        }))
    }

    /// Takes exactly this byte.
    ///
    /// # Errors
    /// [`ErrorKind::UnexpectedByte`] at the byte that stands there instead, or the end.
    #[inline(always)]
    pub fn expect(&mut self, byte: u8) -> Result<(), Failure> {
        match self.next_if(|found| found == byte)? {
            Some(_) => Ok(()),
            None => Err(self.fail(ErrorKind::UnexpectedByte)),
        }
    }

    /// Takes 1 to `n` bytes: what this chunk has of them. An empty slice if `n` is zero.
    ///
    /// # Errors
    /// [`End::Finished`] or [`End::Abandoned`].
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

    /// Like [`take`](Self::take), and emits what it takes as an event, unless it is empty. Tells how
    /// many bytes that were.
    ///
    /// # Errors
    /// [`End::Finished`] or [`End::Abandoned`].
    #[inline(always)]
    pub fn take_text(
        &mut self,
        n: usize,
        event: impl for<'t> FnOnce(&'t [u8]) -> E::Event<'t>,
    ) -> Result<usize, End> {
        let count = self.take(n)?.len();
        if count > 0 {
            // SAFETY: the bytes just taken, which lie before the cursor in the chunk; used before the
            // next read (I2).
            let taken = unsafe { slice::from_raw_parts(self.cursor.sub(count), count) };
            self.emit(event(taken));
        }
        Ok(count)
    }

    /// Skips everything up to a stop byte, which it takes and returns.
    ///
    /// # Errors
    /// [`End::Finished`] or [`End::Abandoned`].
    #[inline(always)]
    pub fn skip_until(&mut self, stop: impl Stop) -> Result<u8, End> {
        self.scan(|rest, _| stop.skip(rest), |_, _| ())
    }

    /// Like [`skip_until`](Self::skip_until), and hands what lies before the stop to `take`, piece
    /// by piece, each not empty.
    ///
    /// # Errors
    /// [`End::Finished`] or [`End::Abandoned`].
    #[inline(always)]
    pub fn scan_until(&mut self, stop: impl Stop, mut take: impl FnMut(&[u8])) -> Result<u8, End> {
        self.scan(|rest, _| stop.find(rest), |piece, _| take(piece))
    }

    /// Like [`skip_until`](Self::skip_until), and emits what lies before the stop, one event to a
    /// piece, each not empty. Where nobody takes events it may [skip](Stop::skip) stops.
    ///
    /// # Errors
    /// [`End::Finished`] or [`End::Abandoned`].
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
            // SAFETY: I1: a sink that is set is lent to the call under way, and nobody else uses it:
            // the sink cannot reach its own parser.
            unsafe { sink.as_mut()(event) }
        }
    }

    /// Whether anybody takes events. A body may spare itself the work of making them.
    pub fn wants_events(&self) -> bool {
        self.port.sink.get().is_some()
    }

    /// The offset of the next byte.
    pub fn offset(&self) -> u64 {
        self.port.base.get().saturating_add(self.consumed() as u64)
    }

    /// Makes the error for bad input, and puts the cursor before the
    /// [byte to blame](crate::engine#which-byte-an-error-blames).
    pub fn fail(&mut self, kind: ErrorKind) -> Failure {
        if self.cursor != self.seen && self.cursor != self.start {
            // SAFETY: the cursor is behind the start, so the byte before it is in the chunk.
            self.cursor = unsafe { self.cursor.sub(1) };
        }
        self.seen = self.cursor;
        Failure::new(kind)
    }

    /// Calls a body one level deeper: what recursion goes through, so that hostile nesting is an
    /// error and not a stack overflow.
    ///
    /// The levels are counted against [`max_depth`](crate::engine::coroutine::Options::max_depth).
    /// Should the stack be too small for that many, the level that comes near its end fails in the
    /// same way.
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

    /// Leaves at least one byte to read.
    #[inline(always)]
    fn fill(&mut self) -> Result<(), End> {
        if self.cursor != self.end {
            return Ok(());
        }
        // I1, I2: the cursor is at the end, and no slice is alive.
        self.yielder.suspend(false);
        self.start = self.port.start.get();
        self.cursor = self.start;
        self.end = self.port.end.get();
        self.seen = ptr::null();
        if self.cursor == self.end {
            return Err(self.ended());
        }
        Ok(())
    }

    /// The driver has resumed the body with nothing to read.
    #[cold]
    fn ended(&self) -> End {
        if self.port.exhausted.get() {
            give_up(self.port, self.yielder);
        }
        match self.port.order.get() {
            Order::Feed | Order::Finish => End::Finished,
            Order::Abandon => End::Abandoned,
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
        // SAFETY: a part of the chunk, by the invariant of the three pointers.
        unsafe { slice::from_raw_parts(self.cursor, len) }
    }

    #[inline(always)]
    fn advance(&mut self, count: usize) {
        debug_assert!(count <= self.end.addr() - self.cursor.addr());
        // SAFETY: the callers have just seen that many bytes before the end.
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

/// What unwinds a body that goes on reading after the end: the address of its port, for the sink of
/// one parser may run another.
#[derive(PartialEq)]
pub(crate) struct GivenUp(pub(crate) usize);

/// Leaves a body that does not stop reading. Its trampoline catches this; no panic hook runs.
///
/// Without unwinding the coroutine is suspended for good, and its stack is lost.
fn give_up<E: Events>(port: &Port<E>, yielder: &Yielder<(), Ended>) -> ! {
    if cfg!(panic = "unwind") {
        std::panic::resume_unwind(std::boxed::Box::new(GivenUp(port.address())));
    }
    loop {
        yielder.suspend(false);
    }
}
