//! Random bodies: a program of reads answers the same in every engine, for every cutting and pausing.

mod context;
mod machine;
mod program;
mod straight;

use std::ops::ControlFlow::{Break, Continue};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use pushdown::engine::{coroutine, generator, stackless};
use pushdown::{Error, PushParser, Status};

use super::cut::Target;
use context::{Context, Mark, Marks};
use program::{Case, MAX_DEPTH, Op};

/// Every target by its name.
pub const TARGETS: &[Target] = &[("bodies_engines", bodies_engines)];

/// All that the law speaks of.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    status: Status,
    consumed: u64,
    finished: Option<Result<(), Error>>,
    start: Option<u64>,
    has_begun: bool,
    /// Texts joined.
    events: Vec<Event>,
    output: Option<u64>,
    panicked: bool,
    /// Guards that are alive after a reset.
    left: i32,
}

#[derive(Debug, PartialEq, Eq)]
enum Event {
    Text(Vec<u8>),
    Hash(u64),
}

/// A random body, as a machine, a coroutine, a stackless and a generator body, whole, cut and paused.
pub fn bodies_engines(data: &[u8]) {
    let case = program::case(data);
    let expected = whole(&case);
    for name in ENGINES {
        let bytes = vec![1; case.input.len()];
        for cuts in [&[][..], &case.cuts, &bytes] {
            for pauses in [0, case.pauses] {
                let found = run(name, &case, cuts, pauses);
                let how = format!("{name} cut at {cuts:?}, pauses {pauses:b}");
                assert_eq!(found, expected, "{how} (left), and stackless whole: {case:#?}");
            }
        }
    }
}

const ENGINES: [&str; 4] = ["machine", "coroutine", "stackless", "generator"];

fn whole(case: &Case) -> Outcome {
    run("stackless", case, &[], 0)
}

fn run(engine: &str, case: &Case, cuts: &[usize], pauses: u64) -> Outcome {
    // The program is borrowed by bodies that are `'static`.
    let program: Rc<Vec<Op>> = Rc::new(case.program.clone());
    match engine {
        "machine" => outcome(&mut machine::parser(&program), case, cuts, pauses),
        "coroutine" => {
            let options = coroutine::Options::new().max_depth(MAX_DEPTH);
            let body = move |input: &mut coroutine::Input<'_, Marks>| {
                let mut context = Context::new();
                straight::function(input, &program, &mut context)?;
                Ok(context.hash())
            };
            outcome(&mut options.parser(body).unwrap(), case, cuts, pauses)
        }
        "stackless" => {
            let body = async move |input: &mut stackless::Input<'_, Marks>| {
                let mut context = Context::new();
                straight::async_function(input, &program, &mut context).await?;
                Ok(context.hash())
            };
            let options = stackless::Options::new().max_depth(MAX_DEPTH);
            outcome(&mut options.parser(body), case, cuts, pauses)
        }
        "generator" => {
            let body = async move |input: &mut stackless::Input<'_, Marks>| {
                let mut context = Context::new();
                straight::async_function(input, &program, &mut context).await?;
                Ok(context.hash())
            };
            let options = generator::Options::new().max_depth(MAX_DEPTH);
            outcome(&mut generator::Parser::with_options(options, body), case, cuts, pauses)
        }
        other => unreachable!("{other} is no engine"),
    }
}

fn outcome<P: PushParser<Events = Marks, Output = u64>>(
    parser: &mut P,
    case: &Case,
    cuts: &[usize],
    pauses: u64,
) -> Outcome {
    let mut events: Vec<Event> = Vec::new();
    let mut count = 0_u32;
    let mut status = Status::NeedMoreInput;
    let mut consumed = 0;
    let mut panicked = false;
    let mut rest = &case.input[..];
    let lengths = cuts.iter().copied().chain([usize::MAX]);
    for length in lengths {
        let (mut chunk, after) = rest.split_at(length.min(rest.len()));
        rest = after;
        while status == Status::NeedMoreInput && !panicked {
            // A body may report more before it reads again.
            let mut paused = false;
            let fed = catch_unwind(AssertUnwindSafe(|| {
                parser.feed_until(chunk, |mark| {
                    record(&mut events, mark);
                    count += 1;
                    let pause = pauses >> (count % 64) & 1 == 1;
                    paused |= pause;
                    if pause { Break(()) } else { Continue(()) }
                })
            }));
            let Ok(progress) = fed else {
                panicked = true;
                status = parser.status();
                break;
            };
            status = progress.status;
            consumed += progress.consumed as u64;
            chunk = &chunk[progress.consumed..];
            let left = !chunk.is_empty() && status == Status::NeedMoreInput;
            assert!(paused || !left, "bytes are left: {chunk:?} of {case:#?}");
            if chunk.is_empty() {
                break;
            }
        }
    }
    let consumed = if panicked { parser.offset() } else { consumed };
    assert_eq!(parser.offset(), consumed);
    let has_begun = parser.has_begun();
    let finished = (case.finish && !panicked).then(|| {
        let finished =
            catch_unwind(AssertUnwindSafe(|| parser.finish_with(|mark| record(&mut events, mark))));
        finished.unwrap_or_else(|_| {
            panicked = true;
            parser.finish()
        })
    });
    let start = parser.error().and_then(|error| error.start);
    let output = parser.take_output();
    assert_eq!(parser.take_output(), None, "once");
    parser.reset();
    let left = context::live();
    Outcome { status, consumed, finished, start, has_begun, events, output, panicked, left }
}

fn record(events: &mut Vec<Event>, mark: Mark<'_>) {
    match (mark, events.last_mut()) {
        (Mark::Text(piece), Some(Event::Text(text))) => text.extend(piece),
        (Mark::Text(piece), _) => events.push(Event::Text(piece.to_vec())),
        (Mark::Hash(hash), _) => events.push(Event::Hash(hash)),
    }
}
