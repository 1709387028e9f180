//! memcached's [meta protocol](https://docs.memcached.org/protocols/meta/), in which a request may
//! carry an opaque token that its reply repeats: the tag.
//!
//! ```
//! # use pushdown_patterns::mux::{Mux, Options, memcached};
//! # async fn greet(read: tokio::net::unix::OwnedReadHalf, write: tokio::net::unix::OwnedWriteHalf)
//! #     -> Result<(), Box<dyn std::error::Error>> {
//! use memcached::{Memcached, Request, Status};
//!
//! let (sink, stream) = memcached::split(read, write, memcached::MAX_VALUE);
//! let (mux, _) = Mux::spawn(Memcached::new(), sink, stream, &Options::new());
//! mux.call(Request::set("greeting", "hello")?.flag("T60")?).await?;
//! let reply = mux.call(Request::get("greeting")?).await?;
//! assert_eq!(reply.status, Status::Value);
//! assert_eq!(reply.value.as_deref(), Some(&b"hello"[..]));
//! # Ok(()) }
//! ```
//!
//! # Errors have no token
//! memcached does not repeat the token in a line that begins with `ERROR`, `CLIENT_ERROR` or
//! `SERVER_ERROR`, say for a value that is too large. As it answers in order, such a line belongs to the
//! oldest request that has no reply, and that is who gets it. A request from here is well formed, so it
//! has exactly one reply.
//!
//! The debugging command `me` does not repeat the token either, and is not offered. `mn` takes none:
//! [send](super::Mux::send) it, and its reply is unsolicited.

mod reply;
mod request;

use std::collections::VecDeque;
use std::io;

use futures_core::Stream;
use futures_sink::Sink;
use tokio::io::{AsyncRead, AsyncWrite};

pub use reply::{Reply, Status};
pub use request::{InvalidRequest, Request};

use super::protocol::Protocol;
use crate::sync::Mutex;
use pushdown::io::ReadError;
use pushdown::io::framed::{Reader, Writer};

/// How long a value memcached stores unless it is told otherwise, in bytes. Its option is `-I`.
pub const MAX_VALUE: usize = 1 << 20;

/// The protocol, of one connection.
#[derive(Debug)]
pub struct Memcached {
    /// The tags of requests that have no reply yet, oldest first.
    sent: Mutex<VecDeque<u64>>,
}

impl Memcached {
    /// The protocol, for a new connection.
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
        if let Some(place) = sent.iter().position(|tag| *tag == token) {
            sent.drain(..=place);
        }
        Some(token)
    }

    fn is_reply(&self, reply: &Reply) -> bool {
        reply.status != Status::Noop
    }
}

/// The two directions of a connection, as the sink and the stream of a [`Mux`](super::Mux). A reply whose
/// value is longer than `max_value` bytes is an error.
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
