//! Offsets of values that start late in a stream.

use std::ops::ControlFlow::{Break, Continue};

use pushdown::engine::{coroutine, machine, stackless};
use pushdown::{Error, ErrorKind, PushParser, Status};

use crate::{Subjects, engines, subjects};

/// An offset at which a short value crosses 2^32.
const NEAR_U32: u64 = u32::MAX as u64 - 2;

#[test]
fn offsets_go_past_four_gibibytes() {
    for (name, mut parser) in engines::quoted() {
        for cut in 0..=8 {
            let (first, second) = br#""abcdef""#.split_at(cut);
            parser.reset_at(NEAR_U32);
            assert_eq!(parser.offset(), NEAR_U32, "{name}");
            let _ = (parser.feed(first), parser.feed(second));
            assert_eq!(
                (parser.status(), parser.offset()),
                (Status::Success, NEAR_U32 + 8),
                "{name}"
            );

            parser.reset_at(NEAR_U32);
            let _ = parser.feed(first);
            if cut < 8 {
                let error = Error::new(ErrorKind::UnexpectedEnd, NEAR_U32 + cut as u64);
                assert_eq!(parser.finish(), Err(error), "{name}");
            }
        }
        parser.reset();
        assert_eq!(parser.offset(), 0, "{name}");
    }
}

/// Fails with the low bits of the input's own offset at `!`.
fn reporters() -> Subjects<()> {
    let kind = |offset: u64| ErrorKind::Custom((offset - NEAR_U32) as u32);
    subjects(
        move |_, input: &mut machine::Input<'_>| {
            let offset = input.offset();
            match input.next()? {
                b'!' => Err(input.fail(kind(offset))),
                b'.' => Ok(Break(())),
                _ => Ok(Continue(())),
            }
        },
        move |input: &mut coroutine::Input<'_>| loop {
            let offset = input.offset();
            match input.next()? {
                b'!' => return Err(input.fail(kind(offset))),
                b'.' => return Ok(()),
                _ => {}
            }
        },
        move || {
            async move |input: &mut stackless::Input<'_>| loop {
                let offset = input.offset();
                match input.next().await? {
                    b'!' => return Err(input.fail(kind(offset))),
                    b'.' => return Ok(()),
                    _ => {}
                }
            }
        },
    )
}

#[test]
fn bodies_and_errors_agree_on_the_offset_wherever_the_input_is_cut() {
    for (name, mut parser) in reporters() {
        for cut in 0..=6 {
            parser.reset_at(NEAR_U32);
            let (first, second) = b"abcde!".split_at(cut);
            let _ = (parser.feed(first), parser.feed(second));
            let error = Error::new(ErrorKind::Custom(5), NEAR_U32 + 5);
            assert_eq!(parser.error(), Some(&error), "{name} cut at {cut}");
        }
    }
}

#[test]
fn offsets_saturate() {
    for (name, mut parser) in engines::quoted() {
        parser.reset_at(u64::MAX - 8);
        let _ = parser.feed(br#""abcdef""#);
        assert_eq!((parser.status(), parser.offset()), (Status::Success, u64::MAX), "{name}");

        for cut in 0..=8 {
            parser.reset_at(u64::MAX - 3);
            let (first, second) = br#""abcdef""#.split_at(cut);
            let _ = (parser.feed(first), parser.feed(second));
            assert_eq!((parser.status(), parser.offset()), (Status::Success, u64::MAX), "{name}");
        }
    }
    for (name, mut parser) in reporters() {
        parser.reset_at(u64::MAX);
        let _ = (parser.feed(b"ab"), parser.feed(b"c"));
        assert_eq!(
            (parser.feed(b".").status, parser.offset()),
            (Status::Success, u64::MAX),
            "{name}"
        );
    }
}
