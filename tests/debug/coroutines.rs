//! The stacks of coroutines.

use pushdown::engine::coroutine::{Input, Options, Parser};
use pushdown::{Failure, PushParser, Status, debug, quoted};

use super::groups;

#[inline(never)]
fn in_words(input: &mut Input<'_>) -> Result<u8, Failure> {
    Ok(input.skip_until([b'.'])?)
}
const IN_WORDS: u32 = line!() - 2;

fn sentence(input: &mut Input<'_>) -> Result<u8, Failure> {
    input.expect(b'>')?;
    let end = in_words(input)?;
    Ok(end)
}
const IN_SENTENCE: u32 = line!() - 3;

fn at(line: u32) -> String {
    format!("{}:{line}:", file!())
}

#[test]
fn a_stack_shows_the_lines_of_the_body_and_of_the_functions_it_calls() {
    let mut parser = Parser::new(sentence);
    assert_eq!(parser.backtrace(), None, "before the first byte");
    let _ = parser.feed(b">What waits");
    let stack = parser.backtrace().expect("it waits");
    let calls = stack.calls();
    let place = |index: usize| calls[index].location.clone().unwrap_or_default();
    assert!(
        calls[0].function.contains("in_words") && place(0).starts_with(&at(IN_WORDS)),
        "{stack}"
    );
    assert!(
        calls[1].function.contains("sentence") && place(1).starts_with(&at(IN_SENTENCE)),
        "{stack}"
    );
    assert_eq!(calls.len(), 2, "nothing of the engine, nor of its caller: {stack}");
    assert!(format!("{parser:?}").contains("in_words"));

    assert_eq!(parser.feed(b"?.").status, Status::Success);
    assert_eq!((parser.backtrace(), parser.take_output()), (None, Some(b'.')));
}

#[test]
fn coroutines_are_grouped_by_their_stacks() {
    let mut parsers: Vec<_> = (0..5).map(|_| Parser::new(sentence)).collect();
    for (parser, input) in parsers.iter_mut().zip([&b">a"[..], b">bc", b"", b">", b">d"]) {
        let _ = parser.feed(input);
    }
    // An empty chunk begins nothing.
    let waiting = groups();
    assert_eq!((waiting[0].engine, waiting[0].count), ("coroutine", 4));
    let text = debug::dump().to_string();
    assert!(text.contains("4 coroutine parser: waits for input\n    "), "{text}");
    assert!(text.contains(&format!("sentence, {}", at(IN_SENTENCE))), "{text}");
}

#[test]
fn looking_at_a_stack_changes_nothing() {
    let text = br#""any \"thing\" at all""#;
    for looks in 0..3 {
        let mut parser = quoted::Coroutine::new();
        let mut seen = Vec::new();
        for byte in text {
            let _ = parser
                .feed_with(&[*byte], |quoted::Event::Text(piece)| seen.extend_from_slice(piece));
            for _ in 0..looks {
                assert_eq!(groups().len(), usize::from(parser.status() == Status::NeedMoreInput));
            }
        }
        assert_eq!((parser.status(), parser.offset()), (Status::Success, text.len() as u64));
        assert_eq!(seen, br#"any "thing" at all"#);
    }
}

#[test]
fn a_body_that_was_looked_at_ends_as_any_other() {
    use std::cell::Cell;
    use std::rc::Rc;

    struct OnDrop(Rc<Cell<u32>>);
    impl Drop for OnDrop {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }
    let drops = Rc::new(Cell::new(0));
    let body = {
        let drops = drops.clone();
        move |input: &mut Input<'_>| {
            let _guard = OnDrop(drops.clone());
            input.skip_until([b'.'])?;
            Ok(())
        }
    };
    let mut parser = Parser::new(body);
    for end in 1..=3 {
        let _ = parser.feed(b"a");
        assert_eq!(groups().len(), 1);
        match end {
            1 => parser.reset(),
            2 => {
                assert!(parser.finish().is_err());
                parser.reset();
            }
            _ => drop(std::mem::replace(&mut parser, Parser::new(|_: &mut Input<'_>| Ok(())))),
        }
        assert_eq!((groups().len(), drops.get()), (0, end));
    }
}

/// Calls itself, with a frame of a kilobyte, until the stack has no room for another level.
fn descend(input: &mut Input<'_>) -> Result<u8, Failure> {
    let frame = std::hint::black_box([1_u8; 1024]);
    if input.peek()? == b'(' {
        input.next()?;
        input.nested(descend)?;
    }
    Ok(std::hint::black_box(frame)[0])
}

#[test]
fn a_stack_is_looked_at_from_every_depth_that_nested_calls_allow() {
    let mut parser: Parser<(), u8> = Options::new().max_depth(u32::MAX).parser(descend).unwrap();
    let mut depths = 0;
    while parser.feed(b"(").status == Status::NeedMoreInput {
        depths += 1;
        let stack = parser.backtrace().expect("it waits");
        let levels = stack.calls().iter().filter(|call| call.function.contains("descend"));
        // std prints 128 frames at most, or so; the read's and the engine's own are among them.
        assert!(levels.count() >= usize::min(depths, 20), "{stack}");
    }
    assert!(depths > 10);
    println!("{depths} depths");
}

#[test]
fn a_body_that_has_used_up_its_reserve_is_listed_without_calls() {
    /// Calls itself until so many bytes of the stack are in use.
    #[inline(never)]
    fn fill(input: &mut Input<'_>, top: usize, bytes: usize) -> Result<u8, Failure> {
        let frame = std::hint::black_box([1_u8; 512]);
        let here = std::ptr::from_ref(&frame).addr();
        let byte =
            if top - here < bytes { fill(input, top, bytes)? } else { input.skip_until([b'.'])? };
        Ok(byte - std::hint::black_box(frame)[0])
    }
    let calls = |bytes| {
        let body = move |input: &mut Input<'_>| {
            let top = 0_u8;
            fill(input, std::ptr::from_ref(&top).addr(), bytes)
        };
        let mut parser = Options::new().stack_size(64 << 10).parser(body).unwrap();
        let _ = parser.feed(b"a");
        parser.backtrace().expect("it waits").calls().len()
    };
    // The stack has 96 KiB and some for outputs. `nested` would have stopped at 64 KiB.
    // AddressSanitizer makes frames several times as large.
    let least = if cfg!(pushdown_asan) { 1 } else { 21 };
    assert!(calls(60 << 10) >= least);
    assert_eq!(calls(82 << 10), 0);
}

#[test]
fn a_parser_inside_a_body_is_listed_beside_it() {
    let mut parser = Parser::new(|input: &mut Input<'_>| {
        let mut inner = Parser::new(sentence);
        input.run(&mut inner, |never, _| match never {})
    });
    let _ = parser.feed(b">a");
    let stacks: Vec<_> = groups().into_iter().filter_map(|group| group.stack).collect();
    assert_eq!(stacks.len(), 2);
    assert_eq!(parser.feed(b".").status, Status::Success);
    assert_eq!(groups(), []);
}

#[test]
fn a_body_may_look_at_the_stack_of_another_parser() {
    let mut parser = Parser::new(sentence);
    let _ = parser.feed(b">a");
    let expected = groups();
    let mut looks = Parser::new(move |input: &mut Input<'_>| {
        input.next()?;
        assert_eq!(groups(), expected, "itself is running");
        Ok(input.next()?)
    });
    let _ = looks.feed(b"1");
    assert_eq!(groups().len(), 2);
}
