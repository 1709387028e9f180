//! The protocol multiplexer: many callers share one connection, and each gets its own reply.
//!
//! A request carries a tag, and its reply carries the same tag. One loop sends, one loop receives, and
//! a map leads from tags to waiting callers. This is the multiplexer of the lecture. It works for any
//! [`Protocol`] with a tag in its messages, over any sink and stream of messages. Where there are no tags and
//! replies come [in order](InOrder), the place is the tag.
//!
//! ```
//! use pushdown_patterns::mux::{Mux, Options, dns};
//! # use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Any reader and writer will do, such as the halves of a TCP stream.
//! let (ours, mut theirs) = tokio::io::duplex(512);
//! let (read, write) = tokio::io::split(ours);
//! let (sink, stream) = dns::split(read, write);
//! let (mux, _unsolicited) = Mux::spawn(dns::Dns, sink, stream, Options::new());
//!
//! # tokio::spawn(async move {
//! #     // A server that answers the second query first.
//! #     let mut queries = [0; 2 * 15];
//! #     theirs.read_exact(&mut queries).await.unwrap();
//! #     queries.chunks_mut(15).for_each(|query| query[4] |= 0x80);
//! #     for reply in queries.chunks(15).rev() {
//! #         theirs.write_all(reply).await.unwrap();
//! #     }
//! # });
//! let query = |letter| dns::Message::new([&[0; 12][..], &[letter]].concat());
//! let (a, b) = tokio::join!(mux.call(query(b'a')?), mux.call(query(b'b')?));
//! assert_eq!(a?.as_bytes().last(), Some(&b'a'));
//! assert_eq!(b?.as_bytes().last(), Some(&b'b'));
//! # Ok(()) }
//! ```
//!
//! # The life of a call
//! | | dropped, or timed out | the connection ends |
//! |---|---|---|
//! | before it is sent | it is not sent, and holds no tag | the request comes back |
//! | after | its tag stays in quarantine until the late reply comes; the peer is told if the protocol can | it may have happened |
//!
//! Calls wait in one queue, first come, first served, for a tag, for their turn and for room in the sink.
//! The timeout of a call covers all of that. A call leaves the queue only when the sink has room, and from
//! then on nothing depends on its caller.
//!
//! # Guarantees
//! * **No wrong answers.** A tag is not assigned while a reply with it may still come, and all other
//!   tags are assigned before it is assigned again. A second reply to an answered call cannot be told
//!   from the first reply to the tag's next call if it comes that late: the more tags, the later that is.
//! * **No deadlock.** Receiving waits neither for sending, nor for callers, nor for the receiver of
//!   unsolicited messages. Sending waits for the sink alone. [Answers](Mux::answer) to the peer go ahead
//!   of calls, so two sides that call each other do not wait in a circle.
//! * **No starvation.** A message that the sink has taken is flushed after a bounded number of others,
//!   however busy the queue is.
//! * **No unbounded growth.** [`Options`] bound all that is held, except what waiting callers hold
//!   themselves.
//! * **No forgotten callers.** The end of the connection wakes all callers at once, and each learns the
//!   reason and the effect of its call. If sending fails, the replies that have come are delivered first.
//! * **No error that lies.** An error says that a request was not sent exactly if it holds the request,
//!   which is never copied: what a caller has back cannot be sent.
//!
//! # State as code
//! The state of a loop is the point where it stands. Both loops run in one task, so a connection is one
//! thing to spawn, to abort and to wait for. They share one lock with the callers, held for a few map
//! operations at a time. The state that is data, which call owns which tag, is a sans-IO core under that
//! lock. Reading is code as well: straight-line bodies read the replies of [`memcached`] and [`dns`], fed
//! by [`pushdown::io::framed::Reader`].
//!
//! # Protocols
//! [`memcached`], [`dns`] and [`redis`] are included. The trait also fits protocols in which a call is
//! cancelled by another call whose reply frees both tags (9P's `Tflush`), in which a late reply has to be
//! undone ([`Protocol::late`]), in which both sides call and ids are numbers or strings (JSON-RPC 2.0), and
//! in which cancelled calls get no reply ([`Options::quarantine_age`], [`WhenFull::Forget`]).
//!
//! Protocols without tags that answer in order, such as Redis, HTTP/1.1 and Postgres, are [`Ordered`]. In
//! [`InOrder`] the tag is the place in the order.

mod call;
mod connection;
mod decimal;
pub mod dns;
mod error;
mod handle;
mod in_order;
pub mod memcached;
mod options;
#[doc(hidden)]
pub mod proto;
mod protocol;
pub mod reconnect;
pub mod redis;
mod shared;
mod unsolicited;

pub use error::{CallError, CallErrorKind, CloseReason, Report};
pub use handle::Mux;
pub use in_order::{InOrder, Ordered};
pub use options::{CallOptions, Options, Overflow, Unexpected, WhenFull};
pub use protocol::{Protocol, Role};
pub use reconnect::Reconnect;
pub use unsolicited::Unsolicited;

pub use self::proto::Counts;
