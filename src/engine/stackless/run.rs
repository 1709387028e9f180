//! Another parser inside a body.

use core::fmt;
use core::mem;
use core::ops::ControlFlow::{Break, Continue};

use super::input::Input;
use super::port::Port;
use crate::engine::composed::{consumed_since, error_of};
use crate::engine::site::Site;
use crate::error::{End, Failure};
use crate::parser::{Events, PushParser, Status};

impl<E: Events> Input<'_, E> {
    /// Runs another parser on the input from here on, and reports its events through `sink`.
    ///
    /// `None` if the input has ended and the parser accepts that without an output.
    ///
    /// # Errors
    /// The parser's error, at its offset in this input.
    #[cfg_attr(feature = "debug", track_caller)]
    pub fn run<P: PushParser>(
        &mut self,
        parser: &mut P,
        mut sink: impl for<'e> FnMut(<P::Events as Events>::Event<'e>, &mut Emit<'_, E>) + Send,
    ) -> impl Future<Output = Result<Option<P::Output>, Failure>> {
        let site = Site::caller();
        async move {
            parser.reset_at(self.offset());
            loop {
                let port = self.port;
                let mut emit = |event: <P::Events as Events>::Event<'_>| {
                    sink(event, &mut Emit { port });
                    if port.is_paused() { Break(()) } else { Continue(()) }
                };
                let status = match self.chunk_at(site).await {
                    Ok(chunk) => {
                        let guard = PanicGuard { parser: &mut *parser, port, len: chunk.len() };
                        let progress = if port.has_sink() {
                            guard.parser.feed_dyn(chunk, &mut emit)
                        } else {
                            guard.parser.feed(chunk)
                        };
                        mem::forget(guard);
                        self.advance(progress.consumed);
                        progress.status
                    }
                    Err(End::Finished) => {
                        let finished = if port.has_sink() {
                            parser.finish_dyn(&mut emit)
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
                    Status::BadInput => {
                        return Err(match error_of(parser) {
                            (kind, Some(start)) => self.fail_from(start, kind),
                            (kind, None) => self.fail(kind),
                        });
                    }
                }
            }
        }
    }
}

/// Dropped only when the parser inside unwinds: the outer one has consumed what that has.
struct PanicGuard<'a, P: PushParser, E: Events> {
    parser: &'a mut P,
    port: &'a Port<E>,
    /// The length of the chunk that it was fed.
    len: usize,
}

impl<P: PushParser, E: Events> Drop for PanicGuard<'_, P, E> {
    fn drop(&mut self) {
        let count = consumed_since(self.parser, self.port.offset(), self.len);
        self.port.advance_past_pause(count);
    }
}

/// Reports events of the outer parser from the sink of an inner one: see [`Input::run`].
pub struct Emit<'a, E: Events = ()> {
    port: &'a Port<E>,
}

impl<E: Events> Emit<'_, E> {
    /// Reports an event.
    pub fn emit(&mut self, event: E::Event<'_>) {
        self.port.emit(event);
    }
}

impl<E: Events> fmt::Debug for Emit<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emit").finish_non_exhaustive()
    }
}
