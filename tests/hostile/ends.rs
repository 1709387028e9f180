//! Bodies that do not want to end, and parsers that never do.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use pushdown::engine::{coroutine, generator, stackless};
use pushdown::quoted;
use pushdown::{End, ErrorKind, Failure, PushParser, Status};

use crate::{Log, engines, error, feed, panic_of};

struct Guard(&'static str, Log);

impl Drop for Guard {
    fn drop(&mut self) {
        self.1.note(self.0);
    }
}

/// A body that reads on for ever and notes what it is told first.
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

/// The same.
async fn endless_async(log: &Log, input: &mut stackless::Input<'_>) -> Result<(), Failure> {
    let _outer = Guard("outer", log.clone());
    let _inner = Guard("inner", log.clone());
    while input.next().await.inspect_err(|end| log.note(format!("{end:?}"))).is_ok() {}
    loop {
        let _ = input.next().await;
    }
}

/// What a body is told that reads on for ever, and the order of its destructors.
fn check(mut parser: impl PushParser<Events = ()>, log: &Log, abandoned: &[&str]) {
    assert_eq!(feed(&mut parser, b"abc").status, Status::NeedMoreInput);
    assert_eq!(parser.finish().err(), error(ErrorKind::UnexpectedEnd, 3));
    assert_eq!(log.take(), ["Finished", "inner", "outer"]);
    assert_eq!(parser.finish().err(), error(ErrorKind::UnexpectedEnd, 3), "again");
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
fn a_body_that_swallows_the_end_is_ended_all_the_same() {
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
fn a_body_may_go_on_reading_for_a_while_after_the_end() {
    let mut parser = coroutine::Parser::new(|input: &mut coroutine::Input<'_>| {
        while input.next().is_ok() {}
        for _ in 0..60 {
            assert_eq!(input.next(), Err(End::Finished));
        }
        Ok(input.offset())
    });
    let _ = feed::<()>(&mut parser, b"abc");
    assert_eq!((parser.finish(), parser.take_output()), (Ok(()), Some(3)));

    let mut parser = stackless::Parser::new(async |input: &mut stackless::Input<'_>| {
        while input.next().await.is_ok() {}
        for _ in 0..60 {
            assert_eq!(input.next().await, Err(End::Finished));
        }
        Ok(input.offset())
    });
    let _ = feed::<()>(&mut parser, b"abc");
    assert_eq!((parser.finish(), parser.take_output()), (Ok(()), Some(3)));
}

/// Kept for ever, like what is forgotten, but where a leak checker can see it.
fn forget(parser: impl PushParser + 'static) {
    static FORGOTTEN: Mutex<Vec<usize>> = Mutex::new(Vec::new());
    let kept = Box::into_raw(Box::new(parser));
    FORGOTTEN.lock().unwrap().push(kept.expose_provenance());
}

#[test]
fn parsers_forgotten_half_way_leave_the_others_alone() {
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
fn a_body_that_catches_even_its_unwinding_is_given_up() {
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
fn a_body_may_be_as_large_and_as_aligned_as_it_likes() {
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
fn a_parser_may_be_used_by_a_destructor_while_a_panic_unwinds() {
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
        panic!("on the way");
    });
    assert_eq!(log.take(), ["Success"]);
}
