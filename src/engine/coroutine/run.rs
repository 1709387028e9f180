//! Another parser inside a body. Its sink is in `emit.rs`.

use core::mem;
use core::ops::ControlFlow::{Break, Continue};

use super::emit::{Emit, OnThread};
use super::input::Input;
use crate::engine::composed::{consumed_since, error_of};
use crate::error::{End, Failure};
use crate::parser::{Events, PushParser, Status};

impl<E: Events> Input<'_, E> {
    /// Runs another parser on the input from here on, and reports its events through `sink`. Returns
    /// its output, or `None` if the input has ended and the parser accepts that without an output.
    ///
    /// # Errors
    /// The parser's error, at its offset in this input.
    ///
    /// # Panics
    /// If the parser reports an event on another thread: the sink of a coroutine stays on its own.
    pub fn run<P: PushParser>(
        &mut self,
        parser: &mut P,
        mut sink: impl for<'e> FnMut(<P::Events as Events>::Event<'e>, &mut Emit<'_, E>) + Send,
    ) -> Result<Option<P::Output>, Failure> {
        parser.reset_at(self.offset());
        let port = self.port;
        let mut outer = OnThread::new(port);
        let mut inner = move |event: <P::Events as Events>::Event<'_>| {
            sink(event, &mut outer.emit());
            if outer.is_paused() { Break(()) } else { Continue(()) }
        };
        loop {
            let status = match self.peek() {
                Ok(_) => {
                    // SAFETY: I2: used before the next read.
                    let chunk = unsafe { self.rest() };
                    let guard =
                        PanicGuard { parser: &mut *parser, input: &mut *self, len: chunk.len() };
                    let progress = if port.sink.get().is_some() {
                        guard.parser.feed_dyn(chunk, &mut inner)
                    } else {
                        guard.parser.feed(chunk)
                    };
                    mem::forget(guard);
                    self.advance(progress.consumed);
                    progress.status
                }
                Err(End::Finished) => {
                    let finished = if port.sink.get().is_some() {
                        parser.finish_dyn(&mut inner)
                    } else {
                        parser.finish()
                    };
                    if finished.is_ok() { Status::Success } else { Status::BadInput }
                }
                Err(end) => return Err(end.into()),
            };
            match status {
                Status::NeedMoreInput => {}
                Status::Success => return Ok(parser.take_output()),
                Status::BadInput => return Err(self.fail_like(parser)),
            }
        }
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
struct PanicGuard<'a, 'p, P: PushParser, E: Events> {
    parser: &'a mut P,
    input: &'a mut Input<'p, E>,
    /// The length of the chunk that it was fed.
    len: usize,
}

impl<P: PushParser, E: Events> Drop for PanicGuard<'_, '_, P, E> {
    fn drop(&mut self) {
        let count = consumed_since(self.parser, self.input.offset(), self.len);
        self.input.advance(count);
    }
}
