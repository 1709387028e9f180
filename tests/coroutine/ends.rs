//! Bodies that read on after the end, and cursors that are kept from chunk to chunk.

use std::cell::Cell;
use std::rc::Rc;

use pushdown::engine::READS_AFTER_END;
use pushdown::engine::coroutine::{Input, Parser};
use pushdown::engine::stackless;
use pushdown::events::Bytes;
use pushdown::{End, ErrorKind, Failure, PushParser, Status};

use crate::{Log, error, feed};

/// The number of refused reads that a body has seen, and the answer of its parser, if the body accepts
/// the end at the `last` one.
fn coroutine(last: u32, fed: bool) -> (u32, Result<(), ErrorKind>) {
    let seen = Rc::new(Cell::new(0));
    let counts = Rc::clone(&seen);
    let mut parser: Parser = Parser::new(move |input: &mut Input<'_>| {
        loop {
            if input.next().is_err() {
                counts.set(counts.get() + 1);
                if counts.get() == last {
                    return Ok(());
                }
            }
        }
    });
    if fed {
        let _ = feed(&mut parser, b"a");
    }
    let answer = parser.finish().map_err(|error| error.kind);
    (seen.get(), answer)
}

fn stackless(last: u32, fed: bool) -> (u32, Result<(), ErrorKind>) {
    let seen = Rc::new(Cell::new(0));
    let counts = Rc::clone(&seen);
    let mut parser = stackless::Parser::new(async move |input: &mut stackless::Input<'_>| {
        loop {
            if input.next().await.is_err() {
                counts.set(counts.get() + 1);
                if counts.get() == last {
                    return Ok::<_, Failure>(());
                }
            }
        }
    });
    if fed {
        let _ = feed(&mut parser, b"a");
    }
    let answer = parser.finish().map_err(|error| error.kind);
    (seen.get(), answer)
}

#[test]
fn a_body_may_accept_the_end_at_its_64th_refused_read_and_not_later_in_every_engine() {
    assert_eq!(READS_AFTER_END, 64);
    for fed in [false, true] {
        for last in [1, 2, 63, 64] {
            let accepted = (last, Ok(()));
            assert_eq!(coroutine(last, fed), accepted, "fed: {fed}");
            assert_eq!(stackless(last, fed), accepted, "fed: {fed}");
        }
        for last in [65, 66, 1000] {
            let given_up = (64, Err(ErrorKind::UnexpectedEnd));
            assert_eq!(coroutine(last, fed), given_up, "fed: {fed}");
            assert_eq!(stackless(last, fed), given_up, "fed: {fed}");
        }
    }
}

#[test]
fn a_body_may_leave_a_bound_at_its_64th_refused_read_and_not_later_in_every_engine() {
    fn coroutine(input: &mut Input<'_>, last: u32, seen: &Cell<u32>) -> Result<(), Failure> {
        let mut part = input.at_most(1);
        while seen.get() < last {
            seen.set(seen.get() + u32::from(part.next().is_err()));
        }
        Ok(())
    }
    async fn stackless(
        input: &mut stackless::Input<'_>,
        last: u32,
        seen: &Cell<u32>,
    ) -> Result<(), Failure> {
        let mut part = input.at_most(1);
        while seen.get() < last {
            seen.set(seen.get() + u32::from(part.next().await.is_err()));
        }
        Ok(())
    }
    for (last, count, status) in
        [(63, 63, Status::Success), (64, 64, Status::Success), (65, 64, Status::BadInput)]
    {
        let seen = Rc::new(Cell::new(0));
        let counts = Rc::clone(&seen);
        let mut parser: Parser =
            Parser::new(move |input: &mut Input<'_>| coroutine(input, last, &counts));
        assert_eq!(feed(&mut parser, b"ab").status, status);
        assert_eq!((seen.get(), parser.offset()), (count, 1));
        let seen = Rc::new(Cell::new(0));
        let counts = Rc::clone(&seen);
        let mut parser = stackless::Parser::new(async move |input: &mut stackless::Input<'_>| {
            stackless(input, last, &counts).await
        });
        assert_eq!(feed(&mut parser, b"ab").status, status);
        assert_eq!((seen.get(), parser.offset()), (count, 1));
    }
}

#[test]
fn every_bound_may_be_read_at_64_times() {
    let mut parser = Parser::<(), ()>::new(|input| {
        for _ in 0..10 {
            let mut part = input.frame(1);
            for _ in 0..64 {
                let _ = part.next();
            }
        }
        Ok(())
    });
    assert_eq!(feed(&mut parser, b"0123456789").status, Status::Success);
}

#[test]
fn a_body_that_is_given_up_inside_another_ends_the_body_whose_reads_it_used_up() {
    // The inner parser's sink reads the outer one's input, on the inner one's stack.
    let log = Log::default();
    let noted = log.clone();
    let mut outer: Parser = Parser::new(move |input: &mut Input<'_>| {
        let mut inner = Parser::<Bytes, ()>::new(|input| {
            let byte = input.next()?;
            input.emit(&[byte]);
            Ok(())
        });
        struct Notes<'n>(&'n Parser<Bytes, ()>, &'n Log);
        impl Drop for Notes<'_> {
            fn drop(&mut self) {
                self.1.note(self.0.error().map(|error| error.kind));
            }
        }
        let fed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _ = inner.feed_local(b"x", |_| {
                loop {
                    let _ = input.next();
                }
            });
        }));
        drop(Notes(&inner, &noted));
        match fed {
            Ok(()) => panic!("the unwinding of the outer body ended in the inner parser"),
            Err(payload) => std::panic::resume_unwind(payload),
        }
    });
    assert_eq!(outer.finish().err(), error(ErrorKind::UnexpectedEnd, 0));
    assert_eq!(log.take(), ["Some(Panicked)"]);
    outer.reset();
    assert_eq!(outer.status(), Status::NeedMoreInput, "its stack is not lost");
}

#[test]
fn a_byte_at_the_address_of_one_peeked_at_before_is_blamed_like_any_other() {
    let mut parser = Parser::<(), ()>::new(|input| {
        input.next()?;
        input.peek()?; // the second byte of the chunk
        input.next()?;
        input.next()?; // the first byte of the next one: the cursor is where it was for the peek
        Err(input.fail(ErrorKind::Custom(0)))
    });
    let chunk = [b'a', b'b'];
    assert_eq!(parser.feed(&chunk).status, Status::NeedMoreInput);
    assert_eq!(parser.feed(&chunk).status, Status::BadInput);
    assert_eq!(parser.error().copied(), error(ErrorKind::Custom(0), 2));
}

#[test]
fn a_body_that_has_paused_is_finished_and_abandoned_like_any_other() {
    let log = Log::default();
    let noted = log.clone();
    let mut parser = Parser::<Bytes, ()>::new(move |input| {
        input.emit(b"first");
        noted.note(input.next());
        input.emit(b"second");
        noted.note(input.next());
        Ok(())
    });
    let pause = |_: &[u8]| std::ops::ControlFlow::Break(());
    let progress = parser.feed_until_local(b"ab", pause);
    assert_eq!((progress.consumed, progress.status), (0, Status::NeedMoreInput));
    assert_eq!(parser.finish(), Ok(()));
    let finished = format!("{:?}", Err::<u8, _>(End::Finished));
    assert_eq!(log.take(), [&finished[..], &finished[..]]);
    parser.reset();
    let _ = parser.feed_until_local(b"ab", pause);
    drop(parser);
    let abandoned = format!("{:?}", Err::<u8, _>(End::Abandoned));
    assert_eq!(log.take(), [&abandoned[..], &abandoned[..]]);
}

#[test]
fn a_value_begins_after_what_lies_between_values() {
    let mut parser = Parser::<(), ()>::new(|input| {
        input.skip_between(|byte| byte == b' ')?;
        input.skip_until(b'.')?;
        Ok(())
    });
    for offset in [0, 1000] {
        parser.reset_at(offset);
        assert!(!parser.has_begun());
        for chunk in [" ", "   "] {
            let _ = feed(&mut parser, chunk.as_bytes());
            assert!(!parser.has_begun(), "spaces are not a value");
        }
        let _ = feed(&mut parser, b" a");
        assert!(parser.has_begun());
        let _ = feed(&mut parser, b"  ");
        assert!(parser.has_begun(), "spaces in the value are a part of it");
        assert_eq!(feed(&mut parser, b". ").status, Status::Success);
        parser.next_value();
        assert_eq!((parser.offset(), parser.has_begun()), (offset + 9, false));
        let _ = feed(&mut parser, b" ");
        assert!(!parser.has_begun());
    }
}
