//! State as code, on a stack: a plain function that is suspended where it stands.
//!
//! ```
//! use pushdown::engine::coroutine::{Input, Parser};
//! use pushdown::{ErrorKind, Failure, PushParser, Status};
//!
//! /// A decimal number and its full stop.
//! fn number(input: &mut Input<'_>) -> Result<u64, Failure> {
//!     let mut value = 0;
//!     loop {
//!         match input.next()? {
//!             digit @ b'0'..=b'9' => value = 10 * value + u64::from(digit - b'0'),
//!             b'.' => return Ok(value),
//!             _ => return Err(input.fail(ErrorKind::UnexpectedByte)),
//!         }
//!     }
//! }
//!
//! let mut parser = Parser::new(number);
//! assert_eq!(parser.feed(b"4").status, Status::NeedMoreInput);
//! assert_eq!(parser.feed(b"2.").status, Status::Success);
//! assert_eq!(parser.take_output(), Some(42));
//! ```
//!
//! # How a body ends
//! By returning. When the input is finished, or the parser is dropped or reset half-way, the pending
//! read returns an [`End`](crate::End), which `?` carries out while destructors run in order. A body
//! that goes on reading is told so 64 times and then unwound. One that catches even
//! that unwinding, over and over, hangs its own `finish`.
//!
//! # Stacks
//! The body and the sinks it calls run on a stack of [`DEFAULT_STACK_SIZE`] bytes, or as chosen in
//! [`Options`], with a guard page below: overflow ends the process, it corrupts nothing. Only the
//! pages that a body touches take memory. Stacks are kept and used again, by thread
//! ([`release_idle_stacks`]).
//!
//! On Linux 6.13 and later there can be as many parsers as memory holds, at about 4 KiB each.
//! Elsewhere a guard costs a mapping, and with Linux's default limit of mappings `try_new` fails at
//! about 32,000 live parsers.
//!
//! # Thread-locals
//! A body must not wait for input inside [`LocalKey::with`](std::thread::LocalKey::with) if its parser
//! may lie in a thread-local itself: that may be destroyed later than the one borrowed, and the body
//! then comes to its end with a dangling reference. No type can rule this out, nor can it for any
//! other stack that is suspended.
//!
//! # Not `Send`
//! A stack may hold anything, so a parser stays on its thread:
//!
//! ```compile_fail,E0277
//! fn send<T: Send>() {}
//! send::<pushdown::engine::coroutine::Parser>();
//! ```

mod input;
mod stack;

use core::cell::{Cell, UnsafeCell};
use core::convert::Infallible;
use core::fmt;
use core::mem::{self, ManuallyDrop};
use core::panic::AssertUnwindSafe;
use core::ptr::NonNull;
use std::io;
use std::panic::{catch_unwind, resume_unwind};
use std::thread;

use corosensei::{Coroutine, CoroutineResult, Yielder};

use crate::engine::overshoot::Overshoot;
use crate::error::{Error, ErrorKind, Failure};
use crate::parser::{EventSink, Events, LocalSink, Progress, PushParser, Standing, Status};
pub use input::Input;
use input::{Ended, GivenUp, Order, Port};
use stack::Pooled;

/// The size of a body's stack in bytes, unless [`Options`] say otherwise. Larger in debug builds,
/// whose frames are larger.
pub const DEFAULT_STACK_SIZE: usize = if cfg!(debug_assertions) { 256 << 10 } else { 64 << 10 };

/// How deep [`Input::nested`] may go, unless [`Options`] say otherwise.
pub const DEFAULT_MAX_DEPTH: u32 = 128;

/// What every stack has besides the size chosen, in bytes: [`Input::nested`] leaves it to the
/// innermost body, its sink, and a panic, whose backtrace alone takes some 20 KiB.
const RESERVE: usize = 32 << 10;

/// How often a body may read after the end, before it is unwound.
const READS_AFTER_END: u32 = 64;

/// Gives the memory of this thread's idle stacks back to the system.
///
/// A thread keeps up to 64 stacks of dropped parsers ready, with the memory they have touched. A
/// program that has been told that memory is short, or that will not make parsers for a while, can
/// do without them; the next parsers take a page fault more.
///
/// ```
/// drop(pushdown::quoted::Coroutine::new());
/// pushdown::engine::coroutine::release_idle_stacks();
/// ```
pub fn release_idle_stacks() {
    stack::release_idle();
}

/// What can be chosen for a [`Parser`].
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
    stack_size: usize,
    max_depth: u32,
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

    /// The size of the stack in bytes, rounded up to whole pages. A reserve is added, so that a
    /// panic and its backtrace always have room.
    #[must_use]
    pub fn stack_size(self, stack_size: usize) -> Self {
        Self { stack_size, ..self }
    }

    /// How many levels deep [`Input::nested`] may go.
    #[must_use]
    pub fn max_depth(self, max_depth: u32) -> Self {
        Self { max_depth, ..self }
    }

    /// Makes the parser.
    ///
    /// # Errors
    /// When no stack can be had.
    pub fn parser<B, E, T>(self, body: B) -> io::Result<Parser<E, T>>
    where
        B: for<'p> FnMut(&mut Input<'p, E>) -> Result<T, Failure> + 'static,
        E: Events,
        T: 'static,
    {
        let extra = RESERVE + size_of::<Whole<B, E, T>>() + align_of::<Whole<B, E, T>>();
        let mut stack = Pooled::new(self.stack_size.saturating_add(extra))?;
        let lowest = stack.lowest();
        let port = Port::new(self.max_depth, lowest..lowest + RESERVE);
        let frame = Frame {
            port,
            running: Cell::new(false),
            consumed: Cell::new(0),
            result: Cell::new(None),
            drop: drop_whole::<B, E, T>,
        };
        let whole = stack.place(Whole { frame, body: UnsafeCell::new(body) });
        let coroutine = Coroutine::with_stack(stack, move |yielder, ()| {
            // SAFETY: it lies on this very stack, and is dropped when the coroutine no longer runs.
            trampoline(yielder, unsafe { whole.as_ref() })
        });
        Ok(Parser {
            coroutine: ManuallyDrop::new(coroutine),
            frame: whole.cast(),
            standing: Standing::at(0),
            lost: false,
            output: None,
        })
    }
}

/// A plain function as a push parser.
///
/// # How it is built
/// ```text
///  the parser's stack, from the top down
///  ┌──────────────────┐
///  │ Whole: the frame │◄── frame: port, how the last run ended
///  │        the body  │
///  ├──────────────────┤◄── where the coroutine begins
///  │ trampoline       │    a loop around the body, which catches its panics
///  │ body(&mut Input) │    suspended in a read, while `running`
///  └──────────────────┘
/// ```
/// Frame and body have a stable address without an allocation, and outlive every run. Between runs
/// the coroutine is suspended in the trampoline, or has not begun: then nothing on its stack needs
/// to be dropped, and the stack can be taken from under it without a switch.
pub struct Parser<E: Events = (), T: 'static = ()> {
    /// Dropped by hand, for it must not unwind the body (see [`Drop`]).
    coroutine: ManuallyDrop<Coroutine<(), Ended, Infallible, Pooled>>,
    /// The beginning of a [`Whole`] on the coroutine's stack.
    frame: NonNull<Frame<E, T>>,
    standing: Standing,
    /// Whether the body could not be brought to an end, which takes one that goes on reading and a
    /// program that does not unwind. There is nothing left to run then.
    lost: bool,
    output: Option<T>,
}

/// What the trampoline shares with its parser.
struct Frame<E: Events, T> {
    port: Port<E>,
    /// Whether the body is on the stack.
    running: Cell<bool>,
    /// How many bytes of the chunk the run consumed that has ended.
    consumed: Cell<usize>,
    /// How that run ended.
    result: Cell<Option<thread::Result<Result<T, Failure>>>>,
    /// Drops the [`Whole`] that this is the beginning of.
    drop: unsafe fn(NonNull<Self>),
}

/// What lies at the top of a stack.
#[repr(C)]
struct Whole<B, E: Events, T> {
    frame: Frame<E, T>,
    /// Borrowed by the trampoline while it runs.
    body: UnsafeCell<B>,
}

/// # Safety
/// `frame` is the beginning of such a whole, which nobody uses any more.
unsafe fn drop_whole<B, E: Events, T>(frame: NonNull<Frame<E, T>>) {
    // SAFETY: handed on to the caller.
    unsafe { frame.cast::<Whole<B, E, T>>().drop_in_place() };
}

impl<E: Events, T: 'static> Parser<E, T> {
    /// A parser at the start of its input, with a stack of [`DEFAULT_STACK_SIZE`].
    ///
    /// # Panics
    /// When no stack can be had; [`try_new`](Self::try_new) returns the error.
    pub fn new<B>(body: B) -> Self
    where
        B: for<'p> FnMut(&mut Input<'p, E>) -> Result<T, Failure> + 'static,
    {
        match Self::try_new(body) {
            Ok(parser) => parser,
            Err(error) => panic!("no stack for a coroutine: {error}"),
        }
    }

    /// A parser at the start of its input, with a stack of [`DEFAULT_STACK_SIZE`].
    ///
    /// # Errors
    /// When no stack can be had.
    pub fn try_new<B>(body: B) -> io::Result<Self>
    where
        B: for<'p> FnMut(&mut Input<'p, E>) -> Result<T, Failure> + 'static,
    {
        Options::new().parser(body)
    }

    /// The value's output, once, after [`Status::Success`].
    pub fn take_output(&mut self) -> Option<T> {
        self.output.take()
    }

    /// [`PushParser::feed_with`] for sinks that stay on this thread.
    pub fn feed_local(
        &mut self,
        chunk: &[u8],
        mut sink: impl for<'e> FnMut(E::Event<'e>),
    ) -> Progress {
        self.feed_to(chunk, &mut sink)
    }

    /// [`PushParser::finish_with`] for sinks that stay on this thread.
    ///
    /// # Errors
    /// As [`PushParser::finish`].
    pub fn finish_local(
        &mut self,
        mut sink: impl for<'e> FnMut(E::Event<'e>),
    ) -> Result<(), Error> {
        self.finish_to(&mut sink)
    }

    fn feed_to(&mut self, chunk: &[u8], sink: &mut LocalSink<'_, E>) -> Progress {
        // SAFETY: the guard takes it back.
        unsafe { self.frame().port.lend_sink(sink) };
        Lent(self).0.feed(chunk)
    }

    fn finish_to(&mut self, sink: &mut LocalSink<'_, E>) -> Result<(), Error> {
        // SAFETY: the guard takes it back.
        unsafe { self.frame().port.lend_sink(sink) };
        Lent(self).0.finish()
    }

    #[inline(always)]
    fn frame(&self) -> &Frame<E, T> {
        // SAFETY: by the invariant of the field. All of it is cells, or shared.
        unsafe { self.frame.as_ref() }
    }

    /// Resumes the body. False when it is hungry, true when it has ended.
    #[inline(always)]
    fn resume(&mut self) -> bool {
        match self.coroutine.resume(()) {
            CoroutineResult::Yield(ended) => ended,
            CoroutineResult::Return(never) => match never {},
        }
    }

    /// Takes note of how the run has ended.
    #[cold]
    fn ended(&mut self) -> Progress {
        let frame = self.frame();
        let (consumed, result) = (frame.consumed.get(), frame.result.take());
        match result {
            Some(Ok(Ok(output))) => {
                self.output = Some(output);
                self.standing.succeed(consumed)
            }
            Some(Ok(Err(failure))) => {
                let kind = failure.kind().unwrap_or(ErrorKind::UnexpectedEnd);
                self.standing.fail(consumed, kind)
            }
            Some(Err(payload))
                if payload.downcast_ref() == Some(&GivenUp(frame.port.address())) =>
            {
                self.standing.fail(consumed, ErrorKind::UnexpectedEnd)
            }
            Some(Err(payload)) => {
                let _ = self.standing.fail(consumed, ErrorKind::Panicked);
                resume_unwind(payload)
            }
            None => self.standing.fail(0, ErrorKind::UnexpectedEnd),
        }
    }

    /// Has a body that is suspended half-way come to its end. Nobody sees what it returns.
    fn abandon(&mut self) {
        if self.frame().running.get() && !self.lost {
            self.end(Order::Abandon);
        }
    }

    /// Has the body come to its end with nothing more to read.
    fn end(&mut self, order: Order) {
        let port = &self.frame().port;
        port.lend(&[]);
        port.base.set(self.standing.offset());
        port.order.set(order);
        for _ in 0..=READS_AFTER_END {
            if self.resume() {
                return;
            }
        }
        self.frame().port.exhausted.set(true);
        self.lost = !self.resume();
    }
}

/// A sink lent for the time of one call.
struct Lent<'a, E: Events, T: 'static>(&'a mut Parser<E, T>);

impl<E: Events, T> Drop for Lent<'_, E, T> {
    fn drop(&mut self) {
        self.0.frame().port.take_sink_back();
    }
}

/// The first function on the stack: runs the body once for each value.
fn trampoline<B, E, T>(yielder: &Yielder<(), Ended>, whole: &Whole<B, E, T>) -> !
where
    B: for<'p> FnMut(&mut Input<'p, E>) -> Result<T, Failure>,
    E: Events,
{
    let frame = &whole.frame;
    loop {
        frame.running.set(true);
        let mut input = Input::new(&frame.port, yielder);
        // SAFETY: nobody else touches the body before the coroutine is done for.
        let body = unsafe { &mut *whole.body.get() };
        let result = catch_unwind(AssertUnwindSafe(|| body(&mut input)));
        frame.consumed.set(input.consumed());
        match frame.port.order.get() {
            Order::Feed | Order::Finish => frame.result.set(Some(result)),
            Order::Abandon => discard(result),
        }
        frame.running.set(false);
        yielder.suspend(true);
    }
}

/// Drops what an abandoned body returned or panicked with.
fn discard<T>(result: T) {
    discard_with(|| drop(result));
}

/// Drops something by a call whose panic reaches nobody.
fn discard_with(call: impl FnOnce()) {
    let Err(payload) = catch_unwind(AssertUnwindSafe(call)) else { return };
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        mem::forget(payload);
    }
}

impl<E: Events, T: 'static> PushParser for Parser<E, T> {
    type Events = E;

    #[inline]
    fn feed(&mut self, chunk: &[u8]) -> Progress {
        if let Some(answer) = self.standing.refuses(chunk) {
            return answer;
        }
        self.frame().port.lend(chunk);
        self.frame().port.base.set(self.standing.offset());
        if self.resume() {
            return self.ended();
        }
        self.standing.need_more(chunk.len())
    }

    fn feed_dyn(&mut self, chunk: &[u8], sink: &mut EventSink<'_, E>) -> Progress {
        self.feed_to(chunk, sink)
    }

    fn finish(&mut self) -> Result<(), Error> {
        if self.standing.status() == Status::NeedMoreInput {
            self.end(Order::Finish);
            let _ = self.ended();
        }
        self.standing.verdict()
    }

    fn finish_dyn(&mut self, sink: &mut EventSink<'_, E>) -> Result<(), Error> {
        self.finish_to(sink)
    }

    fn status(&self) -> Status {
        self.standing.status()
    }

    fn error(&self) -> Option<&Error> {
        self.standing.error()
    }

    fn offset(&self) -> u64 {
        self.standing.offset()
    }

    fn reset_at(&mut self, offset: u64) {
        self.abandon();
        let port = &self.frame().port;
        port.order.set(Order::Feed);
        port.exhausted.set(false);
        port.overshoot.set(Overshoot::NONE);
        self.standing = Standing::at(offset);
        self.output = None;
        if self.lost {
            let _ = self.standing.fail(0, ErrorKind::Stalled);
        }
    }
}

impl<E: Events, T> Drop for Parser<E, T> {
    fn drop(&mut self) {
        self.abandon();
        if self.lost {
            return;
        }
        // SAFETY: the coroutine is not used again. The body is not on its stack, so nothing there
        // needs to be dropped but the whole, and that before the stack goes.
        unsafe {
            self.coroutine.force_reset();
            let frame = self.frame;
            discard_with(|| (frame.as_ref().drop)(frame));
            ManuallyDrop::drop(&mut self.coroutine);
        }
    }
}

impl<E: Events, T> fmt::Debug for Parser<E, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parser").field("standing", &self.standing).finish_non_exhaustive()
    }
}

#[cfg(feature = "testing")]
impl<E: Events, T: 'static> crate::testing::Work for Parser<E, T> {
    fn work(&self) -> u64 {
        self.standing.offset() + self.frame().port.overshoot.get().bytes()
    }
}
