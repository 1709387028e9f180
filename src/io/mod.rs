//! Sources of bytes, and parsers driven by them.
//!
//! ```
//! use pushdown::{io, json::Raw};
//!
//! let socket = &b"[1, 2] true\n"[..]; // as a `BufReader` of a `TcpStream`
//! let mut values = Vec::new();
//! for value in io::values(socket, Raw::new()) {
//!     values.push(value?);
//! }
//! assert_eq!(values, ["[1, 2]", "true"].map(Into::into));
//! # Ok::<(), io::ReadError>(())
//! ```
//!
//! | source | one value | all values | feature |
//! |---|---|---|---|
//! | [`BufRead`](std::io::BufRead) | [`parse`], [`parse_with`], [`try_parse_with`] | [`values`], an iterator | `std` |
//! | tokio's `AsyncBufRead` | the same in [`io::tokio`] | `io::tokio::values`, a stream | `tokio` |
//! | tokio's `AsyncRead` | | `Reader` in [`io::framed`], a stream | `tokio` |
//! | tokio-util's `FramedRead` | | `Codec` in [`io::codec`], a decoder | `codec` |
//! | a `Stream` of chunks | | `values` in [`io::stream`], a stream | `futures` |
//!
//! `Writer` in [`io::framed`] is a sink of messages over an `AsyncWrite`. Bytes from anywhere else
//! go into [`PushParser::feed`](crate::PushParser::feed) as they arrive.
//!
//! # Streams of values
//! All drivers that read several values have the same rules:
//!
//! * A value is returned with the byte that completes it. Offsets count on from value to value, so that errors
//!   name positions of the stream.
//! * An end of the input before a value [has begun](crate::PushParser::has_begun) is the end of the stream.
//!   White space that the format allows between values may come before it.
//! * In the middle of a value, [`finish`](crate::PushParser::finish) decides: its error is an item, its output
//!   is the last value, and if there is neither, the stream ends.
//! * A value of no bytes is an error, because there would be no end of them:
//!   [`NoProgress`](crate::ErrorKind::NoProgress).
//! * After an error of the source, the next call goes on where the parser was.
//! * After bad input and after the end there are no more items, and nothing more is read. The source stands
//!   before the offending byte.
//! * The parser can be looked at with `parser()`, where [`json::Typed`] for instance has
//!   the reason for an error. `into_parts()` gives everything back, at any time; a driver that is made of the parts
//!   goes on where the first one was, and after bad input with the next value.
//!
#![cfg_attr(feature = "serde", doc = "[`json::Typed`]: crate::json::Typed")]
#![cfg_attr(not(feature = "serde"), doc = "[`json::Typed`]: crate#features")]
#![cfg_attr(feature = "tokio", doc = "[`io::tokio`]: tokio")]
#![cfg_attr(not(feature = "tokio"), doc = "[`io::tokio`]: crate#features")]
#![cfg_attr(feature = "tokio", doc = "[`io::framed`]: framed")]
#![cfg_attr(not(feature = "tokio"), doc = "[`io::framed`]: crate#features")]
#![cfg_attr(feature = "codec", doc = "[`io::codec`]: codec")]
#![cfg_attr(not(feature = "codec"), doc = "[`io::codec`]: crate#features")]
#![cfg_attr(feature = "futures", doc = "[`io::stream`]: stream")]
#![cfg_attr(not(feature = "futures"), doc = "[`io::stream`]: crate#features")]

mod blocking;
#[cfg(feature = "codec")]
pub mod codec;
mod error;
#[cfg(feature = "tokio")]
pub mod framed;
mod sequence;
#[cfg(feature = "futures")]
pub mod stream;
#[cfg(feature = "tokio")]
pub mod tokio;

pub use blocking::{Values, parse, parse_with, try_parse_with, values};
pub use error::ReadError;
