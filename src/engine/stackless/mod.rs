//! State as code, without a stack: an `async` body whose compiled future is the state.
//!
//! ```
//! use pushdown::engine::stackless::{Input, Parser};
//! use pushdown::{ErrorKind, Failure, PushParser, Status};
//!
//! /// A decimal number and its full stop.
//! async fn number(input: &mut Input<'_>) -> Result<u64, Failure> {
//!     let mut value = 0;
//!     loop {
//!         match input.next().await? {
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
//! [`Parser`] boxes the future, once. A [`Task`] allocates nothing: its owner pins it.
//!
//! # What a body may wait for
//! Its input, and nothing else. A body that is pending for any other reason could never be woken by
//! a chunk. It is dropped inside that same `feed`, and the parser ends with
//! [`ErrorKind::Stalled`]. Awaiting a future that is ready at once is fine, and so is joining or
//! selecting futures as long as a read of the input is among the pending ones. The read must be
//! polled with the context that the body was polled with: under another executor inside the body it
//! answers [`End::Stalled`](crate::End::Stalled).
//!
//! # When a parser is `Send`
//! When its body is, and everything the body keeps across an `await`. A parser whose body keeps an
//! `Rc` there stays on its thread:
//!
//! ```compile_fail
//! use pushdown::engine::stackless::{Input, Parser};
//!
//! fn send<T: Send>(_: T) {}
//! send(Parser::new(async |input: &mut Input<'_>| {
//!     let shared = std::rc::Rc::new(1);
//!     input.next().await?;
//!     Ok::<_, pushdown::Failure>(*shared)
//! }));
//! ```

mod input;

#[cfg(feature = "alloc")]
use alloc::boxed::Box;
use core::fmt;
use core::future::Ready;
use core::marker::PhantomPinned;
use core::mem::{self, MaybeUninit};
use core::ops::DerefMut;
use core::pin::Pin;
use core::ptr::NonNull;
use core::task::{Context, Poll};

#[cfg(feature = "generator")]
use crate::engine::overshoot::Overshoot;
use crate::error::{Error, ErrorKind, Failure};
#[cfg(feature = "alloc")]
use crate::parser::delegate;
use crate::parser::{EventSink, Events, Progress, PushParser, Standing, Status};
pub use input::Input;
use input::{Port, waker};

/// An `async` body and its state, in place: nothing is allocated, and its owner pins it.
///
/// ```
/// use core::pin::pin;
/// use pushdown::engine::stackless::{Input, Task};
/// use pushdown::{PushParser, Status};
///
/// let mut task = pin!(Task::new(async |input: &mut Input<'_>| {
///     input.expect(b'o').await?;
///     input.expect(b'k').await
/// }));
/// assert_eq!(task.feed(b"o").status, Status::NeedMoreInput);
/// assert_eq!(task.feed(b"k").status, Status::Success);
/// ```
///
/// # Why it is sound
/// The future borrows `port` and `body`, which lie beside it. It is made by `make` when the task is
/// first fed, so not before the task is pinned, and dropped before the others. The rest is in the
/// invariants at the head of `input/stackless.rs`.
pub struct Task<B, F, E, T>
where
    F: Future<Output = Result<T, Failure>>,
    E: Events,
{
    shared: Shared<B, E>,
    /// Makes the future of a run, in place. A function pointer, because the future of a generic `async`
    /// closure has no name that a field could have.
    make: fn(Lent<Shared<B, E>>, &mut MaybeUninit<F>),
    /// Initialised exactly while `live`.
    future: MaybeUninit<F>,
    live: bool,
    standing: Standing,
    output: Option<T>,
    _pinned: PhantomPinned,
}

/// What the future borrows. In one place, so that the future holds one pointer: two are moved as one
/// 16-byte word when the future starts, which waits for the two stores just before.
struct Shared<B, E: Events> {
    port: Port<E>,
    body: B,
}

/// A borrow of a neighbour in a pinned [`Task`], which no lifetime can express.
struct Lent<T>(NonNull<T>);

// SAFETY: it is used as a `&mut T`, by the future alone.
unsafe impl<T: Send> Send for Lent<T> {}

/// The future of one run.
async fn drive<B, E, T>(shared: Lent<Shared<B, E>>) -> Result<T, Failure>
where
    B: AsyncFnMut(&mut Input<'_, E>) -> Result<T, Failure>,
    E: Events,
{
    let shared = shared.0.as_ptr();
    // SAFETY: I5: both outlive the future. The driver leaves `body` alone while the future lives, and
    // shares `port`, which is all cells.
    let (port, body) = unsafe { (&(*shared).port, &mut (*shared).body) };
    body(&mut Input::new(port)).await
}

impl Task<(), Ready<Result<(), Failure>>, (), ()> {
    /// A task at the start of its input.
    ///
    /// It is a method of one particular `Task` so that the arguments of the returned one are
    /// inferred from the body.
    #[allow(clippy::new_ret_no_self, reason = "the returned type is inferred from the body")]
    pub fn new<B, E, T>(body: B) -> Task<B, impl Future<Output = Result<T, Failure>>, E, T>
    where
        B: AsyncFnMut(&mut Input<'_, E>) -> Result<T, Failure>,
        E: Events,
    {
        Task {
            shared: Shared { port: Port::new(), body },
            make: |shared, future| _ = future.write(drive::<B, E, T>(shared)),
            future: MaybeUninit::uninit(),
            live: false,
            standing: Standing::at(0),
            output: None,
            _pinned: PhantomPinned,
        }
    }
}

impl<B, F, E, T> Task<B, F, E, T>
where
    F: Future<Output = Result<T, Failure>>,
    E: Events,
{
    #[cfg(feature = "generator")]
    pub(super) fn standing(&self) -> Standing {
        self.standing
    }

    #[cfg(feature = "generator")]
    pub(super) fn overshoot(&self) -> Overshoot {
        self.shared.port.overshoot()
    }

    #[inline]
    fn run(self: Pin<&mut Self>, chunk: &[u8], sink: Option<&mut EventSink<'_, E>>) -> Progress {
        // SAFETY: nothing is moved out of the task.
        let task = unsafe { self.get_unchecked_mut() };
        // SAFETY: `take_back` is called below, or by the guard if anything unwinds.
        unsafe { task.shared.port.lend(chunk, task.standing.offset(), sink) };
        let running = Running(task);
        let task = &mut *running.0;
        if !task.live {
            (task.make)(Lent(NonNull::from(&mut task.shared)), &mut task.future);
            task.live = true;
        }
        // SAFETY: the future is live, and pinned with its task.
        let future = unsafe { Pin::new_unchecked(task.future.assume_init_mut()) };
        let poll = future.poll(&mut Context::from_waker(waker()));
        let hungry = poll.is_pending() && task.shared.port.is_hungry();
        if !hungry {
            // I2: while the chunk is still lent.
            task.drop_future();
        }
        let consumed = task.shared.port.take_back();
        let answer = match poll {
            Poll::Pending if hungry => task.standing.need_more(consumed),
            Poll::Pending if task.shared.port.is_exhausted() => {
                task.standing.fail(consumed, ErrorKind::UnexpectedEnd)
            }
            Poll::Pending => task.standing.fail(consumed, ErrorKind::Stalled),
            Poll::Ready(Err(failure)) => {
                let kind = failure.kind().unwrap_or(ErrorKind::UnexpectedEnd);
                task.standing.fail(consumed, kind)
            }
            Poll::Ready(Ok(output)) => {
                task.output = Some(output);
                task.standing.succeed(consumed)
            }
        };
        mem::forget(running);
        answer
    }

    fn drop_future(&mut self) {
        if self.live {
            // First, so that a destructor that panics is not run again.
            self.live = false;
            // SAFETY: it was live, and is not used again.
            unsafe { self.future.assume_init_drop() };
        }
    }
}

/// A poll under way. Dropped only when the body, the sink or a destructor unwinds.
struct Running<'a, B, F, E, T>(&'a mut Task<B, F, E, T>)
where
    F: Future<Output = Result<T, Failure>>,
    E: Events;

impl<B, F, E, T> Drop for Running<'_, B, F, E, T>
where
    F: Future<Output = Result<T, Failure>>,
    E: Events,
{
    fn drop(&mut self) {
        // I2: a future written by hand may have kept a slice when it panicked.
        self.0.drop_future();
        let consumed = self.0.shared.port.take_back();
        let _ = self.0.standing.fail(consumed, ErrorKind::Panicked);
    }
}

impl<B, F, E, T> Drop for Task<B, F, E, T>
where
    F: Future<Output = Result<T, Failure>>,
    E: Events,
{
    fn drop(&mut self) {
        // I5: before the port and the body.
        self.drop_future();
    }
}

impl<B, F, E, T> fmt::Debug for Task<B, F, E, T>
where
    F: Future<Output = Result<T, Failure>>,
    E: Events,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").field("standing", &self.standing).finish_non_exhaustive()
    }
}

/// What can be done with a pinned [`Task`] whatever its body, so that its type can be erased.
pub trait DynTask: sealed::Sealed {
    /// The events the body emits.
    type Events: Events;
    /// What the body makes of the value.
    type Output;

    /// As [`PushParser::feed`] and [`PushParser::feed_dyn`].
    fn feed(
        self: Pin<&mut Self>,
        chunk: &[u8],
        sink: Option<&mut EventSink<'_, Self::Events>>,
    ) -> Progress;

    /// As [`PushParser::finish`] and [`PushParser::finish_dyn`].
    ///
    /// # Errors
    /// As those.
    fn finish(
        self: Pin<&mut Self>,
        sink: Option<&mut EventSink<'_, Self::Events>>,
    ) -> Result<(), Error>;

    /// As [`PushParser::status`].
    fn status(&self) -> Status;

    /// As [`PushParser::error`].
    fn error(&self) -> Option<&Error>;

    /// As [`PushParser::offset`].
    fn offset(&self) -> u64;

    /// As [`PushParser::reset_at`].
    fn reset_at(self: Pin<&mut Self>, offset: u64);

    /// The value's output, once, after [`Status::Success`].
    fn take_output(self: Pin<&mut Self>) -> Option<Self::Output>;
}

mod sealed {
    pub trait Sealed {
        #[cfg(feature = "testing")]
        fn work(&self) -> u64;
    }
}

impl<B, F, E, T> sealed::Sealed for Task<B, F, E, T>
where
    F: Future<Output = Result<T, Failure>>,
    E: Events,
{
    #[cfg(feature = "testing")]
    fn work(&self) -> u64 {
        self.standing.offset() + self.shared.port.overshoot().bytes()
    }
}

impl<B, F, E, T> DynTask for Task<B, F, E, T>
where
    F: Future<Output = Result<T, Failure>>,
    E: Events,
{
    type Events = E;
    type Output = T;

    #[inline]
    fn feed(self: Pin<&mut Self>, chunk: &[u8], sink: Option<&mut EventSink<'_, E>>) -> Progress {
        if let Some(answer) = self.standing.refuses(chunk) {
            return answer;
        }
        self.run(chunk, sink)
    }

    fn finish(mut self: Pin<&mut Self>, sink: Option<&mut EventSink<'_, E>>) -> Result<(), Error> {
        if self.standing.status() == Status::NeedMoreInput {
            self.shared.port.finish();
            let _ = self.as_mut().run(&[], sink);
        }
        self.standing.verdict()
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

    fn reset_at(self: Pin<&mut Self>, offset: u64) {
        // SAFETY: nothing pinned is moved: the future is dropped in place, the rest is not pinned.
        let task = unsafe { self.get_unchecked_mut() };
        task.shared.port.reopen();
        task.standing = Standing::at(offset);
        task.output = None;
        task.drop_future();
    }

    fn take_output(self: Pin<&mut Self>) -> Option<T> {
        // SAFETY: only the output is moved, which is not pinned.
        unsafe { self.get_unchecked_mut() }.output.take()
    }
}

impl<P: DerefMut<Target: DynTask>> PushParser for Pin<P> {
    type Events = <P::Target as DynTask>::Events;

    #[inline]
    fn feed(&mut self, chunk: &[u8]) -> Progress {
        DynTask::feed(self.as_mut(), chunk, None)
    }

    fn feed_dyn(&mut self, chunk: &[u8], sink: &mut EventSink<'_, Self::Events>) -> Progress {
        DynTask::feed(self.as_mut(), chunk, Some(sink))
    }

    fn finish(&mut self) -> Result<(), Error> {
        DynTask::finish(self.as_mut(), None)
    }

    fn finish_dyn(&mut self, sink: &mut EventSink<'_, Self::Events>) -> Result<(), Error> {
        DynTask::finish(self.as_mut(), Some(sink))
    }

    fn status(&self) -> Status {
        DynTask::status(&**self)
    }

    fn error(&self) -> Option<&Error> {
        DynTask::error(&**self)
    }

    fn offset(&self) -> u64 {
        DynTask::offset(&**self)
    }

    fn reset_at(&mut self, offset: u64) {
        DynTask::reset_at(self.as_mut(), offset);
    }
}

/// A [`Task`] in a box: it can be moved, and costs one allocation.
#[cfg(feature = "alloc")]
pub struct Parser<R: ?Sized>(Pin<Box<R>>);

#[cfg(feature = "alloc")]
impl Parser<()> {
    /// A parser at the start of its input.
    ///
    /// As with [`Task::new`], the type of the parser is inferred from the body.
    #[allow(clippy::new_ret_no_self, reason = "the returned type is inferred from the body")]
    pub fn new<B, E, T>(body: B) -> Parser<Task<B, impl Future<Output = Result<T, Failure>>, E, T>>
    where
        B: AsyncFnMut(&mut Input<'_, E>) -> Result<T, Failure>,
        E: Events,
    {
        Parser(Box::pin(Task::new(body)))
    }
}

#[cfg(feature = "alloc")]
impl<R: DynTask> Parser<R> {
    /// Forgets the body's type, so that the parser's has a name.
    ///
    /// ```
    /// use pushdown::engine::stackless::{Input, Parser, DynTask};
    /// use pushdown::PushParser;
    ///
    /// struct Ok2(Parser<dyn DynTask<Events = (), Output = ()> + Send>);
    ///
    /// let mut parser = Ok2(Parser::new(async |input: &mut Input<'_>| input.expect(b'o').await).erase());
    /// assert_eq!(parser.0.feed(b"o").consumed, 1);
    /// ```
    pub fn erase<'b>(
        self,
    ) -> Parser<dyn DynTask<Events = R::Events, Output = R::Output> + Send + 'b>
    where
        R: Send + 'b,
    {
        Parser(self.0)
    }
}

#[cfg(feature = "alloc")]
impl<R: DynTask + ?Sized> Parser<R> {
    /// The value's output, once, after [`Status::Success`].
    pub fn take_output(&mut self) -> Option<R::Output> {
        self.0.as_mut().take_output()
    }
}

#[cfg(feature = "alloc")]
impl<R: DynTask + ?Sized> PushParser for Parser<R> {
    type Events = R::Events;

    delegate!(self => self.0);
}

#[cfg(feature = "alloc")]
impl<R: DynTask + ?Sized> fmt::Debug for Parser<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parser").field("status", &self.status()).finish_non_exhaustive()
    }
}

#[cfg(feature = "testing")]
impl<P: DerefMut<Target: DynTask>> crate::testing::Work for Pin<P> {
    fn work(&self) -> u64 {
        sealed::Sealed::work(&**self)
    }
}

#[cfg(feature = "testing")]
impl<R: DynTask + ?Sized> crate::testing::Work for Parser<R> {
    fn work(&self) -> u64 {
        sealed::Sealed::work(&*self.0)
    }
}
