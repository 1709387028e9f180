//! The parser of a coroutine body, and its driver.

use core::convert::Infallible;
use core::fmt;
use core::mem::ManuallyDrop;
use core::ptr::NonNull;
use std::io;
use std::panic::resume_unwind;
#[cfg(feature = "debug")]
use std::rc::Rc;
use std::thread::panicking;

use corosensei::stack::Stack;
use corosensei::{Coroutine, CoroutineResult};

use super::frame::{Frame, StackTop, trampoline};
use super::input::Input;
use super::options::Options;
use super::port::{ABANDONED, ENDED, LOST, PAUSED, Port, Special, UNWINDING};
use super::stack::Pooled;
#[cfg(feature = "debug")]
use super::suspended::Suspended;
use super::wait::GivenUp;
use crate::error::{Error, ErrorKind, Failure};
use crate::parser::{
    Events, LocalParser, LocalSink, Progress, PushParser, State, Status, engine_methods,
    local_methods, local_parser,
};

/// Extra bytes on every stack, kept free by [`Input::nested`] for the innermost body, its sink and a
/// panic, whose backtrace alone takes some 20 KiB.
pub(super) const RESERVE: usize = 32 << 10;

/// Outputs for which every stack has extra room, twice: for the frames of the body, and for the
/// innermost one and all that its result passes through. A build that does not optimise copies a result
/// from frame to frame.
const OUTPUTS: usize = if cfg!(debug_assertions) { 16 } else { 4 };

/// A coroutine whose output is its [`Special`] message and whose body never returns.
pub(super) type RawCoroutine = Coroutine<(), Special, Infallible, Pooled>;

#[cfg(feature = "debug")]
type Held = Rc<Suspended>;
#[cfg(not(feature = "debug"))]
type Held = RawCoroutine;

/// A plain function as a push parser.
///
/// # How it is built
/// ```text
///  the parser's stack, from the top down
///  ┌──────────────────┐
///  │ StackTop: frame  │◄── frame: port, result of the last run
///  │           body   │
///  ├──────────────────┤◄── where the coroutine begins
///  │ trampoline       │    a loop around the body, which catches its panics
///  │ body(&mut Input) │    suspended in a read, while `running`
///  └──────────────────┘
/// ```
/// Frame and body have a stable address without an allocation, and outlive every run. Between runs
/// the coroutine is suspended in the trampoline, or has not begun. Nothing on its stack then needs to
/// be dropped, and the stack can be reused without a switch.
pub struct Parser<E: Events = (), T: 'static = ()> {
    /// Dropped by hand, because its own `Drop` would unwind the body.
    coroutine: ManuallyDrop<Held>,
    /// The beginning of a [`StackTop`] on the coroutine's stack (I5).
    frame: NonNull<Frame<E, T>>,
    state: State,
    /// Set when the body could not be ended: it kept reading, and was not unwound, because it caught
    /// the panic or because the build does not unwind. The body is then suspended for good.
    lost: bool,
    output: Option<T>,
}

impl Options {
    /// Creates a parser at the start of its input.
    ///
    /// # Errors
    /// If no stack can be allocated.
    pub fn parser<B, E, T>(self, body: B) -> io::Result<Parser<E, T>>
    where
        B: for<'p> FnMut(&mut Input<'p, E>) -> Result<T, Failure> + 'static,
        E: Events,
        T: 'static,
    {
        let top = size_of::<StackTop<B, E, T>>().saturating_add(align_of::<StackTop<B, E, T>>());
        let outputs = size_of::<T>().saturating_add(align_of::<T>()).saturating_mul(OUTPUTS);
        let reserve = outputs.saturating_add(RESERVE);
        let size = [outputs, reserve, top].into_iter().fold(self.stack_size, usize::saturating_add);
        let mut stack = Pooled::new(size)?;
        let allowed = stack.lowest() + reserve..stack.base().get();
        let port = Port::new(self.max_depth, allowed);
        let top = stack.push(StackTop::new(port, body));
        let coroutine = Coroutine::with_stack(stack, move |yielder, ()| {
            // SAFETY: I5: it lies on this very stack, and is dropped once the coroutine no longer runs.
            trampoline(yielder, unsafe { top.as_ref() })
        });
        #[cfg(feature = "debug")]
        let coroutine = Suspended::new(coroutine);
        Ok(Parser {
            coroutine: ManuallyDrop::new(coroutine),
            frame: top.cast(),
            state: State::new(),
            lost: false,
            output: None,
        })
    }
}

impl<E: Events, T: 'static> Parser<E, T> {
    /// Creates a parser at the start of its input, with the default [`Options`].
    ///
    /// # Panics
    /// If no stack can be allocated; [`try_new`](Self::try_new) returns that error.
    pub fn new<B>(body: B) -> Self
    where
        B: for<'p> FnMut(&mut Input<'p, E>) -> Result<T, Failure> + 'static,
    {
        match Self::try_new(body) {
            Ok(parser) => parser,
            Err(error) => panic!("no stack for a coroutine: {error}"),
        }
    }

    /// Creates a parser at the start of its input, with the default [`Options`].
    ///
    /// # Errors
    /// If no stack can be allocated.
    pub fn try_new<B>(body: B) -> io::Result<Self>
    where
        B: for<'p> FnMut(&mut Input<'p, E>) -> Result<T, Failure> + 'static,
    {
        Options::new().parser(body)
    }

    local_methods!(E);

    #[inline]
    fn parse(&mut self, chunk: &[u8], sink: Option<&mut LocalSink<'_, E>>) -> Progress {
        if let Some(refusal) = self.state.refuse(chunk) {
            return refusal;
        }
        if panicking() {
            return self.run_unwinding(chunk, sink);
        }
        self.run(chunk, sink)
    }

    #[inline(always)]
    fn run(&mut self, chunk: &[u8], sink: Option<&mut LocalSink<'_, E>>) -> Progress {
        let lent = sink.is_some();
        // SAFETY: I1: resumed and taken back right below; a resume does not unwind.
        unsafe { self.frame().port.lend(chunk, self.state.offset(), sink) };
        let special = self.resume();
        self.frame().port.take_back(lent);
        if special { self.settle() } else { self.state.need_more(chunk.len()) }
    }

    /// Runs the body in a destructor of a thread that unwinds. Its reads wait all the same (I7).
    #[cold]
    #[inline(never)]
    fn run_unwinding(&mut self, chunk: &[u8], sink: Option<&mut LocalSink<'_, E>>) -> Progress {
        self.frame().port.set(UNWINDING);
        self.run(chunk, sink)
    }

    fn close(&mut self, sink: Option<&mut LocalSink<'_, E>>) -> Result<(), Error> {
        if self.state.status() == Status::NeedMoreInput {
            self.end(ENDED, sink);
            let _ = self.settle();
        }
        self.state.result()
    }

    #[inline(always)]
    fn frame(&self) -> &Frame<E, T> {
        // SAFETY: I5. All of it is cells, or shared.
        unsafe { self.frame.as_ref() }
    }

    /// Resumes the body. It does not unwind: the trampoline catches panics.
    #[inline(always)]
    fn resume(&mut self) -> Special {
        let CoroutineResult::Yield(special) = self.coroutine.resume(());
        #[cfg(feature = "debug")]
        self.coroutine.set_waits(self.frame().running.get() && !self.frame().port.is(LOST));
        special
    }

    /// Ends a call that did not just use up its chunk.
    #[cold]
    #[inline(never)]
    fn settle(&mut self) -> Progress {
        let Frame { port, running, .. } = self.frame();
        let (consumed, flags) = (port.consumed.get(), port.flags.get());
        let waits = running.get() && flags & LOST == 0;
        if flags != 0 {
            let value_start = port.take_value_start();
            port.clear(PAUSED | UNWINDING);
            self.lost = flags & LOST != 0;
            if let Some(offset) = value_start {
                self.state.set_value_start(offset);
            }
        }
        if waits { self.state.need_more(consumed) } else { self.take_result(consumed) }
    }

    /// Ends the parser with the result of the run that has ended, and rethrows the panic of the body.
    fn take_result(&mut self, consumed: usize) -> Progress {
        let frame = self.frame();
        let failure = match frame.result.take() {
            Some(Ok(Ok(output))) => {
                self.output = Some(output);
                return self.state.succeed(consumed);
            }
            Some(Ok(Err(failure))) => failure,
            Some(Err(payload))
                if payload.downcast_ref() != Some(&GivenUp(frame.port.address())) =>
            {
                let _ = self.state.fail(consumed, ErrorKind::Panicked);
                resume_unwind(payload)
            }
            // Given up, or lost: there was no end of the run.
            Some(Err(_)) | None => frame.port.last_end.get().into(),
        };
        let kind = failure.kind().unwrap_or(ErrorKind::UnexpectedEnd);
        let about = frame.port.error_start();
        self.state.fail_about(consumed, kind, about)
    }

    /// The calls of the body if it waits half-way through a value. There are none if its stack has no room
    /// left for a look at it, or if it waits in the sink of a coroutine inside it, on that one's stack.
    ///
    /// The body is resumed and suspends again in the read that it waits in. Takes the time of a backtrace,
    /// some milliseconds for the first one of a process.
    #[cfg(feature = "debug")]
    pub fn backtrace(&self) -> Option<crate::debug::Stack> {
        self.coroutine.stack()
    }

    /// Ends a body that is suspended half-way. Its result is discarded.
    fn abandon(&mut self) {
        let Frame { port, running, .. } = self.frame();
        if running.get() && !self.lost && !port.is_lent() {
            self.end(ENDED | ABANDONED, None);
            self.lost = self.frame().port.is(LOST);
        }
    }

    /// Resumes the body with nothing more to read, until it ends or is lost.
    fn end(&mut self, flags: u8, sink: Option<&mut LocalSink<'_, E>>) {
        let port = &self.frame().port;
        port.close(flags);
        if panicking() {
            port.set(UNWINDING);
        }
        // SAFETY: I1: taken back below; a resume does not unwind.
        unsafe { port.lend(&[], self.state.offset(), sink) };
        let _ = self.resume();
        self.frame().port.take_back(true);
    }
}

impl<E: Events, T: 'static> PushParser for Parser<E, T> {
    type Events = E;
    type Output = T;

    engine_methods!(E);

    fn take_output(&mut self) -> Option<T> {
        self.output.take()
    }

    fn reset_at(&mut self, offset: u64) {
        self.abandon();
        self.frame().port.reopen(offset);
        self.state = State::at(offset);
        self.output = None;
        if self.lost {
            let _ = self.state.fail(0, ErrorKind::Stalled);
        }
    }
}

impl<E: Events, T> Drop for Parser<E, T> {
    fn drop(&mut self) {
        self.abandon();
        // A parser that runs is dropped only where the process ends in its body or in its sink, and
        // destroys the thread-local that holds the parser. Its stack is the one in use. Not asked of the
        // coroutine, which the compiler takes for borrowed by the call under way.
        if self.lost || self.frame().port.is_lent() {
            return;
        }
        // SAFETY: I5: the body is not running, so the frame and the body are all that needs to be
        // dropped, and they are dropped before the stack is given back. Nothing is used again.
        unsafe {
            self.coroutine.force_reset();
            Frame::drop_with_body(self.frame);
            ManuallyDrop::drop(&mut self.coroutine);
        }
    }
}

impl<E: Events, T: 'static> LocalParser for Parser<E, T> {
    local_parser!(E);
}

impl<E: Events, T> fmt::Debug for Parser<E, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parser = f.debug_struct("Parser");
        parser.field("state", &self.state);
        #[cfg(feature = "debug")]
        if let Some(stack) = self.coroutine.stack() {
            crate::debug::add_field(&mut parser, stack.calls().first());
        }
        parser.finish_non_exhaustive()
    }
}

#[cfg(feature = "testing")]
/// Without steps: the body is resumed once for a chunk, wherever it stands.
impl<E: Events, T: 'static> crate::testing::Work for Parser<E, T> {
    fn work(&self) -> u64 {
        self.state.offset() + self.frame().port.overshoot.get().bytes()
    }
}
