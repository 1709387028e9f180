//! Characters are fed as their UTF-8 bytes, and a parser may end between two bytes of one.

use std::ops::ControlFlow::{Break, Continue};

use pushdown::engine::{coroutine, machine, stackless};
use pushdown::quoted::Event;
use pushdown::{Error, ErrorKind, PushParser, Status};

use crate::{Subjects, engines, subjects};

#[test]
fn characters_of_every_length_are_fed_as_their_bytes() {
    let input =
        "\"\u{0}a\u{7f}\u{80}\u{e9}\u{7ff}\u{800}\u{20ac}\u{ffff}\u{10000}\u{1f600}\u{10ffff}\"";
    for (name, mut parser) in engines::quoted() {
        let last = input.chars().map(|c| parser.process_char(c)).last();
        assert_eq!((last, parser.offset()), (Some(Status::Success), input.len() as u64), "{name}");

        parser.reset();
        let mut text = Vec::new();
        let record = |Event::Text(piece): Event<'_>| text.extend_from_slice(piece);
        let _ = parser.feed_with(input.as_bytes(), record);
        assert_eq!(text, input.trim_matches('"').as_bytes(), "{name}");
    }
}

#[test]
fn an_escape_applies_to_one_byte_of_a_character_and_the_others_are_text() {
    for (name, mut parser) in engines::quoted() {
        for c in "\"\\\u{e9}".chars() {
            assert_eq!(parser.process_char(c), Status::NeedMoreInput, "{name}");
        }
        assert_eq!((parser.process_char('"'), parser.offset()), (Status::Success, 5), "{name}");
    }
}

/// Parsers of the first byte of `é`, and of a second one that `é` may not have.
fn first_byte(second: Option<u8>) -> Subjects<()> {
    subjects(
        move |state, input: &mut machine::Input<'_>| {
            if *state == 0 {
                input.expect(0xc3)?;
                *state = 1;
                return Ok(if second.is_some() { Continue(()) } else { Break(()) });
            }
            second.map_or(Ok(()), |byte| input.expect(byte)).map(Break)
        },
        move |input: &mut coroutine::Input<'_>| {
            input.expect(0xc3)?;
            second.map_or(Ok(()), |byte| input.expect(byte))
        },
        move || {
            async move |input: &mut stackless::Input<'_>| {
                input.expect(0xc3).await?;
                match second {
                    Some(byte) => input.expect(byte).await,
                    None => Ok(()),
                }
            }
        },
    )
}

#[test]
fn a_value_may_end_inside_a_character() {
    for (name, mut parser) in first_byte(None) {
        assert_eq!(
            (parser.process_char('\u{e9}'), parser.offset()),
            (Status::Success, 1),
            "{name}"
        );
        assert_eq!(
            (parser.process_char('\u{e9}'), parser.offset()),
            (Status::Success, 1),
            "{name}"
        );
    }
}

#[test]
fn an_input_may_be_bad_inside_a_character() {
    for (name, mut parser) in first_byte(Some(b'x')) {
        assert_eq!(parser.process_char('\u{e9}'), Status::BadInput, "{name}");
        let error = Error::new(ErrorKind::UnexpectedByte, 1);
        assert_eq!(parser.error(), Some(&error), "{name}");
    }
    for (name, mut parser) in engines::quoted() {
        assert_eq!(
            (parser.process_char('\u{e9}'), parser.offset()),
            (Status::BadInput, 0),
            "{name}"
        );
    }
}
