//! Values from events, in the plainest way.

use core::mem;

use pushdown::resp::{Attributed, Event, Piece, Value};

/// A value made of the events of a parser.
#[derive(Debug, Default)]
pub struct Tree {
    open: Vec<Open>,
    text: Vec<u8>,
    /// The attributes before the next value, of each level.
    attributes: Vec<Vec<Value>>,
    values: Vec<Value>,
}

#[derive(Debug)]
struct Open {
    kind: char,
    values: Vec<Value>,
    attributes: Vec<Vec<Value>>,
}

impl Tree {
    /// Adds an event.
    pub fn see(&mut self, event: Event<'_>) {
        match event {
            Event::Simple(piece) => self.text(piece, |text| Value::Simple(text.into())),
            Event::Error(piece) => self.text(piece, |text| Value::Error(text.into())),
            Event::Bulk(piece) => self.text(piece, |text| Value::Bulk(text.into())),
            Event::Double(piece) => self.text(piece, |text| Value::Double(text.into())),
            Event::BigNumber(piece) => self.text(piece, |text| Value::BigNumber(text.into())),
            Event::BlobError(piece) => self.text(piece, |text| Value::BlobError(text.into())),
            Event::Verbatim { format, text } => {
                self.text(text, |text| Value::Verbatim { format, text: text.into() });
            }
            Event::Integer(integer) => self.value(Value::Integer(integer)),
            Event::Null(null) => self.value(Value::Null(null)),
            Event::Bool(bool) => self.value(Value::Bool(bool)),
            Event::Array(_) => self.begin('*'),
            Event::Map(_) => self.begin('%'),
            Event::Set(_) => self.begin('~'),
            Event::Push(_) => self.begin('>'),
            Event::Attribute(_) => self.begin('|'),
            Event::End => self.end(),
        }
    }

    /// Returns the values that are complete.
    pub fn values(&mut self) -> Vec<Value> {
        mem::take(&mut self.values)
    }

    fn begin(&mut self, kind: char) {
        let attributes = mem::take(&mut self.attributes);
        self.open.push(Open { kind, values: mem::take(&mut self.values), attributes });
    }

    fn end(&mut self) {
        let open = self.open.pop().expect("an aggregate is open");
        let values = mem::replace(&mut self.values, open.values);
        assert!(self.attributes.is_empty(), "an attribute of nothing");
        self.attributes = open.attributes;
        match open.kind {
            '*' => self.value(Value::Array(values)),
            '~' => self.value(Value::Set(values)),
            '>' => self.value(Value::Push(values)),
            '%' => self.value(Value::Map(pairs(values))),
            _ => self.attributes.push(values),
        }
    }

    fn text(&mut self, piece: Piece<'_>, value: impl Fn(Vec<u8>) -> Value) {
        self.text.extend(piece.bytes);
        if !piece.more {
            let text = mem::take(&mut self.text);
            self.value(value(text));
        }
    }

    fn value(&mut self, mut value: Value) {
        while let Some(attribute) = self.attributes.pop() {
            let attributes = pairs(attribute);
            value = Value::Attributed(Box::new(Attributed { attributes, value }));
        }
        self.values.push(value);
    }
}

fn pairs(values: Vec<Value>) -> Vec<(Value, Value)> {
    assert_eq!(values.len() % 2, 0, "pairs");
    let mut values = values.into_iter();
    let mut pairs = Vec::new();
    while let (Some(key), Some(value)) = (values.next(), values.next()) {
        pairs.push((key, value));
    }
    pairs
}
