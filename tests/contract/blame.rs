//! The byte that an error blames, wherever the input is cut.

use std::ops::ControlFlow::{Break, Continue};

use pushdown::engine::{coroutine, machine, stackless};
use pushdown::{End, Error, ErrorKind};

use crate::{Answer, Subjects, and_machine, answer, check, cuttings, straight, subjects};

const BAD: ErrorKind = ErrorKind::Custom(7);

/// Asserts the offset that is blamed by bodies which take `ab` of `abcd`, then read in the given way,
/// and fail.
macro_rules! blames {
    ($offset:literal, |$input:ident| $read:expr, $read_async:expr) => {
        let subjects = subjects::<(), (), _, _, _>(
            |taken, $input: &mut machine::Input<'_>| {
                if *taken < 2 {
                    $input.next()?;
                    *taken += 1;
                    return Ok(Continue(()));
                }
                let _ = $read;
                Err($input.fail(BAD))
            },
            |$input: &mut coroutine::Input<'_>| {
                $input.next()?;
                $input.next()?;
                let _ = $read;
                Err($input.fail(BAD))
            },
            || {
                async |$input: &mut stackless::Input<'_>| {
                    $input.next().await?;
                    $input.next().await?;
                    let _ = $read_async;
                    Err($input.fail(BAD))
                }
            },
        );
        check(subjects, b"abcd", Answer::bad(BAD, $offset));
    };
}

#[test]
fn after_next_the_byte_taken_is_blamed() {
    blames!(2, |input| input.next()?, input.next().await?);
}

#[test]
fn after_peek_the_byte_seen_is_blamed() {
    blames!(2, |input| input.peek()?, input.peek().await?);
}

#[test]
fn after_peek_and_next_the_byte_taken_is_blamed() {
    blames!(2, |input| (input.peek()?, input.next()?), (input.peek().await?, input.next().await?));
}

#[test]
fn after_next_if_the_byte_tested_is_blamed() {
    blames!(2, |input| input.next_if(|_| false)?, input.next_if(|_| false).await?);
    blames!(2, |input| input.next_if(|_| true)?, input.next_if(|_| true).await?);
}

#[test]
fn after_expect_the_unexpected_byte_is_blamed() {
    blames!(2, |input| input.expect(b'x'), input.expect(b'x').await);
}

#[test]
fn after_take_the_byte_that_follows_is_blamed() {
    blames!(3, |input| input.take(1)?.len(), input.take(1).await?.len());
    blames!(2, |input| input.take(0)?.len(), input.take(0).await?.len());
}

#[test]
fn after_a_scan_the_stop_is_blamed() {
    blames!(3, |input| input.skip_until(b'd')?, input.skip_until(b'd').await?);
    blames!(2, |input| input.scan_until(b'c', |_| ())?, input.scan_until(b'c', |_| ()).await?);
}

#[test]
fn a_second_failure_blames_the_same_byte() {
    blames!(
        2,
        |input| {
            input.next()?;
            [input.fail(BAD), input.fail(BAD)]
        },
        {
            input.next().await?;
            [input.fail(BAD), input.fail(BAD)]
        }
    );
}

#[test]
fn at_the_end_of_the_input_the_end_is_blamed() {
    let subjects = subjects::<(), (), _, _, _>(
        |_, input: &mut machine::Input<'_>| match input.next() {
            Err(End::Finished) => Err(input.fail(BAD)),
            read => read.map(|_| Continue(())).map_err(Into::into),
        },
        |input: &mut coroutine::Input<'_>| {
            while input.next().is_ok() {}
            Err(input.fail(BAD))
        },
        || {
            async |input: &mut stackless::Input<'_>| {
                while input.next().await.is_ok() {}
                Err(input.fail(BAD))
            }
        },
    );
    let bad = Answer { status: pushdown::Status::NeedMoreInput, ..Answer::bad(BAD, 4) };
    check(subjects, b"abcd", bad);
}

#[test]
fn a_step_that_fails_at_once_blames_the_next_byte_at_every_cut() {
    let subjects = subjects::<(), (), _, _, _>(
        |taken, input: &mut machine::Input<'_>| {
            if *taken < 2 {
                input.next()?;
                *taken += 1;
                return Ok(Continue(()));
            }
            Err(input.fail(BAD))
        },
        |input: &mut coroutine::Input<'_>| {
            input.take(1)?;
            input.take(1)?;
            Err(input.fail(BAD))
        },
        || {
            async |input: &mut stackless::Input<'_>| {
                input.take(1).await?;
                input.take(1).await?;
                Err(input.fail(BAD))
            }
        },
    );
    check(subjects, b"abcd", Answer::bad(BAD, 2));
}

/// Asserts the error of each parser at every cut, and where it says that its part began.
fn check_start(subjects: Subjects<()>, input: &[u8], expected: Error, start: Option<u64>) {
    for (name, mut parser) in subjects {
        for chunks in cuttings(input) {
            let found = answer(&mut *parser, &chunks);
            assert_eq!(found.result, Err(expected), "{name}, {chunks:?}");
            assert_eq!(parser.error().unwrap().start, start, "{name}, {chunks:?}");
        }
        parser.reset();
        assert_eq!(parser.error(), None, "{name}");
        let _ = parser.finish();
        assert_eq!(parser.error().unwrap().start, None, "{name}: the start of an earlier run");
    }
}

/// `<`, text and `>`, after letters. In the text, `!` is an error that names its start, `?` one that
/// the body recovers from, and `#` one without a start.
fn angles() -> Subjects<()> {
    let straight = straight!(|input: ()| -> () {
        while wait!(input.next())? != b'<' {}
        let start = input.offset() - 1;
        loop {
            match wait!(input.next())? {
                b'>' => return Ok(()),
                b'!' => return Err(input.fail_from(start, BAD)),
                b'?' => {
                    let _ = input.fail_from(start, BAD);
                    wait!(input.next())?;
                }
                b'#' => return Err(input.fail(ErrorKind::UnexpectedByte)),
                _ => {}
            }
        }
    });
    and_machine(straight, |start, input| {
        let at = input.offset();
        match input.next()? {
            b'<' => *start = at as usize,
            b'>' => return Ok(Break(())),
            b'!' => return Err(input.fail_from(*start as u64, BAD)),
            b'?' => {
                let _ = input.fail_from(*start as u64, BAD);
                input.next()?;
            }
            b'#' => return Err(input.fail(ErrorKind::UnexpectedByte)),
            _ => {}
        }
        Ok(Continue(()))
    })
}

#[test]
fn an_error_may_name_where_its_part_began() {
    check_start(angles(), b"ab<cd!", Error::new(BAD, 5), Some(2));
    check_start(angles(), b"ab<cd#", Error::new(ErrorKind::UnexpectedByte, 5), None);
    check_start(angles(), b"ab<cd", Error::new(ErrorKind::UnexpectedEnd, 5), None);
}

#[test]
fn the_start_of_an_error_that_the_body_recovers_from_is_forgotten() {
    check_start(angles(), b"ab<c?d#", Error::new(ErrorKind::UnexpectedByte, 6), None);
    check_start(angles(), b"ab<c?d", Error::new(ErrorKind::UnexpectedEnd, 6), None);
    check_start(angles(), b"ab<c?de!", Error::new(BAD, 7), Some(2));
}
