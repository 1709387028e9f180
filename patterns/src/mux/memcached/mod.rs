//! memcached's [meta protocol](https://docs.memcached.org/protocols/meta/). A request may carry an opaque
//! token that its reply repeats: the tag.
//!
//! ```
//! # use pushdown_patterns::mux::{Mux, Options, memcached};
//! # async fn greet(read: tokio::net::unix::OwnedReadHalf, write: tokio::net::unix::OwnedWriteHalf)
//! #     -> Result<(), Box<dyn std::error::Error>> {
//! use memcached::{Memcached, Request, Status};
//!
//! let (sink, stream) = memcached::split(read, write, memcached::MAX_VALUE);
//! let (mux, _) = Mux::spawn(Memcached::new(), sink, stream, Options::new());
//! mux.call(Request::set("greeting", "hello")?.flag("T60")?).await?;
//! let reply = mux.call(Request::get("greeting")?).await?;
//! assert_eq!(reply.status, Status::Value);
//! assert_eq!(reply.value.as_deref(), Some(&b"hello"[..]));
//! # Ok(()) }
//! ```
//!
//! # Errors have no token
//! memcached does not repeat the token in a line that begins with `ERROR`, `CLIENT_ERROR` or
//! `SERVER_ERROR`, for example about a value that is too large, nor in the reply to `mn`. But it answers
//! in order, and a [`Request`] is well formed, so each has exactly one reply, and a reply without a token
//! belongs to the oldest request that has none yet. A reply with a token must have the token of that
//! request. One that does not, or that answers no request, ends the connection
//! ([`CloseReason::Violation`](super::CloseReason::Violation)): the replies after it may be anybody's.
//!
//! The debugging command `me` does not repeat the token either, and is not offered.
//!
//! # The value is always read
//! A server that refuses the line of a `ms` without reading the value would run the value as commands.
//! It does so if the line is too long or has too many flags, or if the value is longer than it can
//! count. Such requests cannot be made: see [`MAX_FLAGS`], [`MAX_FLAG`] and [`MAX_SET`].

mod reply;
mod request;

use std::collections::VecDeque;
use std::io;

use futures_core::Stream;
use futures_sink::Sink;
use tokio::io::{AsyncRead, AsyncWrite};

pub use reply::{Reply, Status};
pub use request::{InvalidRequest, MAX_FLAG, MAX_FLAGS, MAX_KEY, MAX_SET, Request};

use super::protocol::{Protocol, Role};
use crate::sync::Mutex;
use pushdown::io::ReadError;
use pushdown::io::framed::{Reader, Writer};

/// The longest value that memcached stores unless its option `-I` says otherwise, in bytes.
pub const MAX_VALUE: usize = 1 << 20;

/// The protocol of one connection.
#[derive(Debug)]
pub struct Memcached {
    /// Requests that have no reply yet, oldest first.
    sent: Mutex<VecDeque<Sent>>,
}

#[derive(Clone, Copy, Debug)]
struct Sent {
    tag: u64,
    is_noop: bool,
}

impl Memcached {
    /// Creates the protocol for a new connection.
    pub fn new() -> Self {
        Self { sent: Mutex::new(VecDeque::new()) }
    }
}

impl Default for Memcached {
    fn default() -> Self {
        Self::new()
    }
}

impl Protocol for Memcached {
    type Tag = u64;
    type Request = Request;
    type Reply = Reply;

    /// A token that is chosen again could not be told from the one before.
    const IN_ORDER: bool = true;

    fn tag(number: u64) -> Option<u64> {
        Some(number)
    }

    fn is_answered(_: &Request) -> Option<bool> {
        Some(true)
    }

    fn set_tag(&self, request: &mut Request, tag: &u64) {
        request.token = Some(*tag);
        self.sent.lock().push_back(Sent { tag: *tag, is_noop: request.is_noop() });
    }

    fn role(&self, reply: &Reply) -> Role {
        let Some(Sent { tag, is_noop }) = self.sent.lock().front().copied() else {
            return Role::Violation;
        };
        let is_answer =
            is_noop == (reply.status == Status::Noop) && reply.token == (!is_noop).then_some(tag);
        if reply.status.is_error() || is_answer { Role::Reply } else { Role::Violation }
    }

    fn read_tag(&self, _: &Reply) -> Option<u64> {
        // Replies come in order, or they are violations.
        self.sent.lock().pop_front().map(|sent| sent.tag)
    }
}

/// Makes the two halves of a connection into the sink and the stream of a [`Mux`](super::Mux).
///
/// A reply whose value is longer than `max_value` bytes is an error.
pub fn split<R, W>(
    read: R,
    write: W,
    max_value: usize,
) -> (
    impl Sink<Request, Error = io::Error> + Send + Unpin + use<R, W>,
    impl Stream<Item = Result<Reply, ReadError>> + Send + Unpin + use<R, W>,
)
where
    R: AsyncRead + Send + Unpin,
    W: AsyncWrite + Send + Unpin,
{
    (Writer::new(write, Request::encode), Reader::new(read, reply::parser(max_value)))
}
