//! Writers: RESP is not symmetric, so requests and values have one each.

#[cfg(feature = "alloc")]
use alloc::vec::Vec;

#[cfg(feature = "alloc")]
use super::{Null, Request, Value};

/// A place for encoded bytes: a `Vec`, or a closure that takes them.
///
/// ```
/// use pushdown::resp::encode_request;
///
/// let mut written = 0;
/// encode_request(["PING"], &mut |bytes: &[u8]| written += bytes.len());
/// assert_eq!(written, 14);
/// ```
pub trait Buffer {
    /// Appends bytes.
    fn put(&mut self, bytes: &[u8]);
}

#[cfg(feature = "alloc")]
impl Buffer for Vec<u8> {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

impl<F: FnMut(&[u8])> Buffer for F {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self(bytes);
    }
}

/// Writes a request: an array of bulk strings, which may hold any bytes.
///
/// ```
/// use pushdown::resp::encode_request;
///
/// let mut buffer = Vec::new();
/// encode_request(["SET", "key", "value"], &mut buffer);
/// assert_eq!(buffer, b"*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$5\r\nvalue\r\n");
/// ```
pub fn encode_request<A: AsRef<[u8]>>(
    args: impl IntoIterator<Item = A, IntoIter: ExactSizeIterator>,
    to: &mut impl Buffer,
) {
    let args = args.into_iter();
    length(b'*', args.len(), to);
    for arg in args {
        bulk(b'$', arg.as_ref(), to);
    }
}

/// Writes a type byte, a number and the line end.
fn length(kind: u8, length: usize, to: &mut impl Buffer) {
    number(kind, false, length as u64, to);
}

/// Writes a bulk string, or a bulk error.
fn bulk(kind: u8, content: &[u8], to: &mut impl Buffer) {
    length(kind, content.len(), to);
    to.put(content);
    to.put(b"\r\n");
}

/// Writes a line with a number.
fn number(kind: u8, is_negative: bool, mut number: u64, to: &mut impl Buffer) {
    // The type byte, a sign, 20 digits, and the line end.
    let mut line = [0; 24];
    let mut at = line.len() - 2;
    line[at..].copy_from_slice(b"\r\n");
    loop {
        at -= 1;
        line[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    if is_negative {
        at -= 1;
        line[at] = b'-';
    }
    at -= 1;
    line[at] = kind;
    to.put(&line[at..]);
}

#[cfg(feature = "alloc")]
impl Request {
    /// Writes the request: as [`encode_request`] does.
    pub fn encode(&self, to: &mut impl Buffer) {
        encode_request(self.args(), to);
    }
}

#[cfg(feature = "alloc")]
impl Value {
    /// Writes the value, with counted lengths, in the types that it has.
    ///
    /// A carriage return or a line feed in a simple string, in an error or in the text of a number would end its
    /// line early, and what follows it would be read as another value. A space is written in its place.
    ///
    /// ```
    /// use pushdown::resp::Value;
    ///
    /// let mut buffer = Vec::new();
    /// Value::Array(vec![Value::Integer(-1), Value::Bulk("a\r\n".into())]).encode(&mut buffer);
    /// Value::Error("ERR no\r\n:1".into()).encode(&mut buffer);
    /// assert_eq!(buffer, b"*2\r\n:-1\r\n$3\r\na\r\n\r\n-ERR no  :1\r\n");
    /// ```
    pub fn encode(&self, to: &mut impl Buffer) {
        match self {
            Self::Simple(text) => line(b'+', text, to),
            Self::Error(text) => line(b'-', text, to),
            Self::Integer(integer) => number(b':', *integer < 0, integer.unsigned_abs(), to),
            Self::Bulk(content) => bulk(b'$', content, to),
            Self::Null(Null::Resp3) => to.put(b"_\r\n"),
            Self::Null(Null::Bulk) => to.put(b"$-1\r\n"),
            Self::Null(Null::Array) => to.put(b"*-1\r\n"),
            Self::Bool(true) => to.put(b"#t\r\n"),
            Self::Bool(false) => to.put(b"#f\r\n"),
            Self::Double(text) => line(b',', text, to),
            Self::BigNumber(text) => line(b'(', text, to),
            Self::BlobError(content) => bulk(b'!', content, to),
            Self::Verbatim { format, text } => {
                length(b'=', format.len() + 1 + text.len(), to);
                to.put(format);
                to.put(b":");
                to.put(text);
                to.put(b"\r\n");
            }
            Self::Array(values) => list(b'*', values, to),
            Self::Set(values) => list(b'~', values, to),
            Self::Push(values) => list(b'>', values, to),
            Self::Map(pairs) => self::pairs(b'%', pairs, to),
            Self::Attributed(attributed) => {
                pairs(b'|', &attributed.attributes, to);
                attributed.value.encode(to);
            }
        }
    }
}

/// Writes a line that is a text.
#[cfg(feature = "alloc")]
fn line(kind: u8, text: &[u8], to: &mut impl Buffer) {
    to.put(&[kind]);
    let mut pieces = text.split(|byte| matches!(byte, b'\r' | b'\n'));
    to.put(pieces.next().unwrap_or_default());
    for piece in pieces {
        to.put(b" ");
        to.put(piece);
    }
    to.put(b"\r\n");
}

#[cfg(feature = "alloc")]
fn list(kind: u8, values: &[Value], to: &mut impl Buffer) {
    length(kind, values.len(), to);
    for value in values {
        value.encode(to);
    }
}

#[cfg(feature = "alloc")]
fn pairs(kind: u8, pairs: &[(Value, Value)], to: &mut impl Buffer) {
    length(kind, pairs.len(), to);
    for (key, value) in pairs {
        key.encode(to);
        value.encode(to);
    }
}
