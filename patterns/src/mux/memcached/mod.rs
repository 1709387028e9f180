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
//! `SERVER_ERROR`, for example about a value that is too large. As it answers in order, such a line goes
//! to the oldest request that has no reply. A [`Request`] is well formed, so it has exactly one reply.
//!
//! The debugging command `me` does not repeat the token either, and is not offered. `mn` takes no token:
//! [send](super::Mux::send) it, and its reply is unsolicited.

mod reply;
mod request;

use std::collections::VecDeque;
use std::io;

use futures_core::Stream;
use futures_sink::Sink;
use tokio::io::{AsyncRead, AsyncWrite};

pub use reply::{Reply, Status};
pub use request::{InvalidRequest, MAX_KEY, Request};

use super::protocol::Protocol;
use crate::sync::Mutex;
use pushdown::io::ReadError;
use pushdown::io::framed::{Reader, Writer};

/// The longest value that memcached stores unless its option `-I` says otherwise, in bytes.
pub const MAX_VALUE: usize = 1 << 20;

/// The protocol of one connection.
#[derive(Debug)]
pub struct Memcached {
    /// Tags of requests that have no reply yet, oldest first: errors carry no tag.
    sent: Mutex<VecDeque<u64>>,
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

    fn tag(number: u64) -> Option<u64> {
        Some(number)
    }

    fn set_tag(&self, request: &mut Request, tag: &u64) {
        request.token = Some(*tag);
        self.sent.lock().push_back(*tag);
    }

    fn read_tag(&self, reply: &Reply) -> Option<u64> {
        let mut sent = self.sent.lock();
        if reply.status.is_error() {
            return sent.pop_front();
        }
        let token = reply.token?;
        if let Some(index) = sent.iter().position(|tag| *tag == token) {
            sent.drain(..=index);
        }
        Some(token)
    }

    fn is_reply(&self, reply: &Reply) -> bool {
        reply.status != Status::Noop
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
