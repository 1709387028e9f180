//! The depth of calls, and their cost.

use pushdown::engine::stackless::{Input, Options, Parser};
use pushdown::engine::{coroutine, generator};
use pushdown::{DynParser, ErrorKind, Failure, PushParser, Status};

use crate::{deep, feed, group};

const SIZES: [usize; 6] = [1, 2, 3, 64, 1000, usize::MAX];

#[test]
fn any_depth_is_parsed_in_chunks_of_any_size() {
    let depths = [1, 2, 15, 16, 17, 18, 33, 100, 1000, 20_000];
    let mut parser = Options::new().max_depth(u32::MAX).parser(group);
    for depth in depths {
        for size in SIZES {
            parser.reset();
            assert_eq!(feed(&mut parser, &deep(depth), size), Status::Success, "{depth} by {size}");
            assert_eq!(parser.offset(), 2 * depth as u64, "{depth} by {size}");
            assert_eq!(parser.take_output(), Some(depth as u64), "{depth} by {size}");
        }
    }
    println!("{} depths in chunks of {} sizes", depths.len(), SIZES.len());
}

#[test]
fn calls_one_after_another_are_parsed_at_every_pair_of_cuts() {
    let input = b"(()(()())((((()))))())";
    let mut cuttings = 0;
    let mut parser = Parser::new(group);
    for first in 0..=input.len() {
        for second in first..=input.len() {
            parser.reset();
            for chunk in [&input[..first], &input[first..second], &input[second..]] {
                let _ = parser.feed(chunk);
            }
            assert_eq!(parser.status(), Status::Success, "cut at {first} and {second}");
            assert_eq!(parser.take_output(), Some(11), "cut at {first} and {second}");
            cuttings += 1;
        }
    }
    println!("{cuttings} cuttings");
}

#[test]
fn a_call_too_deep_fails_at_the_same_offset_in_every_straight_line_engine() {
    fn on_a_stack(input: &mut coroutine::Input<'_>) -> Result<u64, Failure> {
        input.expect(b'(')?;
        let mut pairs = 1;
        while input.peek()? == b'(' {
            pairs += input.nested(on_a_stack)?;
        }
        input.expect(b')')?;
        Ok(pairs)
    }
    let mut parsers = 0;
    for limit in [0, 1, 5, 40, 128] {
        let options = Options::new().max_depth(limit);
        // AddressSanitizer makes the frames of a debug build several times as large.
        let on_stacks = coroutine::Options::new().max_depth(limit).stack_size(1 << 20);
        let parsers_of_all: [(&str, Box<DynParser<'_, (), u64>>); 3] = [
            ("coroutine", Box::new(on_stacks.parser(on_a_stack).unwrap())),
            ("stackless", Box::new(options.parser(group))),
            ("generator", Box::new(generator::Parser::with_options(options, group))),
        ];
        for (name, mut parser) in parsers_of_all {
            for size in SIZES {
                parser.reset();
                let as_deep = deep(limit as usize + 1);
                assert_eq!(feed(&mut parser, &as_deep, size), Status::Success, "{name} {limit}");
                parser.reset();
                let too_deep = deep(limit as usize + 2);
                assert_eq!(feed(&mut parser, &too_deep, size), Status::BadInput, "{name} {limit}");
                let error = parser.error().unwrap();
                let expected = (ErrorKind::TooDeep, u64::from(limit) + 1);
                assert_eq!((error.kind, error.offset), expected, "{name} by {size}");
            }
            parsers += 1;
        }
    }
    println!("{parsers} parsers in chunks of {} sizes", SIZES.len());
}

#[test]
fn a_level_that_has_failed_is_there_again() {
    async fn body(input: &mut Input<'_>) -> Result<u64, Failure> {
        let mut failed = 0;
        for _ in 0..10 {
            let call = input.nested(async |input: &mut Input<'_>| match input.next().await? {
                b'x' => Err(input.fail(ErrorKind::UnexpectedByte)),
                _ => Ok(()),
            });
            if call.await.is_err() {
                input.next().await?;
                failed += 1;
            }
        }
        Ok(failed)
    }
    let mut parser = Options::new().max_depth(1).parser(body);
    assert_eq!(feed(&mut parser, b"xxxxxxxxxx", 1), Status::Success);
    assert_eq!(parser.take_output(), Some(10));
}

#[test]
fn a_second_run_allocates_nothing() {
    let input = deep(10_000);
    let mut parser = Options::new().max_depth(u32::MAX).parser(group);
    let mut run = || {
        for size in SIZES {
            parser.reset();
            assert_eq!(feed(&mut parser, &input, size), Status::Success);
        }
    };
    let first = allocation_counter::measure(&mut run).count_total;
    let second = allocation_counter::measure(&mut run).count_total;
    assert!((1..=20).contains(&first), "{first} blocks, each twice the one before");
    assert_eq!(second, 0);
}

#[test]
fn frames_that_a_reset_drops_leave_their_memory_to_the_next_run() {
    let input = deep(10_000);
    let mut parser = Options::new().max_depth(u32::MAX).parser(group);
    let mut run = || {
        assert_eq!(feed(&mut parser, &input[..9_000], 100), Status::NeedMoreInput);
        parser.reset();
    };
    assert!(allocation_counter::measure(&mut run).count_total > 0);
    assert_eq!(allocation_counter::measure(&mut run).count_total, 0);
}

#[test]
fn a_parser_moves_between_threads_in_the_middle_of_its_calls() {
    let mut parser = Options::new().max_depth(u32::MAX).parser(group);
    for chunk in deep(10_000).chunks(999).map(<[u8]>::to_vec) {
        let feeding = std::thread::spawn(move || {
            let _ = parser.feed(&chunk);
            parser
        });
        parser = feeding.join().unwrap();
    }
    assert_eq!(parser.take_output(), Some(10_000));
}

#[test]
fn a_call_may_take_arguments_by_value_and_by_reference() {
    async fn levels(
        input: &mut Input<'_>,
        depth: u32,
        deepest: &mut u32,
        names: &[&str],
    ) -> Result<usize, Failure> {
        *deepest = depth.max(*deepest);
        let mut length = names[depth as usize % names.len()].len();
        input.expect(b'(').await?;
        while input.peek().await? == b'(' {
            length += input.nested(|input| levels(input, depth + 1, &mut *deepest, names)).await?;
        }
        input.expect(b')').await?;
        Ok(length)
    }
    let mut parser = Parser::new(async |input: &mut Input<'_>| {
        let mut deepest = 0;
        let length = levels(input, 0, &mut deepest, &["one", "three"]).await?;
        Ok::<_, Failure>((length, deepest))
    });
    assert_eq!(feed(&mut parser, b"(()((())))", 1), Status::Success);
    assert_eq!(parser.take_output(), Some((21, 3)));
}
