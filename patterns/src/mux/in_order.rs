//! Protocols without tags, which answer in order: the tag is the place in the order.

use core::fmt;
use std::collections::VecDeque;

use super::protocol::{Protocol, Role};
use crate::sync::Mutex;

/// A protocol whose messages carry no tags, and whose replies come in the order of the requests: Redis,
/// HTTP/1.1 with pipelining, Postgres, SMTP.
///
/// ```
/// use pushdown_patterns::mux::{Ordered, Role};
///
/// /// Responses of HTTP/1.1, with the bodies that belong to them.
/// struct Response {
///     status: u16,
///     body: Vec<u8>,
/// }
///
/// struct Http;
///
/// impl Ordered for Http {
///     type Request = String;
///     type Reply = Response;
///     type Pending = ();
///
///     fn role(&self, response: &Response, _oldest: Option<&mut ()>) -> Role {
///         // `100 Continue` comes before the response to the same request.
///         if response.status < 200 { Role::Interim } else { Role::Reply }
///     }
/// }
/// ```
///
/// A request has one [`Reply`](Role::Reply). If its answer is several messages, either the stream of the
/// connection joins them, or all but the last are [`Interim`](Role::Interim).
///
/// The methods run where those of [`Protocol`] do.
pub trait Ordered: Send + Sync + 'static {
    /// A message to send.
    type Request: Send + 'static;
    /// A message received.
    type Reply: Send + 'static;
    /// Remembered of a request from when it is sent until its reply comes, for protocols in which only the
    /// request tells what a message is. `()` in all others.
    type Pending: Default + Send + 'static;

    /// Returns false if the peer does not answer this message. Such a message is
    /// [sent](super::Mux::send), and any other one is [called](super::Mux::call).
    ///
    /// The answer decides which reply belongs to which request, so it has to be right for every message.
    fn is_answered(_message: &Self::Request) -> bool {
        true
    }

    /// Returns what to remember of a request that is answered. It is sent next.
    fn pending(&self, _request: &Self::Request) -> Self::Pending {
        Self::Pending::default()
    }

    /// Decides what a message is, given the oldest request that has no reply yet, if there is one.
    ///
    /// A [`Reply`](Role::Reply) or a part of one while there is no such request ends the connection.
    fn role(&self, _message: &Self::Reply, _oldest: Option<&mut Self::Pending>) -> Role {
        Role::Reply
    }

    /// Takes the reply to a dropped call, and returns a request that undoes the call if it has to be, as
    /// [`Protocol::late`] does.
    fn late(&self, _reply: Self::Reply) -> Option<Self::Request> {
        None
    }
}

/// An [`Ordered`] protocol as one with tags: the tag is the place in the order.
///
/// **The n-th reply belongs to the n-th answered request that was written.** A place is taken when a request
/// is given to the sink, and only a reply gives it up:
///
/// | | its place |
/// |---|---|
/// | a call that is dropped or times out before it is sent | has none |
/// | a call that is dropped or times out later | is kept; its reply is awaited there, and dropped |
/// | [`send`](super::Mux::send) and [`answer`](super::Mux::answer) | have none, and refuse requests that are answered |
/// | an unsolicited or an interim message | takes none |
/// | a [tag](super::CallOptions::tag) that a caller chooses | is that of the order all the same: the tag is a name and no more |
/// | [`Options::quarantine_age`](super::Options::quarantine_age) | is kept: the option does not apply |
/// | [`WhenFull::Forget`](super::WhenFull::Forget) | is kept: the connection ends, as with [`Fail`](super::WhenFull::Fail) |
/// | a request that the sink or the protocol fails to send | is the last one: nothing is sent after it |
///
/// A reply while no request is unanswered ends the connection with
/// [`CloseReason::Violation`](super::CloseReason::Violation), whatever the
/// [options](super::Options::unexpected) say: it cannot be told whose it is, and so no later one can. A peer
/// that sends one reply too many while others are due cannot be found out here. If replies tell what
/// they answer, [`Ordered::role`] can check it.
///
/// ```
/// use pushdown_patterns::mux::{InOrder, Mux, Options, redis};
/// # use tokio::io::{AsyncReadExt, AsyncWriteExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (ours, mut theirs) = tokio::io::duplex(512);
/// let (read, write) = tokio::io::split(ours);
/// let (sink, stream) = redis::split(read, write, redis::Values::new());
/// let (mux, _unsolicited) = Mux::spawn(InOrder::new(redis::Redis), sink, stream, Options::new());
///
/// # tokio::spawn(async move {
/// #     theirs.read_exact(&mut [0; 2 * 23]).await.unwrap();
/// #     theirs.write_all(b":1\r\n:2\r\n").await.unwrap();
/// #     std::future::pending::<()>().await
/// # });
/// let incr = |key| redis::Request::new(["INCR", key]);
/// let (a, b) = tokio::join!(mux.call(incr("key")?), mux.call(incr("key")?));
/// assert_eq!((a?, b?), (redis::Value::Integer(1), redis::Value::Integer(2)));
/// # Ok(()) }
/// ```
pub struct InOrder<P: Ordered> {
    protocol: P,
    /// Requests that have no reply yet, oldest first. Only the connection's task locks it.
    places: Mutex<VecDeque<(u64, P::Pending)>>,
}

impl<P: Ordered> InOrder<P> {
    /// Creates the protocol of a new connection.
    pub fn new(protocol: P) -> Self {
        Self { protocol, places: Mutex::new(VecDeque::new()) }
    }
}

impl<P: Ordered> Protocol for InOrder<P> {
    type Tag = u64;
    type Request = P::Request;
    type Reply = P::Reply;

    const IN_ORDER: bool = true;

    fn tag(number: u64) -> Option<u64> {
        Some(number)
    }

    fn is_answered(message: &P::Request) -> Option<bool> {
        Some(P::is_answered(message))
    }

    fn set_tag(&self, request: &mut P::Request, tag: &u64) {
        let pending = self.protocol.pending(request);
        self.places.lock().push_back((*tag, pending));
    }

    fn role(&self, message: &P::Reply) -> Role {
        // Taken out, so that no code of the protocol runs under the lock.
        let mut oldest = self.places.lock().pop_front();
        let role = self.protocol.role(message, oldest.as_mut().map(|(_, pending)| pending));
        match (role, oldest) {
            (Role::Reply | Role::Interim, None) => Role::Violation,
            (role, None) => role,
            (role, Some(oldest)) => {
                self.places.lock().push_front(oldest);
                role
            }
        }
    }

    fn read_tag(&self, _: &P::Reply) -> Option<u64> {
        let oldest = self.places.lock().pop_front();
        oldest.map(|(tag, _)| tag)
    }

    fn late(&self, _: &u64, reply: P::Reply) -> Option<P::Request> {
        self.protocol.late(reply)
    }
}

impl<P: Ordered> fmt::Debug for InOrder<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unanswered = self.places.lock().len();
        f.debug_struct("InOrder").field("unanswered", &unanswered).finish_non_exhaustive()
    }
}
