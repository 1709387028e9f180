//! One value: `parse`, `parse_with` and `try_parse_with`, over std and tokio.

use std::error::Error as _;
use std::io as std_io;

use pushdown::engine::stackless::{Input, Parser};
use pushdown::events::Bytes;
use pushdown::io::{self, ReadError};
use pushdown::json::{Event, Joiner, Json, Machine, Options};
use pushdown::{DynParser, Error, ErrorKind, Events, Failure, PushParser, Status, quoted};

use crate::drivers::{poll_dropped, until_ready};
use crate::source::{Source, Step};

#[derive(Debug)]
enum Failed {
    Read(ReadError),
    Refused,
    Join(ErrorKind),
}

impl From<ReadError> for Failed {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

type EventOf<'e, P> = <<P as PushParser>::Events as Events>::Event<'e>;

/// Calls `try_parse_with` of std, or of tokio, whose future is dropped at every poll.
fn try_parse_with<P: PushParser>(
    is_async: bool,
    source: &mut Source,
    parser: &mut P,
    mut sink: impl for<'e> FnMut(EventOf<'e, P>) -> Result<(), Failed> + Send,
) -> Result<(), Failed> {
    if is_async {
        until_ready(|| poll_dropped(io::tokio::try_parse_with(source, parser, &mut sink)))
    } else {
        io::try_parse_with(source, parser, sink)
    }
}

/// The input whole, and byte by byte with waits between.
fn sources(input: &[u8]) -> [Source; 2] {
    let bytes = input.iter().flat_map(|byte| [Step::Pending, Step::Chunk(vec![*byte])]);
    [Source::new([Step::Chunk(input.to_vec())]), Source::new(bytes)]
}

const STRING: &[u8] = br#""a\"b\"c\"d" and more"#;

#[test]
fn the_sink_gets_all_events_and_the_reader_keeps_the_rest() {
    for source in sources(STRING) {
        let (mut text, mut blocking) = (Vec::new(), source.clone());
        io::parse_with(&mut blocking, &mut quoted::Machine::new(), |quoted::Event::Text(piece)| {
            text.extend_from_slice(piece);
        })
        .unwrap();
        assert_eq!((text, blocking.rest()), (b"a\"b\"c\"d".to_vec(), b" and more".to_vec()));

        let (mut text, mut source, mut parser) = (Vec::new(), source, quoted::Machine::new());
        let mut sink =
            |quoted::Event::Text(piece): quoted::Event<'_>| text.extend_from_slice(piece);
        until_ready(|| poll_dropped(io::tokio::parse_with(&mut source, &mut parser, &mut sink)))
            .unwrap();
        assert_eq!((text, source.rest()), (b"a\"b\"c\"d".to_vec(), b" and more".to_vec()));
    }
}

#[test]
fn the_end_of_the_reader_is_told_to_the_parser() {
    let end = Error::new(ErrorKind::UnexpectedEnd, 2);
    for mut source in sources(b"\"a") {
        let result = io::parse_with(&mut source, &mut quoted::Machine::new(), |_| ());
        assert!(matches!(result, Err(ReadError::Parse(error)) if error == end));
    }
    for mut source in sources(b"\"a") {
        let (mut parser, mut count) = (quoted::Machine::new(), 0);
        let mut sink = |_: quoted::Event<'_>| count += 1;
        let result = until_ready(|| {
            poll_dropped(io::tokio::parse_with(&mut source, &mut parser, &mut sink))
        });
        assert!(matches!(result, Err(ReadError::Parse(error)) if error == end));
        assert_eq!(count, 1);
    }
}

#[test]
fn a_sink_that_fails_stops_the_parser_which_can_go_on() {
    let mut refused = 0;
    for (is_async, source) in [false, true].into_iter().zip(sources(STRING)).cycle().take(4) {
        // The event with this number is refused, and every later one taken.
        for number in 0..7 {
            let (mut source, mut parser) = (source.clone(), quoted::Machine::new());
            let (mut seen, mut text) = (0, Vec::new());
            let mut sink = |quoted::Event::Text(piece): quoted::Event<'_>| {
                seen += 1;
                text.extend_from_slice(piece);
                if seen == number + 1 { Err(Failed::Refused) } else { Ok(()) }
            };
            let error = try_parse_with(is_async, &mut source, &mut parser, &mut sink);
            assert!(matches!(error, Err(Failed::Refused)));
            assert_eq!(source.rest(), STRING[parser.offset() as usize..]);
            try_parse_with(is_async, &mut source, &mut parser, &mut sink).unwrap();
            assert_eq!((source.rest(), parser.status()), (b" and more".to_vec(), Status::Success));
            assert_eq!(text, b"a\"b\"c\"d", "event {number}");
            refused += 1;
        }
    }
    assert_eq!(refused, 28);
}

#[test]
fn an_error_of_a_consumer_is_not_lost() {
    for is_async in [false, true] {
        for mut source in sources(br#"["short", "much too long", "more"]"#) {
            let mut parser = Machine::<Json>::with_options(Options::new());
            let mut joiner = Joiner::new().max_len(8);
            let result = try_parse_with(is_async, &mut source, &mut parser, |event| match event {
                Event::String(piece) => joiner.join(piece).map(drop).map_err(Failed::Join),
                _ => Ok(()),
            });
            assert!(matches!(result, Err(Failed::Join(ErrorKind::TooLong))), "{result:?}");
        }
    }
}

#[test]
fn a_sink_may_fail_at_the_end_of_the_input() {
    for is_async in [false, true] {
        for mut source in sources(b"12") {
            let mut parser = Machine::<Json>::with_options(Options::new());
            // The number ends with the input.
            let sink = |event: Event<'_>| match event {
                Event::Number(piece) if piece.more => Ok(()),
                _ => Err(Failed::Refused),
            };
            let result = try_parse_with(is_async, &mut source, &mut parser, sink);
            assert!(matches!(result, Err(Failed::Refused)));
            assert!(try_parse_with(is_async, &mut source, &mut parser, sink).is_ok());
        }
        // The error of the sink comes before that of the parser.
        let mut parser = Parser::new(async |input: &mut Input<'_, Bytes>| {
            let read = input.next().await;
            input.emit(b"the last");
            input.emit(b"two events");
            read.map(drop).map_err(Failure::from)
        });
        let sink = |event: &[u8]| if event == b"the last" { Err(Failed::Refused) } else { Ok(()) };
        let mut source = Source::new([]);
        let result = try_parse_with(is_async, &mut source, &mut parser, sink);
        assert!(matches!(result, Err(Failed::Refused)));
        let result = try_parse_with(is_async, &mut source, &mut parser, sink);
        let end = Error::new(ErrorKind::UnexpectedEnd, 0);
        assert!(matches!(result, Err(Failed::Read(ReadError::Parse(error))) if error == end));
    }
}

#[test]
fn an_error_of_the_reader_is_that_of_the_call() {
    for is_async in [false, true] {
        let chunk = |bytes: &[u8]| Step::Chunk(bytes.to_vec());
        let mut source = Source::new([
            chunk(b"\"a"),
            Step::Fail,
            Step::Interrupted,
            Step::Pending,
            chunk(b"b\""),
        ]);
        let (mut parser, mut text) = (quoted::Machine::new(), Vec::new());
        let mut sink = |quoted::Event::Text(piece): quoted::Event<'_>| {
            text.extend_from_slice(piece);
            Ok(())
        };
        let result = try_parse_with(is_async, &mut source, &mut parser, &mut sink);
        assert!(matches!(result, Err(Failed::Read(ReadError::Io(_)))));
        try_parse_with(is_async, &mut source, &mut parser, sink).unwrap();
        assert_eq!(text, b"ab");
    }
}

#[test]
fn a_parser_that_has_ended_reads_nothing() {
    let mut source = Source::new([Step::Fail]);
    let mut parser = quoted::Machine::new();
    let _ = parser.feed(b"\"\"");
    for _ in 0..2 {
        io::parse(&mut source, &mut parser).unwrap();
        io::parse_with(&mut source, &mut parser, |_| ()).unwrap();
        assert!(poll_dropped(io::tokio::parse(&mut source, &mut parser)).is_ready());
        assert!(poll_dropped(io::tokio::parse_with(&mut source, &mut parser, |_| ())).is_ready());
        for is_async in [false, true] {
            try_parse_with(is_async, &mut source, &mut parser, |_| Ok(())).unwrap();
        }
    }
    parser.reset();
    let _ = parser.feed(b"?");
    assert!(io::parse(&mut source, &mut parser).is_err());
    assert!(poll_dropped(io::tokio::parse(&mut source, &mut parser)).is_ready());
    assert_eq!(source.failures, 0);
}

#[test]
fn parsers_behind_pointers_are_driven_and_futures_are_send() {
    fn send<T: Send>(value: T) -> T {
        value
    }
    let mut parser: Box<DynParser<'_, quoted::Quoted>> = Box::new(quoted::Machine::new());
    io::parse(&mut &b"\"a\""[..], &mut *parser).unwrap();
    parser.reset();
    let reader: &mut (dyn tokio::io::AsyncBufRead + Unpin) = &mut &b"\"a\""[..];
    until_ready(|| poll_dropped(io::tokio::parse_with(reader, &mut *parser, |_| ()))).unwrap();

    let (mut reader, mut parser) = (&b""[..], quoted::Stackless::new());
    drop(send(io::tokio::parse_with(&mut reader, &mut parser, |_| ())));
    drop(send(io::tokio::parse(&mut reader, &mut parser)));
    drop(send(io::tokio::values(reader, parser).next()));
}

#[test]
fn a_read_error_is_an_error_of_std() {
    let kind = |error: ReadError| {
        let error = std_io::Error::from(error);
        let inner = error.get_ref().and_then(|error| error.downcast_ref::<Error>()).copied();
        (error.kind(), inner)
    };
    let bad = Error::new(ErrorKind::UnexpectedByte, 3);
    assert_eq!(kind(bad.into()), (std_io::ErrorKind::InvalidData, Some(bad)));
    let end = Error::new(ErrorKind::UnexpectedEnd, 3);
    assert_eq!(kind(end.into()), (std_io::ErrorKind::UnexpectedEof, Some(end)));
    let broken = std_io::Error::from(std_io::ErrorKind::BrokenPipe);
    assert_eq!(kind(broken.into()), (std_io::ErrorKind::BrokenPipe, None));
    assert_eq!(ReadError::from(bad).to_string(), bad.to_string());
    assert!(ReadError::from(bad).source().is_none());
}

#[test]
fn the_source_of_a_read_error_is_that_of_the_error_of_the_reader() {
    #[derive(Debug)]
    struct Caused(Error);

    impl std::fmt::Display for Caused {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("caused")
        }
    }

    impl std::error::Error for Caused {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }

    let cause = Error::new(ErrorKind::UnexpectedByte, 3);
    let error = ReadError::from(std_io::Error::other(Caused(cause)));
    assert_eq!(error.to_string(), "caused");
    let source = error.source().and_then(|source| source.downcast_ref::<Error>());
    assert_eq!(source, Some(&cause));
}
