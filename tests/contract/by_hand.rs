//! A parser written by hand keeps the contract with four methods and a `State`.

use pushdown::events::Bytes;
use pushdown::{Error, ErrorKind, EventSink, Progress, PushParser, State, Status};

use crate::{Answer, Subjects, check};

/// A line of ASCII text, up to its line feed.
#[derive(Default)]
struct Line {
    state: State,
}

impl PushParser for Line {
    type Events = Bytes;
    type Output = ();

    fn feed_dyn(&mut self, chunk: &[u8], sink: &mut EventSink<'_, Bytes>) -> Progress {
        self.state.feed(chunk, |state| {
            let end = chunk.iter().position(|byte| *byte == b'\n' || !byte.is_ascii());
            let text = &chunk[..end.unwrap_or(chunk.len())];
            if !text.is_empty() {
                // A pause makes no difference: the line is reported at once.
                let _ = sink(text);
            }
            match end {
                None => state.need_more(chunk.len()),
                Some(at) if chunk[at] == b'\n' => state.succeed(at + 1),
                Some(at) => state.fail(at, ErrorKind::UnexpectedByte),
            }
        })
    }

    fn finish_dyn(&mut self, _: &mut EventSink<'_, Bytes>) -> Result<(), Error> {
        self.state.finish()
    }

    fn state(&self) -> &State {
        &self.state
    }

    fn reset_at(&mut self, offset: u64) {
        self.state = State::at(offset);
    }

    fn take_output(&mut self) -> Option<()> {
        self.state.take_success().then_some(())
    }
}

fn line() -> Subjects<Bytes> {
    vec![("by hand", Box::new(Line::default()))]
}

#[test]
fn a_parser_by_hand_has_the_sticky_end_and_the_offsets() {
    check(line(), b"news\nmore", Answer::success(5));
    check(line(), b"\n", Answer::success(1));
    check(line(), b"ne\xffws\n", Answer::bad(ErrorKind::UnexpectedByte, 2));
    let status = Status::NeedMoreInput;
    check(line(), b"news", Answer { status, ..Answer::bad(ErrorKind::UnexpectedEnd, 4) });
    check(line(), b"", Answer { status, ..Answer::bad(ErrorKind::UnexpectedEnd, 0) });
}

#[test]
fn a_parser_by_hand_counts_offsets_from_its_reset() {
    let mut line = Line::default();
    line.reset_at(1000);
    assert_eq!(line.feed(b"ab").status, Status::NeedMoreInput);
    assert_eq!(line.process_char('\n'), Status::Success);
    assert_eq!((line.offset(), line.status(), line.error()), (1003, Status::Success, None));
}

#[test]
fn a_panic_in_a_sink_ends_a_parser_by_hand() {
    let mut line = Line::default();
    assert_eq!(line.feed(b"ab").status, Status::NeedMoreInput);
    let fed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        line.feed_with(b"cd\n", |_| panic!("in the sink"))
    }));
    let error = Error::new(ErrorKind::Panicked, 2);
    assert!(fed.is_err());
    assert_eq!(line.error(), Some(&error));
    assert_eq!((line.feed(b"\n").consumed, line.finish()), (0, Err(error)));
    line.reset();
    assert_eq!(line.feed(b"\n").status, Status::Success);
}
