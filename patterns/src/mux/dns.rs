//! DNS over TCP ([RFC 1035, 4.2.2](https://www.rfc-editor.org/rfc/rfc1035#section-4.2.2)): messages after
//! their length, with a 16-bit id in their first two bytes as the tag.
//!
//! Servers answer out of order ([RFC 7766, 6.2.1.1](https://www.rfc-editor.org/rfc/rfc7766#section-6.2.1.1)),
//! so a slow query does not hold up the others. This module reads only the id and the kind of a message;
//! the rest is up to the caller.
//!
//! ```
//! # use pushdown_patterns::mux::{Mux, Options, dns};
//! # async fn resolve(read: tokio::net::tcp::OwnedReadHalf, write: tokio::net::tcp::OwnedWriteHalf,
//! #     query: Vec<u8>) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
//! let (sink, stream) = dns::split(read, write);
//! let (mux, _) = Mux::spawn(dns::Dns, sink, stream, Options::new());
//! let reply = mux.call(dns::Message::new(query)?).await?;
//! # Ok(reply.into_bytes()) }
//! ```

use core::fmt;
use std::io;
use std::vec::Vec;

use futures_core::Stream;
use futures_sink::Sink;
use tokio::io::{AsyncRead, AsyncWrite};

use super::protocol::{Protocol, Role};
use pushdown::engine::stackless::{Input, Parser};
use pushdown::io::ReadError;
use pushdown::io::framed::{Reader, Writer};
use pushdown::{ErrorKind, Failure};

/// The length of a message's header, in bytes. A message is at least that long.
pub const HEADER: usize = 12;

/// The longest message, in bytes: the length that goes before it has two bytes.
pub const MAX_MESSAGE: usize = u16::MAX as usize;

/// The error kind of a message that is shorter than its [`HEADER`].
pub const SHORT: ErrorKind = ErrorKind::Custom(1);

/// A message: a header and the bytes after it, from [`HEADER`] to [`MAX_MESSAGE`] bytes in all.
///
/// ```
/// use pushdown_patterns::mux::dns::{HEADER, MAX_MESSAGE, Message};
///
/// let message = Message::new(vec![0; HEADER]).unwrap();
/// assert_eq!(message.id(), 0);
/// assert!(Message::new(vec![0; HEADER - 1]).is_err());
/// assert!(Message::new(vec![0; MAX_MESSAGE + 1]).is_err());
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Message(Vec<u8>);

/// Bytes that are too few or too many for a [`Message`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidMessage(pub Vec<u8>);

impl fmt::Display for InvalidMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = self.0.len();
        write!(f, "a DNS message has {HEADER} to {MAX_MESSAGE} bytes, not {length}")
    }
}

impl core::error::Error for InvalidMessage {}

impl Message {
    /// Creates a message from its bytes. A call replaces the id.
    ///
    /// # Errors
    /// Returns the bytes if they are too few or too many.
    pub fn new(bytes: Vec<u8>) -> Result<Self, InvalidMessage> {
        if !(HEADER..=MAX_MESSAGE).contains(&bytes.len()) {
            return Err(InvalidMessage(bytes));
        }
        Ok(Self(bytes))
    }

    /// The id, which is the tag.
    pub fn id(&self) -> u16 {
        u16::from_be_bytes([self.0[0], self.0[1]])
    }

    /// Returns true if the message is marked as a response.
    pub fn is_response(&self) -> bool {
        self.0[2] & 0x80 != 0
    }

    /// The whole message, including the header.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the whole message, including the header.
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

/// The protocol. Ids are assigned in order: over a connection, unlike over UDP, they need not be
/// unpredictable to keep forged replies out.
#[derive(Clone, Copy, Debug)]
pub struct Dns;

impl Protocol for Dns {
    type Tag = u16;
    type Request = Message;
    type Reply = Message;

    fn tag(number: u64) -> Option<u16> {
        u16::try_from(number).ok()
    }

    fn is_answered(message: &Message) -> Option<bool> {
        Some(!message.is_response())
    }

    fn set_tag(&self, request: &mut Message, tag: &u16) {
        request.0[..2].copy_from_slice(&tag.to_be_bytes());
    }

    fn read_tag(&self, reply: &Message) -> Option<u16> {
        Some(reply.id())
    }

    fn role(&self, message: &Message) -> Role {
        if message.is_response() { Role::Reply } else { Role::Unsolicited }
    }
}

/// Makes the two halves of a connection into the sink and the stream of a [`Mux`](super::Mux).
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

/// Reads one message. Room for it is at most [`MAX_MESSAGE`] bytes, and so is made at once.
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
    let length = u16::try_from(message.0.len()).expect("a message has at most MAX_MESSAGE bytes");
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(&message.0);
}
