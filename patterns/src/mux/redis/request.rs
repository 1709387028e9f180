//! Requests.

use core::fmt;
use std::vec::Vec;

use crate::mux::decimal;

/// Bytes of a short command, to be allocated at once.
const SHORT: usize = 64;

/// Bytes of the longest name that is looked at.
const NAME: usize = 12;

/// A command with its arguments, or a transaction: always with one reply.
///
/// ```
/// use pushdown_patterns::mux::redis::{InvalidRequest, Request};
///
/// let set = Request::new(["SET", "key"])?.arg(b"\xff").arg("EX").arg("60");
/// let get = Request::new(["GET", "key"])?;
/// let both = Request::transaction([set, get])?;
/// assert_eq!(Request::new(["MONITOR"]), Err(InvalidRequest::Replies));
/// # let _ = both;
/// # Ok::<(), InvalidRequest>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// The commands before the last one, encoded: a transaction but for its end.
    before: Vec<u8>,
    /// Number of commands in `before`.
    queued: usize,
    /// The words of the last command, encoded.
    words: Vec<u8>,
    count: usize,
    confirmation: Option<Confirmation>,
}

/// The first word of the push that confirms a command.
pub(super) type Confirmation = &'static str;

/// Remembered of a request until its reply comes.
#[derive(Debug)]
pub struct Pending {
    /// Number of messages that are still to come. The last one is the caller's reply.
    pub(super) replies: usize,
    pub(super) confirmation: Option<Confirmation>,
}

impl Default for Pending {
    fn default() -> Self {
        Self { replies: 1, confirmation: None }
    }
}

/// The reason why a request cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidRequest {
    /// The name of the command is missing, or the word that decides on its replies: the first channel of
    /// `SUBSCRIBE` and its like, the second word of `CLIENT`, `SCRIPT` and `HELLO`.
    Incomplete,
    /// The command has no reply, or many, or takes RESP3 away from subscriptions: `MONITOR`, `SYNC`, `PSYNC`,
    /// `REPLCONF`, `CLIENT REPLY`, `SCRIPT DEBUG`, `HELLO` with anything but 3.
    Replies,
    /// The command changes the replies to other callers: `MULTI`, `EXEC`, `DISCARD`, `WATCH`. Use
    /// [`transaction`](Request::transaction) or a script.
    Transaction,
    /// A transaction has a transaction or a subscription in it.
    Nested,
}

impl fmt::Display for InvalidRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Incomplete => "the command is incomplete",
            Self::Replies => "a command without exactly one reply",
            Self::Transaction => "a command that changes the replies to other callers",
            Self::Nested => "a command that cannot be in a transaction",
        })
    }
}

impl core::error::Error for InvalidRequest {}

impl Request {
    /// Creates a command from its words: the name, and arguments as far as they have the same type.
    /// [`arg`](Self::arg) adds others.
    ///
    /// # Errors
    /// If the command does not have exactly one reply.
    pub fn new<W: AsRef<[u8]>>(words: impl IntoIterator<Item = W>) -> Result<Self, InvalidRequest> {
        let mut words = words.into_iter();
        let name = words.next().ok_or(InvalidRequest::Incomplete)?;
        let second = words.next();
        let confirmation = confirmation(name.as_ref(), second.as_ref().map(AsRef::as_ref))?;
        let request = Self::empty(confirmation);
        Ok([name].into_iter().chain(second).chain(words).fold(request, Self::arg))
    }

    fn empty(confirmation: Option<Confirmation>) -> Self {
        let words = Vec::with_capacity(SHORT);
        Self { before: Vec::new(), queued: 0, words, count: 0, confirmation }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<[u8]>) -> Self {
        let arg = arg.as_ref();
        encode_count(b'$', arg.len(), &mut self.words);
        self.words.extend_from_slice(arg);
        self.words.extend_from_slice(b"\r\n");
        self.count += 1;
        self
    }

    /// Creates a transaction: `MULTI`, the commands and `EXEC`, with no command of another caller between them.
    /// Its reply is that of `EXEC`.
    ///
    /// # Errors
    /// If one of them is a transaction or a subscription.
    pub fn transaction(commands: impl IntoIterator<Item = Self>) -> Result<Self, InvalidRequest> {
        let mut transaction = Self::empty(None).arg("EXEC");
        Self::empty(None).arg("MULTI").encode(&mut transaction.before);
        transaction.queued = 1;
        for command in commands {
            if command.queued > 0 || command.confirmation.is_some() {
                return Err(InvalidRequest::Nested);
            }
            command.encode(&mut transaction.before);
            transaction.queued += 1;
        }
        Ok(transaction)
    }

    pub(super) fn pending(&self) -> Pending {
        // The confirmations of a command with several channels are as many as these.
        let replies = match self.confirmation {
            Some(_) => self.count - 1,
            None => self.queued + 1,
        };
        Pending { replies, confirmation: self.confirmation }
    }

    pub(super) fn encode(self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.before);
        encode_count(b'*', self.count, bytes);
        bytes.extend_from_slice(&self.words);
    }
}

/// Returns the confirmation of a command that subscribes or unsubscribes.
fn confirmation(
    name: &[u8],
    second: Option<&[u8]>,
) -> Result<Option<Confirmation>, InvalidRequest> {
    let mut upper = [0; NAME];
    let Some(upper) = upper.get_mut(..name.len()) else { return Ok(None) };
    upper.copy_from_slice(name);
    upper.make_ascii_uppercase();
    let second_is = |word: &str| {
        let second = second.ok_or(InvalidRequest::Incomplete)?;
        Ok(second.eq_ignore_ascii_case(word.as_bytes()))
    };
    let confirmation = match &*upper {
        b"SUBSCRIBE" => "subscribe",
        b"UNSUBSCRIBE" => "unsubscribe",
        b"PSUBSCRIBE" => "psubscribe",
        b"PUNSUBSCRIBE" => "punsubscribe",
        b"SSUBSCRIBE" => "ssubscribe",
        b"SUNSUBSCRIBE" => "sunsubscribe",
        b"MONITOR" | b"SYNC" | b"PSYNC" | b"REPLCONF" => return Err(InvalidRequest::Replies),
        b"CLIENT" if second_is("REPLY")? => return Err(InvalidRequest::Replies),
        b"SCRIPT" if second_is("DEBUG")? => return Err(InvalidRequest::Replies),
        b"HELLO" if !second_is("3")? => return Err(InvalidRequest::Replies),
        b"MULTI" | b"EXEC" | b"DISCARD" | b"WATCH" => return Err(InvalidRequest::Transaction),
        _ => return Ok(None),
    };
    second.ok_or(InvalidRequest::Incomplete)?;
    Ok(Some(confirmation))
}

/// Writes a type byte, a number and the end of the line.
fn encode_count(kind: u8, count: usize, bytes: &mut Vec<u8>) {
    bytes.push(kind);
    decimal::encode(count as u64, bytes);
    bytes.extend_from_slice(b"\r\n");
}

impl fmt::Debug for Request {
    /// Shows no arguments, which may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.words.split(|byte| *byte == b'\n').nth(1).unwrap_or_default();
        let name = name.trim_ascii_end().escape_ascii();
        f.debug_struct("Request")
            .field("command", &format_args!("{name}"))
            .field("args", &(self.count - 1))
            .field("queued", &self.queued)
            .finish_non_exhaustive()
    }
}
