//! The law of cuts and pauses, for bodies with bounds and other parsers inside, beside `stackless`.

use std::fmt::Write;
use std::ops::ControlFlow::{Break, Continue};

use pushdown::events::Bytes;
use pushdown::{DynParser, Error, PushParser, Status};

macro_rules! for_all_bodies {
    ($all:ident) => {
        $all! {
            bounded bounded_scan framed frames_in_frames fails_at_a_bound keeps_reading_at_a_bound
            keeps_reading_at_the_end_of_a_frame forgets_its_bounds bounds_after_the_end chunks values_between_spaces
            events_one_by_one a_string_inside a_string_in_a_frame groups
        }
    };
}

/// Inputs for all of the bodies.
const INPUTS: &[&[u8]] = &[
    b"",
    b".",
    b"a.b",
    b"abcd.e",
    b"abcde.f",
    b"abcdefgh.i",
    b"5abcdefgh",
    b"5ab,defgh",
    b"5ab!defgh",
    b"5abc",
    b"0abc",
    b"  . x",
    b" ab c!  d",
    b" ab c.  d",
    b"!",
    b"    ",
    b"   !",
    b"a(bcd(ef.",
    b"a(b!",
    b"((()()))",
    b"(((((((((((",
    b"x\"a\\bc\"y",
    b"x\"abc",
    b"xa",
    b"7\"a\\bc\"yz0",
    b"5\"abcde\"",
    b"4\"a\"xyz",
    b"2\"\"",
];

mod coroutine {
    use pushdown::engine::coroutine::{Input, Options};
    use pushdown::{DynParser, End, ErrorKind, Failure, quoted};

    use pushdown::events::Bytes;

    macro_rules! body {
        ($name:ident($input:ident) $body:block) => {
            fn $name($input: &mut Input<'_, Bytes>) -> Result<Vec<u8>, Failure> $body
        };
    }
    macro_rules! wait {
        ($read:expr) => {
            $read
        };
    }
    macro_rules! nested_group {
        () => {
            groups
        };
    }
    include!("bodies.rs");

    macro_rules! all {
        ($($name:ident)*) => {
            pub(super) fn all() -> Vec<(&'static str, Box<DynParser<'static, Bytes, Vec<u8>>>)> {
                let options = Options::new().max_depth(5);
                vec![$((stringify!($name), Box::new(options.parser($name).unwrap()))),*]
            }
        };
    }
    for_all_bodies!(all);
}

mod stackless {
    use pushdown::engine::stackless::{Input, Options};
    use pushdown::{DynParser, End, ErrorKind, Failure, quoted};

    use pushdown::events::Bytes;

    macro_rules! body {
        ($name:ident($input:ident) $body:block) => {
            async fn $name($input: &mut Input<'_, Bytes>) -> Result<Vec<u8>, Failure> $body
        };
    }
    macro_rules! wait {
        ($read:expr) => {
            $read.await
        };
    }
    macro_rules! nested_group {
        () => {
            |input| Box::pin(groups(input))
        };
    }
    include!("bodies.rs");

    macro_rules! all {
        ($($name:ident)*) => {
            pub(super) fn all() -> Vec<(&'static str, Box<DynParser<'static, Bytes, Vec<u8>>>)> {
                let options = Options::new().max_depth(5);
                vec![$((stringify!($name), Box::new(options.parser($name)))),*]
            }
        };
    }
    for_all_bodies!(all);
}

#[derive(Debug, PartialEq)]
struct Outcome {
    /// When all has been fed, and after `finish`.
    status: [Status; 2],
    begun: bool,
    offset: u64,
    error: Option<(Error, Option<u64>)>,
    events: String,
    output: Option<Vec<u8>>,
}

/// Feeds the chunks, each freed before the next, and finishes. The sink breaks at every `pause`-th event.
fn run(parser: &mut DynParser<'_, Bytes, Vec<u8>>, chunks: &[&[u8]], pause: usize) -> Outcome {
    parser.reset();
    let (mut events, mut count) = (String::new(), 0);
    for chunk in chunks {
        let freed = Box::<[u8]>::from(*chunk);
        let mut rest = &freed[..];
        loop {
            let progress = parser.feed_dyn(rest, &mut |text| {
                events.extend(text.iter().copied().map(char::from));
                count += 1;
                if pause > 0 && count % pause == 0 { Break(()) } else { Continue(()) }
            });
            rest = &rest[progress.consumed..];
            if progress.status != Status::NeedMoreInput || rest.is_empty() {
                break;
            }
            assert!(pause > 0, "only a pause leaves anything");
        }
    }
    let (before, begun) = (parser.status(), parser.has_begun());
    let result = parser.finish_dyn(&mut |text| {
        events.extend(text.iter().copied().map(char::from));
        Break(())
    });
    assert_eq!(result.err().as_ref(), parser.error());
    let error = parser.error().map(|error| (*error, error.start));
    let status = [before, parser.status()];
    let (offset, output) = (parser.offset(), parser.take_output());
    Outcome { status, begun, offset, error, events, output }
}

#[test]
fn every_cut_and_every_pause_gives_the_answer_of_an_async_body_that_is_fed_all_at_once() {
    let mut cases = 0;
    let mut ends = String::new();
    let bodies = coroutine::all().into_iter().zip(stackless::all());
    for ((name, mut parser), (_, mut other)) in bodies {
        for input in INPUTS {
            let whole = run(&mut *other, &[input], 0);
            let _ = write!(ends, "{:?}", whole.status);
            for pause in 0..4 {
                for cut in 0..=input.len() {
                    let chunks = [&input[..cut], &input[cut..]];
                    let cut_in_two = run(&mut *parser, &chunks, pause);
                    assert_eq!(
                        cut_in_two,
                        whole,
                        "{name}, {:?} cut at {cut}, paused at every {pause}",
                        String::from_utf8_lossy(input)
                    );
                    assert_eq!(run(&mut *other, &chunks, pause), whole, "stackless {name}");
                    cases += 1;
                }
                let bytes: Vec<_> = input.chunks(1).collect();
                assert_eq!(run(&mut *parser, &bytes, pause), whole, "{name}, byte by byte");
                cases += 1;
            }
        }
    }
    println!("{cases} cases");
    assert!(cases > 10_000);
    assert!(ends.contains("Success") && ends.contains("BadInput"));
}
