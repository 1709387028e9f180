//! Parsers inside the bodies and sinks of other parsers.

use std::cell::RefCell;
use std::mem;
use std::pin::pin;

use pushdown::engine::{coroutine, generator, stackless};
use pushdown::quoted::{self, Event, Quoted};
use pushdown::{DynParser, End, ErrorKind, Failure, PushParser, Status};

use crate::{Log, both, engines, error, feed, panic_of, text};

/// Parsers of every engine inside a body, and the text that each reports.
struct Inner(Vec<(engines::Parser, String)>);

impl Inner {
    fn new() -> Self {
        Self(engines::quoted().map(|(_, parser)| (parser, String::new())).into())
    }

    fn feed(&mut self, piece: &[u8]) {
        for (parser, reported) in &mut self.0 {
            let record = |Event::Text(piece): Event<'_>| reported.push_str(&text(piece));
            assert_eq!(parser.feed_with(piece, record).consumed, piece.len());
        }
    }

    fn note(self, log: &Log) {
        self.0.into_iter().for_each(|(_, reported)| log.note(reported));
    }
}

/// Checks a body that feeds all before the semicolon to the parsers inside.
fn check(parser: &mut DynParser<'_, ()>, log: &Log) {
    let input = br#""a \"b\" c";."#;
    for cut in 0..=input.len() {
        parser.reset();
        let _ = feed(parser, &input[..cut]);
        let _ = feed(parser, &input[cut..]);
        assert_eq!(parser.status(), Status::Success, "cut at {cut}");
        assert_eq!(log.take(), ["a \"b\" c"; 5], "cut at {cut}");
    }
}

#[test]
fn a_coroutine_may_feed_its_chunk_to_parsers_of_every_engine() {
    let log = Log::default();
    let noted = log.clone();
    let mut parser = coroutine::Parser::new(move |input: &mut coroutine::Input<'_>| {
        let mut inner = Inner::new();
        input.scan_until(b';', |piece| inner.feed(piece))?;
        inner.note(&noted);
        input.expect(b'.')
    });
    check(&mut parser, &log);
}

#[test]
fn an_async_body_may_feed_its_chunk_to_parsers_of_every_engine() {
    let log = Log::default();
    let body = || {
        let log = log.clone();
        async move |input: &mut stackless::Input<'_>| {
            let mut inner = Inner::new();
            input.scan_until(b';', |piece| inner.feed(piece)).await?;
            inner.note(&log);
            input.expect(b'.').await
        }
    };
    both(body, |parser| check(parser, &log));
}

#[test]
fn an_inner_body_may_read_the_outer_input_until_it_is_used_up() {
    let log = Log::default();
    let body = || {
        let log = log.clone();
        async move |outer: &mut stackless::Input<'_>| {
            let mut inner = pin!(stackless::Task::new(async |inner: &mut stackless::Input<'_>| {
                while inner.next().await.is_ok() {
                    log.note(char::from(outer.next().await?));
                }
                Ok(())
            }));
            let _ = inner.feed(b"..");
            log.note(format!("{:?}", inner.feed(b".").status));
            log.note(format!("{:?}", inner.error().map(|error| (error.kind, error.offset))));
            Ok(())
        }
    };
    both(body, |parser| {
        assert_eq!(feed(parser, b"abc").status, Status::Success);
        assert_eq!(log.take(), ["a", "b", "c", "NeedMoreInput", "None"]);
        parser.reset();
        assert_eq!(feed(parser, b"a").status, Status::Success);
        assert_eq!(log.take(), ["a", "BadInput", "Some((Stalled, 2))"]);
    });
}

/// A body that waits for its input inside a sink, and so on the stack of the inner parser.
fn crossed(log: Log) -> impl FnMut(&mut coroutine::Input<'_>) -> Result<(), Failure> {
    move |outer| {
        let mut inner = quoted::Coroutine::new();
        let progress = inner.feed_local(br#""a\b""#, |Event::Text(piece)| {
            let read = outer.next();
            log.note(format!("{} {read:?}", text(piece)));
        });
        log.note(format!("{:?}", progress.status));
        outer.expect(b'.')
    }
}

#[test]
fn a_body_may_wait_inside_the_sink_of_another_parser() {
    let log = Log::default();
    let mut parser = coroutine::Parser::<(), ()>::new(crossed(log.clone()));
    for byte in b"12" {
        assert_eq!(feed(&mut parser, &[*byte]).status, Status::NeedMoreInput);
    }
    assert_eq!(feed(&mut parser, b".").status, Status::Success);
    assert_eq!(log.take(), ["a Ok(49)", "b Ok(50)", "Success"]);
}

#[test]
fn a_body_that_waits_inside_the_sink_of_another_parser_sees_the_end() {
    let log = Log::default();
    for (call, seen) in
        [("drop", End::Abandoned), ("reset", End::Abandoned), ("finish", End::Finished)]
    {
        let mut parser = coroutine::Parser::<(), ()>::new(crossed(log.clone()));
        assert_eq!(feed(&mut parser, b"1").status, Status::NeedMoreInput);
        match call {
            "drop" => drop(parser),
            "reset" => parser.reset(),
            _ => assert_eq!(parser.finish().err(), error(ErrorKind::UnexpectedEnd, 1)),
        }
        assert_eq!(log.take(), ["a Ok(49)", &format!("b Err({seen:?})"), "Success"], "{call}");
    }
}

type Slot<E> = RefCell<Option<Box<DynParser<'static, E>>>>;

thread_local! {
    static BY_BODY: Slot<()> = const { RefCell::new(None) };
    static BY_SINK: Slot<Quoted> = const { RefCell::new(None) };
}

#[test]
fn a_body_that_feeds_its_own_parser_panics_and_the_parser_can_be_reset() {
    fn again(byte: u8) {
        if byte == b'!' {
            let _ = BY_BODY.with_borrow_mut(|parser| feed(parser.as_mut().unwrap(), b"again"));
        }
    }
    async fn body(input: &mut stackless::Input<'_>) -> Result<(), Failure> {
        again(input.next().await?);
        Ok(())
    }
    let coroutine = coroutine::Parser::<(), ()>::new(|input: &mut coroutine::Input<'_>| {
        again(input.next()?);
        Ok(())
    });
    let parsers: [Box<DynParser<'static, ()>>; 3] = [
        Box::new(coroutine),
        Box::new(stackless::Parser::new(body)),
        Box::new(generator::Parser::new(body)),
    ];
    for parser in parsers {
        BY_BODY.set(Some(parser));
        panic_of(|| BY_BODY.with_borrow_mut(|parser| feed(parser.as_mut().unwrap(), b"!")));
        let mut parser = BY_BODY.take().unwrap();
        assert_eq!(parser.error().copied(), error(ErrorKind::Panicked, 1));
        parser.reset();
        assert_eq!(feed(&mut parser, b".").status, Status::Success);
    }
}

#[test]
fn a_sink_that_feeds_its_own_parser_panics_and_the_parser_can_be_reset() {
    fn again() {
        let _ = BY_SINK.with_borrow_mut(|parser| feed(parser.as_mut().unwrap(), b"again"));
    }
    for (_, parser) in engines::quoted() {
        BY_SINK.set(Some(parser));
        panic_of(|| {
            BY_SINK.with_borrow_mut(|parser| {
                parser.as_mut().unwrap().feed_with(b"\"text\"", |_| again())
            })
        });
        let mut parser = BY_SINK.take().unwrap();
        assert_eq!(parser.error().map(|error| error.kind), Some(ErrorKind::Panicked));
        parser.reset();
        assert_eq!(feed(&mut parser, b"\"\"").status, Status::Success);
    }
}

#[test]
fn parsers_swapped_in_the_middle_of_their_input_keep_their_state() {
    fn swap<P: PushParser<Events = Quoted>>(mut a: P, mut b: P) {
        let _ = (a.feed(b"\"a\\"), b.feed(b"\"b"));
        mem::swap(&mut a, &mut b);
        assert_eq!((a.feed(b"\".").consumed, a.offset()), (1, 3));
        assert_eq!((b.feed(b"\"\".").consumed, b.offset()), (2, 5));
    }
    swap(quoted::Machine::new(), quoted::Machine::new());
    swap(quoted::Coroutine::new(), quoted::Coroutine::new());
    swap(quoted::Generator::new(), quoted::Generator::new());
    swap(quoted::Stackless::new(), quoted::Stackless::new());
    swap(quoted::Combinator::new(), quoted::Combinator::new());
    let [task, other] = [(); 2].map(|()| {
        Box::pin(stackless::Task::new(async |input: &mut stackless::Input<'_, Quoted>| {
            quoted::string_async(input, |event| event).await
        }))
    });
    swap(task, other);
}
