//! Parts that drivers give back, and others that go on with them.

use std::pin::Pin;
use std::task::Poll;

use futures_core::Stream;
use pushdown::io::{self, ReadError, codec::Codec, framed::Reader, stream};
use pushdown::json::{Raw, Typed};
use pushdown::{Error, ErrorKind, PushParser, quoted};
use tokio_util::codec::FramedRead;

use crate::formats::Lines;
use crate::source::{Source, Step, poll_once};

fn source(chunks: &[&str]) -> Source {
    Source::new(chunks.iter().map(|chunk| Step::Chunk(chunk.as_bytes().to_vec())))
}

/// The next item of a stream that is ready.
fn next<S: Stream + Unpin>(stream: &mut S) -> Option<S::Item> {
    match poll_once(|cx| Pin::new(stream).poll_next(cx)) {
        Poll::Ready(item) => item,
        Poll::Pending => panic!("the source is always ready"),
    }
}

fn value<T>(item: Option<Result<T, ReadError>>) -> T {
    item.expect("there is a value").unwrap()
}

fn error<T>(item: Option<Result<T, ReadError>>) -> Error {
    match item {
        Some(Err(ReadError::Parse(error))) => error,
        _ => panic!("there is an error"),
    }
}

#[test]
fn the_rest_of_the_last_chunk_is_had_back() {
    let mut values = stream::values(source(&["[1]", " [2] HTTP", "/1.1"]), Raw::new());
    assert_eq!(&*value(next(&mut values)), "[1]");
    let (source, parser, unread) = values.into_parts();
    assert!(unread.is_none(), "a chunk that is used up is no rest");

    let mut values = stream::values(source, parser);
    assert_eq!(&*value(next(&mut values)), "[2]");
    let (source, parser, unread) = values.into_parts();
    let unread = unread.unwrap();
    assert_eq!((unread.as_ref(), unread.consumed, unread.chunk.len()), (&b" HTTP"[..], 4, 9));
    assert_eq!((source.rest(), parser.offset()), (b"/1.1".to_vec(), 7));

    let mut reader = Reader::new(self::source(&["[1] HTTP", "/1.1"]), Raw::new());
    assert_eq!(&*value(next(&mut reader)), "[1]");
    assert!(format!("{reader:?}").starts_with("Reader { parser: Raw"), "{reader:?}");
    let (source, _, unread) = reader.into_parts();
    assert_eq!((unread, source.rest()), (b" HTTP".to_vec(), b"/1.1".to_vec()));
}

#[test]
fn a_value_may_begin_in_one_driver_and_end_in_the_next() {
    let mut values = io::values(source(&["\"a"]), quoted::Machine::new());
    let end = Error::new(ErrorKind::UnexpectedEnd, 2);
    assert_eq!(error(values.next()), end, "an end that the source means");

    let chunks =
        Source::new([Step::Chunk(b"\"a\" ".to_vec()), Step::Chunk(b"[1".to_vec()), Step::Fail]);
    let mut values = io::values(chunks, Raw::new());
    assert_eq!(&*value(values.next()), "\"a\"");
    assert!(matches!(values.next(), Some(Err(ReadError::Io(_)))));
    let (_, parser) = values.into_parts();
    let mut values = stream::values(source(&[", 2", "] 3"]), parser);
    assert_eq!(&*value(next(&mut values)), "[1, 2]");
    let (_, parser, _) = values.into_parts();
    let mut values = io::tokio::values(source(&["4 ?"]), parser);
    assert_eq!(&*value(next(&mut values)), "4");
    assert_eq!(error(next(&mut values)), Error::new(ErrorKind::UnexpectedByte, 12));
}

#[test]
fn a_parser_that_has_ended_goes_on_with_the_next_value() {
    let mut parser = Raw::new();
    let _ = parser.feed(b"[1]");
    let mut source = source(&["[2][3", "]?"]);
    assert_eq!(&*value(io::values(&mut source, &mut parser).next()), "[2]");
    assert_eq!(&*value(next(&mut io::tokio::values(&mut source, &mut parser))), "[3]");
    assert_eq!(error(io::values(source, parser).next()), Error::new(ErrorKind::UnexpectedByte, 9));
}

#[test]
fn the_reason_of_an_error_is_read_from_the_parser() {
    let chunks = ["[1] [true] [2]"];
    let reason = |parser: &Typed<Vec<u32>>| parser.serde_error().unwrap().to_string();
    let expected = "invalid type: boolean `true`, expected u32 at line 1 column 5";

    let mut values = io::values(source(&chunks), Typed::<Vec<u32>>::new());
    assert_eq!(value(values.next()), [1]);
    assert_eq!(error(values.next()).offset, 10);
    assert_eq!(reason(values.parser()), expected);
    let (source, parser) = values.into_parts();
    assert_eq!(value(io::values(source, parser).next()), [2], "the next value is there");

    let mut framed = FramedRead::new(self::source(&chunks), Codec::new(Typed::<Vec<u32>>::new()));
    assert_eq!(value(next(&mut framed)), [1]);
    assert_eq!(error(next(&mut framed)).offset, 10);
    assert_eq!(reason(framed.decoder().parser()), expected);
    assert!(next(&mut framed).is_none());
    let mut framed = framed.map_decoder(|codec| Codec::new(codec.into_parts()));
    assert_eq!(value(next(&mut framed)), [2]);
    assert!(next(&mut framed).is_none());
}

#[test]
fn the_error_of_a_codec_stays() {
    let mut framed = FramedRead::new(source(&["{}}", "{}", "{}"]), Codec::new(Raw::new()));
    assert_eq!(&*value(next(&mut framed)), "{}");
    for _ in 0..3 {
        assert_eq!(error(next(&mut framed)), Error::new(ErrorKind::UnexpectedByte, 2));
        assert!(next(&mut framed).is_none());
    }
    assert_eq!(&framed.read_buffer()[..], b"}{}{}");
}

#[test]
fn a_framed_reader_that_has_more_after_its_end_goes_on_with_the_next_value() {
    let mut framed = FramedRead::new(source(&["a\nb"]), Codec::new(Lines::default()));
    assert_eq!(value(next(&mut framed)), "a");
    assert!(next(&mut framed).is_none(), "the line that is cut short is discarded");
    assert!(next(&mut framed).is_none());
    framed.get_mut().put_back(b"c\nd!");
    assert_eq!(value(next(&mut framed)), "c");
    assert_eq!(error(next(&mut framed)), Error::new(ErrorKind::Custom(1), 6));

    // An end between values ends nothing: a value that begins after it is whole.
    let mut framed = FramedRead::new(source(&["1 "]), Codec::new(Raw::new()));
    assert_eq!(&*value(next(&mut framed)), "1");
    assert!(next(&mut framed).is_none());
    framed.get_mut().put_back(b" 2 ");
    assert_eq!(&*value(next(&mut framed)), "2");
    assert!(next(&mut framed).is_none());
    framed.get_mut().put_back(b" [");
    assert_eq!(error(next(&mut framed)), Error::new(ErrorKind::UnexpectedEnd, 7));
}
