//! The task: an `async` body, its future and the driver that polls it.

use core::cell::UnsafeCell;
use core::fmt;
use core::future::Ready;
use core::marker::PhantomPinned;
#[cfg(feature = "alloc")]
use core::mem::offset_of;
use core::mem::{self, MaybeUninit};
use core::ops::DerefMut;
#[cfg(feature = "debug")]
use core::panic::Location;
use core::pin::Pin;
use core::ptr::NonNull;
use core::task::{Context, Poll};

#[cfg(feature = "alloc")]
use super::call_stack::{CallStack, Next, NoFrames, Root};
use super::dyn_task::DynTask;
use super::dyn_task::sealed::Sealed;
use super::input::Input;
use super::options::Options;
use super::port::Port;
use super::waker::waker;
#[cfg(feature = "generator")]
use crate::engine::overshoot::Overshoot;
use crate::engine::site::Entry;
use crate::error::{Error, ErrorKind, Failure};
use crate::parser::{EventSink, Events, Progress, PushParser, State, Status};

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
/// first fed, which is after the task is pinned, and it is dropped before the others (I5). The other
/// invariants are at the head of `port/mod.rs`.
pub struct Task<B, F, E, T>
where
    F: Future<Output = Result<T, Failure>>,
    E: Events,
{
    shared: Shared<B, E>,
    /// Makes the future of a run, in place. It is a function pointer, because the future of a generic
    /// `async` closure cannot be named in a field.
    make: fn(Lent<Shared<B, E>>, &mut MaybeUninit<F>),
    /// Initialised exactly while `live` (I5).
    /// In a cell, because the future holds pointers into itself while the task is shared.
    future: UnsafeCell<MaybeUninit<F>>,
    live: bool,
    state: State,
    output: Option<T>,
    /// The place where it waits, for `debug`.
    entry: Entry,
    _pinned: PhantomPinned,
}

/// The two values that the future borrows. They are in one place so that the future holds one
/// pointer. Two pointers would be moved as one 16-byte word when the future starts, which would wait
/// for the two stores just before.
struct Shared<B, E: Events> {
    port: Port<E>,
    /// In a cell, because the future holds a `&mut` to it while the task is shared.
    body: UnsafeCell<B>,
}

/// A borrow of a neighbour in a pinned [`Task`], which no lifetime can express.
struct Lent<T>(NonNull<T>);

// SAFETY: I6: it is used as a `&mut T`, by the future alone.
unsafe impl<T: Send> Send for Lent<T> {}

/// The future of one run.
async fn drive<B, E, T>(shared: Lent<Shared<B, E>>) -> Result<T, Failure>
where
    B: AsyncFnMut(&mut Input<'_, E>) -> Result<T, Failure>,
    E: Events,
{
    let shared = shared.0.as_ptr();
    // SAFETY: I5: both outlive the future. The driver does not touch `body` while the future lives, and
    // shares `port`, which is all cells.
    let (port, body) = unsafe { (&(*shared).port, &mut *(*shared).body.get()) };
    body(&mut Input::new(port)).await
}

impl Task<(), Ready<Result<(), Failure>>, (), ()> {
    /// Creates a task at the start of its input.
    ///
    /// It is a method of one particular `Task` so that the type arguments of the returned one are
    /// inferred from the body.
    #[allow(clippy::new_ret_no_self, reason = "the returned type is inferred from the body")]
    pub fn new<B, E, T>(body: B) -> Task<B, impl Future<Output = Result<T, Failure>>, E, T>
    where
        B: AsyncFnMut(&mut Input<'_, E>) -> Result<T, Failure>,
        E: Events,
    {
        Options::new().task(body)
    }
}

impl Options {
    /// Creates a task at the start of its input.
    pub fn task<B, E, T>(self, body: B) -> Task<B, impl Future<Output = Result<T, Failure>>, E, T>
    where
        B: AsyncFnMut(&mut Input<'_, E>) -> Result<T, Failure>,
        E: Events,
    {
        assemble(self.max_depth, body)
    }
}

/// Creates a task. Called with [`drive`], whose future has no other name than the `F` inferred here.
fn assemble<B, E, T>(
    max_depth: u32,
    body: B,
) -> Task<B, impl Future<Output = Result<T, Failure>>, E, T>
where
    B: AsyncFnMut(&mut Input<'_, E>) -> Result<T, Failure>,
    E: Events,
{
    fn with_future<B, F, E, T>(
        max_depth: u32,
        body: B,
        _: fn(Lent<Shared<B, E>>) -> F,
        make: fn(Lent<Shared<B, E>>, &mut MaybeUninit<F>),
    ) -> Task<B, F, E, T>
    where
        F: Future<Output = Result<T, Failure>>,
        E: Events,
    {
        let port = Port::new(
            max_depth,
            #[cfg(feature = "alloc")]
            Task::<B, F, E, T>::ROOT,
        );
        Task {
            shared: Shared { port, body: UnsafeCell::new(body) },
            make,
            future: UnsafeCell::new(MaybeUninit::uninit()),
            live: false,
            state: State::new(),
            output: None,
            entry: Entry::new("stackless"),
            _pinned: PhantomPinned,
        }
    }

    with_future(max_depth, body, drive::<B, E, T>, |shared, future| {
        _ = future.write(drive::<B, E, T>(shared));
    })
}

// SAFETY: I6: a shared task gives access to its `State` alone.
unsafe impl<B, F, E, T> Sync for Task<B, F, E, T>
where
    F: Future<Output = Result<T, Failure>>,
    E: Events,
{
}

impl<B, F, E, T> Task<B, F, E, T>
where
    F: Future<Output = Result<T, Failure>>,
    E: Events,
{
    #[cfg(feature = "alloc")]
    const ROOT: &'static Root = &Root {
        offset: offset_of!(Self, future).wrapping_sub(offset_of!(Self, shared.port)),
        size: size_of::<F>(),
    };

    /// Says in whose name the task is listed.
    #[cfg(all(feature = "generator", feature = "debug"))]
    pub(in crate::engine) fn list_as(self: Pin<&mut Self>, engine: &'static str) {
        // SAFETY: I5: the entry is not pinned.
        unsafe { self.get_unchecked_mut() }.entry.set_engine(engine);
    }

    #[cfg(feature = "generator")]
    pub(in crate::engine) fn overshoot(&self) -> Overshoot {
        self.shared.port.overshoot()
    }

    #[inline]
    fn run(self: Pin<&mut Self>, chunk: &[u8], sink: Option<&mut EventSink<'_, E>>) -> Progress {
        // SAFETY: I5: nothing is moved out of the task.
        let task = unsafe { self.get_unchecked_mut() };
        // SAFETY: I1: it is taken back below, or by the guard if anything unwinds.
        let special = unsafe { task.shared.port.lend(chunk, task.state.offset(), sink) };
        let _running = task.entry.run();
        let guard = PanicGuard(task);
        let task = &mut *guard.0;
        if !task.live {
            task.shared.port.begin();
            (task.make)(Lent(NonNull::from(&mut task.shared)), task.future.get_mut());
            task.live = true;
        }
        let mut cx = Context::from_waker(waker());
        let poll = if special { task.poll_specially(&mut cx) } else { task.poll_root(&mut cx) };
        let progress = if poll.is_pending() && task.shared.port.is_just_hungry() {
            let consumed = task.shared.port.take_back();
            task.state.need_more(consumed)
        } else {
            task.settle(poll, &mut cx)
        };
        if task.live {
            task.entry.wait();
        }
        mem::forget(guard);
        progress
    }

    #[inline(always)]
    fn poll_root(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Failure>> {
        // SAFETY: I5: the future is live, and pinned with its task.
        let future = unsafe { Pin::new_unchecked(self.future.get_mut().assume_init_mut()) };
        future.poll(cx)
    }

    /// Polls a run that has calls or a limit.
    #[cold]
    fn poll_specially(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Failure>> {
        self.shared.port.clamp();
        #[cfg(feature = "alloc")]
        loop {
            self.shared.port.count_poll();
            let ended = match self.shared.port.frames().map_or(Next::Root, CallStack::next) {
                Next::Root => {
                    let poll = self.poll_root(cx);
                    if poll.is_ready() {
                        return poll;
                    }
                    false
                }
                Next::Frame(frame) => self.shared.port.calls().poll(&frame, cx),
                Next::Stuck => false,
            };
            if !ended && !self.shared.port.take_called() {
                return Poll::Pending;
            }
        }
        #[cfg(not(feature = "alloc"))]
        self.poll_root(cx)
    }

    /// Ends a poll that did not just run out of input.
    #[cold]
    fn settle(&mut self, mut poll: Poll<Result<T, Failure>>, cx: &mut Context<'_>) -> Progress {
        if poll.is_pending() && self.shared.port.take_called() {
            poll = self.poll_specially(cx);
        }
        let hungry = poll.is_pending() && self.shared.port.is_hungry();
        // Asked before the body lifts its bounds.
        let exhausted = self.shared.port.exhausted();
        if !hungry {
            // I2: dropped while the chunk is still lent.
            self.drop_future();
        }
        if let Some(offset) = self.shared.port.take_value_start() {
            self.state.set_value_start(offset);
        }
        let consumed = self.shared.port.take_all_back();
        match poll {
            Poll::Pending if hungry => self.state.need_more(consumed),
            Poll::Pending => self.state.fail(consumed, exhausted.unwrap_or(ErrorKind::Stalled)),
            Poll::Ready(Err(failure)) => {
                let kind = failure.kind().unwrap_or(ErrorKind::UnexpectedEnd);
                self.state.fail_about(consumed, kind, self.shared.port.error_start())
            }
            Poll::Ready(Ok(output)) => {
                self.output = Some(output);
                self.state.succeed(consumed)
            }
        }
    }

    fn drop_future(&mut self) {
        if self.live {
            // Cleared first, so that a destructor that panics is not run again.
            self.live = false;
            self.entry.leave();
            #[cfg(feature = "alloc")]
            let _no_frames = self.shared.port.frames().map(NoFrames::new);
            // SAFETY: I5: it was live, and is not used again.
            unsafe { self.future.get_mut().assume_init_drop() };
        }
    }
}

/// Dropped only when the body, the sink or a destructor unwinds.
struct PanicGuard<'a, B, F, E, T>(&'a mut Task<B, F, E, T>)
where
    F: Future<Output = Result<T, Failure>>,
    E: Events;

impl<B, F, E, T> Drop for PanicGuard<'_, B, F, E, T>
where
    F: Future<Output = Result<T, Failure>>,
    E: Events,
{
    fn drop(&mut self) {
        // I2: a future written by hand may have kept a slice when it panicked.
        self.0.drop_future();
        if let Some(offset) = self.0.shared.port.take_value_start() {
            self.0.state.set_value_start(offset);
        }
        let port = &self.0.shared.port;
        // A sink that panicked in a window was told of bytes that have been read.
        let consumed = port.take_all_back().max(port.told.get());
        let _ = self.0.state.fail(consumed, ErrorKind::Panicked);
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
        let mut task = f.debug_struct("Task");
        task.field("state", &self.state);
        #[cfg(feature = "debug")]
        crate::debug::add_field(&mut task, self.waits_at());
        task.finish_non_exhaustive()
    }
}

impl<B, F, E, T> Sealed for Task<B, F, E, T>
where
    F: Future<Output = Result<T, Failure>>,
    E: Events,
{
    #[cfg(feature = "testing")]
    fn work(&self) -> u64 {
        self.state.offset() + self.shared.port.overshoot().bytes()
    }

    #[cfg(feature = "testing")]
    fn steps(&self) -> u64 {
        self.shared.port.overshoot().steps()
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
        if let Some(refusal) = self.state.refuse(chunk) {
            return refusal;
        }
        self.run(chunk, sink)
    }

    fn finish(mut self: Pin<&mut Self>, sink: Option<&mut EventSink<'_, E>>) -> Result<(), Error> {
        if self.state.status() == Status::NeedMoreInput {
            self.shared.port.finish();
            let _ = self.as_mut().run(&[], sink);
        }
        self.state.result()
    }

    #[inline]
    fn state(&self) -> &State {
        &self.state
    }

    fn reset_at(self: Pin<&mut Self>, offset: u64) {
        // SAFETY: I5: the future is dropped in place, and the fields that are replaced are not pinned.
        let task = unsafe { self.get_unchecked_mut() };
        task.shared.port.reopen(offset);
        task.state = State::at(offset);
        task.output = None;
        task.drop_future();
    }

    fn take_output(self: Pin<&mut Self>) -> Option<T> {
        // SAFETY: I5: only the output is moved, which is not pinned.
        unsafe { self.get_unchecked_mut() }.output.take()
    }

    #[cfg(feature = "debug")]
    fn waits_at(&self) -> Option<&'static Location<'static>> {
        self.entry.location()
    }
}

impl<P: DerefMut<Target: DynTask>> PushParser for Pin<P> {
    type Events = <P::Target as DynTask>::Events;
    type Output = <P::Target as DynTask>::Output;

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

    #[inline]
    fn state(&self) -> &State {
        DynTask::state(&**self)
    }

    fn take_output(&mut self) -> Option<Self::Output> {
        DynTask::take_output(self.as_mut())
    }

    fn reset_at(&mut self, offset: u64) {
        DynTask::reset_at(self.as_mut(), offset);
    }
}

#[cfg(feature = "testing")]
impl<P: DerefMut<Target: DynTask>> crate::testing::Work for Pin<P> {
    fn work(&self) -> u64 {
        Sealed::work(&**self)
    }

    fn steps(&self) -> u64 {
        Sealed::steps(&**self)
    }
}
