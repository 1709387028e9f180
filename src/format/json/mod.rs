//! JSON (RFC 8259) as a stream of events, from input that arrives in pieces.
//!
//! ```
//! use pushdown::json::{Event, Machine};
//! use pushdown::{Error, PushParser};
//!
//! let mut strings = Vec::new();
//! let mut string = String::new();
//! let mut parser = Machine::new();
//! for chunk in [r#"{"name": "caf\u00"#, r#"e9", "open": tr"#, r#"ue, "tags": ["a"]}"#] {
//!     let _ = parser.feed_with(chunk.as_bytes(), |event| {
//!         if let Event::String(piece) = event {
//!             string.push_str(piece.text);
//!             if !piece.more {
//!                 strings.push(std::mem::take(&mut string));
//!             }
//!         }
//!     });
//! }
//! parser.finish()?;
//! assert_eq!(strings, ["café", "a"]);
//! # Ok::<(), Error>(())
//! ```
//!
//! Texts are decoded, and reported as soon as they have arrived: a string that a chunk cuts comes in
//! [pieces](Text), and one that lies in a chunk without escapes is one event, which borrows the chunk.
//! When `feed` returns, all that the chunk has of a text has been reported, but for a character or an
//! escape that is itself cut. A [`Joiner`] makes whole strings of the pieces. Nothing else is held, so the
//! memory does not grow with the input.
//!
//! # JSON Lines
//! [`io::values`](crate::io::values) and its counterparts for tokio make an iterator or a stream of the records: as
//! text with [`Raw`], as a type with [`Typed`] (feature `serde`). [`Items`] takes the values at a pattern out of the
//! records:
//!
//! ```
//! use pushdown::PushParser;
//! use pushdown::json::{Extent, Items, Machine, Options, Pattern};
//!
//! let mut names = Vec::new();
//! let parser = Machine::located(Options::new().extent(Extent::Stream));
//! let mut items = Items::new(parser, Pattern::new("/user/name")?);
//! for chunk in ["{\"user\": {\"name\": \"An", "n\"}}\n{\"id\": 2}\n"] {
//!     let _ = items.feed_with(chunk.as_bytes(), |item| names.push(item.text().to_string()));
//! }
//! items.finish()?;
//! assert_eq!(names, ["\"Ann\""]);
//! # Ok::<(), pushdown::Error>(())
//! ```
//!
//! # How to choose
//! **The part of the input** that a parser takes is its [`Extent`], one of the [`Options`]:
//!
//! | the input is | extent | the parser succeeds |
//! |---|---|---|
//! | a file, or the body of a message, with one value in it | [`Document`](Extent::Document), the default | at the end of the input, with `finish` |
//! | a value, and then anything: another value, or the rest of a protocol | [`Value`](Extent::Value) | with the last byte of the value |
//! | values one after the other: JSON Lines, NDJSON, a log | [`Stream`](Extent::Stream) | at the end of the input, with `finish` |
//!
//! **On a socket that stays open** use `Value`, and [`next_value`](crate::PushParser::next_value) after each
//! value ([`io::values`](crate::io::values) does so, for `Raw` and `Typed`), or `Stream`. A `Document` waits for
//! the end of the input, which does not come. A number that the peer sends without anything after it is open in
//! every extent: its next digit may be on its way.
//!
//! **The engine.** They report the same, at every cut; the engine is the form of the code behind it, and
//! what it costs. Take [`Machine`] unless you have a reason not to: it can be cloned and sent, allocates
//! nothing up to 128 levels, and is the smallest. A body of your own calls [`value`] in the engine `coroutine`, and
//! [`value_async`] in `stackless`.
//!
//! | parser | the grammar is | a level of nesting is | MB/s in chunks of 64 KiB | memory while suspended | `Send` | `no_std` |
//! |---|---|---|---|---|---|---|
//! | [`Machine`] | an enum, and a step over it | a bit | 2,198 / 2,801 / 2,245 | 272 bytes | yes | yes |
//! | [`Coroutine`] | functions that call one another | calls, half a kilobyte | 2,356 / 2,871 / 2,182 | 8.3 KB | no | no |
//! | [`Stackless`] | an `async` function | a bit | 2,393 / 3,004 / 2,281 | 896 bytes | yes | with `alloc` |
//! | [`Generator`] | the same `async` function | a bit | 2,300 / 2,863 / 2,072 | 1,136 bytes | no | no |
//!
//! Throughput is that of `twitter.json`, `citm_catalog.json` and `canada.json`, every event reported to a
//! sink: 3.9 to 5.7 times that of bufjson's pipe (`cargo bench --bench json` in `benches/peers`; AMD EPYC with
//! AVX-512, 2026-11-29). The memory is that of a parser in a string eight levels deep, on the heap and on its
//! stack (`cargo run --release --example million -- --json 30000`). Pages of a stack that were not touched take
//! none. [`Coroutine`], [`Generator`] and [`Stackless`] are there with the features `coroutine`, `generator` and
//! `alloc`.
//!
//! **The consumer.** A parser reports events to a sink. These are structs beside the parser, called in the
//! sink:
//!
//! | you want | |
//! |---|---|
//! | whole strings | [`Joiner`] joins the pieces of a text |
//! | to indent, or to look at the upper levels alone | [`Depth`] counts the arrays and objects around an event |
//! | to leave out a value, and all that is in it | [`Skip`] recognises its events |
//! | to look at values here and there, as they come | [`Path`] and [`Pattern`]: is this at `/users/*/name`? |
//!
//! And these are parsers around a parser:
//!
//! | you want | reports | output |
//! |---|---|---|
//! | parts of a document of any size, one at a time | [`Items`]: each value at a pattern, as text; with the feature `serde`, as any type | |
//! | one value as text, to pass on or to store | [`Raw`]: nothing | the text |
//! | one value as a type | [`Typed`] (feature `serde`): nothing | the value |
//!
//! `Items` costs less than a `Path`, which holds each key. If the whole document is in memory and becomes one
//! type, call serde_json: there is nothing to stream.
//!
//! # Limits
//! So that nothing a peer sends makes memory or work grow without a bound:
//!
//! | limit | default | beyond it |
//! |---|---|---|
//! | [depth](Options::max_depth) | 128 | [`TooDeep`](crate::ErrorKind::TooDeep), at the same byte in every engine |
//! | bytes of a [string](Options::max_string) or a name, of a [number](Options::max_number) | none: they are reported in pieces | [`TooLong`](crate::ErrorKind::TooLong) |
//! | bytes of a text in [`Joiner`], of a value in [`Items`], [`Raw`] and [`Typed`] | 16 MiB each | `TooLong` |
//! | bytes of the keys of a [`Path`] | 64 KiB together | the key matches `*` alone |
//!
//! # Which byte an error blames
//! The first byte with which the input so far cannot become JSON. In `"\xE2("` that is the
//! parenthesis, and not the byte before it. What precedes the byte has been reported.
//!
//! | input | kind | blamed |
//! |---|---|---|
//! | a byte that the grammar does not allow | [`UnexpectedByte`](crate::ErrorKind::UnexpectedByte) | that byte |
//! | a string that is not UTF-8 | [`InvalidUtf8`](crate::ErrorKind::InvalidUtf8) | the first byte that cannot continue the character, the closing quote included |
//! | `\uDC00` without a high half before it | [`LoneSurrogate`](crate::ErrorKind::LoneSurrogate) | its last digit |
//! | `\uD800` without a low half after it | `LoneSurrogate` | the byte that is not `\` or not `u`, or the last digit of another unit |
//! | a bracket that is one level too deep | [`TooDeep`](crate::ErrorKind::TooDeep) | the bracket |
//! | a text that is longer than its limit | [`TooLong`](crate::ErrorKind::TooLong) | the byte that is one too many, or the last of an escape that is |
//!
//! # Differences from RFC 8259
//! None in the grammar. Where the RFC leaves a choice:
//! * The input is UTF-8, and is checked. A byte order mark is an error.
//! * Half of a surrogate pair (`"\uD800"`), which has no meaning, is an error.
//! * Members of the same name are all reported, in their order.
//! * A number is reported as it is written, of any size and precision.
//! * Depth is [limited](Options::max_depth).
//!
#![cfg_attr(feature = "serde", doc = "[`Typed`]: Typed")]
#![cfg_attr(not(feature = "serde"), doc = "[`Typed`]: crate#features")]

mod consumers;
#[cfg(feature = "coroutine")]
mod coroutine;
mod escape;
#[cfg(feature = "generator")]
mod generator;
mod limits;
mod machine;
mod marker;
mod nesting;
mod parser;
mod stackless;
mod token;

pub use crate::text::Text;
#[cfg(feature = "serde")]
pub use consumers::Typed;
pub use consumers::{Depth, Skip};
#[cfg(feature = "alloc")]
pub use consumers::{Item, Items, Joiner, Path, Pattern, Raw, Selected};
#[cfg(feature = "coroutine")]
pub use coroutine::{Coroutine, value};
#[cfg(feature = "generator")]
pub use generator::Generator;
pub use limits::{Extent, Limits, Options};
pub use machine::Machine;
pub use marker::{Json, Located, Marker};
pub(crate) use parser::parser;
#[cfg(feature = "alloc")]
pub use stackless::Stackless;
pub use stackless::value_async;

/// An event of JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event<'a> {
    /// `{`
    BeginObject,
    /// `}`
    EndObject,
    /// `[`
    BeginArray,
    /// `]`
    EndArray,
    /// A piece of a member's name, decoded.
    Key(Text<'a>),
    /// A piece of a string, decoded.
    String(Text<'a>),
    /// A piece of a number, as it is written.
    Number(Text<'a>),
    /// `true` or `false`
    Bool(bool),
    /// `null`
    Null,
}

/// White space between tokens.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\t' | b'\r')
}
