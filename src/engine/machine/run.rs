//! Another parser inside a machine.

use core::fmt;
use core::mem;
use core::ops::ControlFlow::{Break, Continue};

use super::input::Input;
use crate::engine::composed::{consumed_since, error_of};
use crate::error::{End, Failure};
use crate::parser::{Events, LocalParser, LocalSink, PushParser, Status};

impl<E: Events> Input<'_, E> {
    /// Runs another parser on the input from here on, and reports its events through `sink`. Returns
    /// its output, or `None` if the input has ended and the parser accepts that without an output.
    ///
    /// The parser is a field of the machine. A chunk may end in the middle of its value; the machine
    /// calls this again with the next chunk. The parser is reset at the beginning of each value, so
    /// [`Machine::reset`](super::Machine::reset) need not do it.
    ///
    /// ```
    /// use core::ops::ControlFlow::{self, Break, Continue};
    /// use pushdown::engine::machine::{Input, Machine, Parser};
    /// use pushdown::events::Bytes;
    /// use pushdown::{Failure, PushParser, quoted};
    ///
    /// /// Quoted strings up to a semicolon.
    /// struct Strings(quoted::Machine);
    ///
    /// impl Machine for Strings {
    ///     type Events = Bytes;
    ///     type Output = ();
    ///
    ///     fn step(&mut self, input: &mut Input<'_, Bytes>) -> Result<ControlFlow<()>, Failure> {
    ///         input.run(&mut self.0, |quoted::Event::Text(piece), out| out.emit(piece))?;
    ///         Ok(Continue(()))
    ///     }
    ///
    ///     fn reset(&mut self) {}
    /// }
    ///
    /// let mut text = Vec::<u8>::new();
    /// let mut parser = Parser::new(Strings(quoted::Machine::new()));
    /// let _ = parser.feed_with(br#""one""t"#, |piece| text.extend(piece));
    /// let _ = parser.feed_with(br#"wo""#, |piece| text.extend(piece));
    /// assert_eq!((parser.offset(), text), (10, b"onetwo".to_vec()));
    /// ```
    ///
    /// # Errors
    /// The parser's error, at its offset in this input; or what a read returns when the chunk is used
    /// up.
    pub fn run<P: LocalParser>(
        &mut self,
        parser: &mut P,
        mut sink: impl for<'e> FnMut(<P::Events as Events>::Event<'e>, &mut Emit<'_, E>),
    ) -> Result<Option<P::Output>, Failure> {
        // Another offset than ours: the machine has turned to another parser.
        if !self.memory.runs_inner || parser.offset() != self.offset() {
            parser.reset_at(self.offset());
        }
        self.memory.runs_inner = true;
        loop {
            let status = match self.chunk() {
                Ok(_) => {
                    let rest = &self.chunk[self.cursor..];
                    let guard =
                        PanicGuard { input: &mut *self, parser: &mut *parser, len: rest.len() };
                    let progress = guard.input.lend_sink(&mut sink, |sink| match sink {
                        Some(sink) => guard.parser.feed_local_dyn(rest, sink),
                        None => guard.parser.feed(rest),
                    });
                    mem::forget(guard);
                    self.advance(progress.consumed);
                    progress.status
                }
                Err(End::Finished) => {
                    let finished = self.lend_sink(&mut sink, |sink| match sink {
                        Some(sink) => parser.finish_local_dyn(sink),
                        None => parser.finish(),
                    });
                    if finished.is_ok() { Status::Success } else { Status::BadInput }
                }
                Err(end) => {
                    self.memory.runs_inner = end == End::InputEmpty;
                    return Err(end.into());
                }
            };
            if status != Status::NeedMoreInput {
                self.memory.runs_inner = false;
                return match status {
                    Status::BadInput => Err(self.fail_like(parser)),
                    _ => Ok(parser.take_output()),
                };
            }
        }
    }

    /// Makes a call of an inner parser with the sink for its events, if there is one for those of the
    /// outer parser. Pauses that one if the call has.
    fn lend_sink<I: Events, R>(
        &mut self,
        sink: &mut impl for<'e> FnMut(I::Event<'e>, &mut Emit<'_, E>),
        call: impl FnOnce(Option<&mut LocalSink<'_, I>>) -> R,
    ) -> R {
        let Some(outer) = &mut self.sink else { return call(None) };
        let mut paused = false;
        let mut emit = Emit { sink: &mut **outer, paused: &mut paused };
        let result = call(Some(&mut |event| {
            sink(event, &mut emit);
            if *emit.paused { Break(()) } else { Continue(()) }
        }));
        if paused {
            self.pause();
        }
        result
    }

    /// The failure of a parser that has ended at the cursor.
    fn fail_like(&mut self, parser: &impl PushParser) -> Failure {
        match error_of(parser) {
            (kind, Some(start)) => self.fail_from(start, kind),
            (kind, None) => self.fail(kind),
        }
    }
}

/// Dropped only when the parser inside unwinds: the outer one has consumed what that has.
struct PanicGuard<'a, 'c, P: PushParser, E: Events> {
    input: &'a mut Input<'c, E>,
    parser: &'a mut P,
    /// The length of the chunk that it was fed.
    len: usize,
}

impl<P: PushParser, E: Events> Drop for PanicGuard<'_, '_, P, E> {
    fn drop(&mut self) {
        self.input.cursor += consumed_since(self.parser, self.input.offset(), self.len);
    }
}

/// Reports events of the outer parser from the sink of an inner one: see [`Input::run`].
pub struct Emit<'a, E: Events = ()> {
    sink: &'a mut LocalSink<'a, E>,
    /// Set if the outer sink has paused the parser.
    paused: &'a mut bool,
}

impl<E: Events> Emit<'_, E> {
    /// Reports an event.
    pub fn emit(&mut self, event: E::Event<'_>) {
        *self.paused |= (self.sink)(event).is_break();
    }
}

impl<E: Events> fmt::Debug for Emit<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emit").finish_non_exhaustive()
    }
}
