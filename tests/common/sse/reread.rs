//! The reference as parsers: it is asked again with every byte. So it shows that the reference is prompt, and
//! that the tests find a parser right that is.

use pushdown::sse::{Message, Sse};
use pushdown::{Error, EventSink, Progress, PushParser, State, Status};

use super::log::Log;
use super::reference::read;

/// Reports the events of the reference.
#[derive(Debug, Default)]
pub struct Reread {
    state: State,
    input: Vec<u8>,
    reported: Log,
}

impl PushParser for Reread {
    type Events = Sse;
    type Output = ();

    fn feed_dyn(&mut self, chunk: &[u8], sink: &mut EventSink<'_, Sse>) -> Progress {
        let Self { state, input, reported } = self;
        state.feed(chunk, |state| {
            for (at, byte) in chunk.iter().enumerate() {
                input.push(*byte);
                let events = read(input).events;
                let mut paused = false;
                events.report_since(reported, |event| paused |= sink(event).is_break());
                *reported = events;
                if paused {
                    return state.need_more(at + 1);
                }
            }
            state.need_more(chunk.len())
        })
    }

    fn finish_dyn(&mut self, _: &mut EventSink<'_, Sse>) -> Result<(), Error> {
        accept(&mut self.state)
    }

    fn state(&self) -> &State {
        &self.state
    }

    fn reset_at(&mut self, offset: u64) {
        *self = Self { state: State::at(offset), ..Self::default() };
    }

    fn take_output(&mut self) -> Option<()> {
        self.state.take_success().then_some(())
    }
}

/// Outputs the first message of the reference.
#[derive(Debug, Default)]
pub struct FirstMessage {
    state: State,
    input: Vec<u8>,
    message: Option<Message>,
}

impl PushParser for FirstMessage {
    type Events = ();
    type Output = Message;

    fn feed_dyn(&mut self, chunk: &[u8], _: &mut EventSink<'_, ()>) -> Progress {
        let Self { state, input, message } = self;
        state.feed(chunk, |state| {
            for (at, byte) in chunk.iter().enumerate() {
                input.push(*byte);
                *message = read(input).messages.pop();
                if message.is_some() {
                    let progress = state.succeed(1);
                    return Progress { consumed: at + 1, ..progress };
                }
                let _ = state.need_more(1);
                if input.iter().all(|byte| matches!(byte, b'\r' | b'\n')) {
                    state.skip_between();
                }
            }
            Progress { consumed: chunk.len(), status: Status::NeedMoreInput }
        })
    }

    fn finish_dyn(&mut self, _: &mut EventSink<'_, ()>) -> Result<(), Error> {
        accept(&mut self.state)
    }

    fn state(&self) -> &State {
        &self.state
    }

    fn reset_at(&mut self, offset: u64) {
        *self = Self { state: State::at(offset), ..Self::default() };
    }

    fn take_output(&mut self) -> Option<Message> {
        self.message.take()
    }
}

/// The input may end anywhere.
fn accept(state: &mut State) -> Result<(), Error> {
    if state.status() == Status::NeedMoreInput {
        let _ = state.succeed(0);
    }
    state.result()
}
