//! State as data: a step function over an explicit state becomes a push parser.
//!
//! Nothing is suspended here and nothing lives behind a pointer, so a machine can be cloned in the
//! middle of its input, stored and compared, and the compiler sees all of it.
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

mod input;

use core::mem;
use core::ops::ControlFlow::{self, Break};

use crate::engine::overshoot::Overshoot;
use crate::error::{Error, ErrorKind, Failure};
use crate::parser::{EventSink, Events, LocalSink, Progress, PushParser, Standing, Status};
pub use input::Input;

/// A state and the step that moves it along.
///
/// # The contract of a step
/// * It is called while there is a byte to read, and once more, with nothing to read, when the
///   input is finished: to accept the end it returns `Break` then.
/// * It makes one transition. A read that finds the chunk used up returns
///   [`End::InputEmpty`](crate::End::InputEmpty); the step hands it on with `?`, and is called again from the
///   top with the next chunk. So everything it learnt before that read must already be in `self`.
///   The safe shape is one read to a state.
/// * The transition that completes the value returns `Break` itself. One that returned `Continue`
///   and left the rest to a step that reads nothing would succeed one byte late.
pub trait Machine {
    /// The events it emits.
    type Events: Events;
    /// What it makes of the value.
    type Output;

    /// Makes one transition: `Continue` on the way, `Break` at the end of the value.
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
    standing: Standing,
    output: Option<M::Output>,
    overshoot: Overshoot,
}

impl<M: Machine> Parser<M> {
    /// A parser at the start of its input. The machine is in its initial state.
    pub fn new(machine: M) -> Self {
        Self { machine, standing: Standing::at(0), output: None, overshoot: Overshoot::NONE }
    }

    /// The value's output, once, after [`Status::Success`].
    pub fn take_output(&mut self) -> Option<M::Output> {
        self.output.take()
    }

    /// The machine and its state.
    pub fn machine(&self) -> &M {
        &self.machine
    }

    /// [`PushParser::feed_with`] for sinks that stay on this thread.
    pub fn feed_local(
        &mut self,
        chunk: &[u8],
        mut sink: impl for<'e> FnMut(<M::Events as Events>::Event<'e>),
    ) -> Progress {
        self.parse(chunk, Some(&mut sink))
    }

    /// [`PushParser::finish_with`] for sinks that stay on this thread.
    ///
    /// # Errors
    /// As [`PushParser::finish`].
    pub fn finish_local(
        &mut self,
        mut sink: impl for<'e> FnMut(<M::Events as Events>::Event<'e>),
    ) -> Result<(), Error> {
        self.close(Some(&mut sink))
    }

    #[inline]
    fn parse(&mut self, chunk: &[u8], sink: Option<&mut LocalSink<'_, M::Events>>) -> Progress {
        if let Some(answer) = self.standing.refuses(chunk) {
            return answer;
        }
        self.run(chunk, sink, false)
    }

    fn close(&mut self, sink: Option<&mut LocalSink<'_, M::Events>>) -> Result<(), Error> {
        if self.standing.status() == Status::NeedMoreInput {
            let _ = self.run(&[], sink, true);
        }
        self.standing.verdict()
    }

    #[inline]
    fn run(
        &mut self,
        chunk: &[u8],
        sink: Option<&mut LocalSink<'_, M::Events>>,
        finished: bool,
    ) -> Progress {
        let sink = sink.map(|sink| -> &mut LocalSink<'_, M::Events> { sink });
        let base = self.standing.offset();
        let mut running = Running {
            input: Input::new(chunk, base, finished, sink, self.overshoot),
            standing: &mut self.standing,
        };
        let end = loop {
            match self.machine.step(&mut running.input) {
                Ok(Break(output)) => break Ok(output),
                Err(failure) if let Some(kind) = failure.kind() => break Err(Some(kind)),
                _ if running.input.consumed() < chunk.len() => {}
                _ => break Err(finished.then_some(ErrorKind::UnexpectedEnd)),
            }
        };
        let consumed = running.input.consumed();
        self.overshoot = running.input.overshoot();
        mem::forget(running);
        match end {
            Ok(output) => {
                self.output = Some(output);
                self.standing.succeed(consumed)
            }
            Err(Some(kind)) => self.standing.fail(consumed, kind),
            Err(None) => self.standing.need_more(consumed),
        }
    }
}

/// A step under way. Dropped only when the step, or the sink it calls, unwinds.
struct Running<'a, 'c, E: Events> {
    input: Input<'c, E>,
    standing: &'a mut Standing,
}

impl<E: Events> Drop for Running<'_, '_, E> {
    fn drop(&mut self) {
        let _ = self.standing.fail(self.input.consumed(), ErrorKind::Panicked);
    }
}

impl<M: Machine> PushParser for Parser<M> {
    type Events = M::Events;

    #[inline]
    fn feed(&mut self, chunk: &[u8]) -> Progress {
        self.parse(chunk, None)
    }

    fn feed_dyn(&mut self, chunk: &[u8], sink: &mut EventSink<'_, M::Events>) -> Progress {
        self.parse(chunk, Some(sink))
    }

    fn finish(&mut self) -> Result<(), Error> {
        self.close(None)
    }

    fn finish_dyn(&mut self, sink: &mut EventSink<'_, M::Events>) -> Result<(), Error> {
        self.close(Some(sink))
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
        self.machine.reset();
        self.standing = Standing::at(offset);
        self.output = None;
        self.overshoot = Overshoot::NONE;
    }
}

#[cfg(feature = "testing")]
impl<M: Machine> crate::testing::Work for Parser<M> {
    fn work(&self) -> u64 {
        self.standing.offset() + self.overshoot.bytes()
    }
}
