//! Everything that calls hold is dropped, wherever they end.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::thread;

use pushdown::engine::stackless::{Input, Options, Parser};
use pushdown::{Failure, PushParser, Status};

use crate::{deep, foreign, group};

/// A value on each level, which is counted while it lives.
struct Live<'a>(&'a Cell<i32>);

impl<'a> Live<'a> {
    fn new(count: &'a Cell<i32>) -> Self {
        count.set(count.get() + 1);
        Self(count)
    }
}

impl Drop for Live<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// Groups that may also panic (`!`) or wait for something foreign (`?`).
async fn counted(input: &mut Input<'_>, live: &Cell<i32>) -> Result<(), Failure> {
    let _live = Live::new(live);
    input.expect(b'(').await?;
    loop {
        match input.peek().await? {
            b'(' => input.nested(|input| counted(input, live)).await?,
            b'!' => resume_unwind(Box::new("!")),
            b'?' => foreign().await,
            _ => return input.expect(b')').await,
        }
    }
}

#[test]
fn everything_is_dropped_by_every_end_at_every_depth() {
    let live = Cell::new(0);
    let input = deep(40);
    let mut parser = Parser::new(async |input: &mut Input<'_>| counted(input, &live).await);
    let mut ends = 0;
    for cut in 1..input.len() {
        for end in ["reset", "finish", "fail", "panic", "stall"] {
            parser.reset();
            assert_eq!(parser.feed(&input[..cut]).status, Status::NeedMoreInput);
            assert_ne!(live.get(), 0, "{cut}");
            match end {
                "reset" => parser.reset(),
                "finish" => drop(parser.finish()),
                "fail" => drop(parser.feed(b"x").status),
                "panic" => drop(catch_unwind(AssertUnwindSafe(|| parser.feed(b"!").status))),
                _ => drop(parser.feed(b"?").status),
            }
            assert_eq!(live.get(), 0, "{end} after {cut}");
            ends += 1;
        }
    }
    drop(parser);
    for cut in 1..input.len() {
        let mut parser = Parser::new(async |input: &mut Input<'_>| counted(input, &live).await);
        let _ = parser.feed(&input[..cut]);
        drop(parser);
        assert_eq!(live.get(), 0, "dropped after {cut}");
        ends += 1;
    }
    println!("{ends} ends");
}

#[test]
fn levels_are_dropped_from_the_innermost_out() {
    struct Level<'a>(usize, &'a RefCell<Vec<usize>>);

    impl Drop for Level<'_> {
        fn drop(&mut self) {
            self.1.borrow_mut().push(self.0);
        }
    }

    async fn level(
        input: &mut Input<'_>,
        depth: usize,
        order: &RefCell<Vec<usize>>,
    ) -> Result<(), Failure> {
        let _level = Level(depth, order);
        input.expect(b'(').await?;
        input.nested(|input| level(input, depth + 1, order)).await
    }

    let order = RefCell::new(Vec::new());
    let mut parser = Parser::new(async |input: &mut Input<'_>| level(input, 0, &order).await);
    let _ = parser.feed(&[b'('; 50]);
    parser.reset();
    assert_eq!(*order.borrow(), (0..=50).rev().collect::<Vec<_>>());
}

#[test]
fn a_hundred_thousand_levels_end_on_a_small_stack() {
    let run = || {
        for end in ["drop", "reset", "finish", "fail"] {
            let mut parser = Options::new().max_depth(u32::MAX).parser(group);
            let _ = parser.feed(&vec![b'('; 100_000]);
            match end {
                "drop" => drop(parser),
                "reset" => parser.reset(),
                "finish" => drop(parser.finish()),
                _ => drop(parser.feed(b"x").status),
            }
        }
    };
    thread::Builder::new().stack_size(128 << 10).spawn(run).unwrap().join().unwrap();
}

#[test]
fn a_destructor_that_panics_does_not_keep_the_other_levels() {
    struct Panics<'a>(usize, &'a Cell<usize>);

    impl Drop for Panics<'_> {
        fn drop(&mut self) {
            self.1.set(self.1.get() + 1);
            if self.0.is_multiple_of(10) && !thread::panicking() {
                resume_unwind(Box::new("a destructor panics"));
            }
        }
    }

    async fn level(
        input: &mut Input<'_>,
        depth: usize,
        dropped: &Cell<usize>,
    ) -> Result<(), Failure> {
        let _panics = Panics(depth, dropped);
        input.expect(b'(').await?;
        input.nested(|input| level(input, depth + 1, dropped)).await
    }

    let dropped = Cell::new(0);
    for end in ["reset", "stall", "fail", "drop"] {
        dropped.set(0);
        let mut parser = Parser::new(async |input: &mut Input<'_>| {
            let result = level(input, 0, &dropped).await;
            if end == "stall" { Ok(()) } else { result }
        });
        let _ = parser.feed(&[b'('; 99]);
        let panicked = catch_unwind(AssertUnwindSafe(|| match end {
            "reset" => parser.reset(),
            "drop" => drop(parser),
            _ => drop(parser.feed(b"x").status),
        }));
        assert!(panicked.is_err(), "{end}");
        assert_eq!(dropped.get(), 100, "{end}");
    }
}

#[test]
fn an_output_that_nobody_takes_is_dropped() {
    let kept = Rc::new(());
    let mut parser = Parser::new(async |input: &mut Input<'_>| {
        // The call ends in the frame, and the body is dropped before it is polled again.
        let call = input.nested(async |input: &mut Input<'_>| {
            input.next().await?;
            input.next().await?;
            Ok::<_, Failure>(kept.clone())
        });
        call.await?;
        foreign().await;
        Ok::<(), Failure>(())
    });
    let _ = parser.feed(b"a");
    let _ = parser.feed(b"b");
    drop(parser);
    assert_eq!(Rc::strong_count(&kept), 1);
}
