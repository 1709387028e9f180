//! Parsers that are cloned, sent, boxed and lent.

use std::fmt::Debug;
use std::ops::ControlFlow::Break;
use std::pin::pin;

use pushdown::engine::stackless::{Input, Task};
use pushdown::events::Bytes;
use pushdown::quoted::{Combinator, Coroutine, Event, Generator, Machine, Quoted, Stackless};
use pushdown::{DynParser, PushParser, Status};

use crate::{and_machine, engines, straight};

const INPUT: &[u8] = br#""a\"b\\c" rest"#;

#[test]
fn a_parser_cloned_in_the_middle_of_its_input_goes_on_like_the_original() {
    fn check<P: PushParser<Events = Quoted> + Clone>(new: fn() -> P) {
        for cut in 0..=INPUT.len() {
            let (first, second) = INPUT.split_at(cut);
            let mut original = new();
            let _ = original.feed(first);
            let mut clone = original.clone();
            for parser in [&mut original, &mut clone] {
                let mut text = Vec::new();
                let _ = parser.feed_with(second, |Event::Text(piece)| text.extend(piece));
                assert_eq!(
                    (parser.status(), parser.offset()),
                    (Status::Success, 9),
                    "cut at {cut}"
                );
                assert!(br#"a"b\c"#.ends_with(&text), "cut at {cut}");
            }
        }
    }
    check(Machine::new);
    check(Combinator::new);
}

#[test]
fn inputs_show_their_offsets_and_parsers_their_states() {
    let straight = straight!(|input: Bytes| -> String {
        wait!(input.next())?;
        Ok(format!("{input:?}"))
    });
    let subjects = and_machine(straight, |_, input| {
        input.next()?;
        Ok(Break(format!("{input:?}")))
    });
    for (name, mut parser) in subjects {
        assert_eq!(parser.feed(b"ab").status, Status::Success);
        assert_eq!(parser.take_output().as_deref(), Some("Input { offset: 1, .. }"), "{name}");
    }

    fn check<P: PushParser + Debug>(mut parser: P, name: &str) {
        let _ = parser.feed(b"\"ab");
        let shown = format!("{parser:?}");
        assert!(shown.contains("offset: 3") && shown.contains(name), "{shown}");
    }
    check(Machine::new(), "Machine");
    check(Coroutine::new(), "Parser { state: State {");
    check(Stackless::new(), "Parser { state: State {");
    check(Generator::new(), "Parser { state: State {");
    check(Combinator::new(), "Parser { state: State {");
    let body = async |input: &mut Input<'_>| input.expect_all(b"\"ab\"").await;
    check(pin!(Task::new(body)), "Task { state: State {");
}

#[test]
fn a_boxed_parser_is_a_parser() {
    fn parse(mut parser: impl PushParser<Events = Quoted>) -> (Status, Vec<u8>) {
        let mut text = Vec::new();
        for chunk in INPUT.chunks(3) {
            let _ = parser.feed_with(chunk, |Event::Text(piece)| text.extend(piece));
        }
        (parser.status(), text)
    }
    let expected = (Status::Success, br#"a"b\c"#.to_vec());
    for (name, mut parser) in engines::quoted() {
        assert_eq!(parse(&mut parser), expected, "{name}");
        parser.reset();
        let borrowed: &mut DynParser<'_, Quoted> = &mut *parser;
        assert_eq!(parse(borrowed), expected, "{name}");
        parser.reset();
        assert_eq!(parse(Box::new(parser)), expected, "{name}");
    }
}

/// Finds out at compile time if a type is `Send`: the constant of the type itself hides that of the trait,
/// and exists only if the type is `Send`.
struct Is<T>(std::marker::PhantomData<T>);

trait NotSend {
    const SEND: bool = false;
}

impl<T> NotSend for Is<T> {}

impl<T: Send> Is<T> {
    const SEND: bool = true;
}

const _: () = {
    assert!(Is::<Machine>::SEND && Is::<Stackless>::SEND && Is::<Combinator>::SEND);
    assert!(!Is::<Coroutine>::SEND && !Is::<Generator>::SEND);
};
