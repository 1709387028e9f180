//! What is received, and the straight-line code that reads it.

use std::vec::Vec;

use pushdown::engine::stackless::{DynTask, Input, Parser};
use pushdown::{ErrorKind, Failure};

/// The longest line, in bytes, without its end. A key has 250, a token 32, and a flag at most 21.
const MAX_LINE: usize = 2048;

/// How much room is made for a value before its bytes come.
const CAUTION: usize = 64 << 10;

/// A reply.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reply {
    /// What kind of reply it is.
    pub status: Status,
    /// The flags that were asked for, without the token and with one space between two. Of an error: what
    /// it says.
    pub flags: Vec<u8>,
    /// The value, if it was asked for and is there.
    pub value: Option<Vec<u8>>,
    pub(super) token: Option<u64>,
}

/// The kinds of [`Reply`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// `VA`: there is a value.
    Value,
    /// `HD`: done, and there is no value to come.
    Done,
    /// `EN`: there is no such key.
    Miss,
    /// `NS`: not stored.
    NotStored,
    /// `EX`: the value has been changed by somebody else.
    Exists,
    /// `NF`: there is no such key to change.
    NotFound,
    /// `MN`: the reply to `mn`.
    Noop,
    /// `ERROR`: no such command.
    Error,
    /// `CLIENT_ERROR`: the request is wrong.
    ClientError,
    /// `SERVER_ERROR`: the server cannot do it.
    ServerError,
}

impl Status {
    /// Whether it says that the request failed, and not only that there is no such key or value.
    pub fn is_error(self) -> bool {
        matches!(self, Self::Error | Self::ClientError | Self::ServerError)
    }

    fn of(word: &[u8]) -> Option<Self> {
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

/// A parser of replies, one after the other.
pub(super) fn parser(
    max_value: usize,
) -> Parser<impl DynTask<Events = (), Output = Reply> + Send + 'static> {
    let mut line = Vec::with_capacity(64);
    Parser::new(async move |input: &mut Input<'_>| reply(input, &mut line, max_value).await)
}

/// Reads one reply: `<status> [<length>] <flag>*\r\n`, and for `VA` so many bytes and `\r\n`.
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
    let status = words.next().and_then(Status::of);
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
        let mut value = Vec::with_capacity(length.min(CAUTION));
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
