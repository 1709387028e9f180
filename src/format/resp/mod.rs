//! RESP, the protocol of Redis, in its versions 2 and 3, from input that arrives in pieces.
//!
//! ```
//! use pushdown::resp::{Event, Extent, Machine, Options};
//! use pushdown::{Error, PushParser};
//!
//! let mut texts = Vec::new();
//! let mut text = Vec::new();
//! let mut parser = Machine::with_options(Options::new().extent(Extent::Stream));
//! for chunk in [&b"+OK\r\n*2\r\n$5\r\nhel"[..], b"lo\r\n:4", b"2\r\n"] {
//!     let _ = parser.feed_with(chunk, |event| {
//!         if let Event::Simple(piece) | Event::Bulk(piece) = event {
//!             text.extend_from_slice(piece.bytes);
//!             if !piece.more {
//!                 texts.push(std::mem::take(&mut text));
//!             }
//!         }
//!     });
//! }
//! parser.finish()?;
//! assert_eq!(texts, [&b"OK"[..], b"hello"]);
//! # Ok::<(), Error>(())
//! ```
//!
//! A text that a chunk cuts comes in [pieces](Piece), as soon as they have arrived; one that lies in a chunk is one event,
//! which borrows the chunk. The last piece of a string comes with the last byte of its content, as its length is known.
//! Anything else is one event, which comes with its line end. Nothing is held, so the memory does not grow with the input.
//!
//! # How to choose
//! | you want | take | output |
//! |---|---|---|
//! | replies as values | [`Values`] | a [`Value`] each |
//! | requests, in a server | [`Requests`] | a [`Request`] each |
//! | parts of large replies, as they come, or no memory for each | a parser of events: [`Machine`] unless you have a reason not to | |
//! | to write requests | [`encode_request`], [`Request::encode`] | |
//! | to write replies | [`Value::encode`] | |
//!
//! A parser takes one value, and succeeds with its last byte. [`next_value`](crate::PushParser::next_value) starts the
//! next one; [`io::values`](crate::io::values) and its counterparts for tokio do so. With [`Extent::Stream`] a parser of events takes all values of a
//! connection. Push messages are values of their own, between those that answer requests.
//!
//! | parser | the grammar is | what is around a value | `Send` | `no_std` |
//! |---|---|---|---|---|
//! | [`Machine`] | an enum, and a step over it | a stack of counters | yes | yes |
//! | [`Coroutine`] | a function that calls itself | its calls | no | no |
//! | [`Stackless`] | an `async` function | a stack of counters | yes | with `alloc` |
//! | [`Generator`] | the same `async` function | a stack of counters | no | no |
//!
//! [`Coroutine`], [`Generator`] and [`Stackless`] are there with the features `coroutine`, `generator` and `alloc`, and
//! with `alloc` there are values and requests.
//!
//! # The grammar
//! ```text
//! value     = { attribute } ( line | string | aggregate )
//! line      = ( "+" | "-" ) text CRLF | ":" integer CRLF
//!           | "_" CRLF | "#" ( "t" | "f" ) CRLF | "," double CRLF | "(" [ sign ] digits CRLF
//! string    = "$" ( length CRLF bytes CRLF | "-1" CRLF | "?" CRLF { ";" length CRLF bytes CRLF } ";0" CRLF )
//!           | "!" length CRLF bytes CRLF | "=" length CRLF format ":" bytes CRLF
//! aggregate = ( "*" | "%" | "~" | ">" ) count CRLF value…  | "*-1" CRLF
//!           | ( "*" | "%" | "~" ) "?" CRLF value… "." CRLF
//! attribute = "|" count CRLF value…
//! ```
//!
//! Nothing closes an aggregate with a count. How many of its elements are still to come is the one thing that nests here:
//! a machine has to carry a stack of such counts (`nesting.rs`), and recursion gives it to the coroutine for nothing, as
//! a local variable of the call that reads the elements.
//!
//! # Limits
//! So that nothing a peer sends makes memory or work grow without a bound. Nothing is reserved for a length that is
//! declared, but for the elements of a [value](Values), 64 KiB at most:
//!
//! | limit | default | beyond it |
//! |---|---|---|
//! | [depth](Options::max_depth) | 128 | [`TooDeep`](crate::ErrorKind::TooDeep) |
//! | bytes of a [line](Options::max_line) | 64 KiB | [`TooLong`](crate::ErrorKind::TooLong) |
//! | bytes of a [bulk string](Options::max_bulk) | 512 MiB | `TooLong` |
//! | [elements](Options::max_elements) of an aggregate | 2³¹ | `TooLong` |
//! | memory of a [value](Values::max_memory) or a [request](Requests::max_memory) | 1 GiB | `TooLong` |
//!
//! # Which byte an error blames
//! The first byte with which the input so far cannot become RESP, or would be beyond a limit:
//!
//! | input | kind | blamed |
//! |---|---|---|
//! | a byte that the grammar does not allow, such as another than a digit | [`UnexpectedByte`](crate::ErrorKind::UnexpectedByte) | that byte |
//! | a line feed without a carriage return, or a carriage return without a line feed | `UnexpectedByte` | the line feed, or the byte behind the carriage return |
//! | a string with another length than it says | `UnexpectedByte` | the byte in place of its line end |
//! | an integer of more than 64 bits | `UnexpectedByte` | the digit with which it is one |
//! | a verbatim string that has no room for its format | `UnexpectedByte` | the carriage return behind its length |
//! | a length or a count beyond its limit | `TooLong` | the digit with which it is |
//! | a text that is longer than its limit | `TooLong` | the byte that is one too many |
//! | an element too many in a streamed aggregate | `TooLong` | its first byte |
//! | an aggregate that is one level too deep | `TooDeep` | its type byte |
//!
//! # Differences from the specification
//! That is [RESP](https://redis.io/docs/latest/develop/reference/protocol-spec/), and for streamed types the
//! [RESP3 specification](https://github.com/redis/redis-specifications/blob/master/protocol/RESP3.md).
//! * A double may be `nan` in capital letters, with a sign or with a payload (`nan(0x1)`), because servers before 7.2 send it
//!   so; and infinity may have a plus.
//! * Lengths and integers may have zeros in front.
//! * A push message inside another value is an error, because the specification says that there are none.
//! * The format of a verbatim string may be any three bytes.
//! * No text is checked to be UTF-8.
//! * Nothing is compared: a map may have the same key twice, and a set the same element.

#[cfg(feature = "alloc")]
mod blob;
#[cfg(feature = "alloc")]
mod build;
mod consumer;
#[cfg(feature = "coroutine")]
mod coroutine;
mod encode;
#[cfg(feature = "generator")]
mod generator;
#[cfg(feature = "alloc")]
mod inline;
mod line;
mod machine;
mod nesting;
mod options;
#[cfg(feature = "alloc")]
mod request;
#[cfg(feature = "alloc")]
mod stackless;
mod text;
mod token;
#[cfg(feature = "alloc")]
mod value;
#[cfg(feature = "alloc")]
mod values;

#[cfg(feature = "alloc")]
pub use blob::Blob;
#[cfg(feature = "coroutine")]
pub use coroutine::Coroutine;
pub use encode::{Buffer, encode_request};
#[cfg(feature = "generator")]
pub use generator::Generator;
pub use machine::Machine;
pub use options::{Extent, Options, Version};
#[cfg(feature = "alloc")]
pub use request::{Request, Requests};
#[cfg(feature = "alloc")]
pub use stackless::Stackless;
#[cfg(feature = "alloc")]
pub use value::{Attributed, Value};
#[cfg(feature = "alloc")]
pub use values::Values;

use crate::parser::Events;

/// The events of RESP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resp {}

impl Events for Resp {
    type Event<'a> = Event<'a>;
}

/// An event of RESP.
///
/// An aggregate is its beginning, the events of its elements, and [`End`](Event::End), whether it was counted or streamed. An
/// attribute comes before the value that it describes, and is no element of the aggregate around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event<'a> {
    /// `+`: a piece of a simple string.
    Simple(Piece<'a>),
    /// `-`: a piece of an error.
    Error(Piece<'a>),
    /// `:`: an integer.
    Integer(i64),
    /// `$`: a piece of a bulk string, or of a streamed string.
    Bulk(Piece<'a>),
    /// `_`, `$-1` or `*-1`: a null.
    Null(Null),
    /// `#`: a truth value.
    Bool(bool),
    /// `,`: a piece of a double, as it is written.
    Double(Piece<'a>),
    /// `(`: a piece of a big number, as it is written.
    BigNumber(Piece<'a>),
    /// `!`: a piece of a bulk error.
    BlobError(Piece<'a>),
    /// `=`: a piece of a verbatim string.
    Verbatim {
        /// The format of the text, `txt` or `mkd`: the same in each piece.
        format: [u8; 3],
        /// The piece.
        text: Piece<'a>,
    },
    /// `*`: the beginning of an array.
    Array(Length),
    /// `%`: the beginning of a map.
    Map(Length),
    /// `~`: the beginning of a set.
    Set(Length),
    /// `>`: the beginning of a push message, which answers no request.
    Push(Length),
    /// `|`: the beginning of an attribute. It describes the value that follows its end.
    Attribute(Length),
    /// The end of the innermost aggregate.
    End,
}

/// A piece of a text that RESP reports.
///
/// A text ends with exactly one piece whose `more` is false, and which may be empty. A piece that is
/// followed by more of its text is never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Piece<'a> {
    /// The piece, of any bytes.
    pub bytes: &'a [u8],
    /// True if the text goes on in the next event, which is of the same kind.
    pub more: bool,
}

/// The number of elements of an aggregate; of a map and an attribute, the number of pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Length {
    /// So many follow.
    Counted(u64),
    /// They follow up to a mark.
    Streamed,
}

/// The three ways to write a null.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Null {
    /// `_`
    Resp3,
    /// `$-1`: no bulk string.
    Bulk,
    /// `*-1`: no array.
    Array,
}
