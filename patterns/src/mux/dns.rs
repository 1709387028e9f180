//! DNS over TCP ([RFC 1035, 4.2.2](https://www.rfc-editor.org/rfc/rfc1035#section-4.2.2)): messages with
//! their length in front, told apart by the 16-bit id in their first two bytes.
//!
//! Servers answer out of order ([RFC 7766, 6.2.1.1](https://www.rfc-editor.org/rfc/rfc7766#section-6.2.1.1)),
//! so a slow question does not hold up the others. What is in a message beyond id and kind is the
//! caller's.
//!
//! ```
//! # use pushdown_patterns::mux::{Mux, Options, dns};
//! # async fn resolve(read: tokio::net::tcp::OwnedReadHalf, write: tokio::net::tcp::OwnedWriteHalf,
//! #     query: Vec<u8>) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
//! let (sink, stream) = dns::split(read, write);
//! let (mux, _) = Mux::spawn(dns::Dns, sink, stream, &Options::new());
//! let reply = mux.call(dns::Message::new(query)?).await?;
//! # Ok(reply.into_bytes()) }
//! ```

use core::fmt;
use std::io;
use std::vec::Vec;

use futures_core::Stream;
use futures_sink::Sink;
use tokio::io::{AsyncRead, AsyncWrite};

use super::protocol::Protocol;
use pushdown::engine::stackless::{Input, Parser};
use pushdown::io::ReadError;
use pushdown::io::framed::{Reader, Writer};
use pushdown::{ErrorKind, Failure};

/// The length of a message's header, without which it is none.
const HEADER: usize = 12;

/// The kind of error of a message that is shorter than its header.
pub const SHORT: ErrorKind = ErrorKind::Custom(1);

/// A message: a header and whatever follows, at most 65,535 bytes.
///
/// ```
/// use pushdown_patterns::mux::dns::Message;
///
/// let message = Message::new(vec![0; 12]).unwrap();
/// assert_eq!(message.id(), 0);
/// assert!(Message::new(vec![0; 11]).is_err());
/// assert!(Message::new(vec![0; 1 << 16]).is_err());
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Message(Vec<u8>);

/// Bytes that are no message: fewer than 12, or more than 65,535. Here they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidMessage(pub Vec<u8>);

impl fmt::Display for InvalidMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a DNS message has 12 to 65535 bytes, and not {}", self.0.len())
    }
}

impl core::error::Error for InvalidMessage {}

impl Message {
    /// A message of these bytes. Its id does not matter: a call gives it another.
    ///
    /// # Errors
    /// The bytes come back if they are too few or too many.
    pub fn new(bytes: Vec<u8>) -> Result<Self, InvalidMessage> {
        if bytes.len() < HEADER || u16::try_from(bytes.len()).is_err() {
            return Err(InvalidMessage(bytes));
        }
        Ok(Self(bytes))
    }

    /// Its id.
    pub fn id(&self) -> u16 {
        u16::from_be_bytes([self.0[0], self.0[1]])
    }

    /// Whether it says that it is a response.
    pub fn is_response(&self) -> bool {
        self.0[2] & 0x80 != 0
    }

    /// The whole message, header included.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The whole message, header included.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = self.0.len();
        f.debug_struct("Message").field("id", &self.id()).field("length", &length).finish()
    }
}

/// The protocol. Ids are assigned in turn, for a connection needs no guessing games against forged
/// replies as a datagram does.
#[derive(Clone, Copy, Debug)]
pub struct Dns;

impl Protocol for Dns {
    type Tag = u16;
    type Request = Message;
    type Reply = Message;

    fn tag(number: u64) -> Option<u16> {
        u16::try_from(number).ok()
    }

    fn set_tag(&self, request: &mut Message, tag: &u16) {
        request.0[..2].copy_from_slice(&tag.to_be_bytes());
    }

    fn read_tag(&self, reply: &Message) -> Option<u16> {
        Some(reply.id())
    }

    fn is_reply(&self, message: &Message) -> bool {
        message.is_response()
    }
}

/// The two directions of a connection, as the sink and the stream of a [`Mux`](super::Mux).
pub fn split<R, W>(
    read: R,
    write: W,
) -> (
    impl Sink<Message, Error = io::Error> + Send + Unpin + use<R, W>,
    impl Stream<Item = Result<Message, ReadError>> + Send + Unpin + use<R, W>,
)
where
    R: AsyncRead + Send + Unpin,
    W: AsyncWrite + Send + Unpin,
{
    (Writer::new(write, encode), Reader::new(read, Parser::new(message)))
}

/// Reads one message.
pub(crate) async fn message(input: &mut Input<'_>) -> Result<Message, Failure> {
    let length = [input.next().await?, input.next().await?];
    let length = usize::from(u16::from_be_bytes(length));
    if length < HEADER {
        return Err(input.fail(SHORT));
    }
    let mut bytes = Vec::with_capacity(length);
    while bytes.len() < length {
        bytes.extend_from_slice(input.take(length - bytes.len()).await?);
    }
    Ok(Message(bytes))
}

fn encode(message: Message, bytes: &mut Vec<u8>) {
    let length = u16::try_from(message.0.len()).expect("a message is not longer");
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(&message.0);
}
