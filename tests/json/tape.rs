//! The expected events of a document as one row of bytes, with which those of a parser are compared as they
//! come. Documents have millions of events, and run many times.

use pushdown::json::{Event, Text};

/// A byte for each event; for a text also its bytes, and [`END`].
#[derive(Default)]
pub(crate) struct Tape(Vec<u8>);

/// No byte of UTF-8.
const END: u8 = 0xff;

impl Tape {
    /// Adds an event that is whole.
    pub(crate) fn add(&mut self, event: Event<'_>) {
        let (kind, text) = parts(event);
        self.0.push(kind);
        if let Some(Text { text, .. }) = text {
            self.0.extend(text.as_bytes());
            self.0.push(END);
        }
    }

    /// Starts a comparison.
    pub(crate) fn read(&self) -> Reading<'_> {
        Reading { rest: &self.0, open: None, wrong: None }
    }
}

/// A comparison with the events of a parser.
pub(crate) struct Reading<'t> {
    /// The events that are to come.
    rest: &'t [u8],
    /// The kind of the text that is open.
    open: Option<u8>,
    /// The first event that is not the expected one.
    wrong: Option<String>,
}

impl Reading<'_> {
    /// Compares an event.
    pub(crate) fn see(&mut self, event: Event<'_>) {
        let (kind, text) = parts(event);
        let begins = self.open.map_or_else(|| self.skip(&[kind]), |open| open == kind);
        let goes_on = match text {
            None => true,
            Some(Text { text, more: true }) => !text.is_empty() && self.skip(text.as_bytes()),
            Some(Text { text, more: false }) => self.skip(text.as_bytes()) && self.skip(&[END]),
        };
        self.open = text.is_some_and(|text| text.more).then_some(kind);
        if !(begins && goes_on) && self.wrong.is_none() {
            self.wrong = Some(format!("{event:?}"));
        }
    }

    fn skip(&mut self, bytes: &[u8]) -> bool {
        let rest = self.rest.strip_prefix(bytes);
        self.rest = rest.unwrap_or_default();
        rest.is_some()
    }

    /// Returns what is wrong about the events, if the last has come.
    pub(crate) fn end(self) -> Result<(), String> {
        match (self.wrong, self.rest) {
            (Some(event), _) => Err(format!("{event} is not the expected event")),
            (None, [_, ..]) => {
                Err(format!("events are missing before {} bytes of the tape", self.rest.len()))
            }
            (None, []) => Ok(()),
        }
    }
}

fn parts(event: Event<'_>) -> (u8, Option<Text<'_>>) {
    match event {
        Event::Key(text) => (b'k', Some(text)),
        Event::String(text) => (b's', Some(text)),
        Event::Number(text) => (b'n', Some(text)),
        Event::BeginObject => (b'{', None),
        Event::EndObject => (b'}', None),
        Event::BeginArray => (b'[', None),
        Event::EndArray => (b']', None),
        Event::Bool(true) => (b't', None),
        Event::Bool(false) => (b'f', None),
        Event::Null => (b'z', None),
    }
}
