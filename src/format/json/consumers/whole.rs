//! A parser that holds the text of one value until it is whole.

use alloc::vec::Vec;

use super::DEFAULT_MAX_LEN;
use crate::error::{Error, ErrorKind};
use crate::format::json::is_space;
use crate::parser::{EventSink, PushParser};
use crate::scan::utf8::split_valid;
use crate::state::{Progress, State, Status};

/// Makes the output of the text of a value.
pub(super) trait Build {
    type Output;

    /// # Errors
    /// If the text is no such output.
    fn build(&mut self, text: &str) -> Result<Self::Output, ErrorKind>;

    /// Forgets the last text.
    fn reset(&mut self) {}
}

/// Runs a parser of one value ([`Extent::Value`](crate::json::Extent::Value)) without a sink, and makes an
/// output of the bytes that it takes, but for the white space before them.
///
/// The text is that of the chunk, unless a chunk has cut it.
#[derive(Clone, Debug)]
pub(super) struct Whole<P, B: Build> {
    parser: P,
    pub(super) build: B,
    state: State,
    /// The bytes that came in earlier chunks.
    buffer: Vec<u8>,
    max_len: usize,
    output: Option<B::Output>,
}

impl<P: PushParser, B: Build> Whole<P, B> {
    pub(super) fn new(parser: P, build: B) -> Self {
        Self {
            parser,
            build,
            state: State::new(),
            buffer: Vec::new(),
            max_len: DEFAULT_MAX_LEN,
            output: None,
        }
    }

    pub(super) fn max_len(self, bytes: usize) -> Self {
        Self { max_len: bytes, ..self }
    }

    fn parse(&mut self, chunk: &[u8]) -> Progress {
        let Self { parser, build, state, buffer, max_len, output } = self;
        state.feed(chunk, |state| {
            // A value that has begun has bytes in the buffer.
            let mut blank = 0;
            if buffer.is_empty() {
                blank = chunk.iter().take_while(|byte| is_space(**byte)).count();
            }
            // A byte more than there is room for: it may end a number, and not belong to the value.
            let room = max_len.saturating_sub(buffer.len());
            let window = blank.saturating_add(room).saturating_add(1).min(chunk.len());
            let Progress { consumed, status } = parser.feed(&chunk[..window]);
            blank = blank.min(consumed);
            if blank > 0 {
                let _ = state.need_more(blank);
                state.skip_between();
            }
            let bytes = &chunk[blank..consumed];
            let start = state.offset().saturating_sub(buffer.len() as u64);
            let progress = if bytes.len() > room {
                state.fail_from(room, ErrorKind::TooLong, start)
            } else if status == Status::Success {
                let whole = if buffer.is_empty() {
                    bytes
                } else {
                    buffer.extend_from_slice(bytes);
                    buffer
                };
                match read(build, whole) {
                    Ok(made) => {
                        *output = Some(made);
                        state.succeed(bytes.len())
                    }
                    Err(kind) => state.fail_from(bytes.len(), kind, start),
                }
            } else if let Some(error) = parser.error() {
                fail(state, bytes.len(), *error)
            } else {
                buffer.extend_from_slice(bytes);
                state.need_more(bytes.len())
            };
            Progress { consumed: blank + progress.consumed, ..progress }
        })
    }

    fn close(&mut self) -> Result<(), Error> {
        let Self { parser, build, state, buffer, output, .. } = self;
        if state.status() == Status::NeedMoreInput {
            // Stands if an output cannot be made without a panic.
            let _ = state.fail(0, ErrorKind::Panicked);
            let start = state.offset().saturating_sub(buffer.len() as u64);
            let _ = match parser.finish().map(|()| read(build, buffer)) {
                Ok(Ok(made)) => {
                    *output = Some(made);
                    state.succeed(0)
                }
                Ok(Err(kind)) => state.fail_from(0, kind, start),
                Err(error) => fail(state, 0, error),
            };
        }
        state.result()
    }
}

/// Makes the output. The parser has checked the bytes already, but the compiler makes no text of unchecked
/// ones.
fn read<B: Build>(build: &mut B, value: &[u8]) -> Result<B::Output, ErrorKind> {
    match split_valid(value) {
        (text, []) => build.build(text),
        _ => Err(ErrorKind::InvalidUtf8),
    }
}

/// Fails as the inner parser did, whose offsets are the same.
fn fail(state: &mut State, consumed: usize, error: Error) -> Progress {
    match error.start {
        Some(start) => state.fail_from(consumed, error.kind, start),
        None => state.fail(consumed, error.kind),
    }
}

impl<P: PushParser, B: Build> PushParser for Whole<P, B> {
    type Events = ();
    type Output = B::Output;

    fn feed_dyn(&mut self, chunk: &[u8], _: &mut EventSink<'_, ()>) -> Progress {
        self.parse(chunk)
    }

    fn finish_dyn(&mut self, _: &mut EventSink<'_, ()>) -> Result<(), Error> {
        self.close()
    }

    fn state(&self) -> &State {
        &self.state
    }

    fn reset_at(&mut self, offset: u64) {
        self.parser.reset_at(offset);
        self.build.reset();
        self.state = State::at(offset);
        self.buffer.clear();
        self.output = None;
    }

    fn take_output(&mut self) -> Option<B::Output> {
        self.output.take()
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::{String, ToString};
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;
    use crate::format::json::{Extent, Machine, Options};

    /// Refuses a text with `?` in it, and panics at the number 13.
    struct Strict;

    impl Build for Strict {
        type Output = String;

        fn build(&mut self, text: &str) -> Result<String, ErrorKind> {
            assert_ne!(text, "13", "a panic of user code");
            if text.contains('?') {
                Err(ErrorKind::Message("a question"))
            } else {
                Ok(text.to_string())
            }
        }
    }

    fn whole() -> Whole<Machine, Strict> {
        Whole::new(Machine::with_options(Options::new().extent(Extent::Value)), Strict)
    }

    type Outcome = (Option<String>, u64, Status, Result<(), Error>, bool);

    /// Feeds the input at every two cuts, up to the end of the value.
    fn run(input: &str, make: impl Fn() -> Whole<Machine, Strict>) -> Outcome {
        let mut expected = None;
        for first in 0..=input.len() {
            for second in first..=input.len() {
                let mut parser = make();
                for chunk in [&input[..first], &input[first..second], &input[second..]] {
                    let progress = parser.feed(chunk.as_bytes());
                    let whole = progress.consumed == chunk.len();
                    assert!(whole || progress.status != Status::NeedMoreInput, "{input}");
                }
                let (status, begun) = (parser.status(), parser.has_begun());
                let (result, offset) = (parser.finish(), parser.offset());
                let outcome = (parser.take_output(), offset, status, result, begun);
                let expected = expected.get_or_insert_with(|| outcome.clone());
                assert_eq!(&outcome, expected, "{input} cut at {first} and {second}");
            }
        }
        expected.unwrap()
    }

    #[test]
    fn the_output_is_the_text_without_the_space_around_it() {
        for (input, text, offset) in [
            (" [ 1 , \"a b\" ] 2", "[ 1 , \"a b\" ]", 14),
            ("\r\n\t \"\"", "\"\"", 6),
            ("{ }", "{ }", 3),
            (" 12 3", "12", 3),
            ("true", "true", 4),
        ] {
            let expected = (Some(text.into()), offset, Status::Success, Ok(()), true);
            assert_eq!(run(input, whole), expected, "{input}");
        }
    }

    #[test]
    fn a_number_ends_with_the_input() {
        let expected = (Some("12".into()), 3, Status::NeedMoreInput, Ok(()), true);
        assert_eq!(run(" 12", whole), expected);
        assert_eq!(run(" 12", || whole().max_len(2)), expected);
    }

    #[test]
    fn a_value_too_long_is_blamed_at_the_byte_that_is_too_much() {
        let limited = || whole().max_len(4);
        for (input, offset) in
            [("  [123]", 6), ("12345", 4), (" \"abcd\"", 5), ("[   ]", 4), (" [1234", 5)]
        {
            let error = Error::new(ErrorKind::TooLong, offset);
            let expected = (None, offset, Status::BadInput, Err(error), true);
            assert_eq!(run(input, limited), expected, "{input}");
        }
        for input in [" true", " [12] ", "1234,", "1234", "[1?", "[   !", "    tru", ""] {
            assert_eq!(run(input, limited), run(input, whole), "{input}");
        }
    }

    #[test]
    fn a_text_that_is_no_output_is_an_error_at_its_end() {
        for input in [" \"a?\"", " \"a?\" 1"] {
            let error = Error::new(ErrorKind::Message("a question"), 5);
            assert_eq!(run(input, whole), (None, 5, Status::BadInput, Err(error), true), "{input}");
        }
        let mut parser = whole();
        let _ = parser.feed(b" \"a?\"");
        assert_eq!(parser.error().and_then(|error| error.start), Some(1));
    }

    #[test]
    fn space_alone_has_not_begun_a_value() {
        let error = Error::new(ErrorKind::UnexpectedEnd, 2);
        assert_eq!(run("  ", whole), (None, 2, Status::NeedMoreInput, Err(error), false));
    }

    #[test]
    fn the_next_value_has_nothing_of_the_last() {
        let mut parser = whole();
        let mut rest = &b"[1] \"cut"[..];
        rest = &rest[parser.feed(rest).consumed..];
        assert_eq!(parser.take_output().as_deref(), Some("[1]"));
        parser.next_value();
        let _ = parser.feed(rest);
        parser.next_value();
        let _ = parser.feed(b" 2 ");
        assert_eq!((parser.take_output().as_deref(), parser.offset()), (Some("2"), 10));
    }

    #[test]
    fn a_panic_while_the_output_is_made_is_the_end() {
        for input in [&b"13,"[..], b" 13"] {
            let mut parser = whole();
            let call = || {
                let _ = parser.feed(input);
                let _ = parser.finish();
            };
            assert!(catch_unwind(AssertUnwindSafe(call)).is_err());
            assert_eq!(parser.error().map(|error| error.kind), Some(ErrorKind::Panicked));
            assert_eq!(parser.finish(), parser.error().map_or(Ok(()), |error| Err(*error)));
            assert_eq!(parser.take_output(), None);
        }
    }
}
