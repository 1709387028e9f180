//! One adapter for each driver: it reads a source up to the end, with a parser of any format.

use std::fmt::Debug;
use std::future::Future;
use std::io::ErrorKind::Interrupted;
use std::pin::{Pin, pin};
use std::sync::atomic::Ordering;
use std::task::Poll;

use futures_core::Stream;
use futures_core::stream::FusedStream;
use pushdown::io::codec::Codec;
use pushdown::io::framed::Reader;
use pushdown::io::{self, ReadError};
use pushdown::{Error, ErrorKind, PushParser};
use tokio_util::bytes::BytesMut;
use tokio_util::codec::{Decoder, FramedRead};

use crate::source::{Source, poll_once};

/// The reading of a stream by a driver.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// The values, as `Debug` writes them.
    pub(crate) values: Vec<String>,
    pub(crate) error: Option<Error>,
    /// The bytes that were not parsed.
    pub(crate) rest: Vec<u8>,
    /// The parser's offset at the end.
    pub(crate) offset: u64,
}

pub(crate) type Run<P> = fn(P, Source) -> Outcome;

/// All drivers. Those that are made anew "each time" are taken apart after each item, and at each poll.
pub(crate) fn all<P: PushParser<Output: Debug>>() -> Vec<(&'static str, Run<P>)> {
    vec![
        ("io::parse, repeated", parse),
        ("io::values", |parser, source| values(parser, source, |values| values)),
        ("io::values, anew each time", |parser, source| {
            values(parser, source, |values| {
                let (source, parser) = values.into_parts();
                io::values(source, parser)
            })
        }),
        ("io::tokio::parse, repeated, dropped at every poll", tokio_parse),
        ("io::tokio::values", |parser, source| tokio_values(parser, source, |values| values)),
        ("io::tokio::values, anew each time", |parser, source| {
            tokio_values(parser, source, |values| {
                let (source, parser) = values.into_parts();
                io::tokio::values(source, parser)
            })
        }),
        ("io::tokio::Values::next, dropped at every poll", tokio_next),
        ("io::framed::Reader", |parser, source| reader(parser, source, |reader| reader)),
        ("io::framed::Reader, anew each time", |parser, source| {
            reader(parser, source, |reader| {
                let (mut source, parser, unread) = reader.into_parts();
                source.put_back(&unread);
                Reader::new(source, parser)
            })
        }),
        ("io::stream::values", |parser, source| stream(parser, source, |values| values)),
        ("io::stream::values, anew each time", |parser, source| {
            stream(parser, source, |values| {
                let (mut source, parser, unread) = values.into_parts();
                source.put_back(unread.as_ref().map_or(&[], AsRef::as_ref));
                io::stream::values(source, parser)
            })
        }),
        ("io::codec::Codec", codec),
        ("io::codec::Codec in a FramedRead", framed_read),
    ]
}

/// The items of a driver.
#[derive(Default)]
struct Items {
    values: Vec<String>,
    error: Option<Error>,
    failures: usize,
    interruptions: usize,
}

impl Items {
    /// Takes an item, and returns false if it is the last.
    fn push<T: Debug>(&mut self, item: Option<Result<T, ReadError>>) -> bool {
        match item {
            Some(Ok(value)) => self.values.push(format!("{value:?}")),
            Some(Err(ReadError::Io(error))) if error.kind() == Interrupted => {
                self.interruptions += 1;
            }
            Some(Err(ReadError::Io(_))) => self.failures += 1,
            Some(Err(ReadError::Parse(error))) => self.error = Some(error),
            None => return false,
        }
        assert!(self.values.len() < 100, "the stream has no end");
        self.error.is_none()
    }

    /// `retries` says that the driver retries interrupted reads.
    fn outcome(self, parser: &impl PushParser, source: &Source, retries: bool) -> Outcome {
        let Self { values, error, failures, interruptions } = self;
        let not_retried = if retries { 0 } else { source.interruptions };
        let expected = (source.failures, not_retried);
        assert_eq!((failures, interruptions), expected, "errors of the source");
        // An error that the parser knows of is its own.
        let own = error.filter(|error| error.kind != ErrorKind::NoProgress);
        assert_eq!(parser.error().copied(), own);
        Outcome { values, error, rest: source.rest(), offset: parser.offset() }
    }
}

/// One value after the other, with a function that reads one.
fn by_hand<P: PushParser<Output: Debug>>(
    mut parser: P,
    mut source: Source,
    parse: impl Fn(&mut Source, &mut P) -> Result<(), ReadError>,
) -> Outcome {
    let mut items = Items::default();
    loop {
        let item = match parse(&mut source, &mut parser) {
            Err(ReadError::Io(error)) => {
                items.push::<()>(Some(Err(error.into())));
                continue;
            }
            // Between values: the end.
            Err(ReadError::Parse(Error { kind: ErrorKind::UnexpectedEnd, .. }))
                if !parser.has_begun() =>
            {
                parser.next_value();
                None
            }
            Err(error) => Some(Err(error)),
            Ok(()) if parser.has_begun() => parser.take_output().map(Ok),
            Ok(()) if source.rest().is_empty() => None,
            Ok(()) => Some(Err(Error::new(ErrorKind::NoProgress, parser.offset()).into())),
        };
        if !items.push(item) {
            return items.outcome(&parser, &source, true);
        }
        parser.next_value();
    }
}

fn parse<P: PushParser<Output: Debug>>(parser: P, source: Source) -> Outcome {
    by_hand(parser, source, |source, parser| io::parse(source, parser))
}

fn tokio_parse<P: PushParser<Output: Debug>>(parser: P, source: Source) -> Outcome {
    by_hand(parser, source, |source, parser| {
        until_ready(|| poll_dropped(io::tokio::parse(source, parser)))
    })
}

/// Polls a future once, and drops it.
pub(crate) fn poll_dropped<T>(future: impl Future<Output = T>) -> Poll<T> {
    let future = pin!(future);
    poll_once(|cx| future.poll(cx))
}

pub(crate) fn until_ready<T>(mut poll: impl FnMut() -> Poll<T>) -> T {
    loop {
        if let Poll::Ready(result) = poll() {
            return result;
        }
    }
}

fn values<P: PushParser<Output: Debug>>(
    parser: P,
    source: Source,
    remake: impl Fn(io::Values<Source, P>) -> io::Values<Source, P>,
) -> Outcome {
    let asked = source.asked.clone();
    let (mut values, mut items) = (io::values(source, parser), Items::default());
    while items.push(values.next()) {
        values = remake(values);
    }
    let before = asked.load(Ordering::Relaxed);
    assert!(values.next().is_none() && values.next().is_none(), "an item after the end");
    assert_eq!(asked.load(Ordering::Relaxed), before, "the source is asked after the end");
    let (source, parser) = values.into_parts();
    items.outcome(&parser, &source, true)
}

/// Polls a stream up to the end, which must stay.
fn collect<S, T: Debug>(mut stream: S, source: &Source, remake: impl Fn(S) -> S) -> (S, Items)
where
    S: FusedStream<Item = Result<T, ReadError>> + Unpin,
{
    let asked = source.asked.clone();
    let mut items = Items::default();
    loop {
        let over = stream.is_terminated();
        let item = poll_once(|cx| Pin::new(&mut stream).poll_next(cx));
        assert!(
            !over || matches!(item, Poll::Ready(None)),
            "a stream that says it is over goes on"
        );
        if let Poll::Ready(item) = item
            && !items.push(item)
        {
            break;
        }
        stream = remake(stream);
    }
    assert!(stream.is_terminated());
    let before = asked.load(Ordering::Relaxed);
    for _ in 0..2 {
        let item = poll_once(|cx| Pin::new(&mut stream).poll_next(cx));
        assert!(matches!(item, Poll::Ready(None)), "an item after the end");
    }
    assert_eq!(asked.load(Ordering::Relaxed), before, "the source is asked after the end");
    (stream, items)
}

type TokioValues<P> = io::tokio::Values<Source, P>;

fn tokio_values<P: PushParser<Output: Debug>>(
    parser: P,
    source: Source,
    remake: impl Fn(TokioValues<P>) -> TokioValues<P>,
) -> Outcome {
    let asked = source.clone();
    let (values, items) = collect(io::tokio::values(source, parser), &asked, remake);
    let (source, parser) = values.into_parts();
    items.outcome(&parser, &source, true)
}

fn tokio_next<P: PushParser<Output: Debug>>(parser: P, source: Source) -> Outcome {
    let (mut values, mut items) = (io::tokio::values(source, parser), Items::default());
    while items.push(until_ready(|| poll_dropped(values.next()))) {}
    let (source, parser) = values.into_parts();
    items.outcome(&parser, &source, true)
}

fn reader<P: PushParser<Output: Debug>>(
    parser: P,
    source: Source,
    remake: impl Fn(Reader<Source, P>) -> Reader<Source, P>,
) -> Outcome {
    let asked = source.clone();
    let (reader, items) = collect(Reader::new(source, parser), &asked, remake);
    let (mut source, parser, unread) = reader.into_parts();
    source.put_back(&unread);
    items.outcome(&parser, &source, true)
}

type StreamValues<P> = io::stream::Values<Source, Vec<u8>, P>;

fn stream<P: PushParser<Output: Debug>>(
    parser: P,
    source: Source,
    remake: impl Fn(StreamValues<P>) -> StreamValues<P>,
) -> Outcome {
    let asked = source.clone();
    let (values, items) = collect(io::stream::values(source, parser), &asked, remake);
    let (mut source, parser, unread) = values.into_parts();
    if let Some(unread) = unread {
        assert!(!unread.as_ref().is_empty());
        source.put_back(unread.as_ref());
    }
    items.outcome(&parser, &source, false)
}

/// The codec called by hand, as tokio-util documents it.
fn codec<P: PushParser<Output: Debug>>(parser: P, mut source: Source) -> Outcome {
    let (mut codec, mut buffer) = (Codec::new(parser), BytesMut::new());
    let (mut items, mut over) = (Items::default(), false);
    loop {
        let item = if over { codec.decode_eof(&mut buffer) } else { codec.decode(&mut buffer) };
        let item = item.transpose();
        if item.is_none() && !over {
            assert!(buffer.is_empty(), "a value that goes on leaves nothing in the buffer");
            match until_ready(|| poll_once(|cx| Pin::new(&mut source).poll_next(cx))) {
                Some(Ok(chunk)) => buffer.extend_from_slice(&chunk),
                Some(Err(error)) => _ = items.push::<()>(Some(Err(error.into()))),
                None => over = true,
            }
        } else if !items.push(item) {
            break;
        }
    }
    for _ in 0..2 {
        let again = codec.decode_eof(&mut buffer).transpose();
        assert!(!Items::default().push(again), "a value after the end");
    }
    source.put_back(&buffer);
    items.outcome(&codec.into_parts(), &source, false)
}

/// A `FramedRead` gives `None` after each error, and goes on if it is polled again.
fn framed_read<P: PushParser<Output: Debug>>(parser: P, source: Source) -> Outcome {
    let mut framed = FramedRead::new(source, Codec::new(parser));
    let mut items = Items::default();
    loop {
        let item = until_ready(|| poll_once(|cx| Pin::new(&mut framed).poll_next(cx)));
        let failed = matches!(item, Some(Err(_)));
        let goes_on = items.push(item);
        if failed {
            let end = poll_once(|cx| Pin::new(&mut framed).poll_next(cx));
            assert!(matches!(end, Poll::Ready(None)));
        }
        if !goes_on {
            break;
        }
    }
    let unread = framed.read_buffer().to_vec();
    let mut parser = None;
    let mut framed = framed.map_decoder(|codec| {
        parser = Some(codec.into_parts());
        Codec::new(pushdown::json::Raw::new())
    });
    framed.get_mut().put_back(&unread);
    items.outcome(&parser.expect("there is a codec"), framed.get_ref(), false)
}
