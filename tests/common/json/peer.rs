//! serde_json as a second opinion on documents.
//!
//! # Differences
//! Both read RFC 8259, and reject halves of surrogate pairs, byte order marks and text that is not UTF-8.
//! serde_json rejects two kinds of document that are accepted here:
//!
//! * a number that is infinite as an `f64`: serde_json returns a value, and the events are the text;
//! * exactly 128 levels: serde_json's limit counts the value inside the last of them.
//!
//! Of members with the same name both trees keep the last.

use core::mem;

use pushdown::json::{Event, Text};
use serde_json::{Map, Number, Value};

/// The depth from which on serde_json rejects a document.
const DEEPEST: usize = 128;

/// A value made from the events of a document.
#[derive(Debug, Default)]
pub struct Tree {
    open: Vec<Open>,
    text: String,
    value: Option<Value>,
    /// Set if serde_json rejects a document with these events.
    is_rejected: bool,
}

#[derive(Debug)]
enum Open {
    Array(Vec<Value>),
    /// The members, and the name of the next one.
    Object(Map<String, Value>, String),
}

impl Tree {
    /// Adds an event.
    pub fn see(&mut self, event: Event<'_>) {
        match event {
            Event::BeginObject => self.begin(Open::Object(Map::new(), String::new())),
            Event::BeginArray => self.begin(Open::Array(Vec::new())),
            Event::EndObject | Event::EndArray => {
                let value = match self.open.pop().expect("something is open") {
                    Open::Array(items) => items.into(),
                    Open::Object(members, _) => members.into(),
                };
                self.value(value);
            }
            Event::Key(piece) => {
                if let Some(text) = self.whole(piece) {
                    let Some(Open::Object(_, name)) = self.open.last_mut() else {
                        panic!("a name, and no object");
                    };
                    *name = text;
                }
            }
            Event::String(piece) => {
                if let Some(text) = self.whole(piece) {
                    self.value(text.into());
                }
            }
            Event::Number(piece) => {
                if let Some(text) = self.whole(piece) {
                    let number = serde_json::from_str::<Number>(&text);
                    self.is_rejected |= number.is_err();
                    self.value(number.map_or(Value::Null, Value::Number));
                }
            }
            Event::Bool(value) => self.value(value.into()),
            Event::Null => self.value(Value::Null),
        }
    }

    fn whole(&mut self, piece: Text<'_>) -> Option<String> {
        self.text.push_str(piece.text);
        (!piece.more).then(|| mem::take(&mut self.text))
    }

    fn begin(&mut self, open: Open) {
        self.open.push(open);
        self.is_rejected |= self.open.len() >= DEEPEST;
    }

    fn value(&mut self, value: Value) {
        match self.open.last_mut() {
            Some(Open::Array(items)) => items.push(value),
            Some(Open::Object(members, name)) => _ = members.insert(mem::take(name), value),
            None => self.value = Some(value),
        }
    }

    /// Checks that serde_json makes the same value of the document, or rejects it as well. Returns true if
    /// it does not, for one of the reasons above.
    ///
    /// # Panics
    /// If it disagrees.
    pub fn check(self, document: &[u8], is_accepted: bool) -> bool {
        let about = || document.escape_ascii();
        match serde_json::from_slice::<Value>(document) {
            Ok(expected) => {
                assert!(is_accepted, "serde_json accepts {}", about());
                assert!(!self.is_rejected, "serde_json accepts {}", about());
                assert_eq!(self.value, Some(expected), "serde_json (right) and {}", about());
                false
            }
            Err(error) => {
                assert!(!is_accepted || self.is_rejected, "serde_json: {error}, in {}", about());
                is_accepted
            }
        }
    }
}
