//! Another parser inside a body, in every engine: `run`.

use std::ops::ControlFlow::{self, Break, Continue};
use std::panic::{AssertUnwindSafe, catch_unwind};

use pushdown::engine::{coroutine, machine};
use pushdown::events::Bytes;
use pushdown::quoted::{self, Event};
use pushdown::{End, Error, ErrorKind, Failure, LocalParser, PushParser, Status};

use crate::bounds::cut_short;
use crate::pause::{bytes, calls, pausing};
use crate::reads::{Expected, compare, strings};
use crate::{Answer, Subjects, and_machine, cuttings, steps, straight};

const BAD: ErrorKind = ErrorKind::Custom(7);

/// Quoted strings up to a full stop. Two events are reported for each of theirs, the second of no bytes.
fn quoted_strings() -> Subjects<Bytes> {
    let straight = straight!(|input: Bytes| -> () {
        while wait!(input.peek())? != b'.' {
            let mut string = quoted::Machine::new();
            let output = wait!(input.run(&mut string, |Event::Text(piece), out| {
                out.emit(piece);
                out.emit(b"");
            }))?;
            assert_eq!(output, Some(()));
            input.emit(b"/");
        }
        wait!(input.expect(b'.'))
    });
    let mut string = quoted::Machine::new();
    and_machine(straight, move |state, input| {
        if *state == 0 {
            if input.peek()? == b'.' {
                return input.expect(b'.').map(Break);
            }
            *state = 1;
        }
        let output = input.run(&mut string, |Event::Text(piece), out| {
            out.emit(piece);
            out.emit(b"");
        })?;
        assert_eq!(output, Some(()));
        *state = 0;
        input.emit(b"/");
        Ok(Continue(()))
    })
}

#[test]
fn a_parser_inside_reads_its_value_and_its_events_become_those_of_the_outer_one() {
    compare(quoted_strings(), &strings(br#"a"\."#, 5), |input| {
        let (mut text, mut at) = (Vec::new(), 0);
        let mut rest = input.iter();
        let mut next = || {
            at += 1;
            rest.next().copied()
        };
        let end = loop {
            match next() {
                None => break None,
                Some(b'.') => break Some(Ok(())),
                Some(b'"') => {}
                Some(_) => break Some(Err(())),
            }
            let whole = loop {
                match next() {
                    None => break false,
                    Some(b'"') => break true,
                    Some(b'\\') => match next() {
                        None => break false,
                        Some(escaped) => text.push(escaped),
                    },
                    Some(byte) => text.push(byte),
                }
            };
            if !whole {
                break None;
            }
            text.push(b'/');
        };
        let answer = match end {
            None => cut_short(ErrorKind::UnexpectedEnd, input.len()),
            Some(Ok(())) => Answer::success(at),
            Some(Err(())) => Answer::bad(ErrorKind::UnexpectedByte, at - 1),
        };
        Expected::new(&text, answer)
    });
}

#[test]
fn a_pause_of_the_outer_sink_pauses_both_parsers() {
    for (name, mut parser) in quoted_strings() {
        let found = pausing(&mut *parser, &[br#""ab\cd"."#], bytes, |_| true);
        let expected = [(&["ab", ""][..], 4), (&["c", ""], 5), (&["d", "", "/"], 7)];
        assert_eq!(
            (found.calls, found.end),
            (calls(&expected), Some(Answer::success(8))),
            "{name}"
        );
    }
}

/// A parser of a number, which the end of its input ends. It reports the number then.
fn number() -> coroutine::Parser<Bytes, u32> {
    coroutine::Parser::new(|input: &mut coroutine::Input<'_, Bytes>| {
        let start = input.offset();
        let mut value = 0;
        loop {
            match input.next() {
                Ok(digit @ b'0'..=b'9') => value = 10 * value + u32::from(digit - b'0'),
                Ok(b'!') => return Err(input.fail_from(start, BAD)),
                Ok(_) => return Err(input.fail(ErrorKind::UnexpectedByte)),
                Err(End::Finished) => {
                    input.emit(b"#");
                    input.emit(b"#");
                    return Ok(value);
                }
                Err(end) => return Err(end.into()),
            }
        }
    })
}

/// A byte, a number in a frame of three, and a full stop.
fn framed_numbers() -> Subjects<Bytes> {
    let straight = straight!(|input: Bytes| -> () {
        wait!(input.next())?;
        let mut frame = input.frame(3);
        let value = wait!(frame.run(&mut number(), |text, out| out.emit(text)))?;
        drop(frame);
        input.emit(value.unwrap().to_string().as_bytes());
        wait!(input.expect(b'.'))
    });
    let (mut inner, mut outer) = (number(), None);
    and_machine(straight, move |state, input| {
        if *state == 0 {
            input.next()?;
            *state = 1;
            outer = Some(input.frame(3));
        }
        if *state == 1 {
            let value = input.run(&mut inner, |text, out| out.emit(text))?;
            *state = 2;
            input.set_limit(outer.unwrap());
            input.emit(value.unwrap().to_string().as_bytes());
        }
        input.expect(b'.').map(Break)
    })
}

#[test]
fn a_parser_inside_ends_with_the_frame_around_it_and_its_errors_are_at_their_offset() {
    compare(framed_numbers(), &strings(b"12.!", 5), |input| {
        let frame = &input[1.min(input.len())..4.min(input.len()).max(1.min(input.len()))];
        let digits = frame.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (mut text, mut start) = (Vec::new(), None);
        let answer = match frame.get(digits) {
            Some(b'!') => {
                start = Some(1);
                Answer::bad(BAD, 1 + digits)
            }
            Some(_) => Answer::bad(ErrorKind::UnexpectedByte, 1 + digits),
            // Cut short by the end of the input: a body that would accept the end does not see it.
            None if digits < 3 => cut_short(ErrorKind::UnexpectedEnd, input.len()),
            None => {
                text.extend(b"##");
                text.extend(frame);
                match input.get(4) {
                    Some(b'.') => Answer::success(5),
                    Some(_) => Answer::bad(ErrorKind::UnexpectedByte, 4),
                    None => cut_short(ErrorKind::UnexpectedEnd, 4),
                }
            }
        };
        Expected { start, ..Expected::new(&text, answer) }
    });
}

#[test]
fn a_pause_at_the_end_of_a_frame_leaves_what_follows_it() {
    for (name, mut parser) in framed_numbers() {
        let found = pausing(&mut *parser, &[b"-123."], bytes, |_| true);
        assert_eq!(found.calls.len(), 1, "{name}");
        let (pieces, at) = &found.calls[0];
        assert_eq!((pieces.concat(), *at), (b"##123".to_vec(), 4), "{name}");
        assert_eq!(found.end, Some(Answer::success(5)), "{name}");
    }
}

#[test]
fn the_end_of_the_input_reaches_a_parser_inside_and_its_output_is_returned() {
    let straight =
        straight!(|input: Bytes| -> Option<u32> { wait!(input.run(&mut number(), |_, _| {})) });
    let mut inner = number();
    let subjects =
        and_machine(straight, move |_, input| input.run(&mut inner, |_, _| {}).map(Break));
    for (name, mut parser) in subjects {
        for chunks in cuttings(b"123") {
            parser.reset();
            for chunk in chunks {
                assert_eq!(parser.feed(chunk).status, Status::NeedMoreInput, "{name}");
            }
            assert_eq!(
                (parser.finish(), parser.take_output()),
                (Ok(()), Some(Some(123))),
                "{name}"
            );
        }
    }
}

#[test]
fn a_panic_inside_reaches_the_outer_call_at_the_same_offset_for_every_cut() {
    fn bang() -> machine::Parser<impl machine::Machine<Events = Bytes, Output = ()>> {
        steps(|_, input: &mut machine::Input<'_, Bytes>| match input.next()? {
            b'!' => panic!("inside"),
            byte => {
                input.emit(&[byte]);
                Ok(Continue(()))
            }
        })
    }
    let straight = straight!(|input: Bytes| -> () {
        wait!(input.next())?;
        wait!(input.at_most(9).run(&mut bang(), |text, out| out.emit(text)))?;
        Ok(())
    });
    let mut inner = bang();
    let subjects = and_machine(straight, move |state, input| {
        if *state == 0 {
            input.next()?;
            *state = 1;
            let _ = input.at_most(9);
        }
        input.run(&mut inner, |text, out| out.emit(text))?;
        Ok(Break(()))
    });
    for (name, mut parser) in subjects {
        for chunks in cuttings(b"ab!c") {
            for pauses in [false, true] {
                parser.reset();
                let fed = catch_unwind(AssertUnwindSafe(|| {
                    for mut chunk in chunks.iter().copied() {
                        while !chunk.is_empty() {
                            let flow = if pauses { Break(()) } else { Continue(()) };
                            let progress = parser.feed_dyn(chunk, &mut |_| flow);
                            chunk = &chunk[progress.consumed..];
                        }
                    }
                }));
                let message = fed.unwrap_err();
                assert_eq!(message.downcast_ref(), Some(&"inside"), "{name}");
                let error = Error::new(ErrorKind::Panicked, 3);
                assert_eq!(parser.error(), Some(&error), "{name}, {chunks:?}");
            }
        }
    }
}

/// What follows `<`, inside.
struct Prefixed<P>(P, bool);

impl<P: LocalParser<Events = quoted::Quoted, Output = ()>> machine::Machine for Prefixed<P> {
    type Events = Bytes;
    type Output = ();

    fn step(&mut self, input: &mut machine::Input<'_, Bytes>) -> Result<ControlFlow<()>, Failure> {
        if !self.1 {
            input.skip_until(b'<')?;
            self.1 = true;
        }
        input.run(&mut self.0, |Event::Text(piece), out| out.emit(piece))?;
        Ok(Break(()))
    }

    /// The parser inside is not reset.
    fn reset(&mut self) {
        self.1 = false;
    }
}

#[test]
fn a_machine_that_is_reset_need_not_reset_the_parser_inside() {
    let inner: Box<dyn LocalParser<Events = quoted::Quoted, Output = ()>> =
        Box::new(quoted::Machine::new());
    let mut parser = machine::Parser::new(Prefixed(inner, false));
    assert_eq!(parser.feed(br#"<"a"#).status, Status::NeedMoreInput);
    parser.reset();
    // The string begins at the offset where the one that was given up has stopped.
    let mut text = Vec::<u8>::new();
    assert_eq!(parser.feed_with(br#"..<"b""#, |piece| text.extend(piece)).consumed, 6);
    assert_eq!((parser.status(), &text[..]), (Status::Success, &b"b"[..]));
    // Nor after a success or an error.
    for (input, status) in [(&br#"<x"#[..], Status::BadInput), (br#"<"""#, Status::Success)] {
        parser.reset();
        assert_eq!(parser.feed(input).status, status);
    }
}

#[test]
fn a_clone_of_a_machine_has_the_parser_inside_in_its_state() {
    #[derive(Clone)]
    struct Inside(quoted::Machine);

    impl machine::Machine for Inside {
        type Events = Bytes;
        type Output = ();

        fn step(
            &mut self,
            input: &mut machine::Input<'_, Bytes>,
        ) -> Result<ControlFlow<()>, Failure> {
            input.run(&mut self.0, |Event::Text(piece), out| out.emit(piece))?;
            Ok(Break(()))
        }

        fn reset(&mut self) {}
    }

    let mut parser = machine::Parser::new(Inside(quoted::Machine::new()));
    let _ = parser.feed(br#""a\"#);
    let mut clone = parser.clone();
    for parser in [&mut parser, &mut clone] {
        let mut text = Vec::<u8>::new();
        assert_eq!(parser.feed_with(br#""b""#, |piece| text.extend(piece)).consumed, 3);
        assert_eq!(text, b"\"b");
    }
}

#[test]
fn a_machine_may_turn_to_another_parser_in_the_middle_of_a_value() {
    let mut first = quoted::Machine::new();
    let mut second = steps(|_, input: &mut machine::Input<'_, Bytes>| {
        input.next()?;
        Ok(Break(input.offset()))
    });
    let mut parser = steps(move |state, input: &mut machine::Input<'_, Bytes>| {
        if *state == 0 {
            let failure = input.run(&mut first, |_, _| {}).unwrap_err();
            *state = 1;
            return Err(failure);
        }
        input.run(&mut second, |_, _| {}).map(Break)
    });
    assert_eq!(parser.feed(br#""ab"#).status, Status::NeedMoreInput);
    assert_eq!(parser.feed(b"x").status, Status::Success);
    assert_eq!(parser.take_output(), Some(Some(4)), "it counts offsets from where it began");
}

#[test]
fn a_parser_that_a_bound_has_stopped_begins_anew() {
    let straight = straight!(|input: Bytes| -> () {
        let mut string = quoted::Machine::new();
        let mut part = input.at_most(3);
        let ended = wait!(part.run(&mut string, |Event::Text(piece), out| out.emit(piece)));
        drop(part);
        match ended {
            Err(failure) if failure.kind() == Some(ErrorKind::TooLong) => {}
            ended => return ended.map(|_| ()),
        }
        wait!(input.run(&mut string, |Event::Text(piece), out| out.emit(piece)))?;
        Ok(())
    });
    let (mut string, mut outer) = (quoted::Machine::new(), None);
    let subjects = and_machine(straight, move |state, input| {
        if *state == 0 {
            *state = 1;
            outer = Some(input.at_most(3));
        }
        let ended = input.run(&mut string, |Event::Text(piece), out| out.emit(piece));
        match ended {
            Err(failure) if *state == 1 && failure.kind() == Some(ErrorKind::TooLong) => {
                *state = 2;
                input.set_limit(outer.unwrap());
                Ok(Continue(()))
            }
            ended => ended.map(|_| Break(())),
        }
    });
    crate::bounds::check(subjects, br#""ab"c" more"#, b"abc", Answer::success(6));
}
