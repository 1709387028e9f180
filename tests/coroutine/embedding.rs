//! Another parser inside a body, and its sink.

use std::cell::Cell;
use std::ops::ControlFlow::{self, Break};
use std::rc::Rc;
use std::thread;

use pushdown::engine::coroutine::{Input, Parser};
use pushdown::engine::stackless;
use pushdown::events::Bytes;
use pushdown::quoted::{self, Event};
use pushdown::{End, ErrorKind, EventSink, Failure, Progress, PushParser, State, Status};

use crate::{error, feed, message_of, panic_of};

/// A parser of one byte that reports it from another thread.
#[derive(Default)]
struct Elsewhere(State);

impl PushParser for Elsewhere {
    type Events = Bytes;
    type Output = ();

    fn feed_dyn(&mut self, chunk: &[u8], sink: &mut EventSink<'_, Bytes>) -> Progress {
        self.0.feed(chunk, |state| {
            thread::scope(|scope| {
                let emits = scope.spawn(|| sink(&chunk[..1]));
                let _: ControlFlow<()> = emits.join().expect("a sink that panics");
            });
            state.succeed(1)
        })
    }

    fn finish_dyn(&mut self, _: &mut EventSink<'_, Bytes>) -> Result<(), pushdown::Error> {
        self.0.finish()
    }

    fn state(&self) -> &State {
        &self.0
    }

    fn reset_at(&mut self, offset: u64) {
        self.0 = State::at(offset);
    }

    fn take_output(&mut self) -> Option<()> {
        (self.0.status() == Status::Success).then_some(())
    }
}

#[test]
fn an_inner_parser_that_emits_on_another_thread_panics_there() {
    let mut parser = Parser::<Bytes, ()>::new(|input| {
        input.run(&mut Elsewhere::default(), |text, out| out.emit(text))?;
        Ok(())
    });
    // The outer sink need not be `Send`.
    let count = Rc::new(Cell::new(0));
    let counts = Rc::clone(&count);
    let _ = panic_of(|| parser.feed_local(b"a", |_| counts.set(counts.get() + 1)));
    assert_eq!((count.get(), parser.error().copied()), (0, error(ErrorKind::Panicked, 0)));
    // Without a sink nothing is emitted.
    parser.reset();
    assert_eq!(feed(&mut parser, b"a").status, Status::Success);
}

#[test]
fn the_error_of_an_inner_parser_keeps_its_kind_its_offset_and_its_start() {
    let mut parser = Parser::<Bytes, ()>::new(|input| {
        input.skip_until(b':')?;
        let body = async |input: &mut stackless::Input<'_>| -> Result<(), Failure> {
            let start = input.offset();
            input.skip_until(b'!').await?;
            Err(input.fail_from(start, ErrorKind::Custom(7)))
        };
        input.run(&mut stackless::Parser::new(body), |event, _| match event {})?;
        Ok(())
    });
    for chunk in 1..9 {
        parser.reset_at(100);
        for chunk in b"ab:cde!f".chunks(chunk) {
            let _ = feed(&mut parser, chunk);
        }
        let found = parser.error().copied();
        assert_eq!(found, error(ErrorKind::Custom(7), 106));
        assert_eq!(found.unwrap().start, Some(103));
    }
}

#[test]
fn a_pause_of_the_outer_sink_pauses_both_parsers() {
    let mut parser = Parser::<Bytes, ()>::new(|input| {
        let mut string = quoted::Machine::new();
        input.run(&mut string, |Event::Text(text), out| {
            out.emit(text);
            out.emit(text);
        })?;
        Ok(())
    });
    let chunk = br#""ab\cd" and more"#;
    let mut rest = &chunk[..];
    let mut log = Vec::new();
    loop {
        let progress = parser.feed_until_local(rest, |text| {
            log.push(String::from_utf8_lossy(text).into_owned());
            Break(())
        });
        rest = &rest[progress.consumed..];
        log.push(format!("{}", progress.consumed));
        if progress.status == Status::Success {
            break;
        }
    }
    assert_eq!(rest, b" and more");
    let events: Vec<_> = log.iter().map(String::as_str).collect();
    assert_eq!(events, ["ab", "ab", "4", "c", "c", "1", "d", "d", "2"]);
}

#[test]
fn an_inner_parser_ends_with_the_frame_around_it() {
    fn number(input: &mut Input<'_>) -> Result<u32, Failure> {
        let mut value = 0;
        loop {
            match input.next() {
                Ok(digit @ b'0'..=b'9') => value = 10 * value + u32::from(digit - b'0'),
                Ok(_) => return Err(input.fail(ErrorKind::UnexpectedByte)),
                Err(End::Finished) => return Ok(value),
                Err(end) => return Err(end.into()),
            }
        }
    }
    let mut parser = Parser::<Bytes, u32>::new(|input| {
        let mut frame = input.frame(3);
        let value = frame.run(&mut Parser::new(number), |event, _| match event {})?;
        Ok(value.unwrap())
    });
    for cut in 0..=5 {
        parser.reset();
        let (first, second) = b"12345".split_at(cut);
        let _ = feed(&mut parser, first);
        let _ = feed(&mut parser, second);
        assert_eq!((parser.take_output(), parser.offset()), (Some(123), 3));
    }
    // Cut short by the end of the input: a body that would accept the end does not see it.
    parser.reset();
    let _ = feed(&mut parser, b"12");
    assert_eq!(parser.finish().err(), error(ErrorKind::UnexpectedEnd, 2));
}

#[test]
fn a_panic_of_an_inner_parser_reaches_the_call_of_the_outer_one() {
    let mut parser = Parser::<Bytes, ()>::new(|input| {
        let body = |input: &mut Input<'_>| -> Result<(), Failure> {
            input.next()?;
            panic!("inside")
        };
        input.run(&mut Parser::new(body), |event, _| match event {})?;
        Ok(())
    });
    assert_eq!(message_of(|| feed(&mut parser, b"a")), "inside");
    assert_eq!(parser.error().map(|error| error.kind), Some(ErrorKind::Panicked));
}
