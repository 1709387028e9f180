//! Parsers that are a stream over a stream of chunks.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use pushdown::Status::{NeedMoreInput, Success};
use pushdown::testing::{Report, Violation};

use crate::parsers;

type Chunk = Result<Bytes, Infallible>;

/// A stream of chunks.
pub type Chunks = Pin<Box<dyn Stream<Item = Chunk>>>;

/// A parser's stream of messages and errors, as text.
pub type Items = Pin<Box<dyn Stream<Item = String>>>;

/// Chunks that the parser has not taken yet.
#[derive(Default)]
struct Source {
    chunks: VecDeque<Bytes>,
    ended: bool,
}

/// Gives a parser one chunk after the other, and polls it after each until it waits for the next one. It
/// can wait for nothing else, so it needs no waker.
pub fn check(input: &[u8], parser: fn(Chunks) -> Items) -> Result<Report, Violation> {
    let make = || {
        let source = Rc::<RefCell<Source>>::default();
        let chunks = Rc::clone(&source);
        let next = move |_: &mut Context<'_>| {
            let mut source = chunks.borrow_mut();
            match source.chunks.pop_front() {
                None if !source.ended => Poll::Pending,
                chunk => Poll::Ready(chunk.map(Ok)),
            }
        };
        (source, parser(Box::pin(stream::poll_fn(next))))
    };
    parsers::check(input, make, |(source, items), chunk, log| {
        source.borrow_mut().ended = chunk.is_none();
        source.borrow_mut().chunks.extend(chunk.map(Bytes::copy_from_slice));
        loop {
            match poll(items) {
                Poll::Ready(Some(item)) => log.event(item),
                Poll::Ready(None) => return Success,
                Poll::Pending => return NeedMoreInput,
            }
        }
    })
}

/// Returns the items of a parser that never waits, since all chunks are there.
pub fn at_once<'c>(
    chunks: impl Iterator<Item = &'c [u8]>,
    parser: fn(Chunks) -> Items,
) -> Vec<String> {
    let chunks: Vec<Chunk> = chunks.map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    let mut items = parser(Box::pin(stream::iter(chunks)));
    let mut all = Vec::new();
    while let Poll::Ready(Some(item)) = poll(&mut items) {
        all.push(item);
    }
    all
}

fn poll(items: &mut Items) -> Poll<Option<String>> {
    items.as_mut().poll_next(&mut Context::from_waker(Waker::noop()))
}
