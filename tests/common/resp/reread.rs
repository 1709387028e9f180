//! The oracle as a parser.

use pushdown::resp::Resp;
use pushdown::{Error, EventSink, Progress, PushParser, State, Status};

use super::log::Log;
use super::oracle::{Rules, oracle};

/// Asks the [`oracle`] again with every byte, and reports what it has not reported before. So it shows
/// that the oracle is prompt, and that the tests find a parser right that is.
#[derive(Debug)]
pub struct Reread {
    rules: Rules,
    state: State,
    input: Vec<u8>,
    reported: Log,
}

impl Reread {
    /// Creates a parser at the start of the input.
    pub fn new(rules: Rules) -> Self {
        Self { rules, state: State::new(), input: Vec::new(), reported: Log::default() }
    }

    /// Reports the events that are new. Returns true if the sink pauses.
    fn report(&mut self, events: Log, sink: &mut EventSink<'_, Resp>) -> bool {
        let mut paused = false;
        events.report_since(&self.reported, |event| paused |= sink(event).is_break());
        self.reported = events;
        paused
    }
}

impl PushParser for Reread {
    type Events = Resp;
    type Output = ();

    fn feed_dyn(&mut self, chunk: &[u8], sink: &mut EventSink<'_, Resp>) -> Progress {
        let mut state = self.state;
        let progress = state.feed(chunk, |state| {
            for (at, byte) in chunk.iter().enumerate() {
                self.input.push(*byte);
                let answer = oracle(&self.input, self.rules);
                let paused = self.report(answer.events, sink);
                let unread = self.input.len() - answer.consumed;
                match answer.status {
                    Status::Success => return state.succeed(at + 1 - unread),
                    Status::BadInput => {
                        let error = answer.finished.expect_err("the input is bad");
                        return state.fail(at + 1 - unread, error.kind);
                    }
                    Status::NeedMoreInput if paused => return state.need_more(at + 1),
                    Status::NeedMoreInput => {}
                }
            }
            state.need_more(chunk.len())
        });
        self.state = state;
        progress
    }

    fn finish_dyn(&mut self, sink: &mut EventSink<'_, Resp>) -> Result<(), Error> {
        if self.state.status() == Status::NeedMoreInput {
            let answer = oracle(&self.input, self.rules);
            self.report(answer.events, sink);
            if answer.finished.is_ok() {
                let _ = self.state.succeed(0);
            }
        }
        self.state.finish()
    }

    fn state(&self) -> &State {
        &self.state
    }

    fn reset_at(&mut self, offset: u64) {
        *self = Self { state: State::at(offset), ..Self::new(self.rules) };
    }

    fn take_output(&mut self) -> Option<()> {
        self.state.take_success().then_some(())
    }
}
