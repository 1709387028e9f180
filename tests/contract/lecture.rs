//! The bugs on the slides of the lecture that the quoted string comes from, and what happens here.

use std::cell::Cell;
use std::rc::Rc;

use pushdown::engine::{coroutine, generator, stackless};
use pushdown::{DynParser, Error, ErrorKind, Failure, PushParser, Status, quoted};

/// The bug: the inner `c` shadows the one that the loop tests.
#[allow(clippy::while_immutable_condition, reason = "this is the bug, and Clippy finds it")]
fn shadowed(input: &mut coroutine::Input<'_>) -> Result<(), Failure> {
    input.expect(b'"')?;
    let c = 0;
    while c != b'"' {
        let c = input.next()?;
        if c == b'\\' {
            input.next()?;
        }
    }
    Ok(())
}

/// The same, for the engines that take `async` bodies.
#[allow(clippy::while_immutable_condition, reason = "this is the bug")]
async fn shadowed_async(input: &mut stackless::Input<'_>) -> Result<(), Failure> {
    input.expect(b'"').await?;
    let c = 0;
    while c != b'"' {
        let c = input.next().await?;
        if c == b'\\' {
            input.next().await?;
        }
    }
    Ok(())
}

#[test]
fn a_loop_that_tests_a_shadowed_character_ends_with_its_input() {
    let parsers: [&mut DynParser<'_, ()>; 3] = [
        &mut coroutine::Parser::new(shadowed),
        &mut generator::Parser::new(shadowed_async),
        &mut stackless::Parser::new(shadowed_async),
    ];
    for parser in parsers {
        assert_eq!(parser.feed(br#""never" "ends""#).status, Status::NeedMoreInput);
        let error = Error::new(ErrorKind::UnexpectedEnd, 14);
        assert_eq!(parser.finish(), Err(error));
        parser.reset();
        assert_eq!(parser.feed(b"\"").status, Status::NeedMoreInput);
    }
}

#[test]
fn every_engine_ends_at_the_closing_quote() {
    for (name, mut parser) in crate::engines::quoted() {
        for c in br#""a\"b\\"#.iter().copied().map(char::from) {
            assert_eq!(parser.process_char(c), Status::NeedMoreInput, "{name}");
        }
        assert_eq!(parser.process_char('"'), Status::Success, "{name}");
    }
}

#[test]
fn every_result_of_a_body_reaches_the_caller() {
    for (name, mut parser) in crate::engines::quoted() {
        for (input, status) in [("\"\"", Status::Success), ("'", Status::BadInput)] {
            parser.reset();
            let answers: Vec<_> = input.chars().map(|c| parser.process_char(c)).collect();
            assert_eq!(answers.last(), Some(&status), "{name}");
            assert_eq!(parser.error().is_some(), status == Status::BadInput, "{name}");
        }
    }
}

#[test]
fn a_character_after_the_end_gets_the_same_answer_as_the_last_one() {
    for (name, mut parser) in crate::engines::quoted() {
        for (input, status, offset) in [
            ("\"a\"", Status::Success, 3),
            ("'", Status::BadInput, 0),
            ("\"a", Status::BadInput, 2),
        ] {
            parser.reset();
            for c in input.chars() {
                let _ = parser.process_char(c);
            }
            let result = parser.finish();
            for c in "\"a'\\\u{e9}".chars() {
                assert_eq!(parser.process_char(c), status, "{name} after {input}");
                assert_eq!(parser.offset(), offset, "{name} after {input}");
                assert_eq!(parser.finish(), result, "{name} after {input}");
            }
        }
    }
}

/// Counts its drops.
struct Dropped(Rc<Cell<usize>>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

#[test]
fn a_parser_dropped_half_way_runs_its_destructors() {
    let count = Rc::new(Cell::new(0));
    for made in 1..=1000 {
        let (captured, inner) = (Dropped(count.clone()), count.clone());
        let mut parser =
            coroutine::Parser::<(), ()>::new(move |input: &mut coroutine::Input<'_>| {
                let _ = &captured;
                let _local = Dropped(inner.clone());
                input.expect(b'a')?;
                input.expect(b'b')
            });
        assert_eq!(parser.feed(b"a").status, Status::NeedMoreInput);
        drop(parser);
        assert_eq!(count.get(), 2 * made);
    }
}

/// The number of mappings of this process, and the bytes they span: the least of three readings, since a
/// list that is read while other threads map may have an entry twice.
#[cfg(target_os = "linux")]
fn mapped() -> (usize, usize) {
    let readings = [(); 3].map(|()| mappings());
    let least = |part: fn(&(usize, usize)) -> usize| readings.iter().map(part).min().unwrap();
    (least(|reading| reading.0), least(|reading| reading.1))
}

#[cfg(target_os = "linux")]
fn mappings() -> (usize, usize) {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let span = |line: &str| {
        let (start, end) = line.split_once(' ')?.0.split_once('-')?;
        let [start, end] = [start, end].map(|address| usize::from_str_radix(address, 16));
        Some(end.ok()? - start.ok()?)
    };
    let spans: Vec<_> = maps.lines().map(|line| span(line).expect("a mapping")).collect();
    (spans.len(), spans.iter().sum())
}

#[cfg(target_os = "linux")]
#[test]
fn a_parser_dropped_half_way_releases_its_stack() {
    const AT_ONCE: usize = 100;
    const ROUNDS: usize = 1000;
    let start = mapped();
    for _ in 0..ROUNDS {
        let mut parsers: Vec<_> = (0..AT_ONCE).map(|_| quoted::Coroutine::new()).collect();
        for parser in &mut parsers {
            assert_eq!(parser.feed(b"\"half").status, Status::NeedMoreInput);
        }
        drop(parsers);
        let now = mapped();
        // With room for what other tests map meanwhile, and for the stacks that are kept.
        assert!(now.0 < start.0 + 2 * AT_ONCE + 100, "from {} mappings to {}", start.0, now.0);
        assert!(now.1 < start.1 + (1 << 30), "from {} bytes mapped to {}", start.1, now.1);
    }
    println!("{} parsers dropped half-way", AT_ONCE * ROUNDS);
}
