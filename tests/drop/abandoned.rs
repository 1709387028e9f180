//! The body of a coroutine that is dropped or reset half-way sees that as a value.

use std::cell::RefCell;
use std::rc::Rc;

use pushdown::engine::coroutine::{Input, Parser};
use pushdown::{End, Failure, PushParser, Status};

use crate::bodies::Letters;
use crate::guards::Guards;

type Ends = Rc<RefCell<Vec<(End, u64, bool)>>>;

/// Emits what it reads. At the end it notes the end, its offset and whether there is a sink, emits once
/// more, and succeeds. It does not assert, because the panic of an abandoned body is discarded.
fn emitter(ends: &Ends) -> Parser<Letters> {
    let ends = ends.clone();
    Parser::new(move |input: &mut Input<'_, Letters>| {
        let end = loop {
            match input.next() {
                Ok(byte) => input.emit(byte),
                Err(end) => break end,
            }
        };
        ends.borrow_mut().push((end, input.offset(), input.wants_events()));
        input.emit(b'z');
        Ok(())
    })
}

#[test]
fn a_body_sees_that_it_is_abandoned_and_its_last_events_are_discarded() {
    let ends = Ends::default();
    let mut events = Vec::new();
    let mut parser = emitter(&ends);
    let _ = parser.feed_with(b"a", |event| events.push(event));
    let _ = parser.feed_with(b"bc", |event| events.push(event));
    parser.reset();
    assert_eq!(ends.take(), [(End::Abandoned, 3, false)]);
    assert_eq!((parser.status(), parser.take_output()), (Status::NeedMoreInput, None));

    let _ = parser.feed_with(b"d", |event| events.push(event));
    drop(parser);
    assert_eq!(ends.take(), [(End::Abandoned, 1, false)]);
    assert_eq!(events, b"abcd");
}

#[test]
fn a_body_sees_that_the_input_is_finished_and_its_last_events_are_reported() {
    let ends = Ends::default();
    let mut events = Vec::new();
    let mut parser = emitter(&ends);
    let _ = parser.feed_with(b"ab", |event| events.push(event));
    assert_eq!(parser.finish_with(|event| events.push(event)), Ok(()));
    assert_eq!(ends.take(), [(End::Finished, 2, true)]);
    assert_eq!(events, b"abz");
    parser.reset();
    drop(parser);
    assert_eq!(ends.take(), [], "the body had ended already");
}

#[test]
fn a_body_that_has_not_begun_is_not_abandoned() {
    let ends = Ends::default();
    let mut parser = emitter(&ends);
    assert_eq!(parser.feed(b"").status, Status::NeedMoreInput);
    parser.reset();
    drop(parser);
    assert_eq!(ends.take(), []);
}

#[test]
fn a_body_may_panic_when_it_is_abandoned() {
    let guards = Guards::default();
    let inner = guards.clone();
    let mut parser = Parser::<(), ()>::new(move |input: &mut Input<'_>| {
        let _guard = inner.guard();
        input.next()?;
        let end = input.next().unwrap_err();
        panic!("{end:?}");
    });
    assert_eq!(parser.feed(b"a").status, Status::NeedMoreInput);
    parser.reset();
    assert_eq!((parser.status(), guards.alive()), (Status::NeedMoreInput, 0));
    assert_eq!(parser.feed(b"a").status, Status::NeedMoreInput);
    drop(parser);
    assert_eq!(guards.alive(), 0);
}

/// Keeps reading when it is abandoned.
fn endless(guards: &Guards) -> Parser {
    let guards = guards.clone();
    Parser::new(move |input: &mut Input<'_>| -> Result<(), Failure> {
        let _outer = guards.guard();
        let _inner = guards.guard();
        loop {
            let _ = input.next();
        }
    })
}

#[test]
fn a_body_that_keeps_reading_when_it_is_abandoned_is_unwound() {
    let guards = Guards::default();
    let mut parser = endless(&guards);
    for _ in 0..3 {
        assert_eq!(parser.feed(b"a").status, Status::NeedMoreInput);
        assert_eq!(guards.alive(), 2);
        parser.reset();
        assert_eq!(guards.alive(), 0);
    }
    assert_eq!(parser.feed(b"a").status, Status::NeedMoreInput);
    drop(parser);
    assert_eq!(guards.alive(), 0);
}

#[test]
fn a_body_that_keeps_reading_is_unwound_even_while_its_owner_panics() {
    let guards = Guards::default();
    let payload = crate::panic_of(|| {
        let mut parser = endless(&guards);
        let _ = parser.feed(b"a");
        panic!("in the owner");
    });
    assert_eq!((payload.as_deref(), guards.alive()), (Some("in the owner"), 0));
}
