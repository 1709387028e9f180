//! The stacks of coroutines.

use std::cell::RefCell;
use std::sync::mpsc;
use std::thread;

use pushdown::engine::coroutine::{Input, Options, Parser};
use pushdown::events::Of;
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

/// Makes a call with so many bytes of the stack in use.
fn deep_down<R>(bytes: usize, call: &mut dyn FnMut() -> R) -> R {
    #[inline(never)]
    fn fill<R>(top: usize, bytes: usize, call: &mut dyn FnMut() -> R) -> R {
        let frame = std::hint::black_box([1_u8; 512]);
        let here = std::ptr::from_ref(&frame).addr();
        let result = if top - here < bytes { fill(top, bytes, call) } else { call() };
        std::hint::black_box(&frame);
        result
    }
    let top = 0_u8;
    fill(std::ptr::from_ref(&top).addr(), bytes, call)
}

#[test]
fn a_body_that_has_used_up_its_reserve_is_listed_without_calls() {
    let calls = |bytes| {
        let body =
            move |input: &mut Input<'_>| Ok(deep_down(bytes, &mut || input.skip_until([b'.']))?);
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

#[test]
fn a_read_on_the_stack_of_a_parser_inside_is_listed_without_calls() {
    for inner_first in [false, true] {
        let sinks = || {
            let body = |input: &mut Input<'_, Of<u8>>| {
                let byte = input.next()?;
                // Leaves the sink little room, and that of the outer body does not count there.
                deep_down(80 << 10, &mut || input.emit(byte));
                Ok(())
            };
            Options::new().stack_size(64 << 10).parser(body).unwrap()
        };
        let mut early = inner_first.then(sinks);
        let body = move |input: &mut Input<'_>| {
            let mut inner = early.take().unwrap_or_else(sinks);
            let mut byte = Ok(0);
            let _ = inner.feed_local(b"x", |_| byte = input.skip_until([b'.']));
            Ok(byte?)
        };
        let mut parser = Options::new().stack_size(64 << 10).parser(body).unwrap();
        let _ = parser.feed(b"a");
        assert_eq!(parser.backtrace().expect("it waits").calls(), []);
        assert_eq!(parser.feed(b".").status, Status::Success);
        assert_eq!(parser.take_output(), Some(b'.'));
    }
}

/// A read that a program adds to those of the input.
trait Words {
    fn word(&mut self) -> Result<u8, Failure>;
}

impl Words for Input<'_> {
    #[inline(never)]
    fn word(&mut self) -> Result<u8, Failure> {
        Ok(self.skip_until([b' '])?)
    }
}

#[test]
fn a_method_that_a_program_adds_to_the_input_is_a_call_of_its_body() {
    let mut parser = Parser::new(|input: &mut Input<'_>| input.word());
    let _ = parser.feed(b"a");
    let stack = parser.backtrace().expect("it waits");
    assert!(stack.calls()[0].function.contains("word"), "{stack}");
}

#[test]
fn a_stack_is_looked_at_when_its_thread_ends() {
    /// Looks at the parser's stack when it is dropped.
    struct Looks(Option<Parser<(), u8>>, mpsc::Sender<usize>);
    impl Drop for Looks {
        fn drop(&mut self) {
            let stack = self.0.as_ref().and_then(Parser::backtrace).expect("it waits");
            self.1.send(stack.calls().len()).unwrap();
        }
    }
    thread_local!(static LOOKS: RefCell<Option<Looks>> = const { RefCell::new(None) });

    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        // Used first, so it is dropped after all that a look uses.
        LOOKS.with(|looks| {
            let mut looks = looks.borrow_mut();
            let Looks(parser, _) = looks.insert(Looks(None, sender));
            let _ = parser.insert(Parser::new(sentence)).feed(b">a");
        });
        assert_eq!(groups().len(), 1);
    })
    .join()
    .unwrap();
    assert_eq!(receiver.recv(), Ok(2));
}
