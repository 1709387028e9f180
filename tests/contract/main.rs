//! The contract of a parser, in every engine, with bodies from outside the crate.

use std::marker::PhantomData;
use std::ops::ControlFlow;

use pushdown::engine::{coroutine, generator, machine, stackless};
use pushdown::{DynParser, Error, Events, Failure, PushParser, Status};

#[path = "../common/engines.rs"]
mod engines;

mod between;
mod blame;
mod bounds;
mod by_hand;
mod characters;
mod delimiter;
mod empty;
mod finish;
mod frames;
mod inside;
mod lecture;
mod offsets;
mod pause;
#[cfg(unix)]
mod processes;
mod reads;
mod stacks;
mod take_text;
mod types;

/// Parsers of one body in the engines that take code and in the one that takes a state. The
/// combinator, which takes neither, joins where its limits allow.
type Subjects<E, T = ()> = Vec<(&'static str, Box<DynParser<'static, E, T>>)>;

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
fn subjects<E, T, M, C, A>(machine: M, coroutine: C, code: impl Fn() -> A) -> Subjects<E, T>
where
    E: Events,
    T: 'static,
    M: FnMut(&mut usize, &mut machine::Input<'_, E>) -> Result<ControlFlow<T>, Failure> + 'static,
    C: FnMut(&mut coroutine::Input<'_, E>) -> Result<T, Failure> + 'static,
    A: AsyncFnMut(&mut stackless::Input<'_, E>) -> Result<T, Failure> + 'static,
{
    and_machine(straight_line(coroutine, code), machine)
}

/// Parsers of a body, written once for the engines that take straight-line code. Its reads are in
/// `wait!(..)`, which awaits them where they are awaited.
///
/// A macro, because a function that is generic over the engine would need a trait for all inputs.
macro_rules! straight {
    (|$input:ident: $events:ty| -> $output:ty { $($body:tt)* }) => {{
        fn coroutine(
            $input: &mut pushdown::engine::coroutine::Input<'_, $events>,
        ) -> Result<$output, pushdown::Failure> {
            #[allow(unused_macros, reason = "a body need not read")]
            macro_rules! wait {
                ($read:expr) => {
                    $read
                };
            }
            $($body)*
        }

        async fn code(
            $input: &mut pushdown::engine::stackless::Input<'_, $events>,
        ) -> Result<$output, pushdown::Failure> {
            #[allow(unused_macros, reason = "a body need not read")]
            macro_rules! wait {
                ($read:expr) => {
                    $read.await
                };
            }
            $($body)*
        }

        crate::straight_line(coroutine, || code)
    }};
}
pub(crate) use straight;

/// One body, written for each kind of straight-line engine.
fn straight_line<E, T, C, A>(coroutine: C, code: impl Fn() -> A) -> Subjects<E, T>
where
    E: Events,
    T: 'static,
    C: FnMut(&mut coroutine::Input<'_, E>) -> Result<T, Failure> + 'static,
    A: AsyncFnMut(&mut stackless::Input<'_, E>) -> Result<T, Failure> + 'static,
{
    vec![
        ("coroutine", Box::new(coroutine::Parser::new(coroutine))),
        ("generator", Box::new(generator::Parser::new(code()))),
        ("stackless", Box::new(stackless::Parser::new(code()))),
        ("stackless, pinned", Box::new(Box::pin(stackless::Task::new(code())))),
    ]
}

/// The same body as a machine, which stands first.
fn and_machine<E, T, M>(straight: Subjects<E, T>, step: M) -> Subjects<E, T>
where
    E: Events,
    T: 'static,
    M: FnMut(&mut usize, &mut machine::Input<'_, E>) -> Result<ControlFlow<T>, Failure> + 'static,
{
    let machine: Subjects<E, T> = vec![("machine", Box::new(steps(step)))];
    machine.into_iter().chain(straight).collect()
}

/// Cuts an input in two at every place, and into single bytes with empty chunks between them.
fn cuttings(input: &[u8]) -> impl Iterator<Item = Vec<&[u8]>> {
    let halves = (0..=input.len()).map(|cut| vec![&input[..cut], &input[cut..]]);
    let bytes = input.chunks(1).flat_map(|byte| [byte, &[]]).collect();
    halves.chain([bytes])
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
        let error = Error::new(kind, consumed as u64);
        Self { status: Status::BadInput, consumed, result: Err(error) }
    }
}

/// Feeds the chunks and finishes. Checks on the way what must hold for every input.
fn answer<E: Events, T>(parser: &mut DynParser<'_, E, T>, chunks: &[&[u8]]) -> Answer {
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
fn check<E: Events, T>(subjects: Subjects<E, T>, input: &[u8], expected: Answer) {
    let mut cases = 0;
    for (name, mut parser) in subjects {
        for chunks in cuttings(input) {
            assert_eq!(answer(&mut *parser, &chunks), expected, "{name} is wrong about {chunks:?}");
            cases += 1;
        }
    }
    println!("{cases} cases of {}", input.escape_ascii());
    assert!(cases > 0);
}
