//! The output of a body belongs to the parser until it is taken.

use std::ops::ControlFlow::{self, Break};

use nom::Parser as _;
use nom::character::streaming::char;
use pushdown::engine::{combinator, coroutine, generator, machine, stackless};
use pushdown::{Failure, PushParser, Status};

use crate::guards::{Guard, Guards};

struct Dot(Guards);

impl machine::Machine for Dot {
    type Events = ();
    type Output = Guard;

    fn step(&mut self, input: &mut machine::Input<'_>) -> Result<ControlFlow<Guard>, Failure> {
        input.expect(b'.')?;
        Ok(Break(self.0.guard()))
    }

    fn reset(&mut self) {}
}

fn check<P>(mut parser: P, take_output: fn(&mut P) -> Option<Guard>, guards: &Guards)
where
    P: PushParser<Events = ()>,
{
    assert!(take_output(&mut parser).is_none());
    assert_eq!(parser.feed(b".").status, Status::Success);
    assert_eq!(guards.alive(), 1);
    parser.reset();
    assert_eq!(guards.alive(), 0, "dropped by the reset");
    assert!(take_output(&mut parser).is_none());

    assert_eq!(parser.feed(b".").status, Status::Success);
    let output = take_output(&mut parser);
    assert!(output.is_some() && take_output(&mut parser).is_none(), "it can be taken once");
    assert_eq!(parser.feed(b".").status, Status::Success, "and the end stays sticky");
    parser.reset();
    assert_eq!(guards.alive(), 1, "it belongs to the taker");
    drop(output);

    assert_eq!(parser.feed(b".").status, Status::Success);
    drop(parser);
    assert_eq!(guards.alive(), 0, "dropped with the parser");
}

#[test]
fn an_output_is_dropped_once() {
    let guards = &Guards::default();
    check(machine::Parser::new(Dot(guards.clone())), machine::Parser::take_output, guards);

    let inner = guards.clone();
    let parser = coroutine::Parser::new(move |input: &mut coroutine::Input<'_>| {
        input.expect(b'.')?;
        Ok(inner.guard())
    });
    check(parser, coroutine::Parser::take_output, guards);

    let body = |inner: Guards| {
        async move |input: &mut stackless::Input<'_>| {
            input.expect(b'.').await?;
            Ok(inner.guard())
        }
    };
    check(generator::Parser::new(body(guards.clone())), generator::Parser::take_output, guards);
    let parser = stackless::Parser::new(body(guards.clone()));
    check(parser, stackless::Parser::take_output, guards);

    let parser = combinator::Parser::new(|input: &[u8], _: &combinator::Emit<'_, ()>| {
        char('.').map(|_| guards.guard()).parse(input)
    });
    check(parser, combinator::Parser::take_output, guards);
}

#[test]
fn the_output_of_an_abandoned_coroutine_is_dropped() {
    let guards = Guards::default();
    let inner = guards.clone();
    let mut parser = coroutine::Parser::new(move |input: &mut coroutine::Input<'_>| {
        while input.next().is_ok() {}
        Ok(inner.guard())
    });
    assert_eq!(parser.feed(b"a").status, Status::NeedMoreInput);
    parser.reset();
    assert!(guards.alive() == 0 && parser.take_output().is_none());
    assert_eq!(parser.feed(b"a").status, Status::NeedMoreInput);
    drop::<coroutine::Parser<(), _>>(parser);
    assert_eq!(guards.alive(), 0);
}
