//! The quoted string, `/"([^"\\]|\\.)*"/`, in every engine.
//!
//! The format is the one that opens Russ Cox's lecture on concurrency in Go (MIT 6.824): a double
//! quote, any bytes, a double quote; a backslash escapes the byte after it, whatever that is. The
//! content is reported as [`Event::Text`], without the backslashes that escape.
//!
//! ```
//! use pushdown::{PushParser, quoted};
//!
//! let mut text = Vec::<u8>::new();
//! let mut parser = quoted::Machine::new();
//! for chunk in [&br#""say \"h"#[..], br#"i\"" "#] {
//!     let _ = parser.feed_with(chunk, |quoted::Event::Text(piece)| text.extend(piece));
//! }
//! assert_eq!(text, b"say \"hi\"");
//! ```
//!
//! ```text
//!                    any other byte
//!                       ┌────┐
//!           '"'         ▼    │    '"'
//!  Start ─────────►  Inside ─┴─────────►  Success
//!    │                │    ▲
//!    │ other      '\' │    │ any byte
//!    ▼                ▼    │
//!  BadInput           Escape
//! ```
//!
//! The files of this module are the same grammar in the same order, to be read side by side.
//!
//! # Differences from RFC 9110
//! HTTP's `quoted-string` (RFC 9110, section 5.6.4) has the same quotes and the same escape, but
//! allows only some bytes. Every string that it accepts is accepted here, with the same content and
//! the same end. This format also accepts every other byte between the quotes, control characters
//! and NUL included, and every byte after a backslash.
//!
//! # Differences from JSON and from Structured Fields
//! Their strings (RFC 8259, section 7; RFC 9651, section 3.3.3) have the same quotes and end at the
//! same byte. This format also accepts control characters, bytes that are not ASCII or not UTF-8,
//! and every byte after a backslash. An escape stands for the byte itself: decoding JSON's `\n` or
//! `\u0041` is left to the caller.

use crate::parser::Events;
use crate::scan::Escaped;

#[cfg(feature = "combinator")]
mod combinator;
#[cfg(feature = "coroutine")]
mod coroutine;
#[cfg(feature = "generator")]
mod generator;
mod machine;
mod stackless;

#[cfg(feature = "combinator")]
pub use combinator::Combinator;
#[cfg(feature = "coroutine")]
pub use coroutine::{Coroutine, string};
#[cfg(feature = "generator")]
pub use generator::Generator;
pub use machine::Machine;
#[cfg(feature = "alloc")]
pub use stackless::Stackless;
pub use stackless::string_async;

/// The event type of the quoted string, for [`PushParser::Events`](crate::PushParser::Events).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quoted {}

impl Events for Quoted {
    type Event<'a> = Event<'a>;
}

/// An event of the quoted string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A piece of the content, never empty. The pieces depend on the chunks and on the escapes;
    /// joined, they are the content.
    Text(&'a [u8]),
}

/// The stop of a run of text.
const CLOSING: Escaped = Escaped { close: b'"', escape: b'\\' };
