//! `take_text`: text of a known length is emitted as it arrives, in every engine and at every cut.

use core::ops::ControlFlow::{self, Break, Continue};

use pushdown::engine::{coroutine, generator, machine, stackless};
use pushdown::events::Bytes;
use pushdown::{DynParser, ErrorKind, Failure, PushParser, Status};

/// One digit, as many bytes as it says, and a full stop.
struct Machine(Option<usize>);

impl machine::Machine for Machine {
    type Events = Bytes;
    type Output = ();

    fn step(&mut self, input: &mut machine::Input<'_, Bytes>) -> Result<ControlFlow<()>, Failure> {
        match &mut self.0 {
            None => self.0 = Some(usize::from(input.next()? - b'0')),
            Some(0) => {
                assert_eq!(input.take_text(0, |piece| piece), Ok(0));
                return input.expect(b'.').map(Break);
            }
            Some(left) => *left -= input.take_text(*left, |piece| piece)?,
        }
        Ok(Continue(()))
    }

    fn reset(&mut self) {
        self.0 = None;
    }
}

fn coroutine(input: &mut coroutine::Input<'_, Bytes>) -> Result<(), Failure> {
    let mut left = usize::from(input.next()? - b'0');
    while left > 0 {
        left -= input.take_text(left, |piece| piece)?;
    }
    assert_eq!(input.take_text(0, |piece| piece), Ok(0));
    input.expect(b'.')
}

async fn stackless(input: &mut stackless::Input<'_, Bytes>) -> Result<(), Failure> {
    let mut left = usize::from(input.next().await? - b'0');
    while left > 0 {
        left -= input.take_text(left, |piece| piece).await?;
    }
    assert_eq!(input.take_text(0, |piece| piece).await, Ok(0));
    input.expect(b'.').await
}

fn parsers() -> [(&'static str, Box<DynParser<'static, Bytes>>); 4] {
    [
        ("machine", Box::new(machine::Parser::new(Machine(None)))),
        ("coroutine", Box::new(coroutine::Parser::new(coroutine))),
        ("generator", Box::new(generator::Parser::new(stackless))),
        ("stackless", Box::new(stackless::Parser::new(stackless))),
    ]
}

/// Feeds the chunks; returns the number of pieces, the text they join to, the status and the offset.
fn parse(parser: &mut DynParser<'_, Bytes>, chunks: &[&[u8]]) -> (usize, Vec<u8>, Status, u64) {
    let (mut pieces, mut text) = (0, Vec::new());
    for chunk in chunks {
        let _ = parser.feed_dyn(chunk, &mut |piece| {
            assert!(!piece.is_empty());
            pieces += 1;
            text.extend(piece);
            Continue(())
        });
    }
    (pieces, text, parser.status(), parser.offset())
}

#[test]
fn the_text_is_whole_at_every_cut_and_has_one_piece_per_chunk() {
    let mut ran = 0;
    for (name, mut parser) in parsers() {
        for (input, text, status, offset) in [
            (&b"5hello. rest"[..], &b"hello"[..], Status::Success, 7),
            (b"0.", b"", Status::Success, 2),
            (b"3a.b.", b"a.b", Status::Success, 5),
            (b"2ab!", b"ab", Status::BadInput, 3),
            (b"4abc", b"abc", Status::NeedMoreInput, 4),
        ] {
            for cut in 0..=input.len() {
                parser.reset();
                let (first, second) = input.split_at(cut);
                let found = parse(&mut *parser, &[first, second]);
                let inside = (2..1 + text.len()).contains(&cut);
                let pieces = usize::from(!text.is_empty()) + usize::from(inside);
                assert_eq!(found, (pieces, text.to_vec(), status, offset), "{name}, cut at {cut}");
                ran += 1;
            }
            parser.reset();
            let bytes: Vec<_> = input.chunks(1).collect();
            let found = parse(&mut *parser, &bytes);
            assert_eq!(found, (text.len(), text.to_vec(), status, offset), "{name}, single bytes");
        }
    }
    println!("{ran} runs");
    assert!(ran > 0);
}

#[test]
fn the_byte_after_the_text_is_blamed() {
    for (name, mut parser) in parsers() {
        let _ = parser.feed(b"1ab");
        let error = parser.error().unwrap();
        assert_eq!((error.kind, error.offset), (ErrorKind::UnexpectedByte, 2), "{name}");
    }
}
