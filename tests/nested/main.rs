//! Nested calls of `async` bodies: any depth at a constant cost, and nothing that safe code can break.
//!
//! `bodies.rs` compares them with the calls of the other engines. The attacks that do not compile are
//! in `src/compile_fail/stackless.rs`. Those here run under AddressSanitizer too.

#![cfg(feature = "alloc")]

mod attacks;
mod depth;
mod drops;

use std::future::poll_fn;
use std::task::Poll;

use pushdown::engine::stackless::Input;
use pushdown::{Failure, PushParser, Status};

/// Balanced parentheses; returns how many pairs.
async fn group(input: &mut Input<'_>) -> Result<u64, Failure> {
    input.expect(b'(').await?;
    let mut pairs = 1;
    while input.peek().await? == b'(' {
        pairs += input.nested(group).await?;
    }
    input.expect(b')').await?;
    Ok(pairs)
}

/// So many groups, each in the one before.
fn deep(levels: usize) -> Vec<u8> {
    [vec![b'('; levels], vec![b')'; levels]].concat()
}

/// Feeds an input in chunks of one size.
fn feed<P: PushParser>(parser: &mut P, input: &[u8], size: usize) -> Status {
    for chunk in input.chunks(size) {
        if parser.feed(chunk).status != Status::NeedMoreInput {
            break;
        }
    }
    parser.status()
}

/// Polls a future once.
async fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    poll_fn(|cx| {
        Poll::Ready(match std::pin::Pin::new(&mut *future).poll(cx) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        })
    })
    .await
}

/// Waits for something that no chunk can bring.
async fn foreign() {
    std::future::pending::<()>().await;
}
