//! RESP

#[cfg(feature = "alloc")]
mod blob;
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
