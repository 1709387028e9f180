//! Sinks that pause: the rest of the chunk is unread, and feeding it goes on as after a cut.

use std::ops::ControlFlow::{Break, Continue};

use pushdown::events::Bytes;
use pushdown::quoted::{self, Event, Quoted};
use pushdown::{DynParser, End, ErrorKind, Events, PushParser, Status};

use crate::{Answer, Subjects, and_machine, cuttings, engines, straight};

/// The behaviour of a parser with an input, fed with pauses.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Paused {
    /// The pieces that were reported, in the calls that reported them, and the bytes consumed by then.
    pub(crate) calls: Vec<(Vec<Vec<u8>>, u64)>,
    pub(crate) end: Option<Answer>,
}

impl Paused {
    pub(crate) fn text(&self) -> Vec<u8> {
        self.calls.iter().flat_map(|(pieces, _)| pieces).flatten().copied().collect()
    }
}

/// Feeds the chunks, and what each pause leaves of them, and finishes. The sink pauses at the events
/// with these numbers.
pub(crate) fn pausing<E: Events, T>(
    parser: &mut DynParser<'_, E, T>,
    chunks: &[&[u8]],
    text: impl for<'e> Fn(E::Event<'e>) -> Vec<u8> + Sync,
    pauses: impl Fn(usize) -> bool + Sync,
) -> Paused {
    parser.reset();
    let (mut paused, mut events) = (Paused::default(), 0);
    for mut chunk in chunks.iter().copied() {
        loop {
            let (mut pieces, mut stopped) = (Vec::new(), false);
            let progress = parser.feed_dyn(chunk, &mut |event| {
                pieces.push(text(event));
                events += 1;
                stopped |= pauses(events - 1);
                if pauses(events - 1) { Break(()) } else { Continue(()) }
            });
            if !pieces.is_empty() {
                paused.calls.push((pieces, parser.offset()));
            }
            chunk = &chunk[progress.consumed..];
            if progress.status != Status::NeedMoreInput || chunk.is_empty() {
                break;
            }
            assert!(stopped, "only a pause leaves something of a chunk");
        }
    }
    let (status, consumed) = (parser.status(), parser.offset() as usize);
    paused.end = Some(Answer { status, consumed, result: parser.finish() });
    paused
}

fn piece(Event::Text(piece): Event<'_>) -> Vec<u8> {
    piece.to_vec()
}

pub(crate) fn bytes(piece: &[u8]) -> Vec<u8> {
    piece.to_vec()
}

/// The engines that report events before the end of the value.
fn quoted() -> impl Iterator<Item = (&'static str, engines::Parser)> {
    engines::quoted().into_iter().filter(|(name, _)| *name != "combinator")
}

pub(crate) fn calls(calls: &[(&[&str], u64)]) -> Vec<(Vec<Vec<u8>>, u64)> {
    let owned = |pieces: &[&str]| pieces.iter().map(|piece| piece.as_bytes().to_vec()).collect();
    calls.iter().map(|&(pieces, at)| (owned(pieces), at)).collect()
}

#[test]
fn a_pause_at_every_event_leaves_the_rest_unread_at_the_same_byte_in_every_engine() {
    let input = br#""ab\"cd\\" rest"#;
    let whole = calls(&[(&["ab"], 4), (&["\""], 5), (&["cd"], 8), (&["\\"], 9)]);
    let mut ran = 0;
    for (name, mut parser) in quoted() {
        let found = pausing(&mut *parser, &[input], piece, |_| true);
        assert_eq!((found.calls, found.end), (whole.clone(), Some(Answer::success(10))), "{name}");
        for chunks in cuttings(input) {
            for every in 1..=3 {
                let found = pausing(&mut *parser, &chunks, piece, |event| event % every == 0);
                assert_eq!(found.end, Some(Answer::success(10)), "{name}, {chunks:?}");
                assert_eq!(found.text(), b"ab\"cd\\", "{name}, {chunks:?}");
                ran += 1;
            }
        }
    }
    println!("{ran} runs");
    assert!(ran > 0);
}

#[test]
fn a_combinator_reports_at_the_end_where_there_is_nothing_to_pause() {
    let mut parser = quoted::Combinator::new();
    let found = pausing(&mut parser, &[br#""a\b" rest"#], piece, |_| true);
    assert_eq!(found.calls, calls(&[(&["a", "b"], 5)]));
    assert_eq!(found.end, Some(Answer::success(5)));
}

#[test]
fn feed_until_pauses_a_parser_of_known_type() {
    let mut parser = quoted::Stackless::new();
    let progress = parser.feed_until(br#""a\b""#, |_| Break(()));
    assert_eq!((progress.consumed, progress.status), (3, Status::NeedMoreInput));
    let progress = parser.feed_until(br#"b""#, |_| Continue(()));
    assert_eq!((progress.consumed, progress.status), (2, Status::Success));
}

/// Emits two events for each byte, and then fails at an exclamation mark.
fn twice() -> Subjects<Bytes> {
    let straight = straight!(|input: Bytes| -> () {
        loop {
            let byte = wait!(input.next())?;
            input.emit(&[byte]);
            input.emit(&[byte]);
            match byte {
                b'!' => return Err(input.fail(ErrorKind::Custom(1))),
                b'.' => return Ok(()),
                _ => {}
            }
        }
    });
    and_machine(straight, |_, input| {
        let byte = input.next()?;
        input.emit(&[byte]);
        input.emit(&[byte]);
        match byte {
            b'!' => Err(input.fail(ErrorKind::Custom(1))),
            b'.' => Ok(Break(())),
            _ => Ok(Continue(())),
        }
    })
}

#[test]
fn a_pause_takes_effect_at_the_next_read_and_not_inside_emit() {
    for (name, mut parser) in twice() {
        let found = pausing(&mut *parser, &[b"ab.c"], bytes, |_| true);
        let expected = calls(&[(&["a", "a"], 1), (&["b", "b"], 2), (&[".", "."], 3)]);
        assert_eq!((found.calls, found.end), (expected, Some(Answer::success(3))), "{name}");
    }
}

#[test]
fn an_error_after_an_event_that_pauses_blames_its_byte() {
    for (name, mut parser) in twice() {
        for chunks in cuttings(b"ab!c") {
            let found = pausing(&mut *parser, &chunks, bytes, |_| true);
            assert_eq!(found.text(), b"aabb!!", "{name}");
            assert_eq!(found.end, Some(Answer::bad(ErrorKind::Custom(1), 2)), "{name}");
        }
    }
}

#[test]
fn events_at_the_end_of_the_input_are_not_paused() {
    let straight = straight!(|input: Bytes| -> () {
        loop {
            match wait!(input.next()) {
                Ok(_) => {}
                Err(End::Finished) => break,
                Err(end) => return Err(end.into()),
            }
        }
        input.emit(b"x");
        input.emit(b"y");
        let _ = wait!(input.next());
        input.emit(b"z");
        Ok(())
    });
    let subjects = and_machine(straight, |_, input| match input.next() {
        Ok(_) => Ok(Continue(())),
        Err(End::Finished) => {
            input.emit(b"x");
            input.emit(b"y");
            assert_eq!(input.next(), Err(End::Finished));
            input.emit(b"z");
            Ok(Break(()))
        }
        Err(end) => Err(end.into()),
    });
    for (name, mut parser) in subjects {
        let _ = parser.feed(b"ab");
        let mut text = Vec::new();
        let finished = parser.finish_dyn(&mut |piece| {
            text.extend(piece);
            Break(())
        });
        assert_eq!((finished, &text[..]), (Ok(()), &b"xyz"[..]), "{name}");
        assert_eq!(parser.take_output(), Some(()), "{name}");
    }
}

#[test]
fn nothing_is_lost_after_a_sink_has_failed() {
    let input = br#""ab\"cd\\" rest"#;
    let mut ran = 0;
    for (name, mut parser) in quoted() {
        for chunks in cuttings(input) {
            for full in 0..4 {
                parser.reset();
                let (mut text, mut failures, mut count) = (Vec::<u8>::new(), 0, 0);
                for mut chunk in chunks.iter().copied() {
                    loop {
                        let (progress, result) =
                            parser.try_feed_with(chunk, |Event::Text(piece)| {
                                text.extend(piece);
                                count += 1;
                                if count == full + 1 { Err(count) } else { Ok(()) }
                            });
                        chunk = &chunk[progress.consumed..];
                        failures += usize::from(result == Err(full + 1));
                        if result.is_ok() || chunk.is_empty() {
                            break;
                        }
                    }
                }
                assert_eq!(text, b"ab\"cd\\", "{name}, {chunks:?}, full at {full}");
                assert_eq!((parser.status(), parser.offset()), (Status::Success, 10), "{name}");
                assert_eq!(failures, 1, "{name}");
                ran += 1;
            }
        }
    }
    println!("{ran} runs");
    assert!(ran > 0);
}

#[test]
fn the_first_failure_of_a_sink_stands() {
    for (name, mut parser) in twice() {
        let mut count = 0;
        let (progress, result) = parser.try_feed_with(b"ab.", |_| {
            count += 1;
            Err::<(), _>(count)
        });
        assert_eq!((progress.consumed, result, count), (1, Err(1), 1), "{name}");
    }
}

#[test]
fn a_closure_of_text_until_may_count_what_it_sees() {
    let straight = straight!(|input: Bytes| -> (usize, usize) {
        let (mut pieces, mut length) = (0, 0);
        wait!(input.text_until(b'.', |piece| {
            pieces += 1;
            length += piece.len();
            &piece[..piece.len().min(4)]
        }))?;
        Ok((pieces, length))
    });
    // A machine forgets what its closure has counted in an earlier step, unless it is in its state.
    let subjects = and_machine(straight, |pieces, input| {
        let mut length = 0;
        let stop = input.text_until(b'.', |piece| {
            *pieces += 1;
            length += piece.len();
            &piece[..piece.len().min(4)]
        });
        *pieces += 100 * length;
        stop?;
        Ok(Break((*pieces % 100, *pieces / 100)))
    });
    for (name, mut parser) in subjects {
        let mut count = 0;
        let _ = parser.feed_with(b"abcdef", |piece| count += piece.len());
        let _ = parser.feed_with(b"gh.", |piece| count += piece.len());
        assert_eq!((parser.take_output(), count), (Some((2, 8)), 6), "{name}");
        parser.reset();
        let _ = parser.feed(b"abcdefgh.");
        assert_eq!(parser.take_output(), Some((0, 0)), "{name}: not called without a sink");
    }
}

#[test]
fn a_chunk_that_was_lent_before_a_pause_can_still_be_taken() {
    let straight = straight!(|input: Bytes| -> u8 {
        loop {
            let count = wait!(input.chunk())?.len().min(2);
            input.emit(b"chunk");
            input.advance(count);
            if count == 1 {
                return Ok(wait!(input.next())?);
            }
        }
    });
    let subjects = and_machine(straight, |last, input| {
        if *last == 1 {
            return Ok(Break(input.next()?));
        }
        let count = input.chunk()?.len().min(2);
        input.emit(b"chunk");
        input.advance(count);
        *last = usize::from(count == 1);
        Ok(Continue(()))
    });
    for (name, mut parser) in subjects {
        let found = |chunks: &[&[u8]], parser: &mut DynParser<'_, Bytes, u8>| {
            let mut consumed = Vec::new();
            for mut chunk in chunks.iter().copied() {
                while !chunk.is_empty() {
                    let taken = parser.feed_dyn(chunk, &mut |_| Break(())).consumed;
                    consumed.push(taken);
                    chunk = &chunk[taken..];
                }
            }
            (consumed, parser.take_output())
        };
        assert_eq!(
            found(&[b"abcde", b"f"], &mut *parser),
            (vec![2, 2, 1, 1], Some(b'f')),
            "{name}"
        );
    }
}

#[test]
fn a_parser_inside_a_body_pauses_with_it() {
    let straight = straight!(|input: Quoted| -> () {
        wait!(input.expect(b'<'))?;
        let mut inner = quoted::Machine::new();
        let output = wait!(input.run(&mut inner, |event, out| out.emit(event)))?;
        assert_eq!(output, Some(()));
        wait!(input.expect(b'>'))
    });
    let input = br#"<"ab\"cd\\"> rest"#;
    let whole = calls(&[(&["ab"], 5), (&["\""], 6), (&["cd"], 9), (&["\\"], 10)]);
    for (name, mut parser) in straight {
        let found = pausing(&mut *parser, &[input], piece, |_| true);
        assert_eq!((found.calls, found.end), (whole.clone(), Some(Answer::success(12))), "{name}");
        for chunks in cuttings(input) {
            let found = pausing(&mut *parser, &chunks, piece, |event| event % 2 == 0);
            assert_eq!(found.text(), b"ab\"cd\\", "{name}");
            assert_eq!(found.end, Some(Answer::success(12)), "{name}");
        }
        for chunks in cuttings(b"<x>") {
            let found = pausing(&mut *parser, &chunks, piece, |_| true);
            assert_eq!(found.end, Some(Answer::bad(ErrorKind::UnexpectedByte, 1)), "{name}");
        }
        let found = pausing(&mut *parser, &[br#"<"a"#], piece, |_| true);
        let (status, end) = (Status::NeedMoreInput, Answer::bad(ErrorKind::UnexpectedEnd, 3));
        assert_eq!(found.end, Some(Answer { status, ..end }), "{name}");
    }
}
