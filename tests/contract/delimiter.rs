//! Reads up to a delimiter, in every engine: at every cut, with pauses, at bounds and at the end.

use std::ops::ControlFlow::{Break, Continue};

use pushdown::events::Bytes;
use pushdown::scan::Delimiter;
use pushdown::{End, ErrorKind, Status};

use crate::bounds::{check, cut_short};
use crate::{Answer, Subjects, and_machine, cuttings, straight};

/// Text up to `aab`, in brackets that are not reported.
fn bracketed() -> Subjects<Bytes> {
    let straight = straight!(|input: Bytes| -> () {
        let mut delimiter = Delimiter::new("aab");
        wait!(input.expect(b'['))?;
        wait!(input.text_before(&mut delimiter, |text| text))?;
        wait!(input.expect(b']'))
    });
    let mut delimiter = Delimiter::new("aab");
    and_machine(straight, move |state, input| {
        match *state {
            0 => input.expect(b'[')?,
            1 => input.text_before(&mut delimiter, |text| text)?,
            _ => return input.expect(b']').map(Break),
        }
        *state += 1;
        Ok(Continue(()))
    })
}

#[test]
fn text_ends_before_the_delimiter_wherever_it_is_cut_and_paused() {
    check(bracketed(), b"[xyaab]z", b"xy", Answer::success(7));
    check(bracketed(), b"[aab]", b"", Answer::success(5));
    check(bracketed(), b"[aaaaab]", b"aaa", Answer::success(8));
    check(bracketed(), b"[abaacaaaab]", b"abaacaa", Answer::success(12));
    // Long enough to be searched at once.
    let long = b"[aaaaaaaaaaaaaaaaaaabaaaaaaaaaaaaaab]";
    check(bracketed(), long, b"aaaaaaaaaaaaaaaaa", Answer::bad(ErrorKind::UnexpectedByte, 21));
    check(bracketed(), b"[x aab aab]", b"x ", Answer::bad(ErrorKind::UnexpectedByte, 6));
}

/// Feeds an input that ends early, and asserts the text that is reported before it is finished and then.
fn ends<T>(subjects: Subjects<Bytes, T>, input: &[u8], fed: &[u8], finished: &[u8]) {
    let mut ran = 0;
    for (name, mut parser) in subjects {
        for chunks in cuttings(input) {
            parser.reset();
            let mut text = Vec::new();
            let mut sink = |piece: &[u8]| {
                text.extend_from_slice(piece);
                Continue(())
            };
            for chunk in &chunks {
                let progress = parser.feed_dyn(chunk, &mut sink);
                assert_eq!(progress.status, Status::NeedMoreInput, "{name}, {chunks:?}");
            }
            let _ = parser.finish_dyn(&mut sink);
            assert_eq!(text, [fed, finished].concat(), "{name}, {chunks:?}");
            assert_eq!(crate::answer(&mut *parser, &chunks).consumed, input.len());
            ran += 1;
        }
    }
    println!("{ran} runs of {}", input.escape_ascii());
    assert!(ran > 0);
}

#[test]
fn bytes_withheld_are_text_where_the_input_ends() {
    ends(bracketed(), b"[xaa", b"x", b"aa");
    ends(bracketed(), b"[aaa", b"a", b"aa");
    ends(bracketed(), b"[xab", b"xab", b"");
    ends(bracketed(), b"[", b"", b"");
    ends(framed(), b"xaa", b"x", b"aa");
    check(bracketed(), b"[xaa", b"x", cut_short(ErrorKind::UnexpectedEnd, 4));
}

/// Text up to `aab` that has at most four bytes with it, and a full stop.
fn at_most() -> Subjects<Bytes> {
    let straight = straight!(|input: Bytes| -> () {
        let mut delimiter = Delimiter::new("aab");
        wait!(input.at_most(4).text_before(&mut delimiter, |text| text))?;
        wait!(input.expect(b'.'))
    });
    let (mut delimiter, mut outer) = (Delimiter::new("aab"), None);
    and_machine(straight, move |state, input| {
        if *state == 0 {
            outer = Some(input.at_most(4));
            *state = 1;
        }
        if *state == 1 {
            input.text_before(&mut delimiter, |text| text)?;
            input.set_limit(outer.take().unwrap());
            *state = 2;
            return Ok(Continue(()));
        }
        input.expect(b'.').map(Break)
    })
}

/// A frame of four bytes, in it text up to `aab` or the end of the frame, and a full stop.
fn framed() -> Subjects<Bytes, bool> {
    let straight = straight!(|input: Bytes| -> bool {
        let mut delimiter = Delimiter::new("aab");
        let mut frame = input.frame(4);
        let found = match wait!(frame.text_before(&mut delimiter, |text| text)) {
            Ok(()) => true,
            Err(End::Finished) => false,
            Err(end) => return Err(end.into()),
        };
        wait!(frame.skip_rest())?;
        drop(frame);
        wait!(input.expect(b'.'))?;
        Ok(found)
    });
    let (mut delimiter, mut outer, mut found) = (Delimiter::new("aab"), None, false);
    and_machine(straight, move |state, input| {
        if *state == 0 {
            outer = Some(input.frame(4));
            *state = 1;
        }
        match *state {
            1 => {
                found = match input.text_before(&mut delimiter, |text| text) {
                    Ok(()) => true,
                    Err(End::Finished) => false,
                    Err(end) => return Err(end.into()),
                };
                *state = 2;
                if found {
                    return Ok(Continue(()));
                }
                input.set_limit(outer.take().unwrap());
                *state = 3;
            }
            2 => {
                input.skip_rest()?;
                input.set_limit(outer.take().unwrap());
                *state = 3;
            }
            _ => {
                input.expect(b'.')?;
                return Ok(Break(found));
            }
        }
        Ok(Continue(()))
    })
}

#[test]
fn bytes_withheld_are_text_at_a_bound_and_no_byte_behind_it_is() {
    check(at_most(), b"xaab.", b"x", Answer::success(5));
    check(at_most(), b"xyaab.", b"xyaa", Answer::bad(ErrorKind::TooLong, 4));
    check(at_most(), b"aaaab.", b"aaaa", Answer::bad(ErrorKind::TooLong, 4));
    check(at_most(), b"xyzab.", b"xyza", Answer::bad(ErrorKind::TooLong, 4));
    check(framed(), b"aabx.", b"", Answer::success(5));
    check(framed(), b"xaab.", b"x", Answer::success(5));
    check(framed(), b"xyaab.", b"xyaa", Answer::bad(ErrorKind::UnexpectedByte, 4));
    check(framed(), b"xyaa.b", b"xyaa", Answer::success(5));
    check(framed(), b"xaa", b"x", cut_short(ErrorKind::UnexpectedEnd, 3));
}

/// Text up to `aab`, with a delimiter that all values of the parser share, and `;` after it.
fn shared() -> Subjects<Bytes> {
    let delimiter = || Delimiter::new("aab");
    let mut for_coroutine = delimiter();
    let coroutine = move |input: &mut pushdown::engine::coroutine::Input<'_, Bytes>| {
        input.text_before(&mut for_coroutine, |text| text)?;
        input.expect(b';')
    };
    let code = || {
        let mut delimiter = delimiter();
        async move |input: &mut pushdown::engine::stackless::Input<'_, Bytes>| {
            input.text_before(&mut delimiter, |text| text).await?;
            input.expect(b';').await
        }
    };
    // This machine does not reset its delimiter, as it ought to.
    let mut for_machine = delimiter();
    and_machine(crate::straight_line(coroutine, code), move |state, input| {
        if *state == 0 {
            input.text_before(&mut for_machine, |text| text)?;
            *state = 1;
            return Ok(Continue(()));
        }
        input.expect(b';').map(Break)
    })
}

#[test]
fn a_text_that_was_given_up_leaves_no_half_of_a_delimiter() {
    let mut ran = 0;
    for (name, mut parser) in shared() {
        for reset_to in [0, 1, 1000] {
            assert_eq!(parser.feed(b"xaa").status, Status::NeedMoreInput, "{name}");
            parser.reset_at(reset_to);
            let mut text = Vec::new();
            let status = parser
                .feed_dyn(b"b;aab;", &mut |piece| {
                    text.extend_from_slice(piece);
                    Continue(())
                })
                .status;
            assert_eq!((status, &text[..]), (Status::Success, &b"b;"[..]), "{name}");
            parser.reset();
            ran += 1;
        }
    }
    println!("{ran} resets");
    assert!(ran > 0);
}

/// A comment that is skipped, a text that is taken, and one that is reported.
fn three() -> Subjects<Bytes, Vec<u8>> {
    let straight = straight!(|input: Bytes| -> Vec<u8> {
        let (mut comment, mut line) = (Delimiter::new("*/"), Delimiter::new("\r\n"));
        wait!(input.skip_before(&mut comment))?;
        let mut taken = Vec::new();
        wait!(input.scan_before(&mut line, |piece| taken.extend_from_slice(piece)))?;
        wait!(input.text_before(&mut comment, |text| text))?;
        Ok(taken)
    });
    let (mut comment, mut line) = (Delimiter::new("*/"), Delimiter::new("\r\n"));
    let mut taken = Vec::new();
    and_machine(straight, move |state, input| {
        match *state {
            0 => {
                taken.clear();
                input.skip_before(&mut comment)?;
            }
            1 => input.scan_before(&mut line, |piece| taken.extend_from_slice(piece))?,
            _ => {
                input.text_before(&mut comment, |text| text)?;
                return Ok(Break(taken.clone()));
            }
        }
        *state += 1;
        Ok(Continue(()))
    })
}

#[test]
fn text_is_skipped_taken_and_reported_up_to_the_delimiter() {
    check(three(), b"a**/b\rc\r\r\nd/e***/f", b"d/e**", Answer::success(17));
    for (name, mut parser) in three() {
        let _ = parser.feed(b"a**/b\rc\r\r\n*/");
        assert_eq!(parser.take_output().as_deref(), Some(&b"b\rc\r"[..]), "{name}");
    }
}

#[test]
fn the_last_byte_of_the_delimiter_is_the_one_to_blame() {
    let straight = straight!(|input: Bytes| -> () {
        let mut delimiter = Delimiter::new("aab");
        wait!(input.text_before(&mut delimiter, |text| text))?;
        Err(input.fail(ErrorKind::Custom(1)))
    });
    let mut delimiter = Delimiter::new("aab");
    let subjects = and_machine(straight, move |_, input| {
        input.text_before(&mut delimiter, |text| text)?;
        Err(input.fail(ErrorKind::Custom(1)))
    });
    check(subjects, b"xaab;", b"x", Answer::bad(ErrorKind::Custom(1), 3));
}
