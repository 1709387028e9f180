//! The second opinion on RESP: redis-protocol.
//!
//! Our value of an input that it accepts is the same, of as many bytes, unless the input is one of these:
//!
//! * *A spelling that no server writes.* redis-protocol looks for the first CR LF, so that a text may hold a CR or a LF. It
//!   does not look at the two bytes behind a content, at the line of a null, or at the colon behind a format. It takes signs
//!   before lengths, and doubles as Rust does (`.5`, `1.`, `infinity`). So if we refuse an input, what it has read must differ
//!   from the input when it is written again.
//! * *What is no value by itself*: a part of a streamed string or the end of an aggregate, where none is streamed, and `HELLO`.
//! * A push message inside another value, which the specification does not allow.
//! * A big number of other characters than digits.
//! * More than 128 bytes that may begin an aggregate: it nests by recursion, without a limit.
//!
//! It keeps one pair of those with the same key, and one element of a set of those that are equal: so do we when we
//! compare. Its doubles are compared as numbers.

use pushdown::resp::{Attributed, Null, Options, Value, Values, Version};
use redis_protocol::{resp2, resp3};
use resp2::types::OwnedFrame as Frame2;
use resp3::types::{FrameMap, OwnedFrame as Frame3, VerbatimStringFormat};

use super::output;

/// Compares our values, and the bytes they take, with those that redis-protocol accepts. The first byte chooses the version of the protocol.
pub fn resp_peer(data: &[u8]) {
    let Some((version, input)) = data.split_first() else { return };
    let may_begin = |byte: &&u8| matches!(**byte, b'*' | b'%' | b'~' | b'>' | b'|');
    if input.iter().filter(may_begin).count() > 128 || contains(input, b"HELLO") {
        return;
    }
    if version.is_multiple_of(2) {
        let Ok(Some((frame, len))) = resp2::decode::decode(input) else { return };
        check(input, len, Version::Resp2, &frame, frame2, value2);
    } else {
        let Ok(Some((frame, len))) = resp3::decode::complete::decode(input) else { return };
        check(
            input,
            len,
            Version::Resp3,
            &frame,
            |value| frame3(value, None),
            |frame| value3(frame, true),
        );
    }
}

/// Compares the frame that the peer has read from so many bytes with what we read.
fn check<F: core::fmt::Debug>(
    input: &[u8],
    len: usize,
    version: Version,
    frame: &F,
    frame_of: impl Fn(&Value) -> Option<F>,
    value_of: impl Fn(&F) -> Option<Value>,
) {
    let options = Options::new().version(version);
    let mut parser = Values::with_options(options).max_memory(u64::MAX);
    let (value, consumed, finished) = output(&mut parser, &[input]);
    let about = || format!("{version:?}: {}", input.escape_ascii());
    match value {
        Some(value) => {
            assert_eq!(consumed, len as u64, "our length (left) and the peer's: {}", about());
            // A number that is none is not equal to itself, but is shown as the same.
            let found = frame_of(&value).map(|frame| format!("{frame:?}"));
            assert_eq!(found, Some(format!("{frame:?}")), "our value (left): {}", about());
        }
        None => {
            let Some(value) = value_of(frame) else { return };
            let mut written = Vec::new();
            value.encode(&mut written);
            // Of the two nulls the peer keeps nothing.
            let is_spelled_so = written == replace(&input[..len], b"*-1\r\n", b"$-1\r\n");
            assert!(!is_spelled_so, "we have {finished:?}, the peer {frame:?}: {}", about());
        }
    }
}

fn contains(input: &[u8], bytes: &[u8]) -> bool {
    input.windows(bytes.len()).any(|window| window == bytes)
}

fn replace(mut input: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut replaced = Vec::new();
    while let Some((first, rest)) = input.split_first() {
        match input.strip_prefix(from) {
            Some(rest) => {
                replaced.extend_from_slice(to);
                input = rest;
            }
            None => {
                replaced.push(*first);
                input = rest;
            }
        }
    }
    replaced
}

/// The text of an error. The peer refuses one that is not UTF-8, unless it belongs to a pair that it has
/// dropped, for the key of another: then the text is not compared.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn frame2(value: &Value) -> Option<Frame2> {
    Some(match value {
        Value::Simple(text) => Frame2::SimpleString(text.to_vec()),
        Value::Error(bytes) => Frame2::Error(text(bytes)),
        Value::Integer(integer) => Frame2::Integer(*integer),
        Value::Bulk(text) => Frame2::BulkString(text.to_vec()),
        Value::Null(_) => Frame2::Null,
        Value::Array(list) => Frame2::Array(list.iter().map(frame2).collect::<Option<_>>()?),
        _ => return None,
    })
}

fn value2(frame: &Frame2) -> Option<Value> {
    Some(match frame {
        Frame2::SimpleString(text) => Value::Simple(text[..].into()),
        Frame2::Error(text) => Value::Error(text[..].into()),
        Frame2::Integer(integer) => Value::Integer(*integer),
        Frame2::BulkString(text) => Value::Bulk(text[..].into()),
        Frame2::Null => Value::Null(Null::Bulk),
        Frame2::Array(list) => Value::Array(list.iter().map(value2).collect::<Option<_>>()?),
    })
}

fn frame3(value: &Value, attributes: Option<FrameMap<Frame3, Frame3>>) -> Option<Frame3> {
    let each =
        |list: &[Value]| list.iter().map(|value| frame3(value, None)).collect::<Option<Vec<_>>>();
    Some(match value {
        Value::Simple(text) => Frame3::SimpleString { data: text.to_vec(), attributes },
        Value::Error(bytes) => Frame3::SimpleError { data: text(bytes), attributes },
        Value::Integer(integer) => Frame3::Number { data: *integer, attributes },
        Value::Bulk(text) => Frame3::BlobString { data: text.to_vec(), attributes },
        Value::Null(_) => Frame3::Null,
        Value::Bool(bool) => Frame3::Boolean { data: *bool, attributes },
        Value::Double(_) => Frame3::Double { data: value.as_f64()?, attributes },
        Value::BigNumber(text) => Frame3::BigNumber { data: text.to_vec(), attributes },
        Value::BlobError(text) => Frame3::BlobError { data: text.to_vec(), attributes },
        Value::Verbatim { format, text } => {
            let format = match format {
                b"txt" => VerbatimStringFormat::Text,
                b"mkd" => VerbatimStringFormat::Markdown,
                _ => return None,
            };
            Frame3::VerbatimString { data: text.to_vec(), format, attributes }
        }
        Value::Array(list) => Frame3::Array { data: each(list)?, attributes },
        Value::Push(list) => Frame3::Push { data: each(list)?, attributes },
        Value::Set(list) => {
            let data = list.iter().map(|value| frame3(value, None)).collect::<Option<_>>()?;
            Frame3::Set { data, attributes }
        }
        Value::Map(pairs) => Frame3::Map { data: pairs3(pairs)?, attributes },
        Value::Attributed(attributed) if attributes.is_none() => {
            frame3(&attributed.value, Some(pairs3(&attributed.attributes)?))?
        }
        Value::Attributed(_) => return None,
    })
}

/// The pairs, from the last to the first, as the peer inserts them.
fn pairs3(pairs: &[(Value, Value)]) -> Option<FrameMap<Frame3, Frame3>> {
    let frames = pairs.iter().rev();
    frames.map(|(key, value)| Some((frame3(key, None)?, frame3(value, None)?))).collect()
}

fn value3(frame: &Frame3, is_outermost: bool) -> Option<Value> {
    let inner = |frame: &Frame3| value3(frame, false);
    let pairs = |map: &FrameMap<Frame3, Frame3>| {
        let pairs = map.iter().rev().map(|(key, value)| Some((inner(key)?, inner(value)?)));
        pairs.collect::<Option<Vec<_>>>()
    };
    let (value, attributes) = match frame {
        Frame3::SimpleString { data, attributes } => (Value::Simple(data[..].into()), attributes),
        Frame3::SimpleError { data, attributes } => (Value::Error(data[..].into()), attributes),
        Frame3::Number { data, attributes } => (Value::Integer(*data), attributes),
        Frame3::BlobString { data, attributes } => (Value::Bulk(data[..].into()), attributes),
        Frame3::Null => (Value::Null(Null::Resp3), &None),
        Frame3::Boolean { data, attributes } => (Value::Bool(*data), attributes),
        Frame3::Double { data, attributes } => (Value::Double(data.to_string().into()), attributes),
        Frame3::BigNumber { data, attributes } => {
            let digits = data.strip_prefix(b"-").unwrap_or(data);
            if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
                return None;
            }
            (Value::BigNumber(data[..].into()), attributes)
        }
        Frame3::BlobError { data, attributes } => (Value::BlobError(data[..].into()), attributes),
        Frame3::VerbatimString { data, format, attributes } => {
            let format = match format {
                VerbatimStringFormat::Text => *b"txt",
                VerbatimStringFormat::Markdown => *b"mkd",
            };
            (Value::Verbatim { format, text: data[..].into() }, attributes)
        }
        Frame3::Array { data, attributes } => {
            (Value::Array(data.iter().map(inner).collect::<Option<_>>()?), attributes)
        }
        Frame3::Push { data, attributes } if is_outermost => {
            (Value::Push(data.iter().map(inner).collect::<Option<_>>()?), attributes)
        }
        Frame3::Set { data, attributes } => {
            (Value::Set(data.iter().map(inner).collect::<Option<_>>()?), attributes)
        }
        Frame3::Map { data, attributes } => (Value::Map(pairs(data)?), attributes),
        Frame3::Push { .. } | Frame3::ChunkedString(_) | Frame3::Hello { .. } => return None,
    };
    Some(match attributes {
        Some(attributes) => {
            Value::Attributed(Box::new(Attributed { attributes: pairs(attributes)?, value }))
        }
        None => value,
    })
}
