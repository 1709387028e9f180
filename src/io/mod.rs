//! Sources of bytes, and parsers driven by them.
//!
//! | source | module or function | gives |
//! |---|---|---|
//! | [`BufRead`](std::io::BufRead) | [`parse`], [`parse_with`] | one value |
//! | tokio's `AsyncRead` | `framed::Reader` (feature `tokio`) | a stream of values |
//! | tokio's `AsyncWrite` | `framed::Writer` (feature `tokio`) | a sink of messages |
//!
//! Bytes from anywhere else go into [`PushParser::feed`](crate::PushParser::feed) as they arrive.

mod blocking;
#[cfg(feature = "tokio")]
pub mod framed;

pub use blocking::{ReadError, parse, parse_with};
