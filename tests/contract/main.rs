//! The contract of a parser, in every engine, with bodies from outside the crate.

use std::marker::PhantomData;
use std::ops::ControlFlow;

use pushdown::engine::{coroutine, generator, machine, stackless};
use pushdown::{Error, Events, Failure, PushParser, Status};

#[path = "../common/engines.rs"]
mod engines;

mod blame;
mod by_hand;
mod characters;
mod empty;
mod finish;
mod lecture;
mod offsets;
#[cfg(unix)]
mod processes;
mod stacks;
mod take_text;
mod types;

/// Parsers of one body in the engines that take code and in the one that takes a state. The
/// combinator, which takes neither, joins where its limits allow.
type Subjects<E> = Vec<(&'static str, Box<dyn PushParser<Events = E>>)>;

/// A machine made of a closure and a number.
struct Steps<F, E, T> {
    state: usize,
    step: F,
    marker: PhantomData<fn(E) -> T>,
}

impl<F, E, T> machine::Machine for Steps<F, E, T>
where
    F: FnMut(&mut usize, &mut machine::Input<'_, E>) -> Result<ControlFlow<T>, Failure>,
    E: Events,
{
    type Events = E;
    type Output = T;

    fn step(&mut self, input: &mut machine::Input<'_, E>) -> Result<ControlFlow<T>, Failure> {
        (self.step)(&mut self.state, input)
    }

    fn reset(&mut self) {
        self.state = 0;
    }
}

fn steps<F, E, T>(step: F) -> machine::Parser<Steps<F, E, T>>
where
    F: FnMut(&mut usize, &mut machine::Input<'_, E>) -> Result<ControlFlow<T>, Failure>,
    E: Events,
{
    machine::Parser::new(Steps { state: 0, step, marker: PhantomData })
}

/// One body, written for each kind of engine.
fn subjects<E, T, M, C, A>(machine: M, coroutine: C, code: impl Fn() -> A) -> Subjects<E>
where
    E: Events,
    T: 'static,
    M: FnMut(&mut usize, &mut machine::Input<'_, E>) -> Result<ControlFlow<T>, Failure> + 'static,
    C: FnMut(&mut coroutine::Input<'_, E>) -> Result<T, Failure> + 'static,
    A: AsyncFnMut(&mut stackless::Input<'_, E>) -> Result<T, Failure> + 'static,
{
    vec![
        ("machine", Box::new(steps(machine))),
        ("coroutine", Box::new(coroutine::Parser::new(coroutine))),
        ("generator", Box::new(generator::Parser::new(code()))),
        ("stackless", Box::new(stackless::Parser::new(code()))),
        ("stackless, pinned", Box::new(Box::pin(stackless::Task::new(code())))),
    ]
}

/// The final answer of a parser to an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Answer {
    status: Status,
    consumed: usize,
    /// The result of `finish` after the last chunk.
    result: Result<(), Error>,
}

impl Answer {
    fn success(consumed: usize) -> Self {
        Self { status: Status::Success, consumed, result: Ok(()) }
    }

    fn bad(kind: pushdown::ErrorKind, consumed: usize) -> Self {
        let error = Error { kind, offset: consumed as u64 };
        Self { status: Status::BadInput, consumed, result: Err(error) }
    }
}

/// Feeds the chunks and finishes. Checks on the way what must hold for every input.
fn answer<E: Events>(parser: &mut dyn PushParser<Events = E>, chunks: &[&[u8]]) -> Answer {
    parser.reset();
    let (mut consumed, mut status) = (0, Status::NeedMoreInput);
    for chunk in chunks {
        let progress = parser.feed(chunk);
        match (status, progress.status) {
            (Status::NeedMoreInput, Status::NeedMoreInput) => {
                assert_eq!(progress.consumed, chunk.len());
            }
            (Status::NeedMoreInput, _) => assert!(progress.consumed <= chunk.len()),
            (ended, still) => {
                assert_eq!((progress.consumed, still), (0, ended), "the end is sticky");
            }
        }
        consumed += progress.consumed;
        status = progress.status;
        assert_eq!((parser.status(), parser.offset()), (status, consumed as u64));
        assert_eq!(parser.error().is_some(), status == Status::BadInput);
    }
    let result = parser.finish();
    assert_eq!(parser.finish(), result, "a second call returns the same");
    assert_eq!(parser.error().copied(), result.err());
    assert_eq!(parser.offset(), consumed as u64);
    let ended = if result.is_ok() { Status::Success } else { Status::BadInput };
    let progress = parser.feed(b"more");
    assert_eq!((progress.consumed, progress.status), (0, ended), "the end is sticky");
    Answer { status, consumed, result }
}

/// Asserts that every engine gives this answer, however the input is cut.
fn check<E: Events>(subjects: Subjects<E>, input: &[u8], expected: Answer) {
    let mut cases = 0;
    for (name, mut parser) in subjects {
        let halves = (0..=input.len()).map(|cut| vec![&input[..cut], &input[cut..]]);
        let bytes = input.chunks(1).flat_map(|byte| [byte, &[]]).collect();
        for chunks in halves.chain([bytes]) {
            assert_eq!(answer(&mut *parser, &chunks), expected, "{name} is wrong about {chunks:?}");
            cases += 1;
        }
    }
    println!("{cases} cases of {}", input.escape_ascii());
    assert!(cases > 0);
}
