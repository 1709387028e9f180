//! Empty chunks, empty inputs, empty slices, and bodies that read nothing.

use std::ops::ControlFlow::Break;

use nom::IResult;
use pushdown::engine::{combinator, coroutine, machine, stackless};
use pushdown::quoted::{Event, Quoted};
use pushdown::{ErrorKind, PushParser, Status};

use crate::{Answer, Subjects, check, engines, subjects};

/// A body that succeeds without reading.
fn at_once() -> Subjects<()> {
    let mut subjects = subjects(|_, _| Ok(Break(())), |_| Ok(()), || async |_| Ok(()));
    subjects.push(("combinator", Box::new(combinator::Parser::new(nom_at_once))));
    subjects
}

fn nom_at_once<'i>(input: &'i [u8], _: &combinator::Emit<'_, ()>) -> IResult<&'i [u8], ()> {
    Ok((input, ()))
}

#[test]
fn a_body_that_reads_nothing_waits_for_the_first_byte_and_does_not_take_it() {
    for (name, mut parser) in at_once() {
        for _ in 0..3 {
            let progress = parser.feed(b"");
            assert_eq!((progress.consumed, progress.status), (0, Status::NeedMoreInput), "{name}");
        }
        let progress = parser.feed(b"abc");
        assert_eq!((progress.consumed, progress.status), (0, Status::Success), "{name}");
    }
    check(at_once(), b"abc", Answer::success(0));
}

#[test]
fn a_body_that_reads_nothing_accepts_an_empty_input_except_in_the_combinator() {
    for (name, mut parser) in at_once() {
        assert_eq!(parser.finish().is_ok(), name != "combinator", "{name}");
    }
}

#[test]
fn a_body_that_fails_without_reading_blames_the_first_byte() {
    let subjects = subjects::<(), (), _, _, _>(
        |_, input: &mut machine::Input<'_>| Err(input.fail(ErrorKind::TooLong)),
        |input: &mut coroutine::Input<'_>| Err(input.fail(ErrorKind::TooLong)),
        || async |input: &mut stackless::Input<'_>| Err(input.fail(ErrorKind::TooLong)),
    );
    check(subjects, b"abc", Answer::bad(ErrorKind::TooLong, 0));
}

#[test]
fn a_body_that_only_emits_does_so_at_the_first_byte() {
    let subjects = subjects(
        |_, input: &mut machine::Input<'_, Quoted>| {
            input.emit(Event::Text(b"hello"));
            Ok(Break(()))
        },
        |input: &mut coroutine::Input<'_, Quoted>| {
            input.emit(Event::Text(b"hello"));
            Ok(())
        },
        || {
            async |input: &mut stackless::Input<'_, Quoted>| {
                input.emit(Event::Text(b"hello"));
                Ok(())
            }
        },
    );
    for (name, mut parser) in subjects {
        let mut text = Vec::new();
        for chunk in [&b""[..], b"", b"abc", b"abc"] {
            let _ = parser.feed_with(chunk, |Event::Text(piece)| text.extend_from_slice(piece));
        }
        assert_eq!(text, b"hello", "{name}");

        parser.reset();
        let result = parser.finish_with(|Event::Text(piece)| text.extend_from_slice(piece));
        assert_eq!((result, &text[..]), (Ok(()), &b"hellohello"[..]), "{name}");
    }
}

#[test]
fn taking_zero_bytes_neither_waits_nor_moves_the_cursor() {
    let subjects = subjects(
        |_, input: &mut machine::Input<'_>| {
            assert_eq!(input.take(0)?, b"");
            input.expect(b'a')?;
            assert_eq!((input.take(0)?.len(), input.offset()), (0, 1));
            Ok(Break(()))
        },
        |input: &mut coroutine::Input<'_>| {
            assert_eq!(input.take(0)?, b"");
            input.expect(b'a')?;
            assert_eq!((input.take(0)?.len(), input.offset()), (0, 1));
            Ok(())
        },
        || {
            async |input: &mut stackless::Input<'_>| {
                assert_eq!(input.take(0).await?, b"");
                input.expect(b'a').await?;
                assert_eq!((input.take(0).await?.len(), input.offset()), (0, 1));
                Ok(())
            }
        },
    );
    check(subjects, b"a", Answer::success(1));
}

#[test]
fn a_scan_with_an_empty_set_of_stops_takes_everything() {
    let subjects = subjects(
        |_, input: &mut machine::Input<'_>| input.skip_until([]).map(Break).map_err(Into::into),
        |input: &mut coroutine::Input<'_>| input.skip_until([]).map_err(Into::into),
        || async |input: &mut stackless::Input<'_>| input.skip_until([]).await.map_err(Into::into),
    );
    let status = Status::NeedMoreInput;
    check(subjects, b"abc", Answer { status, ..Answer::bad(ErrorKind::UnexpectedEnd, 3) });
}

#[test]
fn an_empty_string_has_no_events_and_no_event_is_empty() {
    for (name, mut parser) in engines::quoted() {
        let mut count = 0;
        for byte in br#""""# {
            let _ = parser.feed_with(&[*byte], |_| count += 1);
        }
        assert_eq!((parser.status(), count), (Status::Success, 0), "{name}");
        parser.reset();
        for chunk in [br#"""#, &b""[..], br"\", br"\", b"", br#"\""#, br#"""#] {
            let _ = parser.feed_with(chunk, |Event::Text(text)| count += text.len());
        }
        assert_eq!((parser.status(), count), (Status::Success, 2), "{name}");
    }
}

#[test]
fn an_empty_input_ends_at_offset_zero() {
    for (name, mut parser) in engines::quoted() {
        assert_eq!(parser.feed(b"").status, Status::NeedMoreInput, "{name}");
        let error = parser.finish().unwrap_err();
        assert_eq!((error.kind, error.offset), (ErrorKind::UnexpectedEnd, 0), "{name}");
        assert_eq!(
            parser.feed(b"").status,
            Status::BadInput,
            "{name} repeats it for an empty chunk"
        );
    }
}
