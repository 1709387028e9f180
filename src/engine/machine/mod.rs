//! State as data: turns a step function over an explicit state into a push parser.
//!
//! Nothing is suspended here and nothing lives behind a pointer. A machine can be cloned in the
//! middle of its input, stored and compared, and the compiler can inline all of it.
//!
//! ```
//! use core::ops::ControlFlow::{self, Break, Continue};
//! use pushdown::engine::machine::{Input, Machine, Parser};
//! use pushdown::{ErrorKind, Failure, PushParser, Status};
//!
//! /// A decimal number and its full stop.
//! #[derive(Clone, Default)]
//! struct Number {
//!     value: u64,
//! }
//!
//! impl Machine for Number {
//!     type Events = ();
//!     type Output = u64;
//!
//!     fn step(&mut self, input: &mut Input<'_>) -> Result<ControlFlow<u64>, Failure> {
//!         match input.next()? {
//!             digit @ b'0'..=b'9' => {
//!                 self.value = 10 * self.value + u64::from(digit - b'0');
//!                 Ok(Continue(()))
//!             }
//!             b'.' => Ok(Break(self.value)),
//!             _ => Err(input.fail(ErrorKind::UnexpectedByte)),
//!         }
//!     }
//!
//!     fn reset(&mut self) {
//!         *self = Self::default();
//!     }
//! }
//!
//! let mut parser = Parser::new(Number::default());
//! assert_eq!(parser.feed(b"4").status, Status::NeedMoreInput);
//! assert_eq!(parser.feed(b"2.").status, Status::Success);
//! assert_eq!(parser.take_output(), Some(42));
//! ```
//!
//! # The fast shape
//! A step that is called for every byte costs the call, and the state goes through memory. Two things
//! avoid it: `#[inline]` lets the driver's loop absorb the step, and a loop in the step makes one call
//! of all the transitions of a chunk. Both are worth writing, because the loop does not depend on what
//! the compiler inlines. In the benchmark `bodies` (`cargo bench --bench bodies -- machine`) a step
//! that is called for every byte takes more than twice as long as either.
//!
//! The state is stored before the next read, so a chunk may end at any of them:
//!
//! ```
//! use core::ops::ControlFlow::{self, Break};
//! use pushdown::engine::machine::{Input, Machine, Parser};
//! use pushdown::{Failure, PushParser, Status};
//!
//! /// A block comment up to its `*/`.
//! enum Comment {
//!     Inside,
//!     Star,
//! }
//!
//! impl Machine for Comment {
//!     type Events = ();
//!     type Output = ();
//!
//!     #[inline]
//!     fn step(&mut self, input: &mut Input<'_>) -> Result<ControlFlow<()>, Failure> {
//!         loop {
//!             *self = match (&self, input.next()?) {
//!                 (Self::Star, b'/') => return Ok(Break(())),
//!                 (_, b'*') => Self::Star,
//!                 _ => Self::Inside,
//!             };
//!         }
//!     }
//!
//!     fn reset(&mut self) {
//!         *self = Self::Inside;
//!     }
//! }
//!
//! let mut parser = Parser::new(Comment::Inside);
//! assert_eq!(parser.feed(b"a * b **").status, Status::NeedMoreInput);
//! assert_eq!(parser.feed(b"/ c").consumed, 1);
//! ```

mod composed;
mod input;
mod memory;
mod run;

use core::mem;
use core::ops::ControlFlow::{self, Break};

use crate::error::{Error, ErrorKind, Failure};
use crate::parser::{
    Events, LocalParser, LocalSink, Progress, PushParser, State, Status, engine_methods,
    local_methods, local_parser,
};
pub use composed::Partial;
pub use input::Input;
use memory::{Exhausted, Memory};
pub use run::Emit;

/// A state and the step that advances it.
///
/// # The contract of a step
/// * It is called while there is a byte to read, and once more, with nothing to read, when the
///   input is finished. To accept the end there it returns `Break`.
/// * It makes one transition, or several. A read that finds the chunk used up returns
///   [`End::InputEmpty`](crate::End::InputEmpty). Propagate it with `?`: the next chunk calls the
///   step again from the top. Save what was learnt in `self` before the next read; one read per
///   state is always safe. The same goes for a [pause](PushParser#pausing), which takes effect at the
///   read after an `emit`: never emit between a `peek` and the `next` that takes its byte, or the
///   event is reported twice.
/// * It starts with nothing read: `fail` as its first act blames the next byte.
/// * At a [bound](crate::engine#bounds) it is called with nothing to read, too, and its read returns
///   the bound's answer. At the end of a frame it sets the bound that was there before, or ends.
/// * The transition that completes the value returns `Break` at once. Returning `Continue` and
///   leaving the rest to a step that reads nothing would succeed one byte late.
pub trait Machine {
    /// The events that the machine emits.
    type Events: Events;
    /// The value's output.
    type Output;

    /// Makes one transition or several: `Continue` on the way, `Break` at the end of the value.
    ///
    /// # Errors
    /// [`Input::fail`] for bad input, or what a read returned.
    fn step(
        &mut self,
        input: &mut Input<'_, Self::Events>,
    ) -> Result<ControlFlow<Self::Output>, Failure>;

    /// Returns to the initial state. Memory may be kept.
    fn reset(&mut self);
}

/// A [`Machine`] as a push parser.
#[derive(Clone, Debug)]
pub struct Parser<M: Machine> {
    machine: M,
    state: State,
    output: Option<M::Output>,
    memory: Memory,
}

impl<M: Machine> Parser<M> {
    /// Creates a parser at the start of its input, from a machine in its initial state.
    pub fn new(machine: M) -> Self {
        Self { machine, state: State::new(), output: None, memory: Memory::new(0) }
    }

    /// Returns the machine, with its state.
    pub fn machine(&self) -> &M {
        &self.machine
    }

    /// Lends the machine, to set its options.
    #[cfg(feature = "alloc")]
    pub(crate) fn machine_mut(&mut self) -> &mut M {
        &mut self.machine
    }

    local_methods!(M::Events);

    #[inline]
    fn parse(&mut self, chunk: &[u8], sink: Option<&mut LocalSink<'_, M::Events>>) -> Progress {
        if let Some(refusal) = self.state.refuse(chunk) {
            return refusal;
        }
        self.run(chunk, sink)
    }

    fn close(&mut self, sink: Option<&mut LocalSink<'_, M::Events>>) -> Result<(), Error> {
        if self.state.status() == Status::NeedMoreInput {
            self.memory.finished = true;
            self.memory.special = true;
            let _ = self.run(&[], sink);
        }
        self.state.result()
    }

    #[inline]
    fn run(&mut self, chunk: &[u8], sink: Option<&mut LocalSink<'_, M::Events>>) -> Progress {
        let sink = sink.map(|sink| -> &mut LocalSink<'_, M::Events> { sink });
        let base = self.state.offset();
        let mut guard = PanicGuard {
            input: Input::new(chunk, base, sink, &mut self.memory),
            state: &mut self.state,
        };
        let end = loop {
            let start = guard.input.consumed();
            guard.input.count_step();
            match self.machine.step(&mut guard.input) {
                Ok(Break(output)) => break Ok(output),
                Err(failure) if let Some(kind) = failure.kind() => {
                    guard.input.blame_from(start);
                    break Err(Some(kind));
                }
                _ if guard.input.has_more() => {}
                _ => match guard.input.exhausted() {
                    Exhausted::CallAgain => {}
                    Exhausted::NeedMore => break Err(None),
                    Exhausted::Failed(kind) => break Err(Some(kind)),
                },
            }
        };
        let consumed = guard.input.consumed();
        mem::forget(guard);
        if self.memory.special
            && let Some(offset) = self.memory.settle()
        {
            self.state.set_value_start(offset);
        }
        match end {
            Ok(output) => {
                self.output = Some(output);
                self.state.succeed(consumed)
            }
            Err(None) => self.state.need_more(consumed),
            Err(Some(kind)) => self.state.fail_about(consumed, kind, self.memory.error_start),
        }
    }
}

/// Dropped only when a step, or the sink it calls, unwinds.
struct PanicGuard<'a, 'c, E: Events> {
    input: Input<'c, E>,
    state: &'a mut State,
}

impl<E: Events> Drop for PanicGuard<'_, '_, E> {
    fn drop(&mut self) {
        if let Some(offset) = self.input.settle() {
            self.state.set_value_start(offset);
        }
        let _ = self.state.fail(self.input.consumed(), ErrorKind::Panicked);
    }
}

impl<M: Machine> PushParser for Parser<M> {
    type Events = M::Events;
    type Output = M::Output;

    engine_methods!(M::Events);

    fn take_output(&mut self) -> Option<M::Output> {
        self.output.take()
    }

    fn reset_at(&mut self, offset: u64) {
        self.machine.reset();
        self.state = State::at(offset);
        self.output = None;
        self.memory = Memory::new(offset);
    }
}

impl<M: Machine> LocalParser for Parser<M> {
    local_parser!(M::Events);
}

#[cfg(feature = "testing")]
impl<M: Machine> crate::testing::Work for Parser<M> {
    fn work(&self) -> u64 {
        self.state.offset() + self.memory.overshoot.bytes()
    }

    fn steps(&self) -> u64 {
        self.memory.overshoot.steps()
    }
}
