//! The reads of several bytes, against their definitions: all short inputs, cut and paused anywhere.

use std::ops::ControlFlow::{Break, Continue};

use pushdown::engine::machine::Partial;
use pushdown::events::Bytes;
use pushdown::scan::Set;
use pushdown::{End, ErrorKind, PushParser};

use crate::bounds::cut_short;
use crate::pause::{bytes, pausing};
use crate::{Answer, Subjects, and_machine, cuttings, straight};

const BAD: ErrorKind = ErrorKind::Custom(7);
const LETTERS: Set = Set::of(b"ab");

/// What a body must report and answer.
#[derive(Debug, PartialEq)]
pub(crate) struct Expected {
    pub(crate) text: Vec<u8>,
    pub(crate) answer: Answer,
    pub(crate) start: Option<u64>,
}

impl Expected {
    pub(crate) fn new(text: &[u8], answer: Answer) -> Self {
        Self { text: text.to_vec(), answer, start: None }
    }
}

/// All strings over an alphabet, of so many letters at most.
pub(crate) fn strings(alphabet: &[u8], longest: u32) -> Vec<Vec<u8>> {
    let base = alphabet.len();
    (0..=longest)
        .flat_map(|len| (0..base.pow(len)).map(move |number| (len, number)))
        .map(|(len, number)| {
            (0..len).map(|place| alphabet[number / base.pow(place) % base]).collect()
        })
        .collect()
}

/// Compares every engine with a definition: without a sink, and with one that pauses never, always or at
/// each second event.
pub(crate) fn compare<T>(
    mut subjects: Subjects<Bytes, T>,
    inputs: &[Vec<u8>],
    definition: impl Fn(&[u8]) -> Expected,
) {
    let mut ran = 0;
    for input in inputs {
        let expected = definition(input);
        for (name, parser) in &mut subjects {
            for chunks in cuttings(input) {
                let answer = crate::answer(&mut **parser, &chunks);
                assert_eq!(answer, expected.answer, "{name} without a sink, {chunks:?}");
                for every in 0..3 {
                    let pauses = |event| every > 0 && event % every == 0;
                    let paused = pausing(&mut **parser, &chunks, bytes, pauses);
                    let start = parser.error().and_then(|error| error.start);
                    let (text, answer) = (paused.text(), paused.end.unwrap());
                    let found = Expected { text, answer, start };
                    assert_eq!(found, expected, "{name}, {chunks:?}, pauses at every {every}");
                    ran += 1;
                }
            }
        }
    }
    println!("{ran} runs");
    assert!(ran > 0);
}

#[test]
fn text_while_emits_the_bytes_of_the_set_and_leaves_the_next() {
    let straight = straight!(|input: Bytes| -> () {
        loop {
            match wait!(input.text_while(LETTERS, |piece| piece))? {
                b'.' => return wait!(input.expect(b'.')),
                b'!' => return Err(input.fail(BAD)),
                _ => {}
            }
            let other = wait!(input.next())?;
            input.emit(&[other]);
        }
    });
    let subjects = and_machine(straight, |_, input| {
        match input.text_while(LETTERS, |piece| piece)? {
            b'.' => return input.expect(b'.').map(Break),
            b'!' => return Err(input.fail(BAD)),
            _ => {}
        }
        let other = input.next()?;
        input.emit(&[other]);
        Ok(Continue(()))
    });
    compare(subjects, &strings(b"ab-.!", 4), |input| {
        let end = input.iter().position(|byte| matches!(byte, b'.' | b'!'));
        let answer = match end {
            Some(at) if input[at] == b'.' => Answer::success(at + 1),
            Some(at) => Answer::bad(BAD, at),
            None => cut_short(ErrorKind::UnexpectedEnd, input.len()),
        };
        Expected::new(&input[..end.unwrap_or(input.len())], answer)
    });
}

#[test]
fn text_while_ends_at_a_bound() {
    let straight = straight!(|input: Bytes| -> () {
        let mut part = input.at_most(3);
        wait!(part.text_while(LETTERS, |piece| piece))?;
        Ok(())
    });
    let subjects = and_machine(straight, |state, input| {
        if *state == 0 {
            *state = 1;
            let _ = input.at_most(3);
        }
        input.text_while(LETTERS, |piece| piece)?;
        Ok(Break(()))
    });
    compare(subjects, &strings(b"a.", 5), |input| {
        let end = input.iter().position(|byte| *byte == b'.').unwrap_or(input.len());
        let answer = match end {
            3.. => Answer::bad(ErrorKind::TooLong, 3),
            _ if end == input.len() => cut_short(ErrorKind::UnexpectedEnd, end),
            _ => Answer::success(end),
        };
        Expected::new(&input[..end.min(3)], answer)
    });
}

#[test]
fn text_while_ends_with_a_frame() {
    let straight = straight!(|input: Bytes| -> () {
        let mut frame = input.frame(3);
        match wait!(frame.text_while(LETTERS, |piece| piece)) {
            Ok(_) => return Err(frame.fail(BAD)),
            Err(End::Finished) => {}
            Err(end) => return Err(end.into()),
        }
        drop(frame);
        wait!(input.expect(b'.'))
    });
    let mut outer = None;
    let subjects = and_machine(straight, move |state, input| {
        if *state == 0 {
            *state = 1;
            outer = Some(input.frame(3));
        }
        if *state == 1 {
            match input.text_while(LETTERS, |piece| piece) {
                Ok(_) => return Err(input.fail(BAD)),
                Err(End::Finished) => {}
                Err(end) => return Err(end.into()),
            }
            input.set_limit(outer.unwrap());
            *state = 2;
        }
        input.expect(b'.').map(Break)
    });
    compare(subjects, &strings(b"a.", 5), |input| {
        let end = input.iter().position(|byte| *byte == b'.').unwrap_or(input.len());
        let answer = match (end, input.get(3)) {
            (0..3, _) if end < input.len() => Answer::bad(BAD, end),
            (_, None) => cut_short(ErrorKind::UnexpectedEnd, input.len()),
            (_, Some(b'.')) => Answer::success(4),
            _ => Answer::bad(ErrorKind::UnexpectedByte, 3),
        };
        Expected::new(&input[..end.min(3)], answer)
    });
}

#[test]
fn an_array_is_whole_and_the_byte_after_it_is_blamed() {
    let straight = straight!(|input: Bytes| -> () {
        let three = wait!(input.array::<3>())?;
        input.emit(&three);
        let [one] = wait!(input.array())?;
        let [] = wait!(input.array())?;
        if one == b'!' { Err(input.fail(BAD)) } else { Ok(()) }
    });
    let (mut three, mut one) = (Partial::<3>::new(), Partial::<1>::new());
    let subjects = and_machine(straight, move |state, input| {
        if *state == 0 {
            *state = 1;
            three = Partial::new();
        }
        if *state == 1 {
            let array = input.array(&mut three)?;
            *state = 2;
            input.emit(&array);
        }
        let [byte] = input.array(&mut one)?;
        let [] = input.array(&mut Partial::new())?;
        assert_eq!((three, one), (Partial::default(), Partial::default()), "empty again");
        if byte == b'!' { Err(input.fail(BAD)) } else { Ok(Break(())) }
    });
    compare(subjects, &strings(b"ab!", 5), |input| match input {
        [a, b, c, b'!', ..] => Expected::new(&[*a, *b, *c], Answer::bad(BAD, 4)),
        [a, b, c, _, ..] => Expected::new(&[*a, *b, *c], Answer::success(4)),
        [a, b, c] => Expected::new(&[*a, *b, *c], cut_short(ErrorKind::UnexpectedEnd, 3)),
        _ => Expected::new(b"", cut_short(ErrorKind::UnexpectedEnd, input.len())),
    });
}

#[test]
fn expect_all_blames_the_first_byte_that_differs_and_names_where_it_began() {
    let straight = straight!(|input: Bytes| -> () {
        wait!(input.next())?;
        wait!(input.expect_all(b"aba"))?;
        wait!(input.expect_all(b""))?;
        Err(input.fail(BAD))
    });
    let mut matched = 0;
    let subjects = and_machine(straight, move |state, input| {
        if *state == 0 {
            input.next()?;
            *state = 1;
            matched = 0;
        }
        input.expect_all(b"aba", &mut matched)?;
        assert_eq!(matched, 0, "none again");
        input.expect_all(b"", &mut matched)?;
        Err::<std::ops::ControlFlow<()>, _>(input.fail(BAD))
    });
    compare(subjects, &strings(b"ab", 6), |input| {
        let rest = input.get(1..).unwrap_or_default();
        let same = rest.iter().zip(b"aba").take_while(|(a, b)| a == b).count();
        let (answer, start) = match same {
            3 => (Answer::bad(BAD, 4), None),
            _ if same < rest.len() => (Answer::bad(ErrorKind::UnexpectedByte, 1 + same), Some(1)),
            _ => (cut_short(ErrorKind::UnexpectedEnd, input.len()), None),
        };
        Expected { start, ..Expected::new(b"", answer) }
    });
}

#[test]
fn read_until_collects_what_fits_and_is_too_long_at_the_next_byte() {
    let straight = straight!(|input: Bytes| -> () {
        let mut to = Vec::new();
        let stop = wait!(input.read_until([b'.', b'!'], &mut to, 2))?;
        input.emit(&to);
        if stop == b'!' { Err(input.fail(BAD)) } else { Ok(()) }
    });
    let mut to = Vec::new();
    let subjects = and_machine(straight, move |state, input| {
        if *state == 0 {
            *state = 1;
            to.clear();
        }
        let stop = input.read_until([b'.', b'!'], &mut to, 2);
        assert!(to.len() <= 2);
        let stop = stop?;
        input.emit(&to);
        if stop == b'!' { Err(input.fail(BAD)) } else { Ok(Break(())) }
    });
    compare(subjects, &strings(b"ab.!", 5), |input| {
        let stop = input.iter().position(|byte| matches!(byte, b'.' | b'!'));
        match stop {
            Some(at @ 0..=2) if input[at] == b'.' => {
                Expected::new(&input[..at], Answer::success(at + 1))
            }
            Some(at @ 0..=2) => Expected::new(&input[..at], Answer::bad(BAD, at)),
            _ if input.len() > 2 => Expected::new(b"", Answer::bad(ErrorKind::TooLong, 2)),
            _ => Expected::new(b"", cut_short(ErrorKind::UnexpectedEnd, input.len())),
        }
    });
}

#[test]
fn read_until_counts_what_was_there_before_and_ends_at_a_bound() {
    let straight = straight!(|input: Bytes| -> () {
        let mut to = b"-".to_vec();
        let mut part = input.at_most(2);
        wait!(part.read_until(b'.', &mut to, 3))?;
        part.emit(&to);
        drop(part);
        // There is room for one byte more, or for none.
        to.truncate(2);
        wait!(input.read_until(b'.', &mut to, 2))?;
        Ok(())
    });
    let (mut to, mut outer) = (Vec::new(), None);
    let subjects = and_machine(straight, move |state, input| {
        if *state == 0 {
            *state = 1;
            to = b"-".to_vec();
            outer = Some(input.at_most(2));
        }
        if *state == 1 {
            input.read_until(b'.', &mut to, 3)?;
            input.set_limit(outer.unwrap());
            *state = 2;
            input.emit(&to);
            to.truncate(2);
        }
        input.read_until(b'.', &mut to, 2)?;
        Ok(Break(()))
    });
    compare(subjects, &strings(b"a.", 5), |input| {
        let first = input.iter().position(|byte| *byte == b'.').unwrap_or(input.len());
        if first >= 2 {
            return Expected::new(b"", Answer::bad(ErrorKind::TooLong, 2));
        }
        if first == input.len() {
            return Expected::new(b"", cut_short(ErrorKind::UnexpectedEnd, first));
        }
        let rest = &input[first + 1..];
        let room = 1 - first;
        let second = rest.iter().position(|byte| *byte == b'.').unwrap_or(rest.len());
        let answer = match second {
            _ if second > room => Answer::bad(ErrorKind::TooLong, first + 1 + room),
            _ if second == rest.len() => cut_short(ErrorKind::UnexpectedEnd, input.len()),
            _ => Answer::success(first + 1 + second + 1),
        };
        Expected::new(&[b"-", &input[..first]].concat(), answer)
    });
}

#[test]
fn a_closure_of_text_while_is_called_only_if_there_is_a_sink() {
    let straight = straight!(|input: Bytes| -> usize {
        let mut length = 0;
        wait!(input.text_while(LETTERS, |piece| {
            length += piece.len();
            piece
        }))?;
        Ok(length)
    });
    let subjects = and_machine(straight, |length, input| {
        let read = input.text_while(LETTERS, |piece| {
            *length += piece.len();
            piece
        });
        read?;
        Ok(Break(*length))
    });
    for (name, mut parser) in subjects {
        let _ = parser.feed_with(b"ab", |_| {});
        let _ = parser.feed_with(b"ab.", |_| {});
        assert_eq!(parser.take_output(), Some(4), "{name}");
        parser.reset();
        let _ = parser.feed(b"abab.");
        assert_eq!(parser.take_output(), Some(0), "{name}");
    }
}

#[test]
fn a_message_is_what_the_error_says() {
    let straight = straight!(|input: Bytes| -> () {
        wait!(input.next())?;
        Err(input.fail(ErrorKind::Message("no letter")))
    });
    let subjects = and_machine(straight, |_, input| {
        input.next()?;
        Err::<std::ops::ControlFlow<()>, _>(input.fail(ErrorKind::Message("no letter")))
    });
    for (name, mut parser) in subjects {
        let _ = parser.feed(b"1");
        let error = parser.error().unwrap();
        assert_eq!(error.kind, ErrorKind::Message("no letter"), "{name}");
        assert_eq!(error.to_string(), "no letter at offset 0", "{name}");
    }
}

#[cfg(feature = "testing")]
#[test]
fn the_bytes_that_a_scan_inspects_past_its_stop_are_counted() {
    use pushdown::Status;
    use pushdown::engine::{coroutine, machine, stackless};
    use pushdown::scan::MAX_LOOKAHEAD;
    use pushdown::testing::Work;

    use crate::steps;

    fn check<T>(name: &str, mut parser: impl PushParser<Output = T> + Work) {
        let chunk = [&b"ab."[..], &[b'-'; 1000]].concat();
        assert_eq!(parser.feed(&chunk).status, Status::Success, "{name}");
        assert_eq!(parser.work(), parser.offset() + MAX_LOOKAHEAD as u64, "{name}");
    }

    macro_rules! checks {
        ($read:ident($($argument:expr),*)) => {{
            let machine = steps(|_, input: &mut machine::Input<'_, Bytes>| {
                Ok(Break(input.$read($($argument),*)?))
            });
            check(concat!("machine: ", stringify!($read)), machine);
            let body = |input: &mut coroutine::Input<'_, Bytes>| {
                let stop = input.$read($($argument),*)?;
                Ok(stop)
            };
            check(concat!("coroutine: ", stringify!($read)), coroutine::Parser::new(body));
            let body = async |input: &mut stackless::Input<'_, Bytes>| {
                let stop = input.$read($($argument),*).await?;
                Ok(stop)
            };
            check(concat!("stackless: ", stringify!($read)), stackless::Parser::new(body));
        }};
    }
    checks!(text_while(LETTERS, |piece| piece));
    checks!(read_until(b'.', &mut Vec::new(), 9999));
}
