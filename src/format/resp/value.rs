//! Values as trees.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::{Blob, Null};

/// An owned value. [`Values`](super::Values) reads it, and [`encode`](Self::encode) writes it.
///
/// Nothing is interpreted: a map has its pairs in the order of the wire, with all that have the same key, because
/// keys may be of any type, and real servers send maps in sets.
///
/// A value is dropped, cloned and compared by recursion, so with another limit of
/// [depth](super::Options::max_depth) than the default ask for a stack that is as large.
///
/// ```
/// use pushdown::PushParser;
/// use pushdown::resp::{Value, Values};
///
/// let mut parser = Values::new();
/// let _ = parser.feed(b"*2\r\n:1\r\n$2\r\nhi\r\n");
/// let value = parser.take_output().unwrap();
/// assert_eq!(value, Value::Array(vec![Value::Integer(1), Value::Bulk("hi".into())]));
///
/// let mut bytes = Vec::new();
/// value.encode(&mut bytes);
/// assert_eq!(bytes, b"*2\r\n:1\r\n$2\r\nhi\r\n");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// `+`: a simple string.
    Simple(Blob),
    /// `-`: an error.
    Error(Blob),
    /// `:`: an integer.
    Integer(i64),
    /// `$`: a bulk string, streamed or not.
    Bulk(Blob),
    /// `_`, `$-1` or `*-1`: a null.
    Null(Null),
    /// `#`: a truth value.
    Bool(bool),
    /// `,`: a double, as it is written. [`as_f64`](Self::as_f64) reads it.
    Double(Blob),
    /// `(`: a big number, as it is written.
    BigNumber(Blob),
    /// `!`: a bulk error.
    BlobError(Blob),
    /// `=`: a verbatim string.
    Verbatim {
        /// The format of the text: `txt`, `mkd`.
        format: [u8; 3],
        /// The text.
        text: Blob,
    },
    /// `*`: an array, streamed or not, as all aggregates.
    Array(Vec<Value>),
    /// `%`: a map.
    Map(Vec<(Value, Value)>),
    /// `~`: a set.
    Set(Vec<Value>),
    /// `>`: a push message, which answers no request.
    Push(Vec<Value>),
    /// `|`: a value with the attribute before it.
    Attributed(Box<Attributed>),
}

/// A value, and what describes it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Attributed {
    /// The pairs of the attribute.
    pub attributes: Vec<(Value, Value)>,
    /// The value.
    pub value: Value,
}

impl Value {
    /// Returns the bytes of a string or of an error of any kind, and the text of a number that is not an integer.
    ///
    /// ```
    /// use pushdown::resp::Value;
    ///
    /// assert_eq!(Value::Bulk("text".into()).as_bytes(), Some(&b"text"[..]));
    /// assert_eq!(Value::Integer(1).as_bytes(), None);
    /// ```
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Simple(text)
            | Self::Error(text)
            | Self::Bulk(text)
            | Self::Double(text)
            | Self::BigNumber(text)
            | Self::BlobError(text)
            | Self::Verbatim { text, .. } => Some(text),
            Self::Attributed(attributed) => attributed.value.as_bytes(),
            _ => None,
        }
    }

    /// The text of a value that is one, but not of one with attributes.
    #[inline(always)]
    pub(super) fn text_mut(&mut self) -> Option<&mut Blob> {
        match self {
            Self::Simple(text)
            | Self::Error(text)
            | Self::Bulk(text)
            | Self::Double(text)
            | Self::BigNumber(text)
            | Self::BlobError(text)
            | Self::Verbatim { text, .. } => Some(text),
            _ => None,
        }
    }

    /// Returns the number of a double.
    ///
    /// ```
    /// use pushdown::resp::Value;
    ///
    /// assert_eq!(Value::Double("-1.5e3".into()).as_f64(), Some(-1500.0));
    /// assert_eq!(Value::Double("inf".into()).as_f64(), Some(f64::INFINITY));
    /// ```
    pub fn as_f64(&self) -> Option<f64> {
        let Self::Double(text) = self else { return None };
        let text = str::from_utf8(text).ok()?;
        // The payload of a number that is none means nothing.
        text.split('(').next()?.parse().ok()
    }

    /// Returns true if the value is an error, of either kind.
    pub fn is_error(&self) -> bool {
        match self {
            Self::Error(_) | Self::BlobError(_) => true,
            Self::Attributed(attributed) => attributed.value.is_error(),
            _ => false,
        }
    }
}
