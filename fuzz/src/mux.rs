//! The assertions of the fuzz targets of `pushdown-patterns`. `patterns/tests/regressions.rs` replays
//! seeds and regressions through the same functions.

use core::pin::{Pin, pin};
use core::task::{Context, Poll, Waker};
use std::fmt::Debug;
use std::io;
use std::time::Instant;

use futures_core::Stream;
use pushdown_patterns::mux::proto::{Core, Id, Outcome, Received, Transmit};
use pushdown_patterns::mux::{CallOptions, Options, dns, memcached};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::cut::{Target, cut};

/// All targets, by name.
pub const TARGETS: &[Target] = &[("mux_frames", mux_frames)];

/// Asserts that the parsers of the included protocols find the same messages and the same end in any
/// cutting as in the whole, and that each reply the core delivers answers the caller's own request.
///
/// The input is cut as in `quoted_cuts`.
pub fn mux_frames(data: &[u8]) {
    let (chunks, stream) = cut(data);
    cuttings(&chunks, stream);
    replies(stream);
}

fn cuttings(chunks: &[&[u8]], stream: &[u8]) {
    let memcached = |chunks| read(memcached::split(Pieces(chunks), Nowhere, 1 << 10).1);
    assert_eq!(memcached(chunks), memcached(&[stream]), "memcached in {chunks:?} (left) and whole");
    let dns = |chunks| read(dns::split(Pieces(chunks), Nowhere).1);
    assert_eq!(dns(chunks), dns(&[stream]), "dns in {chunks:?} (left) and whole");
}

/// Reads all messages, and the error at the end if there is one.
fn read<M: Debug, E: ToString>(stream: impl Stream<Item = Result<M, E>>) -> Vec<String> {
    let mut stream = pin!(stream);
    let mut cx = Context::from_waker(Waker::noop());
    let mut log = Vec::new();
    while let Poll::Ready(Some(message)) = stream.as_mut().poll_next(&mut cx) {
        log.push(message.map_or_else(|error| error.to_string(), |message| format!("{message:?}")));
    }
    log
}

/// Takes each byte as a step of a caller, the connection or the server, with four tags.
fn replies(steps: &[u8]) {
    const TAGS: u64 = 4;
    let mut core = Core::<u64, usize, usize, ()>::new(Options::new(), false);
    let mut calls: Vec<(usize, Id)> = Vec::new();
    // The unanswered request of each tag, and of one tag more that no call can have.
    let mut asked = [None; TAGS as usize + 1];
    let now = Instant::now();
    for (number, step) in steps.iter().enumerate() {
        let choice = usize::from(step / 8);
        match step % 8 {
            0 | 1 => {
                if let Ok(id) = core.call(CallOptions::new(), number, || now) {
                    calls.push((number, id));
                }
            }
            2 if !calls.is_empty() => {
                let (_, id) = calls.swap_remove(choice % calls.len());
                core.abandon(&id, || now);
            }
            2..=4 => {
                let transmit =
                    core.poll_transmit(|number| (number < TAGS).then_some(number), || now);
                if let Transmit::Send { tag: Some(tag), message, .. } = transmit {
                    let due = asked[tag as usize].replace(message);
                    assert_eq!(due, None, "the request that still holds the tag (left) and none");
                }
            }
            _ => {
                let tag = choice % asked.len();
                let question = asked[tag].take();
                let received =
                    core.handle_reply(&(tag as u64), question.unwrap_or(usize::MAX), || now);
                let unexpected = matches!(received, Received::Unexpected(_));
                assert_eq!(unexpected, question.is_none(), "unexpected (left) and not asked for");
            }
        }
        calls.retain(|(message, id)| match core.poll_call(id) {
            None => true,
            Some(outcome) => {
                assert_eq!(outcome, Outcome::Reply(*message), "the reply (left) and the request");
                false
            }
        });
    }
}

/// Reads one chunk at a time, and then ends.
struct Pieces<'a>(&'a [&'a [u8]]);

impl AsyncRead for Pieces<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        room: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // An empty read would be the end.
        while let Some((first, rest)) = self.0.split_first() {
            self.0 = rest;
            if !first.is_empty() {
                room.put_slice(first);
                break;
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// A writer that takes nothing: no message is sent.
struct Nowhere;

impl AsyncWrite for Nowhere {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Pending
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
