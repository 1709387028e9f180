//! State as code, in a genawaiter generator: the `async` bodies of [`stackless`], driven by the
//! generator crate that people know.
//!
//! The generator yields after each chunk and is resumed with the next. Inside it a [`Task`] runs as it
//! does without the generator, so the two engines differ only in cost.
//!
//! ```
//! use pushdown::engine::generator::{Input, Parser};
//! use pushdown::{PushParser, Status};
//!
//! let mut parser = Parser::new(async |input: &mut Input<'_>| {
//!     input.expect(b'o').await?;
//!     input.expect(b'k').await
//! });
//! assert_eq!(parser.feed(b"o").status, Status::NeedMoreInput);
//! assert_eq!(parser.feed(b"k").status, Status::Success);
//! ```
//!
//! genawaiter's generators stay on their thread, and so do these parsers:
//!
//! ```compile_fail,E0277
//! fn send<T: Send>() {}
//! send::<pushdown::engine::generator::Parser>();
//! ```
//!
//! [`stackless`]: super::stackless

use core::any::Any;
use core::fmt;
use core::mem;
use core::panic::AssertUnwindSafe;
#[cfg(feature = "debug")]
use core::panic::Location;
use core::pin::{Pin, pin};
use core::ptr::NonNull;
use std::boxed::Box;
use std::panic::{catch_unwind, resume_unwind};

use genawaiter::rc::{Co, Gen};

use super::stackless::{DynTask, Task};
pub use super::stackless::{Emit, Input, Limited, Options};
use crate::engine::overshoot::Overshoot;
use crate::error::{Error, Failure};
use crate::parser::{EventSink, Events, Progress, PushParser, State, Status, engine_methods};

/// An `async` body in a generator, as a push parser.
pub struct Parser<E: Events = (), T: 'static = ()> {
    resume: Box<dyn FnMut(CallPtr<E, T>)>,
    /// A copy of the task's, which is out of reach inside the generator. Every call brings it up to
    /// date, and checks before that that the two agree.
    state: State,
    /// A copy, like `state`.
    overshoot: Overshoot,
    /// The offset of a reset that the task has not made yet.
    restart: Option<u64>,
    /// A copy, like `state`.
    #[cfg(feature = "debug")]
    waits_at: Option<&'static Location<'static>>,
}

/// A call of the task: what to do, and what came of it.
struct Call<'a, E: Events, T> {
    /// A reset to make first.
    restart: Option<u64>,
    command: Command<'a, E>,
    consumed: usize,
    /// The parser's copies, which the call brings up to date.
    state: &'a mut State,
    overshoot: &'a mut Overshoot,
    #[cfg(feature = "debug")]
    waits_at: &'a mut Option<&'static Location<'static>>,
    output: Option<T>,
    panic: Option<Box<dyn Any + Send>>,
}

enum Command<'a, E: Events> {
    Feed(&'a [u8], Option<&'a mut EventSink<'a, E>>),
    Finish(Option<&'a mut EventSink<'a, E>>),
    Reset,
    TakeOutput,
}

/// A pointer to a [`Call`], for the way through the generator, whose argument may not borrow.
///
/// # The invariant
/// The call is borrowed by [`Parser::call`] until the generator has yielded again. By then the
/// generator has dropped its reference: it does not keep one across a yield.
/// (Watched by AddressSanitizer in `hostile/lent.rs`, which frees each chunk right after its call.)
struct CallPtr<E: Events, T: 'static>(NonNull<Call<'static, E, T>>);

impl<E: Events, T: 'static> Parser<E, T> {
    /// Creates a parser at the start of its input.
    pub fn new<B>(body: B) -> Self
    where
        B: AsyncFnMut(&mut Input<'_, E>) -> Result<T, Failure> + 'static,
    {
        Self::with_options(Options::new(), body)
    }

    /// Creates a parser at the start of its input, with these options.
    pub fn with_options<B>(options: Options, body: B) -> Self
    where
        B: AsyncFnMut(&mut Input<'_, E>) -> Result<T, Failure> + 'static,
    {
        let mut generator = Gen::new(async move |co: Co<(), CallPtr<E, T>>| {
            let mut task = pin!(options.task(body));
            #[cfg(feature = "debug")]
            task.as_mut().list_as("generator");
            loop {
                let CallPtr(mut call) = co.yield_(()).await;
                // SAFETY: the invariant of `CallPtr`: `Parser::call` waits for the next yield.
                execute(task.as_mut(), unsafe { call.as_mut() });
            }
        });
        // genawaiter discards the argument of the first resume.
        generator.resume_with(CallPtr(NonNull::dangling()));
        Self {
            resume: Box::new(move |call| {
                generator.resume_with(call);
            }),
            state: State::new(),
            overshoot: Overshoot::NONE,
            restart: None,
            #[cfg(feature = "debug")]
            waits_at: None,
        }
    }

    /// The line of the read that the body waits in, half-way through a value.
    #[cfg(feature = "debug")]
    pub fn waits_at(&self) -> Option<&'static Location<'static>> {
        self.waits_at
    }

    /// Has the task execute a command.
    #[inline]
    fn call<'a>(&'a mut self, command: Command<'a, E>) -> Call<'a, E, T> {
        let mut call = Call {
            restart: self.restart.take(),
            command,
            consumed: 0,
            state: &mut self.state,
            overshoot: &mut self.overshoot,
            #[cfg(feature = "debug")]
            waits_at: &mut self.waits_at,
            output: None,
            panic: None,
        };
        (self.resume)(CallPtr(NonNull::from(&mut call).cast()));
        if let Some(payload) = call.panic.take() {
            resume_unwind(payload);
        }
        call
    }

    #[inline]
    fn parse(&mut self, chunk: &[u8], sink: Option<&mut EventSink<'_, E>>) -> Progress {
        if let Some(refusal) = self.state.refuse(chunk) {
            return refusal;
        }
        let sink = sink.map(|sink| -> &mut EventSink<'_, E> { sink });
        let call = self.call(Command::Feed(chunk, sink));
        Progress { consumed: call.consumed, status: call.state.status() }
    }

    fn close(&mut self, sink: Option<&mut EventSink<'_, E>>) -> Result<(), Error> {
        if self.state.status() == Status::NeedMoreInput {
            let sink = sink.map(|sink| -> &mut EventSink<'_, E> { sink });
            self.call(Command::Finish(sink));
        }
        self.state.result()
    }
}

/// The other end of [`Parser::call`], inside the generator.
#[inline]
fn execute<B, F, E, T>(mut task: Pin<&mut Task<B, F, E, T>>, call: &mut Call<'_, E, T>)
where
    F: Future<Output = Result<T, Failure>>,
    E: Events,
{
    // A panic must not unwind the generator, which could not be resumed after it.
    let done = catch_unwind(AssertUnwindSafe(|| {
        if let Some(offset) = call.restart {
            task.as_mut().reset_at(offset);
        }
        debug_assert_eq!(*task.state(), *call.state, "the parser's copy");
        debug_assert_eq!(task.overshoot(), *call.overshoot, "the parser's copy");
        match &mut call.command {
            Command::Feed(chunk, sink) => {
                call.consumed = task.as_mut().feed(chunk, sink.take()).consumed;
            }
            Command::Finish(sink) => drop(task.as_mut().finish(sink.take())),
            Command::Reset => {}
            Command::TakeOutput => call.output = task.as_mut().take_output(),
        }
    }));
    *call.state = *task.state();
    *call.overshoot = task.overshoot();
    #[cfg(feature = "debug")]
    {
        *call.waits_at = task.waits_at();
    }
    call.panic = done.err();
}

impl<E: Events, T: 'static> PushParser for Parser<E, T> {
    type Events = E;
    type Output = T;

    engine_methods!(E);

    fn take_output(&mut self) -> Option<T> {
        self.call(Command::TakeOutput).output
    }

    fn reset_at(&mut self, offset: u64) {
        let half_way = self.state.status() == Status::NeedMoreInput;
        self.state = State::at(offset);
        self.restart = Some(offset);
        self.overshoot = Overshoot::NONE;
        #[cfg(feature = "debug")]
        {
            self.waits_at = None;
        }
        // If the body has ended and left no output, the next call brings the reset along.
        if half_way || mem::needs_drop::<T>() {
            self.call(Command::Reset);
        }
    }
}

/// The reason that the compiler gives for refusing to send a generator to another thread.
mod thread_bound {
    use core::marker::PhantomData;

    /// Implemented for nothing. It is public, and out of reach, because the implementation of `Send`
    /// below names it.
    #[diagnostic::on_unimplemented(
        message = "a parser of the `generator` engine stays on the thread that made it",
        label = "here it would have to be `Send`",
        note = "`pushdown::engine::stackless` runs the same body, and its parsers are `Send` if the body is"
    )]
    pub trait LeavesItsThread {}

    /// It has a parameter because a bound without one is an error.
    #[derive(Debug)]
    pub struct Generator<E>(PhantomData<E>);
}

// SAFETY: never applies. It replaces what the fields forbid, so that the compiler names the reason and
// not a field.
unsafe impl<E: Events, T> Send for Parser<E, T> where
    thread_bound::Generator<E>: thread_bound::LeavesItsThread
{
}

impl<E: Events, T: 'static> fmt::Debug for Parser<E, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parser = f.debug_struct("Parser");
        parser.field("state", &self.state);
        #[cfg(feature = "debug")]
        crate::debug::add_field(&mut parser, self.waits_at);
        parser.finish_non_exhaustive()
    }
}

#[cfg(feature = "testing")]
impl<E: Events, T: 'static> crate::testing::Work for Parser<E, T> {
    fn work(&self) -> u64 {
        self.state.offset() + self.overshoot.bytes()
    }

    fn steps(&self) -> u64 {
        self.overshoot.steps()
    }
}
