//! The end of the input, which a body may accept in the middle of a value.

use std::ops::ControlFlow::{self, Break, Continue};

use pushdown::engine::{coroutine, machine, stackless};
use pushdown::{End, ErrorKind, Failure, PushParser, Status};

use crate::{Answer, Subjects, answer, check, engines, subjects};

/// A decimal number that ends with a full stop or with the input.
fn step(value: &mut usize, input: &mut machine::Input<'_>) -> Result<ControlFlow<usize>, Failure> {
    match input.next() {
        Ok(digit @ b'0'..=b'9') => {
            *value = 10 * *value + usize::from(digit - b'0');
            Ok(Continue(()))
        }
        Ok(b'.') | Err(End::Finished) => Ok(Break(*value)),
        Ok(_) => Err(input.fail(ErrorKind::UnexpectedByte)),
        Err(end) => Err(end.into()),
    }
}

fn number(input: &mut coroutine::Input<'_>) -> Result<usize, Failure> {
    let mut value = 0;
    loop {
        match input.next() {
            Ok(digit @ b'0'..=b'9') => value = 10 * value + usize::from(digit - b'0'),
            Ok(b'.') | Err(End::Finished) => return Ok(value),
            Ok(_) => return Err(input.fail(ErrorKind::UnexpectedByte)),
            Err(end) => return Err(end.into()),
        }
    }
}

async fn number_async(input: &mut stackless::Input<'_>) -> Result<usize, Failure> {
    let mut value = 0;
    loop {
        match input.next().await {
            Ok(digit @ b'0'..=b'9') => value = 10 * value + usize::from(digit - b'0'),
            Ok(b'.') | Err(End::Finished) => return Ok(value),
            Ok(_) => return Err(input.fail(ErrorKind::UnexpectedByte)),
            Err(end) => return Err(end.into()),
        }
    }
}

fn numbers() -> Subjects<(), usize> {
    subjects(step, number, || number_async)
}

#[test]
fn a_number_may_end_with_the_input_or_before_it() {
    let (status, result) = (Status::NeedMoreInput, Ok(()));
    check(numbers(), b"", Answer { status, consumed: 0, result });
    check(numbers(), b"123", Answer { status, consumed: 3, result });
    check(numbers(), b"123.4", Answer::success(4));
    check(numbers(), b"12x", Answer::bad(ErrorKind::UnexpectedByte, 2));
}

#[test]
fn the_output_can_be_taken_once_and_only_after_success() {
    for (name, mut parser) in numbers() {
        let mut taken = |chunks: &[&[u8]]| {
            answer(&mut *parser, chunks);
            [parser.take_output(), parser.take_output()]
        };
        assert_eq!(taken(&[b"4", b"2"]), [Some(42), None], "{name}, accepted by finish");
        assert_eq!(taken(&[b"1", b"7.", b"8"]), [Some(17), None], "{name}");
        assert_eq!(taken(&[b"4x"]), [None, None], "{name}");
        parser.reset();
        let _ = parser.feed(b"4");
        assert_eq!(parser.take_output(), None, "{name}");
        let _ = parser.feed(b".");
        parser.reset();
        assert_eq!(parser.take_output(), None, "{name}, after a reset");
    }
}

#[test]
fn an_unterminated_string_is_an_unexpected_end() {
    for (name, mut parser) in engines::quoted() {
        for input in [&b""[..], b"\"", b"\"a", b"\"a\\", b"\"a\\\""] {
            let status = Status::NeedMoreInput;
            let bad = Answer::bad(ErrorKind::UnexpectedEnd, input.len());
            assert_eq!(answer(&mut *parser, &[input]), Answer { status, ..bad }, "{name}");
        }
    }
}

#[test]
fn finish_does_not_change_a_parser_that_has_ended() {
    for (name, mut parser) in engines::quoted() {
        assert_eq!(answer(&mut *parser, &[b"\"\"", b"x"]), Answer::success(2), "{name}");
        let bad = Answer::bad(ErrorKind::UnexpectedByte, 0);
        assert_eq!(answer(&mut *parser, &[b"x\"\"", b"\"\""]), bad, "{name}");
    }
}
