//! Values taken out of a document, each as text: [`Items`].

use alloc::vec::Vec;
use core::ops::ControlFlow::{self, Break, Continue};
use core::ops::Range;

use super::item::{Item, Selected};
use super::matcher::{Matcher, Seen};
use super::{DEFAULT_MAX_LEN, Pattern};
use crate::error::{Error, ErrorKind};
use crate::format::json::{Event, Located, is_space};
use crate::parser::{EventSink, PushParser};
use crate::scan::utf8::split_valid;
use crate::state::{Progress, State, Status};

/// A parser that reports the values at a [pattern](Pattern), each whole, as its JSON text.
///
/// It runs a parser of [`Located`] events on the document, which is checked to its end, and reports each
/// value at the pattern as an [`Item`] when its last byte has come. The text of an item is a slice of the
/// chunk, or of a buffer if a chunk has cut it. So a document of any size is read in the memory of its
/// largest item, which has at most 16 MiB, or as [`max_len`](Self::max_len) says.
///
/// Its errors are those of the parser, and [`ErrorKind::TooLong`] at the first byte of an item that is one
/// too many.
///
/// ```
/// use pushdown::PushParser;
/// use pushdown::json::{Items, Machine, Options, Pattern};
///
/// let parser = Machine::located(Options::new());
/// let mut items = Items::new(parser, Pattern::new("/users/*/name")?);
/// let mut found = Vec::new();
/// for chunk in [&br#"{"users": [{"name": "An"#[..], br#"n"}, {"id": 2, "name": null}]}"#] {
///     let _ = items.feed_with(chunk, |item| found.push((item.offset(), item.text().to_string())));
/// }
/// items.finish()?;
/// assert_eq!(found, [(20, "\"Ann\"".to_string()), (46, "null".to_string())]);
/// # Ok::<(), pushdown::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Items<P> {
    parser: P,
    state: State,
    item: Partial,
}

/// The next item, as far as it has come.
///
/// Positions are offsets of the inner parser, which begin at 0 wherever those of `Items` do, so that they
/// cannot overflow.
#[derive(Clone, Debug)]
struct Partial {
    matcher: Matcher,
    /// The position of its first byte, if that has come.
    start: Option<u64>,
    /// Its bytes that came in earlier chunks.
    buffer: Vec<u8>,
    max_len: usize,
    /// The offset of position 0.
    origin: u64,
}

/// A chunk, as the events in it are reported.
struct Chunk<'c> {
    bytes: &'c [u8],
    /// The position of its first byte.
    position: u64,
    /// The position after the last event.
    last: u64,
    /// An error that the inner parser does not see.
    fault: Option<Fault>,
}

/// An error after the first `len` bytes of the item that begins at `start`.
#[derive(Clone, Copy)]
struct Fault {
    start: u64,
    len: u64,
    kind: ErrorKind,
}

impl<'c> Chunk<'c> {
    fn new(bytes: &'c [u8], position: u64) -> Self {
        Self { bytes, position, last: position, fault: None }
    }

    /// The bytes in the span, without those of earlier chunks.
    fn slice(&self, span: Range<u64>) -> &'c [u8] {
        &self.bytes[self.index(span.start)..self.index(span.end)]
    }

    fn index(&self, position: u64) -> usize {
        position.saturating_sub(self.position) as usize
    }
}

impl<P: PushParser<Events = Located>> Items<P> {
    /// Reports the values at the pattern in what the parser parses: one value, a document or a stream of
    /// them.
    ///
    /// The parser is reset. If it is not one of this crate, its spans have to be those that [`Located`]
    /// describes; otherwise `feed` may panic.
    pub fn new(mut parser: P, pattern: Pattern) -> Self {
        parser.reset();
        let item = Partial {
            matcher: Matcher::new(pattern),
            start: None,
            buffer: Vec::new(),
            max_len: DEFAULT_MAX_LEN,
            origin: 0,
        };
        Self { parser, state: State::new(), item }
    }

    /// Limits the bytes of an item.
    #[must_use]
    pub fn max_len(mut self, bytes: usize) -> Self {
        self.item.max_len = bytes;
        self
    }
}

impl Partial {
    /// Takes an event, and reports the item that ends with it.
    #[inline]
    fn see(
        &mut self,
        (event, span): (Event<'_>, Range<u64>),
        chunk: &mut Chunk<'_>,
        sink: &mut EventSink<'_, Selected>,
    ) -> ControlFlow<()> {
        if chunk.fault.is_some() {
            return Break(());
        }
        chunk.last = span.end;
        match self.matcher.see(&event) {
            Seen::Outside => Continue(()),
            Seen::Inside => {
                self.start.get_or_insert(span.start);
                Continue(())
            }
            Seen::Last => {
                let start = self.start.take().unwrap_or(span.start);
                self.report(start..span.end, chunk, sink)
            }
        }
    }

    fn report(
        &mut self,
        span: Range<u64>,
        chunk: &mut Chunk<'_>,
        sink: &mut EventSink<'_, Selected>,
    ) -> ControlFlow<()> {
        chunk.fault = self.too_long(span.start, span.end);
        if chunk.fault.is_some() {
            return Break(());
        }
        let Range { start, .. } = span;
        let bytes = chunk.slice(span);
        let whole = if self.buffer.is_empty() {
            bytes
        } else {
            self.buffer.extend_from_slice(bytes);
            &self.buffer
        };
        // The parser has checked them already, but the compiler makes no text of unchecked bytes.
        let (text, rest) = split_valid(whole);
        if !rest.is_empty() {
            chunk.fault =
                Some(Fault { start, len: text.len() as u64, kind: ErrorKind::InvalidUtf8 });
            return Break(());
        }
        let answer = sink(Item { text, offset: self.origin.saturating_add(start) });
        self.buffer.clear();
        answer
    }

    /// Keeps what the chunk has of an item that goes on after it, of which the parser has taken the bytes up
    /// to the position `end`.
    fn keep(&mut self, chunk: &mut Chunk<'_>, end: u64) {
        if self.start.is_none() && self.matcher.awaits() {
            // A quote or a part of a literal, which no event has reported yet.
            let after = chunk.slice(chunk.last..end);
            let between = |byte: &u8| is_space(*byte) || matches!(byte, b',' | b':');
            self.start = after
                .iter()
                .position(|byte| !between(byte))
                .map(|begin| end - (after.len() - begin) as u64);
        }
        if let Some(start) = self.start {
            chunk.fault = self.too_long(start, end);
            if chunk.fault.is_none() {
                self.buffer.extend_from_slice(chunk.slice(start..end));
            }
        }
    }

    /// The error of an item with these bytes, if they are too many.
    fn too_long(&self, start: u64, end: u64) -> Option<Fault> {
        let len = self.max_len as u64;
        (end - start > len).then_some(Fault { start, len, kind: ErrorKind::TooLong })
    }

    fn reset(&mut self, origin: u64) {
        self.matcher.reset();
        self.start = None;
        self.buffer.clear();
        self.origin = origin;
    }
}

impl<P: PushParser<Events = Located>> PushParser for Items<P> {
    type Events = Selected;
    type Output = ();

    fn feed_dyn(&mut self, bytes: &[u8], sink: &mut EventSink<'_, Selected>) -> Progress {
        let Self { parser, state, item } = self;
        state.feed(bytes, |state| {
            let mut chunk = Chunk::new(bytes, parser.offset());
            let progress = parser.feed_dyn(bytes, &mut |event| item.see(event, &mut chunk, sink));
            if chunk.fault.is_none() && progress.status != Status::Success {
                item.keep(&mut chunk, parser.offset());
            }
            if let Some(Fault { start, len, kind }) = chunk.fault {
                let start_offset = item.origin.saturating_add(start);
                return state.fail_from(chunk.index(start + len), kind, start_offset);
            }
            match parser.error() {
                Some(error) => fail(state, progress.consumed, *error, item.origin),
                None if progress.status == Status::Success => state.succeed(progress.consumed),
                None => state.need_more(progress.consumed),
            }
        })
    }

    fn finish_dyn(&mut self, sink: &mut EventSink<'_, Selected>) -> Result<(), Error> {
        let Self { parser, state, item } = self;
        if state.status() == Status::NeedMoreInput {
            // Stands if the sink panics.
            let _ = state.fail(0, ErrorKind::Panicked);
            let mut chunk = Chunk::new(&[], parser.offset());
            let result = parser.finish_dyn(&mut |event| item.see(event, &mut chunk, sink));
            let _ = match (chunk.fault, result) {
                (Some(fault), _) => state.fail(0, fault.kind),
                (None, Err(error)) => fail(state, 0, error, item.origin),
                (None, Ok(())) => state.succeed(0),
            };
        }
        state.result()
    }

    fn state(&self) -> &State {
        &self.state
    }

    fn reset_at(&mut self, offset: u64) {
        self.parser.reset();
        self.state = State::at(offset);
        self.item.reset(offset);
    }

    fn take_output(&mut self) -> Option<()> {
        self.state.take_success().then_some(())
    }

    fn has_begun(&self) -> bool {
        self.parser.has_begun()
    }
}

/// Fails as the inner parser did.
fn fail(state: &mut State, consumed: usize, error: Error, origin: u64) -> Progress {
    match error.start {
        Some(start) => state.fail_from(consumed, error.kind, origin.saturating_add(start)),
        None => state.fail(consumed, error.kind),
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;
    use alloc::vec;

    use super::*;
    use crate::format::json::{Extent, Machine, Options};

    fn items(pattern: &str) -> Items<Machine<Located>> {
        let parser = Machine::located(Options::new().extent(Extent::Stream));
        Items::new(parser, Pattern::new(pattern).unwrap())
    }

    /// The items of an input and the result, in one chunk and in all others of two cuts.
    fn run(
        input: &str,
        make: impl Fn() -> Items<Machine<Located>>,
    ) -> (Vec<(String, u64)>, Result<(), Error>) {
        let mut expected = None;
        for first in 0..=input.len() {
            for second in first..=input.len() {
                let (mut found, mut parser) = (vec![], make());
                let mut sink = |item: Item<'_>| found.push((item.text().into(), item.offset()));
                for chunk in [&input[..first], &input[first..second], &input[second..]] {
                    let _ = parser.feed_with(chunk.as_bytes(), &mut sink);
                }
                let result = parser.finish_with(&mut sink);
                let outcome = (found, result);
                let expected = expected.get_or_insert_with(|| outcome.clone());
                assert_eq!(&outcome, expected, "{input} cut at {first} and {second}");
            }
        }
        expected.unwrap()
    }

    #[test]
    fn items_are_found_at_any_cuts() {
        type Case = (&'static str, &'static str, &'static [(&'static str, u64)]);
        let cases: [Case; 14] = [
            ("", "  12  ", &[("12", 2)]),
            ("", "[1] null\n\"a\"", &[("[1]", 0), ("null", 4), ("\"a\"", 9)]),
            ("/*", "[1 , \"\",true]", &[("1", 1), ("\"\"", 5), ("true", 8)]),
            ("/*", "{\"a\" : [ ] , \"b\":{ \"c\" : 1}}", &[("[ ]", 7), ("{ \"c\" : 1}", 17)]),
            ("/a", "{\"a\":1,\"ab\":2,\"\":3,\"b\":4,\"a\":5}", &[("1", 5), ("5", 29)]),
            ("/a/*/b", "{\"a\":[{\"b\":null},3,{\"c\":1,\"b\":[]}]}", &[("null", 11), ("[]", 30)]),
            ("/1", "[7,8,9]", &[("8", 3)]),
            ("/1", "[\"a\\u00e9b\",2]", &[("2", 12)]),
            ("/*", "{\"a\\u00e9\":1}", &[("1", 11)]),
            ("/1", "{\"0\":7,\"1\":8}", &[("8", 11)]),
            ("/a/b", "{\"a\":[[{\"b\":1}]],\"c\":{\"b\":1}}", &[]),
            ("/*/*", "[[1],2,[],[[3]]]", &[("1", 2), ("[3]", 11)]),
            ("/b", "{\"a\":{\"b\":1},\"b\":{\"b\":2}}", &[("{\"b\":2}", 17)]),
            ("/a/b", "{\"a\":{\"b\":1}} {\"b\":2}\n{\"a\":{\"b\":3}}", &[("1", 10), ("3", 32)]),
        ];
        for (pattern, input, expected) in cases {
            let (found, result) = run(input, || items(pattern));
            assert_eq!(result, Ok(()), "{pattern} in {input}");
            let found: Vec<_> =
                found.iter().map(|(text, offset)| (text.as_str(), *offset)).collect();
            assert_eq!(found, expected, "{pattern} in {input}");
        }
    }

    #[test]
    fn an_item_too_long_is_blamed_at_the_byte_that_is_too_much() {
        let cases = [
            ("[123 ,true,\"1234\",1]", 2, 15),
            ("[1,12345]", 1, 7),
            ("[1,[1,2] ,3]", 1, 7),
            ("[1,12345x]", 1, 7),
            ("[1,\"1234", 1, 7),
            ("[1,12345", 1, 7),
        ];
        for (input, count, offset) in cases {
            let (found, result) = run(input, || items("/*").max_len(4));
            let expected = Error::new(ErrorKind::TooLong, offset);
            assert_eq!((found.len(), result), (count, Err(expected)), "{input}");
        }
    }

    #[test]
    fn an_item_of_the_greatest_length_is_reported() {
        for input in ["[1 ,true , \"23\", [ ] ,1234,1234]", "[1,1234", "[[[]], 4567 x"] {
            let limited = run(input, || items("/*").max_len(4));
            assert_eq!(limited, run(input, || items("/*")), "{input}");
        }
    }

    #[test]
    fn an_error_before_the_item_is_too_long_is_the_parsers() {
        for (input, offset) in [("[12x45]", 3), ("[\"ab\"x]", 5), ("[tr_]", 3)] {
            let (found, result) = run(input, || items("/*").max_len(4));
            let expected = Error::new(ErrorKind::UnexpectedByte, offset);
            assert_eq!(
                (found.len(), result),
                (usize::from(input != "[tr_]"), Err(expected)),
                "{input}"
            );
        }
    }

    /// Reports the rest of the chunk although the sink pauses.
    struct Late(Machine<Located>);

    impl PushParser for Late {
        type Events = Located;
        type Output = ();

        fn feed_dyn(&mut self, chunk: &[u8], sink: &mut EventSink<'_, Located>) -> Progress {
            self.0.feed_with(chunk, |event| _ = sink(event))
        }

        fn finish_dyn(&mut self, sink: &mut EventSink<'_, Located>) -> Result<(), Error> {
            self.0.finish_dyn(sink)
        }

        fn state(&self) -> &State {
            self.0.state()
        }

        fn reset_at(&mut self, offset: u64) {
            self.0.reset_at(offset);
        }

        fn take_output(&mut self) -> Option<()> {
            self.0.take_output()
        }
    }

    #[test]
    fn no_item_is_reported_after_one_that_is_too_long() {
        let parser = Late(Machine::located(Options::new()));
        let mut parser = Items::new(parser, Pattern::new("/*").unwrap()).max_len(4);
        let mut found = vec![];
        let _ = parser.feed_with(b"[1,12345,2]", |item| found.push(String::from(item.text())));
        assert_eq!(found, ["1"]);
        assert_eq!(parser.error(), Some(&Error::new(ErrorKind::TooLong, 7)));
        assert_eq!(parser.error().and_then(|error| error.start), Some(3));
    }

    #[test]
    fn a_reset_forgets_where_the_parser_stood() {
        for begun in ["{\"a\":{\"b\":[1,", "{\"a\":{\"b\"", "{\"a", "[", "[[[[\""] {
            let (mut parser, mut found) = (items("/a/b"), vec![]);
            let _ = parser.feed(begun.as_bytes());
            parser.reset();
            let _ = parser
                .feed_with(b"{\"a\":{\"b\":7}}", |item| found.push(String::from(item.text())));
            assert_eq!(found, ["7"], "after {begun}");
        }
    }

    #[test]
    fn an_item_that_came_whole_is_a_slice_of_the_chunk() {
        let chunk = b"[\"whole\"]";
        let mut parser = items("/*");
        let mut at = 0;
        let _ = parser.feed_with(chunk, |item| at = item.text().as_ptr() as usize);
        assert_eq!(at, chunk[1..].as_ptr() as usize);
        assert_eq!(parser.item.buffer.capacity(), 0);
    }

    #[test]
    fn white_space_before_an_item_is_not_held() {
        let mut parser = items("/*");
        let _ = parser.feed(b"[");
        for _ in 0..100 {
            let _ = parser.feed(&[b' '; 1_000]);
        }
        assert_eq!(parser.item.buffer.capacity(), 0);
        let mut found = vec![];
        let _ = parser.feed(b"1,   ");
        let _ =
            parser.feed_with(b"2]", |item| found.push((String::from(item.text()), item.offset())));
        assert_eq!(found, [("2".into(), 100_006)]);
    }

    #[test]
    fn offsets_count_from_that_of_the_reset() {
        let mut parser = items("");
        let _ = parser.feed(b"[1] [");
        parser.reset_at(1_000);
        let mut found = vec![];
        let _ = parser.feed_with(b" {} ", |item| found.push(item.offset()));
        assert_eq!((found, parser.offset()), (vec![1_001], 1_004));
        let _ = parser.feed(b"?");
        assert_eq!(parser.error(), Some(&Error::new(ErrorKind::UnexpectedByte, 1_004)));

        parser.reset_at(u64::MAX);
        let _ = parser.feed(b" {} ?");
        assert_eq!(parser.error(), Some(&Error::new(ErrorKind::UnexpectedByte, u64::MAX)));
    }

    #[test]
    fn a_value_alone_ends_with_its_last_byte() {
        let parser = Machine::located(Options::new().extent(Extent::Value));
        let mut parser = Items::new(parser, Pattern::new("").unwrap());
        let progress = parser.feed(b" [1]2");
        assert_eq!((progress.consumed, progress.status), (4, Status::Success));
        assert_eq!(parser.take_output(), Some(()));
    }

    #[test]
    fn a_pause_at_an_item_leaves_the_rest() {
        let mut parser = items("/*");
        let (mut rest, mut found) = (&b"[1,\"a\",{\"b\":[2]},3]"[..], vec![]);
        let mut calls = 0;
        while !rest.is_empty() {
            calls += 1;
            let progress = parser.feed_until(rest, |item| {
                found.push(String::from(item.text()));
                Break(())
            });
            rest = &rest[progress.consumed..];
        }
        assert_eq!(found, ["1", "\"a\"", "{\"b\":[2]}", "3"]);
        assert!(calls > 3, "{calls}");
    }
}
