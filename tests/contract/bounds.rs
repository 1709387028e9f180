//! Bounds and frames: what may be read, and the error past it, wherever the input is cut.

use std::ops::ControlFlow::{Break, Continue};

use pushdown::engine::READS_AFTER_END;
use pushdown::events::Bytes;
use pushdown::{End, ErrorKind, PushParser, Status};

use crate::pause::{bytes, pausing};
use crate::{Answer, Subjects, and_machine, cuttings, straight};

const BAD: ErrorKind = ErrorKind::Custom(7);

/// Asserts the answer and the text that is reported, at every cut and with every pattern of pauses.
pub(crate) fn check<T>(subjects: Subjects<Bytes, T>, input: &[u8], text: &[u8], expected: Answer) {
    let mut ran = 0;
    for (name, mut parser) in subjects {
        for chunks in cuttings(input) {
            assert_eq!(crate::answer(&mut *parser, &chunks), expected, "{name}, {chunks:?}");
            for every in 0..4 {
                let paused =
                    pausing(&mut *parser, &chunks, bytes, |event| every > 0 && event % every == 0);
                let found = (paused.text(), paused.end.unwrap());
                assert_eq!(found, (text.to_vec(), expected), "{name}, {chunks:?}, {every}");
                ran += 1;
            }
        }
    }
    println!("{ran} runs of {}", input.escape_ascii());
    assert!(ran > 0);
}

pub(crate) fn cut_short(kind: ErrorKind, consumed: usize) -> Answer {
    Answer { status: Status::NeedMoreInput, ..Answer::bad(kind, consumed) }
}

/// A word of at most four bytes with its full stop, and a semicolon.
fn word() -> Subjects<Bytes> {
    let straight = straight!(|input: Bytes| -> () {
        let mut word = input.at_most(4);
        wait!(word.text_until(b'.', |piece| piece))?;
        drop(word);
        wait!(input.expect(b';'))
    });
    let mut outer = None;
    and_machine(straight, move |state, input| {
        if *state == 0 {
            outer = Some(input.at_most(4));
            *state = 1;
        }
        if *state == 1 {
            input.text_until(b'.', |piece| piece)?;
            input.set_limit(outer.take().unwrap());
            *state = 2;
            return Ok(Continue(()));
        }
        input.expect(b';').map(Break)
    })
}

#[test]
fn more_than_the_bound_is_too_long_at_the_bound_and_does_not_reach_the_sink() {
    check(word(), b"abcdefgh.", b"abcd", Answer::bad(ErrorKind::TooLong, 4));
    check(word(), b"abcd.;", b"abcd", Answer::bad(ErrorKind::TooLong, 4));
    check(word(), b"abcd", b"abcd", Answer::bad(ErrorKind::TooLong, 4));
    check(word(), b"abc.;x", b"abc", Answer::success(5));
    check(word(), b".;", b"", Answer::success(2));
    check(word(), b"abc", b"abc", cut_short(ErrorKind::UnexpectedEnd, 3));
    check(word(), b"abc.x", b"abc", Answer::bad(ErrorKind::UnexpectedByte, 4));
}

/// Two digits, and a part inside another with these bounds: `<` begins a frame and `[` a bound. Both
/// are read to their end as text, and then comes a full stop.
fn nested() -> Subjects<Bytes> {
    let straight = straight!(|input: Bytes| -> () {
        let outer_kind = wait!(input.next())?;
        let outer_count = u64::from(wait!(input.next())? - b'0');
        let inner_kind = wait!(input.next())?;
        let inner_count = u64::from(wait!(input.next())? - b'0');
        let mut outer = match outer_kind {
            b'<' => input.frame(outer_count),
            _ => input.at_most(outer_count),
        };
        let first = wait!(outer.next())?;
        outer.emit(&[first]);
        let mut inner = match inner_kind {
            b'<' => outer.frame(inner_count),
            _ => outer.at_most(inner_count),
        };
        while wait!(inner.peek()) != Ok(b'.') {
            match wait!(inner.next()) {
                Ok(byte) => inner.emit(&[byte]),
                Err(End::Finished) => break,
                Err(end) => return Err(end.into()),
            }
        }
        drop(inner);
        drop(outer);
        wait!(input.expect(b'.'))
    });
    let (mut head, mut limits) = (Vec::new(), Vec::new());
    and_machine(straight, move |state, input| {
        let bound = |head: &[u8], input: &mut pushdown::engine::machine::Input<'_, Bytes>| {
            let count = u64::from(head[1] - b'0');
            if head[0] == b'<' { input.frame(count) } else { input.at_most(count) }
        };
        match *state {
            0 => {
                head.clear();
                limits.clear();
                head.push(input.next()?);
                *state = 1;
            }
            1..4 => {
                head.push(input.next()?);
                *state += 1;
                if *state == 4 {
                    limits.push(bound(&head[..2], input));
                }
            }
            4 => {
                let first = input.next()?;
                limits.push(bound(&head[2..], input));
                *state = 5;
                input.emit(&[first]);
            }
            5 => match input.peek() {
                Ok(b'.') | Err(End::Finished) => {
                    input.set_limit(limits[0]);
                    *state = 6;
                }
                Ok(_) => {
                    let byte = input.next()?;
                    input.emit(&[byte]);
                }
                Err(end) => return Err(end.into()),
            },
            _ => return input.expect(b'.').map(Break),
        }
        Ok(Continue(()))
    })
}

#[test]
fn of_two_bounds_the_one_that_comes_first_holds() {
    // The same end: the outer bound stays, and a frame is whole.
    check(nested(), b"<3<2abc.", b"abc", Answer::success(8));
    check(nested(), b"[3[2abc.", b"abc", Answer::bad(ErrorKind::TooLong, 7));
    check(nested(), b"<3[2abc.", b"abc", Answer::success(8));
    // The inner one is narrower.
    check(nested(), b"<9<2abc.", b"abc", Answer::success(8));
    check(nested(), b"[9[2abcd.", b"abc", Answer::bad(ErrorKind::TooLong, 7));
    check(nested(), b"[9<2abc.", b"abc", Answer::success(8));
    check(nested(), b"<9[2abcd.", b"abc", Answer::bad(ErrorKind::TooLong, 7));
    // It goes past the outer one, which cuts it short.
    check(nested(), b"<3<3abcd.", b"abc", Answer::bad(ErrorKind::UnexpectedEnd, 7));
    check(nested(), b"[3<3abcd.", b"abc", Answer::bad(ErrorKind::TooLong, 7));
    check(nested(), b"<3[9abc.", b"abc", Answer::success(8));
    check(nested(), b"[3[9abcd.", b"abc", Answer::bad(ErrorKind::TooLong, 7));
    // The input ends before any of them.
    check(nested(), b"<9<9abc", b"abc", cut_short(ErrorKind::UnexpectedEnd, 7));
    check(nested(), b"[9[9abc", b"abc", cut_short(ErrorKind::UnexpectedEnd, 7));
    check(nested(), b"[9<9abc.", b"abc", Answer::success(8));
}

#[test]
fn an_error_at_a_bound_blames_the_byte_after_it() {
    let straight = straight!(|input: Bytes| -> () {
        let mut part = input.at_most(2);
        loop {
            match wait!(part.next()) {
                Ok(byte) => part.emit(&[byte]),
                Err(End::TooLong) => return Err(part.fail(BAD)),
                Err(end) => return Err(end.into()),
            }
        }
    });
    let subjects = and_machine(straight, |state, input| {
        if *state == 0 {
            *state = 1;
            let _ = input.at_most(2);
        }
        match input.next() {
            Ok(byte) => input.emit(&[byte]),
            Err(End::TooLong) => return Err(input.fail(BAD)),
            Err(end) => return Err(end.into()),
        }
        Ok(Continue(()))
    });
    check(subjects, b"abcd", b"ab", Answer::bad(BAD, 2));
}

#[test]
fn a_body_may_read_at_a_bound_for_a_limited_number_of_times() {
    let straight = straight!(|input: Bytes| -> () {
        let mut part = input.at_most(1);
        wait!(part.next())?;
        for _ in 0..READS_AFTER_END {
            assert_eq!(wait!(part.next()), Err(End::TooLong));
        }
        drop(part);
        wait!(input.expect(b'.'))
    });
    check(straight, b"a.", b"", Answer::success(2));

    let straight = straight!(|input: Bytes| -> () {
        let mut part = input.at_most(1);
        loop {
            let _ = wait!(part.next());
        }
    });
    let subjects = and_machine(straight, |state, input| {
        if *state == 0 {
            *state = 1;
            let _ = input.at_most(1);
        }
        let _ = input.next();
        Ok(Continue(()))
    });
    check(subjects, b"ab", b"", Answer::bad(ErrorKind::TooLong, 1));
}

#[test]
fn every_read_stops_at_the_bound() {
    macro_rules! stops {
        ($($read:ident($($argument:expr),*)),*) => {$(
            let straight = straight!(|input: Bytes| -> () {
                let mut part = input.at_most(3);
                loop {
                    match wait!(part.$read($($argument),*)) {
                        Ok(_) => {}
                        Err(end) => return Err(end.into()),
                    }
                }
            });
            let subjects = and_machine(straight, |state, input| {
                if *state == 0 {
                    *state = 1;
                    let _ = input.at_most(3);
                }
                let _ = input.$read($($argument),*)?;
                Ok(Continue(()))
            });
            println!(stringify!($read));
            for (name, mut parser) in subjects {
                for chunks in cuttings(b"abcdef") {
                    let expected = Answer::bad(ErrorKind::TooLong, 3);
                    let answer = crate::answer(&mut *parser, &chunks);
                    assert_eq!(answer, expected, "{name}: {}", stringify!($read));
                }
            }
        )*};
    }
    stops!(
        next(),
        next_if(|_| true),
        take(2),
        take_text(2, |piece| piece),
        skip_until(b'.'),
        scan_until(b'.', |_| ()),
        text_until(b'.', |piece| piece),
        skip_between(|_| true)
    );
}

#[test]
fn a_bound_shows_no_more_of_the_chunk() {
    let straight = straight!(|input: Bytes| -> () {
        let mut part = input.at_most(3);
        loop {
            let chunk = wait!(part.chunk())?;
            let count = chunk.len();
            assert!(count <= 3);
            part.advance(count);
        }
    });
    let subjects = and_machine(straight, |state, input| {
        if *state == 0 {
            *state = 1;
            let _ = input.at_most(3);
        }
        let count = input.chunk()?.len();
        assert!(count <= 3);
        input.advance(count);
        Ok(Continue(()))
    });
    check(subjects, b"abcdef", b"", Answer::bad(ErrorKind::TooLong, 3));

    let straight = straight!(|input: Bytes| -> () {
        let mut part = input.at_most(3);
        wait!(part.chunk())?;
        part.advance(4);
        Ok(())
    });
    let subjects = and_machine(straight, |_, input| {
        let _ = input.at_most(3);
        input.advance(4);
        Ok(Break(()))
    });
    for (name, mut parser) in subjects {
        let feed = std::panic::AssertUnwindSafe(|| parser.feed(b"abcdef"));
        assert!(std::panic::catch_unwind(feed).is_err(), "{name}");
    }
}

#[test]
fn a_bound_that_was_forgotten_ends_with_its_run() {
    let straight = straight!(|input: Bytes| -> () {
        if wait!(input.next())? == b'!' {
            std::mem::forget(input.at_most(2));
        }
        wait!(input.skip_until(b'.'))?;
        Ok(())
    });
    let subjects = and_machine(straight, |state, input| {
        if *state == 0 {
            *state = 1;
            if input.next()? == b'!' {
                let _ = input.at_most(2);
            }
        }
        input.skip_until(b'.')?;
        Ok(Break(()))
    });
    for (name, mut parser) in subjects {
        for chunks in cuttings(b"!bcd.").zip(cuttings(b"abcd.")) {
            let bounded = crate::answer(&mut *parser, &chunks.0);
            assert_eq!(bounded, Answer::bad(ErrorKind::TooLong, 3), "{name}");
            let unbounded = crate::answer(&mut *parser, &chunks.1);
            assert_eq!(unbounded, Answer::success(5), "{name}");
        }
    }
}

/// The invariant I8 of `stackless`: the bytes that a bound or a pause has held back of one chunk are
/// not added to the next. The chunks are part of a larger buffer, so that reading past one of them
/// shows.
#[test]
fn a_bound_in_an_earlier_chunk_shows_nothing_of_a_later_one() {
    let straight = straight!(|input: Bytes| -> () {
        let mut part = input.at_most(2);
        let first = wait!(part.next())?;
        part.emit(&[first]);
        if first == b'.' {
            return Ok(());
        }
        drop(part);
        let mut part = input.at_most(100);
        wait!(part.text_until(b'.', |piece| piece))?;
        Ok(())
    });
    let buffer = b"abcdefgh.ijkl";
    for (name, mut parser) in straight {
        // A run that ends with bytes behind its bound, and one after it with a shorter chunk.
        for ends in [&b".abcdefgh"[..], b"ab.cdefgh"] {
            let mut text = Vec::<u8>::new();
            assert_eq!(parser.feed(ends).status, Status::Success, "{name}");
            parser.reset();
            assert_eq!(parser.feed_with(&buffer[..3], |piece| text.extend(piece)).consumed, 3);
            assert_eq!(text, b"abc", "{name}");
            parser.reset();
        }
        // A pause that leaves bytes, and a shorter chunk after it.
        let mut text = Vec::<u8>::new();
        let progress = parser.feed_until(b"abcdefgh", |_| Break(()));
        assert_eq!((progress.consumed, progress.status), (1, Status::NeedMoreInput), "{name}");
        let freed = Box::<[u8]>::from(&b"bcd"[..]);
        assert_eq!(parser.feed_with(&freed, |piece| text.extend(piece)).consumed, 3, "{name}");
        assert_eq!(text, b"bcd", "{name}");
        assert_eq!(parser.feed_with(&buffer[4..6], |piece| text.extend(piece)).consumed, 2);
        assert_eq!(text, b"bcdef", "{name}");
        parser.reset();
    }
}

#[test]
fn a_step_that_reads_up_to_a_bound_and_at_it_blames_the_byte_after_it() {
    let subjects = and_machine(Vec::new(), |_, input| {
        let _ = input.at_most(1);
        input.next()?;
        match input.next() {
            Err(End::TooLong) => Err(input.fail(BAD)),
            read => read.map(|_| Break(())).map_err(Into::into),
        }
    });
    check::<()>(subjects, b"ab", b"", Answer::bad(BAD, 1));
}

#[test]
fn a_bound_that_is_lifted_or_set_during_a_pause_does_not_end_it() {
    let straight = straight!(|input: Bytes| -> () {
        let mut part = input.at_most(2);
        let first = wait!(part.next())?;
        part.emit(&[first]);
        drop(part);
        let mut part = input.at_most(9);
        let second = wait!(part.next())?;
        part.emit(&[second]);
        Ok(())
    });
    let subjects = and_machine(straight, |state, input| {
        if *state == 0 {
            let outer = input.at_most(2);
            let first = input.next()?;
            *state = 1;
            input.emit(&[first]);
            input.set_limit(outer);
            let _ = input.at_most(9);
        }
        let second = input.next()?;
        input.emit(&[second]);
        Ok(Break(()))
    });
    for (name, mut parser) in subjects {
        let paused = pausing(&mut *parser, &[b"abc"], bytes, |_| true);
        let calls = [(vec![b"a".to_vec()], 1), (vec![b"b".to_vec()], 2)];
        assert_eq!(
            (&paused.calls[..], paused.end),
            (&calls[..], Some(Answer::success(2))),
            "{name}"
        );
    }
}

#[test]
fn a_pause_at_a_bound_does_not_hide_that_it_is_reached() {
    let straight = straight!(|input: Bytes| -> () {
        let mut part = input.at_most(2);
        loop {
            let byte = wait!(part.next())?;
            part.emit(&[byte]);
        }
    });
    let subjects = and_machine(straight, |state, input| {
        if *state == 0 {
            *state = 1;
            let _ = input.at_most(2);
        }
        let byte = input.next()?;
        input.emit(&[byte]);
        Ok(Continue(()))
    });
    for (name, mut parser) in subjects {
        let paused = pausing(&mut *parser, &[b"abc"], bytes, |_| true);
        // The second call ends with the error, and not with a wait for a third byte.
        let calls = [(vec![b"a".to_vec()], 1), (vec![b"b".to_vec()], 2)];
        assert_eq!(&paused.calls[..], &calls[..], "{name}");
        parser.reset();
        let first = parser.feed_dyn(b"abc", &mut |_| Break(()));
        let second = parser.feed_dyn(b"bc", &mut |_| Break(()));
        assert_eq!((first.status, second.status), (Status::NeedMoreInput, Status::BadInput));
        assert_eq!(parser.error().unwrap().kind, ErrorKind::TooLong, "{name}");
    }
}
