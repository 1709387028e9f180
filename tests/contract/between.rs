//! Values one after another: where the next begins, and what lies between two.

use std::ops::ControlFlow::{Break, Continue};

use pushdown::{ErrorKind, Status};

use crate::{Subjects, and_machine, cuttings, straight};

fn is_space(byte: u8) -> bool {
    byte == b' '
}

/// Two letters after spaces, with spaces between them, which are part of the value.
fn pairs() -> Subjects<(), [u8; 2]> {
    let straight = straight!(|input: ()| -> [u8; 2] {
        wait!(input.skip_between(is_space))?;
        let first = wait!(input.next())?;
        let mut second = wait!(input.skip_between(is_space))?;
        if second == b'!' {
            second = wait!(input.next())?;
            return Err(input.fail(ErrorKind::Custom(second.into())));
        }
        wait!(input.next())?;
        Ok([first, second])
    });
    and_machine(straight, |first, input| {
        let letter = input.skip_between(is_space)?;
        input.next()?;
        Ok(match *first {
            0 => {
                *first = letter.into();
                Continue(())
            }
            _ if letter == b'!' => return Err(input.fail(ErrorKind::Custom(letter.into()))),
            first => Break([first as u8, letter]),
        })
    })
}

#[test]
fn a_value_has_begun_with_the_first_byte_that_was_not_skipped_between_values() {
    let mut ran = 0;
    for (name, mut parser) in pairs() {
        for (prefix, begun) in [
            (&b""[..], false),
            (b" ", false),
            (b"     ", false),
            (b"a", true),
            (b"  a", true),
            (b"  a ", true),
            (b"a   ", true),
        ] {
            for chunks in cuttings(prefix) {
                parser.reset();
                assert!(!parser.has_begun(), "{name}");
                for chunk in &chunks {
                    assert_eq!(parser.feed(chunk).status, Status::NeedMoreInput, "{name}");
                }
                assert_eq!(parser.has_begun(), begun, "{name}, {chunks:?}");
                ran += 1;
            }
        }
    }
    println!("{ran} runs");
    assert!(ran > 0);
}

#[test]
fn the_next_value_counts_offsets_on_and_has_not_begun() {
    let input = b" ab  c d ef   ";
    for (name, mut parser) in pairs() {
        for chunks in cuttings(input) {
            parser.reset();
            let mut values = Vec::new();
            for mut chunk in chunks {
                while !chunk.is_empty() {
                    let progress = parser.feed(chunk);
                    chunk = &chunk[progress.consumed..];
                    if progress.status == Status::Success {
                        values.push((parser.offset(), parser.take_output().unwrap()));
                        parser.next_value();
                        assert_eq!(parser.status(), Status::NeedMoreInput, "{name}");
                        assert_eq!(parser.take_output(), None, "{name}");
                        assert!(!parser.has_begun(), "{name}");
                    }
                }
            }
            assert_eq!(values, [(3, *b"ab"), (8, *b"cd"), (11, *b"ef")], "{name}");
            assert_eq!((parser.offset(), parser.has_begun()), (14, false), "{name}");
        }
    }
}

#[test]
fn an_error_in_a_later_value_names_its_position_in_the_stream() {
    for (name, mut parser) in pairs() {
        for cut in 3..=8 {
            parser.reset();
            assert_eq!(parser.feed(b"ab ").consumed, 2, "{name}");
            parser.next_value();
            let _ = (parser.feed(&b"ab  c!"[2..cut.min(6)]), parser.feed(&b"ab  c!"[cut.min(6)..]));
            let error = parser.error().unwrap();
            assert_eq!((error.kind, error.offset), (ErrorKind::Custom(33), 5), "{name}");
        }
    }
}

#[test]
fn bytes_skipped_in_the_middle_of_a_value_do_not_undo_its_beginning() {
    let straight = straight!(|input: ()| -> () {
        wait!(input.next())?;
        wait!(input.skip_between(is_space))?;
        wait!(input.expect(b'.'))
    });
    let subjects = and_machine(straight, |state, input| {
        if *state == 0 {
            input.next()?;
            *state = 1;
            return Ok(Continue(()));
        }
        input.skip_between(is_space)?;
        input.expect(b'.').map(Break)
    });
    for (name, mut parser) in subjects {
        for chunks in cuttings(b"a   ") {
            for offset in [0, 7] {
                parser.reset_at(offset);
                for chunk in &chunks {
                    assert_eq!(parser.feed(chunk).status, Status::NeedMoreInput, "{name}");
                }
                assert!(parser.has_begun(), "{name}, {chunks:?}, from offset {offset}");
            }
        }
    }
}
