//! The parser of a coroutine body, and its driver.

use core::convert::Infallible;
use core::fmt;
use core::mem::ManuallyDrop;
use core::ptr::NonNull;
use std::io;
use std::panic::resume_unwind;

use corosensei::{Coroutine, CoroutineResult};

use super::frame::{Frame, StackTop, trampoline};
use super::input::{GivenUp, Input};
use super::options::Options;
use super::port::{Command, Ended, Port};
use super::stack::Pooled;
use crate::engine::READS_AFTER_END;
use crate::engine::overshoot::Overshoot;
use crate::error::{Error, ErrorKind, Failure};
use crate::parser::{
    Events, LocalSink, Progress, PushParser, State, Status, engine_methods, local_methods,
};

/// Extra bytes on every stack, kept free by [`Input::nested`] for the innermost body, its sink and a
/// panic, whose backtrace alone takes some 20 KiB.
const RESERVE: usize = 32 << 10;

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
    coroutine: ManuallyDrop<Coroutine<(), Ended, Infallible, Pooled>>,
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
        let extra = RESERVE + size_of::<StackTop<B, E, T>>() + align_of::<StackTop<B, E, T>>();
        let mut stack = Pooled::new(self.stack_size.saturating_add(extra))?;
        let lowest = stack.lowest();
        let port = Port::new(self.max_depth, lowest..lowest + RESERVE);
        let top = stack.push(StackTop::new(port, body));
        let coroutine = Coroutine::with_stack(stack, move |yielder, ()| {
            // SAFETY: I5: it lies on this very stack, and is dropped once the coroutine no longer runs.
            trampoline(yielder, unsafe { top.as_ref() })
        });
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

    /// Takes the value's output; `Some` once after [`Status::Success`].
    pub fn take_output(&mut self) -> Option<T> {
        self.output.take()
    }

    local_methods!(E);

    #[inline]
    fn parse(&mut self, chunk: &[u8], sink: Option<&mut LocalSink<'_, E>>) -> Progress {
        if let Some(refusal) = self.state.refuse(chunk) {
            return refusal;
        }
        let lent = sink.is_some();
        // SAFETY: I1: resumed and taken back right below; a resume does not unwind.
        unsafe { self.frame().port.lend(chunk, self.state.offset(), sink) };
        let ended = self.resume();
        // Decided by the argument, which is a constant in `feed`, and not by a load from the port.
        if lent {
            self.frame().port.take_back();
        }
        if ended { self.take_result() } else { self.state.need_more(chunk.len()) }
    }

    fn close(&mut self, sink: Option<&mut LocalSink<'_, E>>) -> Result<(), Error> {
        if self.state.status() == Status::NeedMoreInput {
            self.end(Command::Finish, sink);
            let _ = self.take_result();
        }
        self.state.result()
    }

    #[inline(always)]
    fn frame(&self) -> &Frame<E, T> {
        // SAFETY: I5. All of it is cells, or shared.
        unsafe { self.frame.as_ref() }
    }

    /// Resumes the body; true when it has ended. It does not unwind: the trampoline catches panics.
    #[inline(always)]
    fn resume(&mut self) -> bool {
        match self.coroutine.resume(()) {
            CoroutineResult::Yield(ended) => ended,
            CoroutineResult::Return(never) => match never {},
        }
    }

    /// Ends the parser with the result of the run that has ended, and rethrows the panic of the body.
    #[cold]
    fn take_result(&mut self) -> Progress {
        let frame = self.frame();
        let (consumed, result) = (frame.consumed.get(), frame.result.take());
        match result {
            Some(Ok(Ok(output))) => {
                self.output = Some(output);
                self.state.succeed(consumed)
            }
            Some(Ok(Err(failure))) => {
                let kind = failure.kind().unwrap_or(ErrorKind::UnexpectedEnd);
                self.state.fail(consumed, kind)
            }
            Some(Err(payload))
                if payload.downcast_ref() == Some(&GivenUp(frame.port.address())) =>
            {
                self.state.fail(consumed, ErrorKind::UnexpectedEnd)
            }
            Some(Err(payload)) => {
                let _ = self.state.fail(consumed, ErrorKind::Panicked);
                resume_unwind(payload)
            }
            // Lost: there was no end of the run.
            None => self.state.fail(0, ErrorKind::UnexpectedEnd),
        }
    }

    /// Ends a body that is suspended half-way. Its result is discarded.
    fn abandon(&mut self) {
        if self.frame().running.get() && !self.lost {
            self.end(Command::Abandon, None);
        }
    }

    /// Resumes the body with nothing more to read until it ends, or is lost.
    fn end(&mut self, command: Command, sink: Option<&mut LocalSink<'_, E>>) {
        let Frame { port, running, .. } = self.frame();
        port.command.set(command);
        // SAFETY: I1: taken back below; a resume does not unwind.
        unsafe { port.lend(&[], self.state.offset(), sink) };
        // A body that is not running is started by one resume more.
        let resumes = READS_AFTER_END + u8::from(!running.get());
        let mut ended = (0..resumes).any(|_| self.resume());
        if !ended {
            self.frame().port.exhausted.set(true);
            ended = self.resume();
        }
        self.frame().port.take_back();
        self.lost = !ended;
    }
}

impl<E: Events, T: 'static> PushParser for Parser<E, T> {
    type Events = E;

    engine_methods!(E);

    fn reset_at(&mut self, offset: u64) {
        self.abandon();
        let port = &self.frame().port;
        port.command.set(Command::Feed);
        port.exhausted.set(false);
        port.overshoot.set(Overshoot::NONE);
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
        if self.lost {
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

impl<E: Events, T> fmt::Debug for Parser<E, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parser").field("state", &self.state).finish_non_exhaustive()
    }
}

#[cfg(feature = "testing")]
impl<E: Events, T: 'static> crate::testing::Work for Parser<E, T> {
    fn work(&self) -> u64 {
        self.state.offset() + self.frame().port.overshoot.get().bytes()
    }
}
