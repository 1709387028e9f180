//! The byte that an error blames, wherever the input is cut.

use std::ops::ControlFlow::Continue;

use pushdown::engine::{coroutine, machine, stackless};
use pushdown::{End, ErrorKind};

use crate::{Answer, check, subjects};

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
