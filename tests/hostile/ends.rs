//! Bodies that keep reading after the end, and parsers that are never dropped.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Mutex;

use pushdown::engine::{READS_AFTER_END, coroutine, generator, stackless};
use pushdown::quoted;
use pushdown::{DynParser, End, ErrorKind, Failure, PushParser, Status};

use crate::{Log, engines, error, feed, panic_of};

struct Guard(&'static str, Log);

impl Drop for Guard {
    fn drop(&mut self) {
        self.1.note(self.0);
    }
}

/// A body that keeps reading for ever, and notes the first end that it sees.
fn endless(log: &Log) -> coroutine::Parser {
    let log = log.clone();
    coroutine::Parser::new(move |input: &mut coroutine::Input<'_>| {
        let _outer = Guard("outer", log.clone());
        let _inner = Guard("inner", log.clone());
        while input.next().inspect_err(|end| log.note(format!("{end:?}"))).is_ok() {}
        loop {
            let _ = input.next();
        }
    })
}

/// The same, for the engines that take `async` bodies.
async fn endless_async(log: &Log, input: &mut stackless::Input<'_>) -> Result<(), Failure> {
    let _outer = Guard("outer", log.clone());
    let _inner = Guard("inner", log.clone());
    while input.next().await.inspect_err(|end| log.note(format!("{end:?}"))).is_ok() {}
    loop {
        let _ = input.next().await;
    }
}

/// Checks the ends that such a body sees, and the order of its destructors.
fn check(mut parser: impl PushParser<Events = ()>, log: &Log, abandoned: &[&str]) {
    assert_eq!(feed(&mut parser, b"abc").status, Status::NeedMoreInput);
    assert_eq!(parser.finish().err(), error(ErrorKind::UnexpectedEnd, 3));
    assert_eq!(log.take(), ["Finished", "inner", "outer"]);
    assert_eq!(parser.finish().err(), error(ErrorKind::UnexpectedEnd, 3), "the end is sticky");
    assert_eq!(log.take(), [""; 0]);

    parser.reset();
    assert_eq!(feed(&mut parser, b"ab").status, Status::NeedMoreInput);
    parser.reset();
    assert_eq!(log.take(), abandoned);
    assert_eq!((parser.status(), parser.offset()), (Status::NeedMoreInput, 0));

    assert_eq!(feed(&mut parser, b"a").status, Status::NeedMoreInput);
    drop(parser);
    assert_eq!(log.take(), abandoned);
}

#[test]
fn a_body_that_ignores_the_end_is_ended() {
    let log = Log::default();
    check(endless(&log), &log, &["Abandoned", "inner", "outer"]);
    let noted = log.clone();
    let body = async move |input: &mut stackless::Input<'_>| endless_async(&noted, input).await;
    check(stackless::Parser::new(body), &log, &["inner", "outer"]);
    let noted = log.clone();
    let body = async move |input: &mut stackless::Input<'_>| endless_async(&noted, input).await;
    check(generator::Parser::new(body), &log, &["inner", "outer"]);
}

#[test]
fn a_body_may_read_after_the_end_for_a_limited_number_of_times() {
    let mut parser = coroutine::Parser::new(|input: &mut coroutine::Input<'_>| {
        while input.next().is_ok() {}
        for _ in 1..READS_AFTER_END {
            assert_eq!(input.next(), Err(End::Finished));
        }
        Ok(input.offset())
    });
    let _ = feed(&mut parser, b"abc");
    assert_eq!((parser.finish(), parser.take_output()), (Ok(()), Some(3)));

    let mut parser = stackless::Parser::new(async |input: &mut stackless::Input<'_>| {
        while input.next().await.is_ok() {}
        for _ in 1..READS_AFTER_END {
            assert_eq!(input.next().await, Err(End::Finished));
        }
        Ok(input.offset())
    });
    let _ = feed(&mut parser, b"abc");
    assert_eq!((parser.finish(), parser.take_output()), (Ok(()), Some(3)));
}

#[test]
fn every_engine_answers_the_same_number_of_reads_after_the_end() {
    let count = Rc::new(Cell::new(0));
    let (counted, counted_async) = (count.clone(), count.clone());
    let coroutine = coroutine::Parser::<(), ()>::new(move |input: &mut coroutine::Input<'_>| {
        loop {
            let ended = input.next().is_err();
            counted.set(counted.get() + u8::from(ended));
        }
    });
    let body = || {
        let counted = counted_async.clone();
        async move |input: &mut stackless::Input<'_>| -> Result<(), Failure> {
            loop {
                let ended = input.next().await.is_err();
                counted.set(counted.get() + u8::from(ended));
            }
        }
    };
    let parsers: [Box<DynParser<'static, ()>>; 3] = [
        Box::new(coroutine),
        Box::new(stackless::Parser::new(body())),
        Box::new(generator::Parser::new(body())),
    ];
    for mut parser in parsers {
        for input in [&b""[..], b"abc"] {
            parser.reset();
            let _ = parser.feed(input);
            let offset = input.len() as u64;
            assert_eq!(parser.finish().err(), error(ErrorKind::UnexpectedEnd, offset));
            assert_eq!(count.take(), READS_AFTER_END);
        }
    }
}

/// Leaks a parser, but keeps it reachable for the leak checker.
fn forget(parser: impl PushParser + 'static) {
    static FORGOTTEN: Mutex<Vec<usize>> = Mutex::new(Vec::new());
    let kept = Box::into_raw(Box::new(parser));
    FORGOTTEN.lock().unwrap().push(kept.expose_provenance());
}

#[test]
fn parsers_leaked_half_way_do_not_disturb_others() {
    for _ in 0..100 {
        let mut parsers = engines::quoted();
        for (_, parser) in &mut parsers {
            assert_eq!(feed(parser, b"\"half").status, Status::NeedMoreInput);
        }
        parsers.into_iter().for_each(|(_, parser)| forget(parser));
        let mut parser = quoted::Coroutine::new();
        assert_eq!(parser.feed(b"\"whole\"").status, Status::Success);
    }
}

#[test]
fn a_body_that_catches_its_unwinding_is_suspended_for_good() {
    let mut parser = coroutine::Parser::<(), ()>::new(|input: &mut coroutine::Input<'_>| {
        loop {
            let _ = catch_unwind(AssertUnwindSafe(|| input.next()));
        }
    });
    assert_eq!(feed(&mut parser, b"a").status, Status::NeedMoreInput);
    assert_eq!(parser.finish().err(), error(ErrorKind::UnexpectedEnd, 1));
    parser.reset();
    assert_eq!(feed(&mut parser, b"a").consumed, 0);
    assert_eq!(parser.error().copied(), error(ErrorKind::Stalled, 0));
    forget(parser);
}

#[test]
fn a_body_may_have_any_size_and_alignment() {
    #[repr(align(256))]
    struct Aligned<const N: usize>([u8; N]);

    fn check<const N: usize>() {
        let captured = Aligned([7; N]);
        let mut parser =
            coroutine::Parser::<(), _>::new(move |input: &mut coroutine::Input<'_>| {
                assert_eq!((&raw const captured).addr() % 256, 0);
                input.expect(b'a')?;
                input.expect(b'b')?;
                assert_eq!(captured.0, [7; N]);
                Ok(Aligned([8; 256]))
            });
        assert_eq!(feed(&mut parser, b"a").status, Status::NeedMoreInput);
        assert_eq!(feed(&mut parser, b"b").status, Status::Success);
        assert_eq!(parser.take_output().map(|output| output.0), Some([8; 256]));
    }
    check::<256>();
    check::<768>();
    check::<4096>();
    check::<65_536>();
}

#[test]
fn a_destructor_may_feed_a_parser_while_a_panic_unwinds() {
    struct Feeds(quoted::Coroutine, Log);
    impl Drop for Feeds {
        fn drop(&mut self) {
            assert!(std::thread::panicking());
            self.1.note(format!("{:?}", self.0.feed(b"b\"").status));
        }
    }
    let log = Log::default();
    panic_of(|| {
        let mut feeds = Feeds(quoted::Coroutine::new(), log.clone());
        let _ = feeds.0.feed(b"\"a");
        panic!("half-way");
    });
    assert_eq!(log.take(), ["Success"]);
}
