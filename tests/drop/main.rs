//! At every point where a body can wait, it is dropped, reset, finished, made to fail, and made to
//! panic in the body, in the sink or in a destructor. The destructors run once, in order, and the
//! parser can be used again.

use std::panic::{AssertUnwindSafe, catch_unwind};

use pushdown::{DynParser, Error, ErrorKind, PushParser, Status};

mod abandoned;
mod bodies;
mod guards;
mod outputs;

use bodies::{ENGINES, Engine, Letters};
use guards::Guards;

const WHOLE: [&[u8]; 3] = [b"()", br"(ab(c)\d)", br"((\x)(y(z))(((w))))"];

/// A parser that waits for the rest of its input.
struct Waiting<'a> {
    engine: &'a Engine,
    parser: Box<DynParser<'static, Letters>>,
    guards: Guards,
    /// The number of open groups.
    open: usize,
    whole: &'a [u8],
    fed: &'a [u8],
    rest: &'a [u8],
}

/// Runs a check with every engine, wherever an input can be cut, fed whole and byte by byte.
fn at_every_point(check: impl Fn(Waiting<'_>)) {
    let mut cases = 0;
    for engine in &ENGINES {
        for whole in WHOLE {
            for (cut, size) in (0..whole.len()).flat_map(|cut| [(cut, 1), (cut, whole.len())]) {
                let (fed, rest) = whole.split_at(cut);
                println!("{engine:?} after {}, by {size}", fed.escape_ascii());
                let guards = Guards::default();
                let mut parser = (engine.make)(&guards);
                for chunk in fed.chunks(size) {
                    assert_eq!(parser.feed(chunk).status, Status::NeedMoreInput);
                }
                let count = |wanted| fed.iter().filter(|byte| **byte == wanted).count();
                let open = count(b'(') - count(b')');
                let held = if engine.waits_inside { open } else { 0 };
                assert_eq!(guards.alive(), 1 + held, "one of the body, and one per group");
                check(Waiting { engine, parser, guards, open, whole, fed, rest });
                cases += 1;
            }
        }
    }
    println!("{cases} points in {} engines", ENGINES.len());
    assert!(cases > 0);
}

impl Waiting<'_> {
    fn offset(&self) -> u64 {
        self.fed.len() as u64
    }

    /// Asserts that the parser has ended with this error, repeats it, and works again after a reset.
    fn ended(mut self, expected: Error) {
        let held = if self.engine.keeps { self.open } else { 0 };
        assert_eq!(self.guards.alive(), 1 + held);
        assert_eq!(self.parser.feed(self.rest).status, Status::BadInput);
        assert_eq!(self.parser.finish(), Err(expected));
        assert_eq!(self.parser.error(), Some(&expected));
        assert_eq!(self.parser.offset(), expected.offset);
        self.parser.reset();
        self.used_again();
    }

    /// Asserts that the parser is at its start, can be used again, and can be dropped.
    fn used_again(mut self) {
        assert_eq!(self.guards.alive(), 1);
        assert_eq!((self.parser.status(), self.parser.offset()), (Status::NeedMoreInput, 0));
        for whole in WHOLE {
            let progress = self.parser.feed(whole);
            assert_eq!((progress.consumed, progress.status), (whole.len(), Status::Success));
            assert_eq!(self.guards.alive(), 1);
            self.parser.reset();
        }
        drop(self.parser);
        assert_eq!(self.guards.alive(), 0);
    }
}

/// The message of the panic of a call, if it panics.
fn panic_of<R>(call: impl FnOnce() -> R) -> Option<String> {
    let payload = catch_unwind(AssertUnwindSafe(call)).err()?;
    let text = payload.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| payload.downcast_ref::<String>().cloned())
}

#[test]
fn a_parser_can_be_dropped_anywhere() {
    at_every_point(|Waiting { parser, guards, .. }| {
        drop(parser);
        assert_eq!(guards.alive(), 0);
    });
}

#[test]
fn a_parser_can_be_reset_anywhere() {
    at_every_point(|mut waiting| {
        waiting.parser.reset();
        waiting.used_again();
    });
}

#[test]
fn the_input_can_be_finished_anywhere() {
    at_every_point(|mut waiting| {
        let error = Error::new(ErrorKind::UnexpectedEnd, waiting.offset());
        assert_eq!(waiting.parser.finish(), Err(error));
        waiting.ended(error);
    });
}

#[test]
fn the_input_can_be_bad_anywhere() {
    at_every_point(|mut waiting| {
        let progress = waiting.parser.feed(b"#");
        assert_eq!((progress.consumed, progress.status), (0, Status::BadInput));
        let error = Error::new(ErrorKind::UnexpectedByte, waiting.offset());
        waiting.ended(error);
    });
}

#[test]
fn a_body_can_panic_anywhere() {
    at_every_point(|mut waiting| {
        let payload = panic_of(|| waiting.parser.feed(b"!"));
        assert_eq!(payload.as_deref(), Some("in the body"));
        let error = *waiting.parser.error().expect("a panic is an error");
        assert_eq!(error.kind, ErrorKind::Panicked);
        waiting.ended(error);
    });
}

#[test]
fn a_sink_can_panic_anywhere() {
    at_every_point(|mut waiting| {
        let payload =
            panic_of(|| waiting.parser.feed_with(waiting.rest, |_| panic!("in the sink")));
        let reported = if waiting.engine.waits_inside { waiting.rest } else { waiting.whole };
        if reported.iter().any(u8::is_ascii_lowercase) {
            assert_eq!(payload.as_deref(), Some("in the sink"));
            assert_eq!(waiting.parser.error().map(|error| error.kind), Some(ErrorKind::Panicked));
        } else {
            assert_eq!((payload, waiting.parser.status()), (None, Status::Success));
        }
        waiting.parser.reset();
        waiting.used_again();
    });
}

#[test]
fn a_destructor_can_panic_while_the_parser_is_dropped() {
    at_every_point(|Waiting { engine, parser, guards, .. }| {
        guards.arm();
        let payload = panic_of(|| drop(parser));
        assert_eq!(payload.is_none(), engine.swallows);
        assert!(guards.fired());
        assert_eq!(guards.alive(), 0);
    });
}

#[test]
fn a_destructor_can_panic_while_the_parser_is_reset() {
    at_every_point(|mut waiting| {
        waiting.guards.arm();
        let payload = panic_of(|| waiting.parser.reset());
        let fired = waiting.guards.fired();
        assert_eq!(fired, waiting.open > 0 && waiting.engine.waits_inside);
        assert_eq!(payload.is_some(), fired && !waiting.engine.swallows);
        waiting.parser.reset();
        waiting.used_again();
    });
}

#[test]
fn a_destructor_can_panic_while_the_input_is_finished() {
    at_every_point(|mut waiting| {
        waiting.guards.arm();
        let payload = panic_of(|| waiting.parser.finish());
        let fired = waiting.guards.fired();
        assert_eq!(fired, waiting.open > 0 && waiting.engine.waits_inside && !waiting.engine.keeps);
        assert_eq!(payload.is_some(), fired);
        let kind = if fired { ErrorKind::Panicked } else { ErrorKind::UnexpectedEnd };
        let error = Error::new(kind, waiting.offset());
        waiting.ended(error);
    });
}

#[test]
fn a_destructor_can_panic_while_the_body_fails() {
    at_every_point(|mut waiting| {
        waiting.guards.arm();
        let payload = panic_of(|| waiting.parser.feed(b"#"));
        let fired = waiting.guards.fired();
        assert_eq!(fired, waiting.open > 0 && !waiting.engine.keeps);
        assert_eq!(payload.is_some(), fired);
        let kind = if fired { ErrorKind::Panicked } else { ErrorKind::UnexpectedByte };
        let error = *waiting.parser.error().unwrap();
        assert_eq!(error.kind, kind);
        waiting.ended(error);
    });
}

#[test]
fn a_destructor_can_panic_while_the_body_succeeds() {
    at_every_point(|mut waiting| {
        waiting.guards.arm();
        let payload = panic_of(|| waiting.parser.feed(waiting.rest));
        assert_eq!(payload.as_deref(), Some("in a destructor"));
        assert_eq!(waiting.parser.error().map(|error| error.kind), Some(ErrorKind::Panicked));
        waiting.parser.reset();
        waiting.used_again();
    });
}
