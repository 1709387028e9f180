//! The assertion of the fuzz target of the drivers in `pushdown::io`.

use std::fmt::Debug;
use std::io::{self, BufRead, Read};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use pushdown::engine::stackless::{self, Input};
use pushdown::io::ReadError;
use pushdown::io::codec::Codec;
use pushdown::{End, Error, ErrorKind, Failure, PushParser, Status, json, quoted, resp, sse, text};
use tokio_util::bytes::BytesMut;
use tokio_util::codec::Decoder;

use super::cut::{Target, cut};

/// Every target of the drivers.
pub const TARGETS: &[Target] = &[("codec_cuts", codec_cuts)];

/// Every driver finds in any cutting the values and errors that a loop of `feed` and `next_value` finds in the
/// whole, and leaves the same bytes unread. The first byte chooses the parser.
///
/// After an error, the drivers are taken apart and go on behind the offending byte.
pub fn codec_cuts(data: &[u8]) {
    let Some((choice, data)) = data.split_first() else { return };
    let (chunks, stream) = cut(data);
    let ends = chunks.iter().scan(0, |end, chunk| {
        *end += chunk.len();
        Some(*end)
    });
    let cuts: Vec<_> = ends.collect();
    let json = json::Options::new().extent(json::Extent::Value);
    match choice % 12 {
        0 => check("json::Raw", json::Raw::new, &cuts, stream),
        1 => check("json::Raw, limited", || json::Raw::new().max_len(6), &cuts, stream),
        2 => check("json::Typed<Value>", json::Typed::<serde_json::Value>::new, &cuts, stream),
        3 => check("json::Typed<Vec<u8>>", json::Typed::<Vec<u8>>::new, &cuts, stream),
        4 => check("sse::Messages", sse::Messages::new, &cuts, stream),
        5 => check("sse::Messages, limited", || sse::Messages::new().max_len(8), &cuts, stream),
        6 => {
            let machine = || json::Machine::<json::Json>::with_options(json);
            check("json::Machine", machine, &cuts, stream);
        }
        7 => check("quoted::Machine", quoted::Machine::new, &cuts, stream),
        8 => check("text::Utf8", text::Utf8::strict, &cuts, stream),
        10 => check("resp::Values", resp::Values::new, &cuts, stream),
        11 => check("resp::Requests", resp::Requests::new, &cuts, stream),
        _ => check("digits", || stackless::Parser::new(digits), &cuts, stream),
    }
}

/// Digits after spaces, perhaps none: a value of no bytes, which a driver must not read for ever.
async fn digits(input: &mut Input<'_>) -> Result<u64, Failure> {
    input.skip_between(|byte| byte == b' ').await?;
    let mut value = 0_u64;
    loop {
        match input.next_if(|byte| byte.is_ascii_digit()).await {
            Ok(Some(digit)) => value = value.wrapping_mul(10).wrapping_add((digit - b'0').into()),
            Ok(None) | Err(End::Finished) => return Ok(value),
            Err(end) => return Err(end.into()),
        }
    }
}

/// The values and errors found in a stream.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    /// A value, as `Debug` writes it, and the offset of its end.
    Value(String, u64),
    /// An error. The bytes that are unread begin at its offset.
    Bad(Error),
}

/// Reads the source up to an error or the end, and returns what is left of the parser and the source.
type Driver<'d, P> = fn(P, Source<'d>, &mut Vec<Found>) -> (P, Source<'d>);

fn check<P: PushParser<Output: Debug>>(
    name: &str,
    make: impl Fn() -> P,
    cuts: &[usize],
    stream: &[u8],
) {
    let expected = run("feed", by_hand, make(), &[stream.len()], stream);
    let drivers: [(&str, Driver<'_, P>); 4] = [
        ("feed", by_hand),
        ("Codec", codec),
        ("values", values),
        ("stream::values", stream_values),
    ];
    for (driver, read) in drivers {
        let found = run(driver, read, make(), cuts, stream);
        assert_eq!(
            found,
            expected,
            "{driver} (left) and the whole, {name} in {} cut at {cuts:?}",
            stream.escape_ascii()
        );
    }
}

/// Returns all that a driver finds in a stream, up to its end.
fn run<'d, P: PushParser>(
    driver: &str,
    read: Driver<'d, P>,
    mut parser: P,
    cuts: &'d [usize],
    stream: &'d [u8],
) -> Vec<Found> {
    let mut source = Source { stream, cuts, start: 0, end: 0 };
    let mut all = Vec::new();
    loop {
        let mut found = Vec::new();
        (parser, source) = read(parser, source, &mut found);
        let error = match found.last() {
            Some(Found::Bad(error)) => Some(*error),
            _ => None,
        };
        all.append(&mut found);
        let end = error.map_or(stream.len() as u64, |error| error.offset);
        let unread = (source.start as u64, parser.offset());
        assert_eq!(unread, (end, end), "{driver}: the first unread byte, twice (left)");
        if source.start == stream.len() {
            return all;
        }
        source.start += 1;
        source.end = source.end.max(source.start);
        parser.reset_at(source.start as u64);
    }
}

/// The loop that the drivers are compared with.
fn by_hand<'d, P: PushParser<Output: Debug>>(
    mut parser: P,
    mut source: Source<'d>,
    found: &mut Vec<Found>,
) -> (P, Source<'d>) {
    loop {
        let chunk = source.unread();
        let progress = parser.feed(chunk);
        source.start += progress.consumed;
        match progress.status {
            Status::NeedMoreInput => {
                assert_eq!(progress.consumed, chunk.len());
                if !source.next_chunk() {
                    break;
                }
            }
            Status::Success if parser.has_begun() => {
                let value = parser.take_output().expect("a value has an output");
                found.push(Found::Value(format!("{value:?}"), parser.offset()));
                parser.next_value();
            }
            Status::Success => {
                found.push(Found::Bad(Error::new(ErrorKind::NoProgress, parser.offset())));
                return (parser, source);
            }
            Status::BadInput => {
                found.push(Found::Bad(*parser.error().expect("bad input has an error")));
                return (parser, source);
            }
        }
    }
    if parser.has_begun() {
        match parser.finish() {
            Err(error) => found.push(Found::Bad(error)),
            Ok(()) => {
                let value = parser.take_output();
                let value = value.map(|value| Found::Value(format!("{value:?}"), parser.offset()));
                found.extend(value);
            }
        }
    }
    (parser, source)
}

/// The decoder, called as tokio-util documents it.
fn codec<'d, P: PushParser<Output: Debug>>(
    parser: P,
    mut source: Source<'d>,
    found: &mut Vec<Found>,
) -> (P, Source<'d>) {
    let (mut codec, mut buffer) = (Codec::new(parser), BytesMut::new());
    let mut over = false;
    loop {
        let item = if over { codec.decode_eof(&mut buffer) } else { codec.decode(&mut buffer) };
        match item.transpose() {
            Some(item) => {
                if push(item, codec.parser(), found) {
                    let again = codec.decode(&mut buffer).err();
                    let Some(Found::Bad(error)) = found.last() else { unreachable!() };
                    assert!(matches!(again, Some(ReadError::Parse(again)) if again == *error));
                    break;
                }
            }
            None if over => break,
            None => {
                assert!(buffer.is_empty(), "a value that goes on leaves bytes in the buffer");
                over = !source.next_chunk();
                buffer.extend_from_slice(source.take_chunk());
            }
        }
    }
    source.give_back(&buffer);
    (codec.into_parts(), source)
}

/// The iterator over a reader that lends the chunks.
fn values<'d, P: PushParser<Output: Debug>>(
    parser: P,
    source: Source<'d>,
    found: &mut Vec<Found>,
) -> (P, Source<'d>) {
    let mut values = pushdown::io::values(source, parser);
    while let Some(item) = values.next() {
        if push(item, values.parser(), found) {
            break;
        }
    }
    assert!(values.next().is_none(), "an item after the end");
    let (source, parser) = values.into_parts();
    (parser, source)
}

/// The stream over a stream of the chunks.
fn stream_values<'d, P: PushParser<Output: Debug>>(
    parser: P,
    source: Source<'d>,
    found: &mut Vec<Found>,
) -> (P, Source<'d>) {
    let mut values = pushdown::io::stream::values(source, parser);
    while let Some(item) = next(&mut values) {
        if push(item, values.parser(), found) {
            break;
        }
    }
    assert!(next(&mut values).is_none(), "an item after the end");
    let (mut source, parser, unread) = values.into_parts();
    source.give_back(unread.as_ref().map_or(&[], AsRef::as_ref));
    (parser, source)
}

fn next<S: Stream + Unpin>(stream: &mut S) -> Option<S::Item> {
    match Pin::new(stream).poll_next(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(item) => item,
        Poll::Pending => panic!("the source is always ready"),
    }
}

/// Takes an item of a driver, and returns true if it is an error.
fn push<T: Debug>(
    item: Result<T, ReadError>,
    parser: &impl PushParser,
    found: &mut Vec<Found>,
) -> bool {
    let item = match item {
        Ok(value) => {
            assert!((found.len() as u64) < parser.offset(), "more values than bytes");
            Found::Value(format!("{value:?}"), parser.offset())
        }
        Err(ReadError::Parse(error)) => Found::Bad(error),
        Err(ReadError::Io(error)) => panic!("the source does not fail: {error}"),
    };
    let is_bad = matches!(item, Found::Bad(_));
    found.push(item);
    is_bad
}

/// A stream that arrives in chunks, as a source of each kind.
struct Source<'d> {
    stream: &'d [u8],
    /// Ends of the chunks that have not arrived.
    cuts: &'d [usize],
    /// The bytes that have arrived and are unread.
    start: usize,
    end: usize,
}

impl<'d> Source<'d> {
    /// Returns false if there are no more chunks.
    fn next_chunk(&mut self) -> bool {
        let Some((end, cuts)) = self.cuts.split_first() else { return false };
        self.cuts = cuts;
        // A byte that was skipped may lie in a later chunk.
        self.end = self.end.max(*end);
        true
    }

    fn unread(&self) -> &'d [u8] {
        &self.stream[self.start..self.end]
    }

    fn take_chunk(&mut self) -> &'d [u8] {
        let chunk = self.unread();
        self.start = self.end;
        chunk
    }

    /// Takes back bytes that were taken and not parsed.
    fn give_back(&mut self, bytes: &[u8]) {
        assert!(self.stream[..self.start].ends_with(bytes), "the bytes that are left are others");
        self.start -= bytes.len();
    }
}

impl Read for Source<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(room)?;
        self.consume(read);
        Ok(read)
    }
}

impl BufRead for Source<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        // An empty chunk would be the end.
        while self.start == self.end && self.next_chunk() {}
        Ok(self.unread())
    }

    fn consume(&mut self, count: usize) {
        self.start += count;
    }
}

impl<'d> Stream for Source<'d> {
    type Item = io::Result<&'d [u8]>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let is_some = self.start < self.end || self.next_chunk();
        Poll::Ready(is_some.then(|| Ok(self.take_chunk())))
    }
}
