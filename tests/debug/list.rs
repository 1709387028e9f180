//! Which parsers are listed, and in which groups.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::pin;
use std::sync::mpsc;
use std::thread;

use pushdown::engine::{coroutine, generator, stackless};
use pushdown::{DynParser, Failure, PushParser, Status, debug, json, quoted, resp, sse};

use super::{groups, summary};

const FIRST: u32 = line!() + 2;
async fn two_lines(input: &mut stackless::Input<'_>) -> Result<(), Failure> {
    input.skip_until([b'\n']).await?;
    input.skip_until([b'\n']).await?;
    Ok(())
}
const SECOND: u32 = FIRST + 1;

#[test]
fn parsers_are_grouped_by_the_line_that_waits_and_the_largest_group_comes_first() {
    let inputs = ["a", "b\nc", "\n", "d\ne", "f", "g\n"];
    let mut parsers: Vec<_> = inputs.map(|_| stackless::Parser::new(two_lines)).into();
    let mut generators: Vec<_> = (0..3).map(|_| generator::Parser::new(two_lines)).collect();
    for (parser, input) in parsers.iter_mut().zip(inputs) {
        let _ = parser.feed(input.as_bytes());
    }
    for parser in &mut generators {
        let _ = parser.feed(b"x");
    }
    let stackless = |line, count| ("stackless", Some(line), count);
    assert_eq!(
        summary(),
        [stackless(SECOND, 4), ("generator", Some(FIRST), 3), stackless(FIRST, 2)]
    );
    assert_eq!(parsers[0].waits_at().map(Location::line), Some(FIRST));
    assert_eq!(generators[0].waits_at().map(Location::line), Some(FIRST));
    let text = debug::dump().to_string();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], "9 waiting");
    assert_eq!(lines[1], format!("4 stackless parser: waits for input, {}:{SECOND}", file!()));
    assert_eq!(lines.len(), 4);
}

#[test]
fn a_parser_is_listed_while_it_waits_and_at_no_other_time() {
    let mut parser = stackless::Parser::new(two_lines);
    assert_eq!(summary(), [], "before the first byte");
    let _ = parser.feed(b"a");
    assert_eq!(summary(), [("stackless", Some(FIRST), 1)]);
    let _ = parser.feed(b"");
    assert_eq!(summary(), [("stackless", Some(FIRST), 1)]);
    assert_eq!(parser.feed(b"\n\n").status, Status::Success);
    assert_eq!((summary(), parser.waits_at()), (vec![], None), "after success");
    parser.reset();
    let _ = parser.feed(b"\n");
    assert_eq!(summary(), [("stackless", Some(SECOND), 1)]);
    parser.reset();
    assert_eq!((summary(), parser.waits_at()), (vec![], None), "after a reset");
    let _ = parser.feed(b"a");
    assert!(parser.finish().is_err());
    assert_eq!(summary(), [], "after the end");
    parser.reset();
    let _ = parser.feed(b"a");
    drop(parser);
    assert_eq!(summary(), [], "after the drop");
}

#[test]
fn a_parser_that_runs_is_not_listed() {
    let mut quoted: [Box<DynParser<'_, quoted::Quoted>>; 3] = [
        Box::new(quoted::Stackless::new()),
        Box::new(quoted::Generator::new()),
        Box::new(quoted::Coroutine::new()),
    ];
    for parser in &mut quoted {
        let _ = parser.feed(b"\"");
        assert_eq!(groups().len(), 1);
        let mut seen = 0;
        let _ = parser.feed_dyn(b"text", &mut |_| {
            seen += 1;
            assert_eq!(groups(), []);
            std::ops::ControlFlow::Continue(())
        });
        assert_eq!((groups().len(), seen), (1, 1));
        parser.reset();
    }
}

#[test]
fn a_parser_that_feeds_another_while_it_waits_is_listed_beside_it() {
    const WAITS: u32 = line!() + 4;
    let mut parser = stackless::Parser::new(async |input: &mut stackless::Input<'_>| {
        let mut other = stackless::Parser::new(two_lines);
        assert_eq!(input.next().await?, b'a');
        let mut next = pin!(input.next());
        let next_and_other = poll_fn(|cx| {
            let poll = next.as_mut().poll(cx);
            let _ = other.feed(b"x");
            poll
        });
        Ok(next_and_other.await?)
    });
    let _ = parser.feed(b"a");
    let mut waiting = summary();
    waiting.sort_unstable();
    assert_eq!(waiting, [("stackless", Some(FIRST), 1), ("stackless", Some(WAITS), 1)]);
    assert_eq!(parser.waits_at().map(Location::line), Some(WAITS));
    assert_eq!(parser.feed(b"b").status, Status::Success);
    assert_eq!(summary(), []);
}

#[test]
fn a_parser_whose_destructors_run_is_not_listed_even_if_they_panic() {
    thread_local!(static SEEN: Cell<usize> = const { Cell::new(0) });
    struct Looks;
    impl Drop for Looks {
        fn drop(&mut self) {
            SEEN.set(SEEN.get() + summary().len());
            panic!("in a destructor");
        }
    }
    let looks = async |input: &mut stackless::Input<'_>| {
        let _looks = Looks;
        Ok(input.skip_until([b'.']).await?)
    };
    let mut parser = stackless::Parser::new(looks);
    let mut generated = generator::Parser::new(looks);
    for _ in 0..2 {
        let _ = parser.feed(b"a");
        assert_eq!(summary().len(), 1);
        assert!(catch_unwind(AssertUnwindSafe(|| parser.reset())).is_err());
        assert_eq!((summary(), parser.waits_at()), (vec![], None), "after a reset");
        let _ = generated.feed(b"a");
        assert!(catch_unwind(AssertUnwindSafe(|| generated.reset())).is_err());
        assert_eq!((summary(), generated.waits_at()), (vec![], None), "after a reset");
    }
    let _ = parser.feed(b"a");
    assert!(catch_unwind(AssertUnwindSafe(|| drop(parser))).is_err());
    assert_eq!((summary(), SEEN.get()), (vec![], 0));
}

#[test]
fn a_parser_is_listed_on_the_thread_that_fed_it_last() {
    let mut parser = stackless::Parser::new(two_lines);
    let _ = parser.feed(b"a");
    for round in 0..3 {
        assert_eq!(summary(), [("stackless", Some(FIRST), 1)], "round {round}");
        thread::scope(|scope| {
            scope.spawn(|| {
                assert_eq!(summary(), []);
                let _ = parser.feed(b"b");
                assert_eq!(summary(), [("stackless", Some(FIRST), 1)]);
            });
        });
        assert_eq!(summary(), []);
        let _ = parser.feed(b"c");
    }
}

#[test]
fn a_parser_may_be_dropped_on_another_thread_and_outlive_its_own() {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut parser = stackless::Parser::new(two_lines);
        let _ = parser.feed(b"a");
        sender.send(parser).unwrap();
    })
    .join()
    .unwrap();
    let mut parser = receiver.recv().unwrap();
    assert_eq!(summary(), []);
    let _ = parser.feed(b"b");
    assert_eq!(summary(), [("stackless", Some(FIRST), 1)]);
    thread::spawn(move || drop(parser)).join().unwrap();
    assert_eq!(summary(), []);
}

#[test]
fn a_parser_in_a_thread_local_outlives_the_list() {
    type Cell = RefCell<Option<stackless::Boxed>>;
    thread_local! {
        static PARSER: Cell = const { RefCell::new(None) };
        static FED: Feeds = const { Feeds };
    }
    /// Feeds the parser of its thread when the thread ends.
    struct Feeds;
    impl Drop for Feeds {
        fn drop(&mut self) {
            // The list was made after this value, so it is gone.
            _ = PARSER
                .try_with(|parser| parser.borrow_mut().as_mut().map(|parser| parser.feed(b"b")));
            assert_eq!(summary(), []);
        }
    }
    thread::spawn(|| {
        FED.with(|_| ());
        PARSER.with(|parser| {
            let mut parser = parser.borrow_mut();
            let parser = parser.insert(stackless::Parser::new(two_lines).erase());
            let _ = parser.feed(b"a");
        });
        assert_eq!(summary().len(), 1);
    })
    .join()
    .unwrap();
}

#[test]
fn dropped_parsers_leave_nothing_in_the_list() {
    let one = |_| {
        let _ = stackless::Parser::new(two_lines).feed(b"a");
        let _ =
            coroutine::Parser::new(|input: &mut coroutine::Input<'_>| Ok(input.next()?)).feed(b"");
    };
    (0..100).for_each(one);
    let before = allocation_counter::measure(|| (0..100).for_each(one)).bytes_current;
    let after = allocation_counter::measure(|| (0..10_000).for_each(one)).bytes_current;
    assert!(after <= before + 4096, "{before} bytes after 100, {after} after 10,000");
    assert_eq!(summary(), []);
}

#[test]
fn memory_for_many_parsers_is_given_back_once_they_are_dropped() {
    let many = || {
        let mut parsers: Vec<_> = (0..10_000).map(|_| stackless::Parser::new(two_lines)).collect();
        for parser in &mut parsers {
            let _ = parser.feed(b"a");
        }
        drop(parsers);
        assert_eq!(summary(), []);
    };
    let left = allocation_counter::measure(many).bytes_current;
    assert!(left < 4096, "{left} bytes are left");
}

/// The engines that the formats have, each half-way through a value.
#[test]
fn every_format_is_listed_at_a_line_of_its_grammar() {
    fn waits<P: PushParser + std::fmt::Debug>(mut parser: P, input: &str, file: &str) {
        let _ = parser.feed(input.as_bytes());
        assert_eq!(parser.status(), Status::NeedMoreInput);
        let text = debug::dump().to_string();
        assert!(text.contains(&format!("src/format/{file}.rs:")), "{text}");
        assert!(text.starts_with("1 waiting\n1 "), "{text}");
        let debug = format!("{parser:?}");
        assert!(debug.contains(&format!("src/format/{file}.rs:")), "{debug}");
    }
    waits(quoted::Stackless::new(), "\"a", "quoted/stackless");
    waits(quoted::Generator::new(), "\"a", "quoted/stackless");
    waits(quoted::Coroutine::new(), "\"a", "quoted/coroutine");
    waits(json::Stackless::default(), "[1, ", "json/stackless/mod");
    waits(json::Generator::default(), "[1, ", "json/stackless/mod");
    waits(json::Coroutine::default(), "[1, ", "json/coroutine/mod");
    waits(resp::Stackless::default(), "$4\r\na", "resp/stackless");
    waits(resp::Coroutine::default(), "$4\r\na", "resp/coroutine");
    waits(sse::Stackless::default(), "data: a", "sse/stackless");
    waits(sse::Coroutine::default(), "data: a", "sse/coroutine");
}

#[test]
fn a_machine_tells_its_state_by_debug_and_is_not_listed() {
    let mut parser = quoted::Machine::new();
    let _ = parser.feed(b"\"a\\");
    assert!(format!("{parser:?}").contains("Escape"), "{parser:?}");
    assert_eq!(groups(), []);
}
