//! Replies, and the straight-line code that reads them.

use std::vec::Vec;

use pushdown::engine::stackless::{DynTask, Input, Parser};
use pushdown::{ErrorKind, Failure};

/// The longest line, in bytes, without its end.
///
/// Stops a server that never ends a line. Ample for well-behaved ones: a key has up to
/// [`MAX_KEY`](super::MAX_KEY) bytes, a token 32, and a flag at most 21.
const MAX_LINE: usize = 2048;

/// The most room to make for a value before its bytes come, so that a server that only announces
/// large values makes us allocate little.
const MAX_RESERVED: usize = 64 << 10;

/// A reply.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reply {
    /// The kind of reply.
    pub status: Status,
    /// The flags that were requested, without the token, separated by single spaces. For an error, its
    /// text.
    pub flags: Vec<u8>,
    /// The value, if it was requested and exists.
    pub value: Option<Vec<u8>>,
    pub(super) token: Option<u64>,
}

/// The kinds of [`Reply`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// `VA`: a value follows.
    Value,
    /// `HD`: done, and no value follows.
    Done,
    /// `EN`: the key to read does not exist.
    Miss,
    /// `NS`: the value was not stored.
    NotStored,
    /// `EX`: the value has changed since it was read.
    Exists,
    /// `NF`: the key to change does not exist.
    NotFound,
    /// `MN`: the reply to `mn`.
    Noop,
    /// `ERROR`: the command does not exist.
    Error,
    /// `CLIENT_ERROR`: the request is invalid.
    ClientError,
    /// `SERVER_ERROR`: the server failed to do it.
    ServerError,
}

impl Status {
    /// Returns true if the request failed. A missing key or value is not an error.
    pub fn is_error(self) -> bool {
        matches!(self, Self::Error | Self::ClientError | Self::ServerError)
    }

    fn from_word(word: &[u8]) -> Option<Self> {
        Some(match word {
            b"VA" => Self::Value,
            b"HD" => Self::Done,
            b"EN" => Self::Miss,
            b"NS" => Self::NotStored,
            b"EX" => Self::Exists,
            b"NF" => Self::NotFound,
            b"MN" => Self::Noop,
            b"ERROR" => Self::Error,
            b"CLIENT_ERROR" => Self::ClientError,
            b"SERVER_ERROR" => Self::ServerError,
            _ => return None,
        })
    }
}

/// Creates a parser of replies. It keeps its line buffer from one reply to the next.
pub(super) fn parser(
    max_value: usize,
) -> Parser<impl DynTask<Events = (), Output = Reply> + Send + 'static> {
    let mut line = Vec::with_capacity(64);
    Parser::new(async move |input: &mut Input<'_>| reply(input, &mut line, max_value).await)
}

/// Reads one reply: `<status> [<length>] <flag>*\r\n`, and for `VA` then `length` bytes and `\r\n`.
async fn reply(
    input: &mut Input<'_>,
    line: &mut Vec<u8>,
    max_value: usize,
) -> Result<Reply, Failure> {
    line.clear();
    loop {
        match input.next().await? {
            b'\n' if line.last() == Some(&b'\r') => break,
            _ if line.len() > MAX_LINE => return Err(input.fail(ErrorKind::TooLong)),
            byte => line.push(byte),
        }
    }
    let mut words = line[..line.len() - 1].split(|byte| *byte == b' ');
    let status = words.next().and_then(Status::from_word);
    let Some(status) = status else { return Err(input.fail(ErrorKind::UnexpectedByte)) };
    let mut length = None;
    if status == Status::Value {
        length = words.next().and_then(number);
        if length.is_none() {
            return Err(input.fail(ErrorKind::UnexpectedByte));
        }
    }
    let mut reply = Reply { status, flags: Vec::new(), value: None, token: None };
    for word in words {
        match word {
            [b'O', token @ ..] if !status.is_error() => reply.token = number(token),
            word => {
                if !reply.flags.is_empty() {
                    reply.flags.push(b' ');
                }
                reply.flags.extend_from_slice(word);
            }
        }
    }
    if let Some(length) = length {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > max_value {
            return Err(input.fail(ErrorKind::TooLong));
        }
        let mut value = Vec::with_capacity(length.min(MAX_RESERVED));
        while value.len() < length {
            value.extend_from_slice(input.take(length - value.len()).await?);
        }
        input.expect(b'\r').await?;
        input.expect(b'\n').await?;
        reply.value = Some(value);
    }
    Ok(reply)
}

fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, digit| {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number.checked_mul(10)?.checked_add(u64::from(digit))
    })
}
