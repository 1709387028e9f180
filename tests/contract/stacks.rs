//! Stacks that cannot be allocated, and stacks that are too small.

use std::io;

use pushdown::engine::coroutine::{DEFAULT_MAX_DEPTH, Input, Options, Parser};
use pushdown::quoted;
use pushdown::{Error, ErrorKind, Failure, PushParser, Status};

/// Balanced parentheses.
fn group(input: &mut Input<'_>) -> Result<(), Failure> {
    input.expect(b'(')?;
    while input.peek()? == b'(' {
        input.nested(group)?;
    }
    input.expect(b')')
}

fn nested(depth: usize) -> Vec<u8> {
    [b"(".repeat(depth), b")".repeat(depth)].concat()
}

/// The deepest nesting that is allowed. The outermost group does not count.
const DEEPEST: usize = DEFAULT_MAX_DEPTH as usize + 1;

#[test]
fn recursion_is_allowed_up_to_the_limit() {
    let mut parser = Parser::<(), ()>::new(group);
    for depth in [1, 2, DEEPEST] {
        parser.reset();
        assert_eq!(parser.feed(&nested(depth)).status, Status::Success, "{depth} levels");
    }
    let mut parser = Options::new().max_depth(0).parser(group).unwrap();
    assert_eq!(parser.feed(b"()").status, Status::Success);
    parser.reset();
    assert_eq!(parser.feed(b"(())").consumed, 1);
    let _: Parser = parser;
}

#[test]
fn recursion_past_the_limit_is_an_error_at_the_same_byte_wherever_the_input_is_cut() {
    let mut parser = Parser::<(), ()>::new(group);
    let input = nested(DEEPEST + 1);
    for cut in 0..=input.len() {
        parser.reset();
        let _ = (parser.feed(&input[..cut]), parser.feed(&input[cut..]));
        let error = Error::new(ErrorKind::TooDeep, DEEPEST as u64);
        assert_eq!(parser.error(), Some(&error), "cut at {cut}");
    }
}

#[test]
fn leaving_a_level_makes_room_for_another() {
    let mut parser = Parser::<(), ()>::new(group);
    let input = [b"(".as_slice(), &b"()".repeat(10 * DEEPEST), b")"].concat();
    assert_eq!(parser.feed(&input).status, Status::Success);
}

#[test]
fn a_stack_too_small_for_the_depth_is_an_error_and_not_an_overflow() {
    for size in [0, 1, 4096, 64 << 10] {
        let options = Options::new().stack_size(size).max_depth(u32::MAX);
        let mut parser: Parser = options.parser(group).unwrap();
        assert_eq!(parser.feed(b"()").status, Status::Success, "{size} bytes");
        parser.reset();
        let _ = parser.feed(&nested(1_000_000));
        assert_eq!(
            parser.error().map(|error| error.kind),
            Some(ErrorKind::TooDeep),
            "{size} bytes"
        );
    }
}

#[test]
fn a_stack_of_an_impossible_size_is_an_error() {
    for size in [1 << 60, usize::MAX / 2, usize::MAX - 40_000, usize::MAX - 1, usize::MAX] {
        let parser: io::Result<Parser> = Options::new().stack_size(size).parser(group);
        assert_eq!(parser.unwrap_err().kind(), io::ErrorKind::OutOfMemory, "{size} bytes");
        assert!(quoted::Coroutine::with_options(Options::new().stack_size(size)).is_err());
    }
    let mut parser = Parser::<(), ()>::new(group);
    assert_eq!(
        parser.feed(b"()").status,
        Status::Success,
        "a stack of ordinary size is still available"
    );
}
