//! bufjson: its analyzer of a slice for a whole document, and else its pipe.

use std::convert::Infallible;
use std::slice::Chunks;

use bufjson::lexical::fixed::FixedAnalyzer;
use bufjson::lexical::pipe::{Pipe, PipeAnalyzer};
use bufjson::lexical::{Analyzer, Content, Token};
use bufjson::syntax::Parser;
use bufjson::{Buf, IntoBuf};
use bytes::Bytes;

use super::Seen;

pub(super) fn read(document: &'static [u8], size: usize) -> Seen {
    if size == document.len() {
        drain(FixedAnalyzer::new(document).into_parser())
    } else {
        drain(PipeAnalyzer::new(Slices(document.chunks(size))).into_parser())
    }
}

/// Chunks that cost nothing: without a count of references.
struct Slices(Chunks<'static, u8>);

impl Pipe for Slices {
    type Error = Infallible;

    fn recv(&mut self) -> Option<Result<Bytes, Infallible>> {
        self.0.next().map(|chunk| Ok(Bytes::from_static(chunk)))
    }
}

fn drain<A: Analyzer>(mut parser: Parser<A>) -> Seen
where
    A::Error: 'static,
{
    let mut seen = Seen::default();
    loop {
        match parser.next_meaningful() {
            Token::Eof => return seen,
            Token::Err => panic!("{}", parser.err()),
            Token::Str => {
                let content = parser.content();
                let text = content.unescaped().into_buf();
                seen.events += 1;
                // Without its quotes, of which a chunk may end after the first.
                seen.bytes += text.remaining() as u64 - 2;
                seen.first += u64::from(text.chunk().get(1).copied().unwrap_or_default());
            }
            Token::Num => {
                let content = parser.content();
                let text = content.literal().into_buf();
                seen.events += 1;
                seen.bytes += text.remaining() as u64;
                seen.first += u64::from(text.chunk()[0]);
            }
            _ => seen.event(),
        }
    }
}
