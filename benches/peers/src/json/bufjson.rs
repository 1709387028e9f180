//! bufjson: its analyzer of a slice for a whole document, and else its pipe.

use std::convert::Infallible;

use bufjson::lexical::fixed::FixedAnalyzer;
use bufjson::lexical::pipe::{Pipe, PipeAnalyzer};
use bufjson::lexical::{Analyzer, Content, Token};
use bufjson::syntax::Parser;
use bufjson::{Buf, IntoBuf};
use bytes::Bytes;

use super::Seen;

/// Chunks with a count of references, as a socket's buffers have one.
pub(super) fn read(document: &'static [u8], size: usize) -> Seen {
    if size == document.len() {
        return drain(FixedAnalyzer::new(document).into_parser());
    }
    let bytes = Bytes::from_owner(document);
    let starts = (0..document.len()).step_by(size);
    pipe(starts.map(|start| bytes.slice(start..document.len().min(start + size))))
}

/// Chunks that are static, so that nothing is counted, not for long strings either.
pub(super) fn read_static(document: &'static [u8], size: usize) -> Seen {
    pipe(document.chunks(size).map(Bytes::from_static))
}

fn pipe(chunks: impl Iterator<Item = Bytes>) -> Seen {
    drain(PipeAnalyzer::new(Chunks(chunks)).into_parser())
}

struct Chunks<I>(I);

impl<I: Iterator<Item = Bytes>> Pipe for Chunks<I> {
    type Error = Infallible;

    fn recv(&mut self) -> Option<Result<Bytes, Infallible>> {
        self.0.next().map(Ok)
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
