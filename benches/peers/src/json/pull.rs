//! Parsers that read from a [`Read`].

use std::io::{self, Read};
use std::slice::Chunks;

use json_event_parser::{JsonEvent, ReaderJsonParser, SliceJsonParser};
use struson::reader::{JsonReader, JsonStreamReader, ReaderSettings, ValueType};

use super::Seen;

pub(super) fn json_event_parser(document: &'static [u8], size: usize) -> Seen {
    let mut seen = Seen::default();
    if size == document.len() {
        let mut parser = SliceJsonParser::new(document);
        while see(&mut seen, &parser.parse_next().expect("a document")) {}
    } else {
        let mut parser = ReaderJsonParser::new(Slices::new(document, size));
        while see(&mut seen, &parser.parse_next().expect("a document")) {}
    }
    seen
}

/// Returns `false` at the end.
fn see(seen: &mut Seen, event: &JsonEvent<'_>) -> bool {
    match event {
        JsonEvent::String(text) | JsonEvent::Number(text) | JsonEvent::ObjectKey(text) => {
            seen.text(text);
        }
        JsonEvent::Eof => return false,
        _ => seen.event(),
    }
    true
}

/// struson, without its path and its limits for numbers.
pub(super) fn struson(document: &'static [u8], size: usize) -> Seen {
    let settings =
        ReaderSettings { track_path: false, restrict_number_values: false, ..Default::default() };
    let mut reader = JsonStreamReader::new_custom(Slices::new(document, size), settings);
    let mut seen = Seen::default();
    next_value(&mut reader, &mut seen);
    reader.consume_trailing_whitespace().expect("a document");
    seen
}

fn next_value(reader: &mut impl JsonReader, seen: &mut Seen) {
    match reader.peek().expect("a value") {
        ValueType::Object => {
            seen.event();
            reader.begin_object().expect("an object");
            while reader.has_next().expect("a member") {
                seen.text(reader.next_name().expect("a name"));
                next_value(reader, seen);
            }
            reader.end_object().expect("an object");
            seen.event();
        }
        ValueType::Array => {
            seen.event();
            reader.begin_array().expect("an array");
            while reader.has_next().expect("an element") {
                next_value(reader, seen);
            }
            reader.end_array().expect("an array");
            seen.event();
        }
        ValueType::String => seen.text(reader.next_str().expect("a string")),
        ValueType::Number => seen.text(reader.next_number_as_str().expect("a number")),
        ValueType::Boolean => {
            reader.next_bool().expect("a boolean");
            seen.event();
        }
        ValueType::Null => {
            reader.next_null().expect("null");
            seen.event();
        }
    }
}

/// A chunk with each read, or a part of one that is longer than the reader's buffer.
struct Slices {
    chunks: Chunks<'static, u8>,
    rest: &'static [u8],
}

impl Slices {
    fn new(document: &'static [u8], size: usize) -> Self {
        Self { chunks: document.chunks(size), rest: &[] }
    }
}

impl Read for Slices {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.rest.is_empty() {
            self.rest = self.chunks.next().unwrap_or_default();
        }
        self.rest.read(buffer)
    }
}
