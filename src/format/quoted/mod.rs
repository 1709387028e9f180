//! The quoted string, `/"([^"\\]|\\.)*"/`, in every engine.
//!
//! The format is the one that opens Russ Cox's lecture on concurrency in Go (MIT 6.824): a double
//! quote, any bytes, a double quote; a backslash takes the byte after it along, whatever it is. The
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
//! The files of this module are the same grammar in the same order: lay them side by side.
//!
//! # Differences from RFC 9110
//! HTTP's `quoted-string` (RFC 9110, section 5.6.4) has the same quotes and the same escape, but
//! allows only some bytes. Every string that it accepts is accepted here, with the same content and
//! the same end. Besides, this format accepts every byte between the quotes, control characters and
//! NUL included, and every byte after a backslash.
//!
//! # Differences from JSON and from Structured Fields
//! Their strings (RFC 8259, section 7; RFC 9651, section 3.3.3) have the same quotes and end at the
//! same byte. Besides what they accept, this format accepts control characters, bytes that are not
//! ASCII or not UTF-8, and every byte after a backslash. Here an escape is the byte itself: the
//! meaning that JSON gives to `\n` or `\u0041` is for the caller.

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

/// The events of a quoted string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quoted {}

impl Events for Quoted {
    type Event<'a> = Event<'a>;
}

/// What a quoted string reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A part of the content, never empty. Where the content is cut into parts depends on the
    /// chunks and on the escapes.
    Text(&'a [u8]),
}

/// What ends a run of text.
const CLOSING: Escaped = Escaped { close: b'"', escape: b'\\' };
