//! The protocol multiplexer: many callers share one connection, and each gets its own reply.
//!
//! A request carries a tag, and its reply carries the same. Whoever calls waits; one loop sends, one
//! loop receives, and a map leads from tags to those who wait. That is the lecture's system, and it
//! works for any [`Protocol`] with a tag in its messages, over any sink and stream of them.
//!
//! ```
//! use pushdown_patterns::mux::{Mux, Options, dns};
//! # use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Any reader and writer will do: the halves of a TCP stream, say.
//! let (ours, mut theirs) = tokio::io::duplex(512);
//! let (read, write) = tokio::io::split(ours);
//! let (sink, stream) = dns::split(read, write);
//! let (mux, _unsolicited) = Mux::spawn(dns::Dns, sink, stream, &Options::new());
//!
//! # tokio::spawn(async move {
//! #     // A server that answers the second question first.
//! #     let mut questions = [0; 2 * 15];
//! #     theirs.read_exact(&mut questions).await.unwrap();
//! #     questions.chunks_mut(15).for_each(|question| question[4] |= 0x80);
//! #     for reply in questions.chunks(15).rev() {
//! #         theirs.write_all(reply).await.unwrap();
//! #     }
//! # });
//! let question = |letter| dns::Message::new([&[0; 12][..], &[letter]].concat());
//! let (a, b) = tokio::join!(mux.call(question(b'a')?), mux.call(question(b'b')?));
//! assert_eq!(a?.as_bytes().last(), Some(&b'a'));
//! assert_eq!(b?.as_bytes().last(), Some(&b'b'));
//! # Ok(()) }
//! ```
//!
//! # What happens to a call
//! | | dropped, or its time is up | the connection ends |
//! |---|---|---|
//! | before it is sent | it will not be sent, and holds no tag | the request comes back |
//! | after | its tag is in quarantine until the late reply comes; the other side is told, if the protocol has a message for that | it may have happened |
//!
//! A call waits in one queue, first come, first served, for a tag, for its turn and for room in the sink;
//! its timeout covers all of it. It is taken out of the queue only when the sink has room, and from then
//! on nothing depends on its caller.
//!
//! # What it never does
//! * **Wrong answers.** A tag is not assigned while a reply with it may still come, and before it is
//!   assigned again all other tags are. What no multiplexer can see is a second reply to a call that was
//!   answered, if it comes when the tag has its next caller: the more tags, the later that is.
//! * **Waiting in a circle.** Receiving waits for nobody: not for sending, not for callers, not for
//!   whoever takes unsolicited messages. Sending waits for the sink alone.
//! * **Growing without bound.** All that is held is bounded by [`Options`], or by a caller who waits.
//! * **Forgetting a caller.** The end of the connection, whatever it is, wakes all callers at once and tells
//!   each of them the reason, and what became of his call.
//!
//! # State as code
//! What a loop is about to do is where it stands. Both run in one task, so the connection has one thing to
//! spawn, to abort and to wait for, and both share one lock with the callers, which is held for a few map
//! operations. The part that is no code, who waits for which tag, is the core. How the connection reads
//! is code as well: the replies of [`memcached`] and [`dns`] are read by straight-line bodies that
//! [`framed::Reader`] feeds with what the socket brings.
//!
//! # Protocols
//! [`memcached`] and [`dns`] come with it. The trait is made for others too: where a call is
//! cancelled by another call, whose reply makes both tags free (9P's `Tflush`), where both sides call and ids
//! are numbers or texts (JSON-RPC 2.0), where cancelled calls get no reply
//! ([`Options::quarantine_age`]). It is not for protocols that answer in order and have no tags; there a
//! queue does what the map does here.

mod call;
mod connection;
pub mod dns;
mod error;
mod handle;
pub mod memcached;
mod options;
#[doc(hidden)]
pub mod proto;
mod protocol;
mod shared;
mod unsolicited;

pub use call::CallOptions;
pub use error::{CallError, CallErrorKind, End, Report};
pub use handle::Mux;
pub use options::{Options, Unexpected, WhenFull};
pub use protocol::Protocol;
pub use unsolicited::Unsolicited;

pub use self::proto::Counts;
