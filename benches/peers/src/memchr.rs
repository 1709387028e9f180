use memchr::memchr2;

use crate::{Recogniser, Status};

/// A loop that calls `memchr2` again after each escape, as usually written by hand. Keeps its state
/// between chunks.
#[derive(Debug, Default)]
pub struct Memchr(State);

#[derive(Clone, Copy, Debug, Default)]
enum State {
    #[default]
    Start,
    Inside,
    Escape,
}

impl Recogniser for Memchr {
    #[inline]
    fn feed(&mut self, mut chunk: &[u8]) -> Status {
        loop {
            match (self.0, chunk) {
                (_, []) => return Status::NeedMoreInput,
                (State::Start, [b'"', rest @ ..]) | (State::Escape, [_, rest @ ..]) => {
                    chunk = rest;
                    self.0 = State::Inside;
                }
                (State::Start, _) => return Status::BadInput,
                (State::Inside, _) => match memchr2(b'"', b'\\', chunk) {
                    None => return Status::NeedMoreInput,
                    Some(at) if chunk[at] == b'"' => return Status::Success,
                    Some(at) => {
                        chunk = &chunk[at + 1..];
                        self.0 = State::Escape;
                    }
                },
            }
        }
    }

    fn reset(&mut self) {
        self.0 = State::Start;
    }
}
