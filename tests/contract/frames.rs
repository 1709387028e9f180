//! Parts of a known length.

use std::ops::ControlFlow::{Break, Continue};

use pushdown::engine::{Limit, stackless};
use pushdown::events::Bytes;
use pushdown::{End, ErrorKind};

use crate::bounds::{check, cut_short};
use crate::{Answer, Subjects, and_machine, straight};

/// A digit, a frame of as many bytes, all text, and a full stop.
fn framed() -> Subjects<Bytes> {
    let straight = straight!(|input: Bytes| -> () {
        let count = wait!(input.next())? - b'0';
        let mut frame = input.frame(count.into());
        loop {
            let left = frame.remaining();
            assert!(left <= 9);
            match wait!(frame.take_text(usize::MAX, |piece| piece)) {
                Ok(taken) => assert_eq!(frame.remaining(), left - taken as u64),
                Err(End::Finished) => break,
                Err(end) => return Err(end.into()),
            }
        }
        drop(frame);
        wait!(input.expect(b'.'))
    });
    let mut outer: Option<Limit> = None;
    and_machine(straight, move |state, input| match *state {
        0 => {
            let count = input.next()? - b'0';
            outer = Some(input.frame(count.into()));
            *state = 1;
            Ok(Continue(()))
        }
        1 => match input.take_text(usize::MAX, |piece| piece) {
            Ok(_) => Ok(Continue(())),
            Err(End::Finished) => {
                input.set_limit(outer.take().unwrap());
                *state = 2;
                Ok(Continue(()))
            }
            Err(end) => Err(end.into()),
        },
        _ => input.expect(b'.').map(Break),
    })
}

#[test]
fn a_frame_is_an_input_of_its_own_that_ends_after_its_bytes() {
    check(framed(), b"3abc.x", b"abc", Answer::success(5));
    check(framed(), b"3...!", b"...", Answer::bad(ErrorKind::UnexpectedByte, 4));
    check(framed(), b"0.", b"", Answer::success(2));
    check(framed(), b"1", b"", cut_short(ErrorKind::UnexpectedEnd, 1));
    check(framed(), b"9abc", b"abc", cut_short(ErrorKind::UnexpectedEnd, 4));
    check(framed(), b"2ab", b"ab", cut_short(ErrorKind::UnexpectedEnd, 3));
}

/// A digit, a frame of as many bytes of which the first is read, and the rest skipped, and a full stop.
fn skipped() -> Subjects<Bytes> {
    let straight = straight!(|input: Bytes| -> () {
        let count = wait!(input.next())? - b'0';
        let mut frame = input.frame(count.into());
        let first = wait!(frame.next())?;
        frame.emit(&[first]);
        wait!(frame.skip_rest())?;
        drop(frame);
        wait!(input.expect(b'.'))
    });
    let mut outer: Option<Limit> = None;
    and_machine(straight, move |state, input| match *state {
        0 => {
            let count = input.next()? - b'0';
            outer = Some(input.frame(count.into()));
            *state = 1;
            Ok(Continue(()))
        }
        1 => {
            let first = input.next()?;
            *state = 2;
            input.emit(&[first]);
            Ok(Continue(()))
        }
        2 => {
            input.skip_rest()?;
            input.set_limit(outer.take().unwrap());
            *state = 3;
            Ok(Continue(()))
        }
        _ => input.expect(b'.').map(Break),
    })
}

#[test]
fn the_rest_of_a_frame_can_be_skipped() {
    check(skipped(), b"5abcde.x", b"a", Answer::success(7));
    check(skipped(), b"1a.", b"a", Answer::success(3));
    check(skipped(), b"5a", b"a", cut_short(ErrorKind::UnexpectedEnd, 2));
    check(skipped(), b"5abcd", b"a", cut_short(ErrorKind::UnexpectedEnd, 5));
    check(skipped(), b"0.", b"", Answer::bad(ErrorKind::UnexpectedEnd, 1));
}

#[test]
fn a_parser_inside_a_frame_sees_it_as_its_whole_input() {
    let straight = straight!(|input: Bytes| -> () {
        let count = wait!(input.next())? - b'0';
        let mut inner = stackless::Parser::new(async |input: &mut stackless::Input<'_, Bytes>| {
            loop {
                match input.text_until(b',', |piece| piece).await {
                    Ok(_) => input.emit(b";"),
                    Err(End::Finished) => return Ok(()),
                    Err(end) => return Err(end.into()),
                }
            }
        });
        let mut frame = input.frame(count.into());
        wait!(frame.run(&mut inner, |piece, out| out.emit(piece)))?;
        drop(frame);
        wait!(input.expect(b'.'))
    });
    check(straight, b"5a,b,c.", b"a;b;c", Answer::success(7));
}
