//! Redis' protocol, RESP, in its versions 2 and 3: an [`Ordered`] protocol, read by [`pushdown::resp`].
//!
//! ```
//! # use pushdown_patterns::mux::{InOrder, Mux, Options, redis};
//! # async fn greet(read: tokio::net::unix::OwnedReadHalf, write: tokio::net::unix::OwnedWriteHalf)
//! #     -> Result<(), Box<dyn std::error::Error>> {
//! use redis::{Redis, Request, Value, Values};
//!
//! let (sink, stream) = redis::split(read, write, Values::new());
//! let (mux, _unsolicited) = Mux::spawn(InOrder::new(Redis), sink, stream, Options::new());
//! mux.call(Request::new(["SET", "greeting", "hello"])?).await?;
//! let reply = mux.call(Request::new(["GET", "greeting"])?).await?;
//! assert_eq!(reply, Value::Bulk("hello".into()));
//! # Ok(()) }
//! ```
//!
//! A reply that is an error is a [`Value`] too: [`Value::is_error`].
//!
//! # One connection for many
//! Callers share the connection's state: its database, its user, its name, and its version of RESP. A command
//! that blocks, such as `BLPOP`, holds up the replies to all others; give it a connection of its own.
//!
//! # Subscriptions
//! They need RESP3 (`HELLO 3`), in which messages come as pushes, which the `Unsolicited` of the connection
//! delivers. The reply to `SUBSCRIBE` and its like is the confirmation of the last channel. In RESP2 a
//! message looks like a reply, so the connection ends at the confirmation, before a message can come
//! ([`CloseReason::Violation`](super::CloseReason::Violation)).
//!
//! # Requests that cannot be made
//! [`Request::new`] refuses what would shift the order of the replies: see [`InvalidRequest`]. A server with
//! renamed commands has to be trusted.

mod request;

use std::io;

use futures_core::Stream;
use futures_sink::Sink;
use tokio::io::{AsyncRead, AsyncWrite};

pub use pushdown::resp::{Value, Values};
use request::{Confirmation, Pending};
pub use request::{InvalidRequest, Request};

use super::in_order::Ordered;
use super::protocol::Role;
use pushdown::io::ReadError;
use pushdown::io::framed::{Reader, Writer};

/// The protocol, for [`InOrder`](super::InOrder).
#[derive(Clone, Copy, Debug, Default)]
pub struct Redis;

impl Ordered for Redis {
    type Request = Request;
    type Reply = Value;
    type Pending = Pending;

    fn pending(&self, request: &Request) -> Pending {
        request.pending()
    }

    fn role(&self, message: &Value, oldest: Option<&mut Pending>) -> Role {
        let message = without_attributes(message);
        let push = if let Value::Push(push) = message { Some(push) } else { None };
        let Some(oldest) = oldest else {
            return if push.is_some() { Role::Unsolicited } else { Role::Reply };
        };
        match (push, oldest.confirmation) {
            (Some(push), Some(confirmation)) if confirms(push, confirmation) => {}
            (Some(_), _) => return Role::Unsolicited,
            // It is refused for all its channels at once.
            (None, Some(_)) if message.is_error() => return Role::Reply,
            (None, Some(_)) => return Role::Violation,
            (None, None) => {}
        }
        oldest.replies -= 1;
        if oldest.replies == 0 { Role::Reply } else { Role::Interim }
    }
}

fn without_attributes(mut value: &Value) -> &Value {
    while let Value::Attributed(attributed) = value {
        value = &attributed.value;
    }
    value
}

/// Returns true if a push begins with this word.
fn confirms(push: &[Value], confirmation: Confirmation) -> bool {
    push.first().and_then(Value::as_bytes) == Some(confirmation.as_bytes())
}

/// Makes the two halves of a connection into the sink and the stream of a [`Mux`](super::Mux).
///
/// A reply beyond the limits of `replies` is an error, which ends the connection. The default limits are
/// those of a server: up to 1 GiB for a reply.
pub fn split<R, W>(
    read: R,
    write: W,
    replies: Values,
) -> (
    impl Sink<Request, Error = io::Error> + Send + Unpin + use<R, W>,
    impl Stream<Item = Result<Value, ReadError>> + Send + Unpin + use<R, W>,
)
where
    R: AsyncRead + Send + Unpin,
    W: AsyncWrite + Send + Unpin,
{
    (Writer::new(write, Request::encode), Reader::new(read, replies))
}
