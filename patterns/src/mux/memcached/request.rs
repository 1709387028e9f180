//! Requests.

use core::fmt;
use std::vec::Vec;

use crate::mux::decimal;

/// The longest key, in bytes.
pub const MAX_KEY: usize = 250;

/// The most flags of a request: memcached splits a line into a limited number of words, 20 at the
/// fewest, and does not read the value of a line that has more.
pub const MAX_FLAGS: usize = 12;

/// The longest flag with its token, in bytes: the letter and a number of 64 bits. With longer ones a
/// line could exceed the 2,048 bytes that memcached reads, and then the value would not be read.
pub const MAX_FLAG: usize = 21;

/// The longest value of a request, in bytes: memcached can be told to store as much, and does not read
/// a value whose length exceeds its 32-bit numbers.
pub const MAX_SET: usize = 1 << 30;

/// Room for a few flags, to be made with the rest of the line.
const FLAGS: usize = 8;

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
    /// A bit for the letter of each flag.
    flags: u64,
    pub(super) token: Option<u64>,
}

/// The reason why a request cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidRequest {
    /// The key is empty, longer than [`MAX_KEY`], or has a space or a control character in it.
    Key,
    /// The flag is not a letter followed by a token without spaces and control characters, is longer
    /// than [`MAX_FLAG`], is there already, or is one more than [`MAX_FLAGS`]; or it is `O`, which carries
    /// the tag, or `q`, which would leave the call without a reply; or the request is a noop.
    Flag,
    /// The value is longer than [`MAX_SET`].
    Value,
}

impl fmt::Display for InvalidRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key => write!(
                f,
                "invalid key: it is empty, longer than {MAX_KEY} bytes, or has a space in it"
            ),
            Self::Flag => f.write_str("invalid flag, or one that cannot be used here"),
            Self::Value => write!(f, "invalid value: it is longer than {MAX_SET} bytes"),
        }
    }
}

impl core::error::Error for InvalidRequest {}

impl Request {
    /// Gets a value: `mg <key> v`. The flag `v` is there already.
    ///
    /// # Errors
    /// If the key is invalid.
    pub fn get(key: impl AsRef<[u8]>) -> Result<Self, InvalidRequest> {
        Self::command(b"mg ", key.as_ref(), b"")?.flag("v")
    }

    /// Stores a value: `ms <key> <length>`.
    ///
    /// # Errors
    /// If the key is invalid or the value too long.
    pub fn set(key: impl AsRef<[u8]>, value: impl Into<Vec<u8>>) -> Result<Self, InvalidRequest> {
        let value = value.into();
        if value.len() > MAX_SET {
            return Err(InvalidRequest::Value);
        }
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

    /// Does nothing: `mn`. It is answered once all requests before it are.
    pub fn noop() -> Self {
        Self { line: b"mn".into(), value: None, flags: 0, token: None }
    }

    pub(super) fn is_noop(&self) -> bool {
        self.line == b"mn"
    }

    /// Adds a flag, directly followed by its token.
    ///
    /// # Errors
    /// If the flag is invalid.
    pub fn flag(mut self, flag: impl AsRef<[u8]>) -> Result<Self, InvalidRequest> {
        let flag = flag.as_ref();
        let (letter, token) = flag.split_first().ok_or(InvalidRequest::Flag)?;
        let is_offered = letter.is_ascii_alphabetic() && !matches!(letter, b'O' | b'q');
        // Letters differ in their last six bits.
        let flags = self.flags | 1 << (letter & 0x3f);
        let is_one_more = flags != self.flags && flags.count_ones() as usize <= MAX_FLAGS;
        if !is_offered || !is_one_more || self.is_noop() || !is_word(token) || flag.len() > MAX_FLAG
        {
            return Err(InvalidRequest::Flag);
        }
        self.flags = flags;
        self.line.push(b' ');
        self.line.extend_from_slice(flag);
        Ok(self)
    }

    fn command(name: &[u8], key: &[u8], rest: &[u8]) -> Result<Self, InvalidRequest> {
        if key.is_empty() || key.len() > MAX_KEY || !is_word(key) {
            return Err(InvalidRequest::Key);
        }
        let mut line = Vec::with_capacity(name.len() + key.len() + rest.len() + FLAGS);
        line.extend_from_slice(name);
        line.extend_from_slice(key);
        line.extend_from_slice(rest);
        Ok(Self { line, value: None, flags: 0, token: None })
    }

    pub(super) fn encode(self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.line);
        if let Some(token) = self.token
            && !self.is_noop()
        {
            bytes.extend_from_slice(b" O");
            decimal::encode(token, bytes);
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
