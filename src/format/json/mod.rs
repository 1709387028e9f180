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
//! escape that is itself cut.
//!
//! | parser | the grammar is | the arrays and objects around a value are |
//! |---|---|---|
//! | [`Machine`] | an enum, and a step over it | bits |
//! | [`Coroutine`] | functions that call one another | a call stack |
//! | [`Stackless`] | an `async` function | bits |
//! | [`Generator`] | the same `async` function | the same |
//!
//! The part of the input that a parser takes is its [`Extent`]: a document, which ends with the input, a
//! value, which may be followed by anything, or a stream of values.
//!
//! A body of your own reads a value with [`value`] or [`value_async`]. Without the features
//! `coroutine`, `generator` and `alloc` the parsers that need them are not there.
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
//! # Consumers
//! Structs beside the parser, called in the sink:
//!
//! | | |
//! |---|---|
//! | [`Joiner`] | joins the pieces of a text |
//! | [`Depth`] | counts the arrays and objects around an event |
//! | [`Skip`] | recognises the events of a value that is left out |
//! | [`Path`], [`Pattern`] | the path of a value, and whether it matches `/users/*/name` |
//!
//! And parsers around a parser:
//!
//! | | reports | output |
//! |---|---|---|
//! | [`Items`] | each value at a pattern, as text; with the feature `serde`, as any type | |
//! | [`Raw`] | | the text of one value |
//! | [`Typed`] (feature `serde`) | | one value, as a type |
//!
//! # Differences from RFC 8259
//! None in the grammar. A byte order mark is an error, which the RFC allows, and so are halves of
//! surrogate pairs, which cannot be decoded. Names that are the same are all reported. Depth is
//! [limited](Options::max_depth).

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
