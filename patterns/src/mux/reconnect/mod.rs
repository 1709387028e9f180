//! A client whose connection is replaced when it ends.
//!
//! A [`Reconnect`] makes a connection, a [`Mux`] with its own tags and its own tables, hands calls to it,
//! and makes another one when it ends. Calls that come meanwhile wait.
//!
//! ```
//! use pushdown_patterns::mux::reconnect::{Item, Options};
//! use pushdown_patterns::mux::{self, Mux, Reconnect, dns};
//! # use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
//! #
//! # /// A server that hangs up after one reply.
//! # async fn serve(mut stream: DuplexStream) {
//! #     let mut query = [0; 15];
//! #     stream.read_exact(&mut query).await.unwrap();
//! #     query[4] |= 0x80;
//! #     stream.write_all(&query).await.unwrap();
//! # }
//! #
//! # async fn connect_somewhere() -> std::io::Result<DuplexStream> {
//! #     let (ours, theirs) = tokio::io::duplex(512);
//! #     tokio::spawn(serve(theirs));
//! #     Ok(ours)
//! # }
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let connect = || async {
//!     let (read, write) = tokio::io::split(connect_somewhere().await?);
//!     let (sink, stream) = dns::split(read, write);
//!     let (mux, unsolicited) = Mux::spawn(dns::Dns, sink, stream, mux::Options::new());
//!     // Calls that a connection begins with are made here: to log in, to subscribe.
//!     Ok::<_, std::io::Error>((mux, unsolicited))
//! };
//! let (client, mut messages) = Reconnect::spawn(connect, Options::new().name("resolver"));
//!
//! // The server hangs up after each reply. A query may be sent twice, so nobody notices.
//! let query = dns::Message::new([&[0; 12][..], b"a"].concat())?;
//! for _ in 0..3 {
//!     let reply = client.call_idempotent(|| query.clone()).await?;
//!     assert_eq!(reply.as_bytes().last(), Some(&b'a'));
//! }
//! // Only those who wait for messages of the server are told.
//! assert_eq!(messages.recv().await, Some(Item::Gap));
//! # Ok(()) }
//! ```
//!
//! # Which calls are sent again
//! | a call, when its connection ends | [`call`](Reconnect::call) | [`call_idempotent`](Reconnect::call_idempotent) |
//! |---|---|---|
//! | not sent: its request comes back | sent on the next connection | sent on the next connection |
//! | sent: it may have happened | the caller gets the error | made again and sent, at most [`Options::attempts`] times |
//!
//! A request is one value, which is moved and never copied: what has been sent cannot be sent again,
//! unless the caller makes another one, and only `call_idempotent` takes the function that does. An error
//! that holds the request says that the call did not happen, on any connection; a call of which one
//! attempt may have happened gets no such error afterwards.
//!
//! # Where a call waits
//! In one place: in the line of the client while there is no connection, or in the connection, which may
//! [be done with it](super#the-life-of-a-call) in any of the ways of a `Mux`. The new connection gets
//! the whole line in one step, in the order in which the calls were first made, whether or not their
//! callers are polled; a call that has come back has its old place. The timeout of a call covers all its
//! waits and attempts. The line is [limited](Options::waiting), and calls can
//! [do without it](Options::when_down).
//!
//! # When the next connection is made
//! ```text
//!              connect() succeeds                        it ends
//! connecting ─────────────────────► connected ─────────────────────► backing off
//!     ▲  │                                                                ▲  │
//!     │  └────────────────────────────────────────────────────────────────┘  │
//!     │           connect() fails, panics or takes too long                  │
//!     └──────────────────────────────────────────────────────────────────────┘
//!                                delay is over
//! ```
//!
//! There is a delay before every attempt but the first. It is short after a connection that has lived
//! [long enough](Options::healthy_after), and doubles with every attempt that fails and every connection
//! that does not live that long: a server that accepts connections and drops them is not asked in a
//! loop.

mod call;
mod driver;
mod error;
mod handle;
mod options;
#[doc(hidden)]
pub mod proto;
mod shared;
mod unsolicited;

#[cfg(doc)]
use super::Mux;
pub use error::{CallError, Outage};
pub use handle::Reconnect;
pub use options::{Options, WhenDown};
pub use proto::Counts;
pub use unsolicited::{Item, Unsolicited};
