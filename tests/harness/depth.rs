//! Work that grows with the depth.

use core::ops::ControlFlow;

use pushdown::engine::{coroutine, generator, machine, stackless};
use pushdown::testing::{self, Harness, Law, Work};
use pushdown::{Error, ErrorKind, EventSink, Failure, Progress, PushParser, State};

use crate::SEEDS;

/// Balanced parentheses. It goes through the levels for each byte, if it is broken.
struct Levels {
    state: State,
    depth: u64,
    steps: u64,
    broken: bool,
}

impl Levels {
    fn new(broken: bool) -> Self {
        Self { state: State::new(), depth: 0, steps: 0, broken }
    }
}

impl PushParser for Levels {
    type Events = ();
    type Output = ();

    fn feed_dyn(&mut self, chunk: &[u8], _: &mut EventSink<'_, ()>) -> Progress {
        let Self { depth, steps, broken, .. } = self;
        self.state.feed(chunk, |state| {
            for (at, &byte) in chunk.iter().enumerate() {
                *steps += if *broken { *depth } else { 1 };
                match byte {
                    b'(' => *depth += 1,
                    b')' if *depth == 1 => return state.succeed(at + 1),
                    b')' if *depth > 0 => *depth -= 1,
                    _ => return state.fail(at, ErrorKind::UnexpectedByte),
                }
            }
            state.need_more(chunk.len())
        })
    }

    fn finish_dyn(&mut self, _: &mut EventSink<'_, ()>) -> Result<(), Error> {
        self.state.finish()
    }

    fn state(&self) -> &State {
        &self.state
    }

    fn reset_at(&mut self, offset: u64) {
        *self = Self { state: State::at(offset), ..Self::new(self.broken) };
    }

    fn take_output(&mut self) -> Option<()> {
        self.state.take_success().then_some(())
    }
}

impl Work for Levels {
    fn work(&self) -> u64 {
        self.state.offset()
    }

    fn steps(&self) -> u64 {
        self.steps
    }
}

/// Deeper than any test here goes.
const MAX_DEPTH: u32 = 2_000;

fn parentheses(depth: usize) -> Vec<u8> {
    ["(".repeat(depth), ")".repeat(depth)].concat().into()
}

async fn group(input: &mut stackless::Input<'_>) -> Result<(), Failure> {
    input.expect(b'(').await?;
    while input.peek().await? == b'(' {
        input.nested(group).await?;
    }
    input.expect(b')').await
}

/// Each level is a future in a box, polled by the one below.
async fn boxed_group(input: &mut stackless::Input<'_>) -> Result<(), Failure> {
    input.expect(b'(').await?;
    while input.peek().await? == b'(' {
        Box::pin(input.nested(|input| Box::pin(boxed_group(input)))).await?;
    }
    input.expect(b')').await
}

fn group_on_a_stack(input: &mut coroutine::Input<'_>) -> Result<(), Failure> {
    input.expect(b'(')?;
    while input.peek()? == b'(' {
        input.nested(group_on_a_stack)?;
    }
    input.expect(b')')
}

/// The number of open parentheses.
#[derive(Default)]
struct Depth(u64);

impl machine::Machine for Depth {
    type Events = ();
    type Output = ();

    fn step(&mut self, input: &mut machine::Input<'_>) -> Result<ControlFlow<()>, Failure> {
        match input.next()? {
            b'(' => self.0 += 1,
            b')' if self.0 > 0 => self.0 -= 1,
            _ => return Err(input.fail(ErrorKind::UnexpectedByte)),
        }
        Ok(if self.0 == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    }

    fn reset(&mut self) {
        self.0 = 0;
    }
}

#[test]
fn the_work_of_four_engines_does_not_grow_with_the_depth() {
    let stack = coroutine::Options::new().stack_size(4 << 20).max_depth(MAX_DEPTH);
    let report = Harness::new(testing::no_events)
        .with_work("machine", || machine::Parser::new(Depth::default()))
        .with_work("coroutine", || stack.parser(group_on_a_stack).unwrap())
        .with_work("stackless", || stackless::Options::new().max_depth(MAX_DEPTH).parser(group))
        .with_work("generator", || {
            generator::Parser::with_options(generator::Options::new().max_depth(MAX_DEPTH), group)
        })
        .check_depth(1000, parentheses)
        .unwrap();
    println!("{report}");
    let work = report.parsers.iter().map(|parser| parser.work_per_byte.unwrap());
    let [machine, coroutine, stackless, generator] = *work.collect::<Vec<_>>() else {
        unreachable!("four parsers")
    };
    assert_eq!((machine, coroutine), ([2.0, 2.0], [1.0, 1.0]), "a step for a byte, and none");
    assert!(stackless[1] > stackless[0], "calls are counted");
    assert_eq!(stackless, generator, "the same body and driver");
}

#[test]
fn work_that_grows_with_the_depth_is_found() {
    for seed in 0..SEEDS {
        let check = |broken| {
            Harness::new(testing::no_events)
                .seed(seed)
                .with_work("levels", move || Levels::new(broken))
                .check_depth(1000, parentheses)
        };
        check(false).unwrap();
        let violation = check(true).unwrap_err();
        assert_eq!((violation.law(), violation.seed()), (Law::Depth, seed), "{violation}");
    }
}

#[test]
fn calls_in_boxes_are_polled_level_by_level_and_the_count_shows_it() {
    let violation = Harness::new(testing::no_events)
        .with_work("boxed", || stackless::Parser::new(boxed_group))
        .check_depth(60, parentheses)
        .unwrap_err();
    println!("{violation}");
    assert_eq!(violation.law(), Law::Depth);
}

#[test]
fn a_depth_that_is_not_reached_or_not_counted_is_a_violation() {
    let shallow = Harness::new(testing::no_events)
        .with_work("shallow", || stackless::Parser::new(group))
        .check_depth(1000, parentheses)
        .unwrap_err();
    assert_eq!(shallow.law(), Law::Depth);
    assert!(shallow.found().contains("TooDeep"), "{shallow}");

    let uncounted = Harness::new(testing::no_events)
        .parser("uncounted", || Levels::new(true))
        .check_depth(1000, parentheses)
        .unwrap_err();
    assert_eq!(uncounted.law(), Law::AnyParser);
}
