//! Requests.

use core::fmt;
use std::vec::Vec;

/// The longest key, in bytes.
pub const MAX_KEY: usize = 250;

/// A command of the meta protocol, always well formed.
///
/// ```
/// use pushdown_patterns::mux::memcached::Request;
///
/// let request = Request::get("key")?.flag("t")?;
/// assert_eq!(request.to_string(), "mg key v t");
/// assert_eq!(Request::set("key", "value")?.flag("T60")?.to_string(), "ms key 5 T60");
/// assert!(Request::get("two words").is_err());
/// # Ok::<(), pushdown_patterns::mux::memcached::InvalidRequest>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// The command line, without the token and the end of the line.
    line: Vec<u8>,
    value: Option<Vec<u8>>,
    pub(super) token: Option<u64>,
}

/// The reason why a request cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidRequest {
    /// The key is empty, longer than [`MAX_KEY`], or has a space or a control character in it.
    Key,
    /// The flag is not a letter followed by a token without spaces and control characters; or it is
    /// `O`, which carries the tag, or `q`, which would leave the call without a reply.
    Flag,
}

impl fmt::Display for InvalidRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key => write!(
                f,
                "invalid key: it is empty, longer than {MAX_KEY} bytes, or has a space in it"
            ),
            Self::Flag => f.write_str("invalid flag, or one that cannot be used here"),
        }
    }
}

impl core::error::Error for InvalidRequest {}

impl Request {
    /// Gets a value: `mg <key> v`.
    ///
    /// # Errors
    /// If the key is invalid.
    pub fn get(key: impl AsRef<[u8]>) -> Result<Self, InvalidRequest> {
        Self::command(b"mg ", key.as_ref(), b" v")
    }

    /// Stores a value: `ms <key> <length>`.
    ///
    /// # Errors
    /// If the key is invalid.
    pub fn set(key: impl AsRef<[u8]>, value: impl Into<Vec<u8>>) -> Result<Self, InvalidRequest> {
        let value = value.into();
        let length = std::format!(" {}", value.len());
        let request = Self::command(b"ms ", key.as_ref(), length.as_bytes())?;
        Ok(Self { value: Some(value), ..request })
    }

    /// Deletes a value: `md <key>`.
    ///
    /// # Errors
    /// If the key is invalid.
    pub fn delete(key: impl AsRef<[u8]>) -> Result<Self, InvalidRequest> {
        Self::command(b"md ", key.as_ref(), b"")
    }

    /// Increments or decrements a number: `ma <key>`.
    ///
    /// # Errors
    /// If the key is invalid.
    pub fn arithmetic(key: impl AsRef<[u8]>) -> Result<Self, InvalidRequest> {
        Self::command(b"ma ", key.as_ref(), b"")
    }

    /// Does nothing: `mn`. It has no tag, so it can only be [sent](crate::mux::Mux::send).
    pub fn noop() -> Self {
        Self { line: b"mn".into(), value: None, token: None }
    }

    /// Adds a flag, directly followed by its token.
    ///
    /// # Errors
    /// If the flag is invalid.
    pub fn flag(mut self, flag: impl AsRef<[u8]>) -> Result<Self, InvalidRequest> {
        match flag.as_ref() {
            [b'O' | b'q', ..] => Err(InvalidRequest::Flag),
            flag @ [b'a'..=b'z' | b'A'..=b'Z', rest @ ..] if is_word(rest) => {
                self.line.push(b' ');
                self.line.extend_from_slice(flag);
                Ok(self)
            }
            _ => Err(InvalidRequest::Flag),
        }
    }

    fn command(name: &[u8], key: &[u8], rest: &[u8]) -> Result<Self, InvalidRequest> {
        if key.is_empty() || key.len() > MAX_KEY || !is_word(key) {
            return Err(InvalidRequest::Key);
        }
        let mut line = Vec::with_capacity(name.len() + key.len() + rest.len());
        line.extend_from_slice(name);
        line.extend_from_slice(key);
        line.extend_from_slice(rest);
        Ok(Self { line, value: None, token: None })
    }

    pub(super) fn encode(self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.line);
        if let Some(token) = self.token {
            bytes.extend_from_slice(b" O");
            encode_number(token, bytes);
        }
        bytes.extend_from_slice(b"\r\n");
        if let Some(value) = self.value {
            bytes.extend_from_slice(&value);
            bytes.extend_from_slice(b"\r\n");
        }
    }
}

fn is_word(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte > b' ' && *byte != 0x7f)
}

fn encode_number(number: u64, bytes: &mut Vec<u8>) {
    if number >= 10 {
        encode_number(number / 10, bytes);
    }
    bytes.push(b'0' + (number % 10) as u8);
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.line.escape_ascii())
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = std::string::ToString::to_string(self);
        f.debug_struct("Request").field("line", &line).field("token", &self.token).finish()
    }
}
