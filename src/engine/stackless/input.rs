//! The input of `async` bodies: a handle on the [`Port`] that the driver and the body share.
//!
//! ```text
//!   Task, pinned                          what the body holds
//!  ┌─────────────────────┐
//!  │ port                │◄──────────────  Input<'p> { port: &'p Port }   lent as `&mut`
//!  │   cursor ──► chunk  │
//!  │   sink, hungry, ... │
//!  │ future ─ borrows port and body
//!  │ body                │
//!  └─────────────────────┘
//! ```
//!
//! # The invariants
//! * **I1.** Outside a poll the port's range is empty and it has no sink. [`Port::lend`] sets both,
//!   [`Port::take_back`] clears them, and runs even if the poll unwinds.
//! * **I2.** No slice of a chunk outlives the poll it was lent to. A slice borrows the `&mut Input`,
//!   every read needs that `&mut Input`, and the future is kept after a poll only if that poll ended
//!   in such a read (I3). A poll that ends otherwise drops the future, slices and all, before the
//!   chunk goes back.
//! * **I3.** `hungry` implies that the cursor is at the end and that no slice that is not empty is
//!   alive: only a read sets it, which has found the chunk used up while it held the `&mut Input`,
//!   and a slice taken later in the same poll is empty. The driver clears it before each poll, and
//!   `fail` when it moves the cursor back.
//! * **I4.** An `Input` serves only the run it was made for: the lifetime `'p` is invariant and
//!   chosen by the driver, so no two inputs have one type, and none can be swapped for another or
//!   stored.
//! * **I5.** The port and the body outlive the future: they are pinned together, and the future is
//!   dropped first.
//! * **I6.** Port and sink are touched by one thread at a time. Whoever touches them holds the
//!   `&mut Task` (driver) or the `&mut Input` it lent (body); a scoped thread that was given the
//!   latter is joined before the poll returns, and the sink is `Send`.

use core::cell::Cell;
use core::fmt;
use core::future::poll_fn;
use core::marker::PhantomData;
use core::mem;
use core::ptr::{self, NonNull};
use core::slice;
use core::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

use crate::engine::overshoot::Overshoot;
use crate::error::{End, ErrorKind, Failure};
use crate::parser::{EventSink, Events};
use crate::scan::Stop;

/// How often a body may read after the input has ended, before it is dropped where it stands.
pub(crate) const READS_AFTER_END: u8 = 64;

/// What driver and body share. The invariants are those of this module.
pub(crate) struct Port<E: Events> {
    /// `start <= cursor <= end`, one allocation: the chunk, or three equal pointers.
    start: Cell<*const u8>,
    cursor: Cell<*const u8>,
    end: Cell<*const u8>,
    /// Where the cursor stood when the byte after it became the one to blame.
    seen: Cell<*const u8>,
    /// The offset of `start`.
    base: Cell<u64>,
    sink: Cell<Option<NonNull<EventSink<'static, E>>>>,
    hungry: Cell<bool>,
    /// Reads still allowed after the end; `None` while the input goes on.
    ended: Cell<Option<u8>>,
    overshoot: Cell<Overshoot>,
}

// SAFETY: I6. What the raw pointers lead to is shared bytes, and a sink that is `Send`.
unsafe impl<E: Events> Send for Port<E> {}
// SAFETY: I6: a `&Port` is used only by the holder of the `&mut Task` or of its `&mut Input`.
unsafe impl<E: Events> Sync for Port<E> {}

impl<E: Events> Port<E> {
    pub(crate) const fn new() -> Self {
        Self {
            start: Cell::new(ptr::null()),
            cursor: Cell::new(ptr::null()),
            end: Cell::new(ptr::null()),
            seen: Cell::new(ptr::null()),
            base: Cell::new(0),
            sink: Cell::new(None),
            hungry: Cell::new(false),
            ended: Cell::new(None),
            overshoot: Cell::new(Overshoot::NONE),
        }
    }

    /// Lends a chunk and a sink for one poll.
    ///
    /// # Safety
    /// [`take_back`](Self::take_back) is called before either of them ends.
    #[inline(always)]
    pub(crate) unsafe fn lend(&self, chunk: &[u8], base: u64, sink: Option<&mut EventSink<'_, E>>) {
        let range = chunk.as_ptr_range();
        self.start.set(range.start);
        self.cursor.set(range.start);
        self.end.set(range.end);
        self.seen.set(ptr::null());
        self.base.set(base);
        self.hungry.set(false);
        if let Some(sink) = sink {
            let sink = NonNull::from(sink);
            // SAFETY: only the lifetime changes, and `take_back` ends the use in time.
            let sink = unsafe {
                mem::transmute::<NonNull<EventSink<'_, E>>, NonNull<EventSink<'static, E>>>(sink)
            };
            self.sink.set(Some(sink));
        }
    }

    /// Ends the loan (I1) and tells how many bytes of the chunk were consumed.
    #[inline(always)]
    pub(crate) fn take_back(&self) -> usize {
        let consumed = self.cursor.get().addr() - self.start.get().addr();
        self.cursor.set(self.start.get());
        self.end.set(self.start.get());
        if self.sink.get().is_some() {
            self.sink.set(None);
        }
        consumed
    }

    /// Whether the body waits for its own input (I3).
    #[inline(always)]
    pub(crate) fn is_hungry(&self) -> bool {
        self.hungry.get()
    }

    /// From now on every read answers [`End::Finished`].
    pub(crate) fn finish(&self) {
        self.ended.set(Some(READS_AFTER_END));
    }

    /// Whether the body has used up its reads after the end.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.ended.get() == Some(0)
    }

    /// Back to the start, for a new run.
    pub(crate) fn reopen(&self) {
        self.ended.set(None);
        self.overshoot.set(Overshoot::NONE);
    }

    #[cfg(any(feature = "generator", feature = "testing"))]
    pub(crate) fn overshoot(&self) -> Overshoot {
        self.overshoot.get()
    }

    #[inline(always)]
    fn len(&self) -> usize {
        self.end.get().addr() - self.cursor.get().addr()
    }

    /// # Safety
    /// `'a` ends before the poll does, unless that poll ends with the future dropped (I2).
    #[inline(always)]
    unsafe fn rest<'a>(&self) -> &'a [u8] {
        if self.len() == 0 {
            return &[];
        }
        // SAFETY: a part of the chunk, by the invariant of the three pointers.
        unsafe { slice::from_raw_parts(self.cursor.get(), self.len()) }
    }

    #[inline(always)]
    fn advance(&self, count: usize) {
        assert!(count <= self.len());
        // SAFETY: stays within the chunk.
        self.cursor.set(unsafe { self.cursor.get().add(count) });
    }

    #[inline(always)]
    fn byte(&self) -> Option<u8> {
        // SAFETY: the cursor is before the end, so it points to a byte of the chunk.
        (self.len() > 0).then(|| unsafe { *self.cursor.get() })
    }

    #[inline(always)]
    fn next(&self) -> Option<u8> {
        let byte = self.byte()?;
        self.advance(1);
        Some(byte)
    }

    /// One poll of a scan: up to the stop, or else to the end of the chunk.
    #[inline(always)]
    fn scan(
        &self,
        cx: &Context<'_>,
        find: impl FnOnce(&[u8]) -> Option<usize>,
        take: impl FnOnce(&[u8]),
    ) -> Poll<Result<u8, End>> {
        // SAFETY: used only until `take` returns; neither closure can keep it.
        let rest = unsafe { self.rest() };
        let found = if rest.is_empty() { None } else { find(rest) };
        let (piece, stop) = match found {
            Some(at) => {
                let stopped = (&rest[..at], Some(rest[at]));
                self.overshoot.set(self.overshoot.get().found(rest.len(), at));
                stopped
            }
            None => (rest, None),
        };
        self.advance(piece.len() + usize::from(stop.is_some()));
        if !piece.is_empty() {
            take(piece);
        }
        match stop {
            Some(stop) => Poll::Ready(Ok(stop)),
            None => self.starve(cx),
        }
    }

    #[inline(always)]
    fn emit(&self, event: E::Event<'_>) {
        if let Some(mut sink) = self.sink.get() {
            // SAFETY: I1: a sink that is set is lent to the poll under way; I6: nobody else uses it,
            // and no `&mut` to it is alive, for the sink cannot reach its own parser.
            unsafe { sink.as_mut()(event) }
        }
    }

    /// The answer of a read that has found the chunk used up.
    #[inline(always)]
    fn starve<T>(&self, cx: &Context<'_>) -> Poll<Result<T, End>> {
        debug_assert_eq!(self.len(), 0, "I3");
        if self.ended.get().is_some() || !is_own(cx.waker()) {
            return self.refuse(cx);
        }
        self.hungry.set(true);
        Poll::Pending
    }

    #[cold]
    fn refuse<T>(&self, cx: &Context<'_>) -> Poll<Result<T, End>> {
        match self.ended.get() {
            _ if !is_own(cx.waker()) => Poll::Ready(Err(End::Stalled)),
            Some(0) | None => Poll::Pending,
            Some(reads) => {
                self.ended.set(Some(reads - 1));
                Poll::Ready(Err(End::Finished))
            }
        }
    }
}

/// What an `async` body reads from.
///
/// Every read is awaited, and waits for the next chunk when there is nothing to read. A slice that
/// a read lends is gone before the next read:
///
/// ```compile_fail,E0499
/// use pushdown::engine::stackless::{Input, Task};
/// use pushdown::Failure;
///
/// async fn body(input: &mut Input<'_>) -> Result<u8, Failure> {
///     let slice = input.take(4).await?;
///     let next = input.next().await?; // the chunk of `slice` may be gone now
///     Ok(slice[0] + next)
/// }
/// ```
pub struct Input<'p, E: Events = ()> {
    port: &'p Port<E>,
    /// Makes `'p` invariant (I4).
    brand: PhantomData<fn(&'p ()) -> &'p ()>,
}

// The futures of the reads hold the `&mut Input` (I3) and what the caller gave, and no more: each is
// moved into the state of the body before it is polled.
#[allow(clippy::should_implement_trait, reason = "awaited, and the same name in every input")]
impl<'p, E: Events> Input<'p, E> {
    pub(crate) fn new(port: &'p Port<E>) -> Self {
        Self { port, brand: PhantomData }
    }

    /// Takes the next byte.
    ///
    /// # Errors
    /// [`End::Finished`].
    #[inline]
    pub fn next(&mut self) -> impl Future<Output = Result<u8, End>> {
        poll_fn(move |cx| match self.port.next() {
            Some(byte) => Poll::Ready(Ok(byte)),
            None => self.port.starve(cx),
        })
    }

    /// Looks at the next byte without taking it.
    ///
    /// # Errors
    /// [`End::Finished`].
    #[inline]
    pub fn peek(&mut self) -> impl Future<Output = Result<u8, End>> {
        poll_fn(move |cx| {
            let port = self.port;
            port.seen.set(port.cursor.get());
            match port.byte() {
                Some(byte) => Poll::Ready(Ok(byte)),
                None => port.starve(cx),
            }
        })
    }

    /// Takes the next byte if it passes the test; `None` leaves it.
    ///
    /// # Errors
    /// [`End::Finished`].
    pub async fn next_if(&mut self, test: impl FnOnce(u8) -> bool) -> Result<Option<u8>, End> {
        let byte = self.peek().await?;
        Ok(if test(byte) { self.port.next() } else { None })
    }

    /// Takes exactly this byte.
    ///
    /// # Errors
    /// [`ErrorKind::UnexpectedByte`] at the byte that stands there instead, or the end.
    pub async fn expect(&mut self, byte: u8) -> Result<(), Failure> {
        match self.next_if(|found| found == byte).await? {
            Some(_) => Ok(()),
            None => Err(self.fail(ErrorKind::UnexpectedByte)),
        }
    }

    /// Takes 1 to `n` bytes: what this chunk has of them. An empty slice if `n` is zero.
    ///
    /// # Errors
    /// [`End::Finished`].
    pub async fn take(&mut self, n: usize) -> Result<&[u8], End> {
        if n > 0 {
            self.peek().await?;
        }
        let port = self.port;
        // SAFETY: I2: the slice borrows `self`.
        let rest = unsafe { port.rest() };
        let taken = &rest[..n.min(rest.len())];
        port.advance(taken.len());
        port.seen.set(port.cursor.get());
        Ok(taken)
    }

    /// Like [`take`](Self::take), and emits what it takes as an event, unless it is empty. Tells how
    /// many bytes that were.
    ///
    /// # Errors
    /// [`End::Finished`].
    pub async fn take_text(
        &mut self,
        n: usize,
        event: impl for<'t> FnOnce(&'t [u8]) -> E::Event<'t>,
    ) -> Result<usize, End> {
        let port = self.port;
        let taken = self.take(n).await?;
        if !taken.is_empty() {
            port.emit(event(taken));
        }
        Ok(taken.len())
    }

    /// Skips everything up to a stop byte, which it takes and returns.
    ///
    /// # Errors
    /// [`End::Finished`].
    #[inline]
    pub fn skip_until(&mut self, stop: impl Stop) -> impl Future<Output = Result<u8, End>> {
        poll_fn(move |cx| self.port.scan(cx, |rest| stop.skip(rest), |_| ()))
    }

    /// Like [`skip_until`](Self::skip_until), and hands what lies before the stop to `take`, piece
    /// by piece, each not empty.
    ///
    /// # Errors
    /// [`End::Finished`].
    #[inline]
    pub fn scan_until(
        &mut self,
        stop: impl Stop,
        mut take: impl FnMut(&[u8]),
    ) -> impl Future<Output = Result<u8, End>> {
        poll_fn(move |cx| self.port.scan(cx, |rest| stop.find(rest), &mut take))
    }

    /// Like [`skip_until`](Self::skip_until), and emits what lies before the stop, one event to a
    /// piece, each not empty. Where nobody takes events it may [skip](Stop::skip) stops.
    ///
    /// # Errors
    /// [`End::Finished`].
    #[inline]
    pub fn text_until(
        &mut self,
        stop: impl Stop,
        event: impl for<'t> Fn(&'t [u8]) -> E::Event<'t>,
    ) -> impl Future<Output = Result<u8, End>> {
        poll_fn(move |cx| {
            let port = self.port;
            if port.sink.get().is_some() {
                port.scan(cx, |rest| stop.find(rest), |piece| port.emit(event(piece)))
            } else {
                port.scan(cx, |rest| stop.skip(rest), |_| ())
            }
        })
    }

    /// Reports an event.
    #[inline]
    pub fn emit(&mut self, event: E::Event<'_>) {
        self.port.emit(event);
    }

    /// Whether anybody takes events. A body may spare itself the work of making them.
    pub fn wants_events(&self) -> bool {
        self.port.sink.get().is_some()
    }

    /// The offset of the next byte.
    pub fn offset(&self) -> u64 {
        let port = self.port;
        let consumed = port.cursor.get().addr() - port.start.get().addr();
        port.base.get().saturating_add(consumed as u64)
    }

    /// Makes the error for bad input, and puts the cursor before the
    /// [byte to blame](crate::engine#which-byte-an-error-blames).
    pub fn fail(&mut self, kind: ErrorKind) -> Failure {
        let port = self.port;
        let cursor = port.cursor.get();
        if cursor != port.seen.get() && cursor != port.start.get() {
            // SAFETY: the cursor is behind the start, so the byte before it is in the chunk.
            port.cursor.set(unsafe { cursor.sub(1) });
            // I3: the chunk is no longer used up.
            port.hungry.set(false);
        }
        port.seen.set(port.cursor.get());
        Failure::new(kind)
    }
}

impl<E: Events> fmt::Debug for Input<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input").field("offset", &self.offset()).finish_non_exhaustive()
    }
}

static VTABLE: RawWakerVTable = RawWakerVTable::new(|_| RAW_WAKER, |_| {}, |_| {}, |_| {});
const RAW_WAKER: RawWaker = RawWaker::new(ptr::null(), &VTABLE);
// SAFETY: the functions do nothing, and cloning gives the same again.
static WAKER: Waker = unsafe { Waker::from_raw(RAW_WAKER) };

/// The waker that a driver polls with. Nothing is ever woken: the next chunk is a call.
pub(crate) fn waker() -> &'static Waker {
    &WAKER
}

/// Whether the poll comes from our driver: a foreign executor would wait for a wake-up for ever.
#[inline(always)]
fn is_own(waker: &Waker) -> bool {
    ptr::eq(waker.vtable(), &raw const VTABLE)
}
