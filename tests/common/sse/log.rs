//! The events of an event stream, with the pieces of each value joined.

use core::fmt;

use pushdown::sse::{Event, Field, Text};

/// The events that a parser has reported. Displayed one after the other, `data("x") dispatch`, and at the end a
/// value that is still open: `data("x…`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Log {
    whole: Vec<Entry>,
    open: Option<(Field, String)>,
    /// The fault in the pieces of a value.
    fault: Option<&'static str>,
}

#[derive(Clone, PartialEq, Eq)]
enum Entry {
    Field(Field, String),
    Dispatch,
    Discard,
}

impl Log {
    /// Records an event, and notes what is wrong with it.
    pub fn see(&mut self, event: Event<'_>) {
        match event {
            Event::Field { name, value: Text { text, more } } => {
                if more && text.is_empty() {
                    self.fault = Some("an empty piece, and more of the value");
                }
                self.piece(name, text);
                if !more {
                    self.close(name);
                }
            }
            Event::Dispatch => self.blank(Entry::Dispatch),
            Event::Discard => self.blank(Entry::Discard),
        }
    }

    fn piece(&mut self, name: Field, piece: &str) {
        match &mut self.open {
            Some((open, text)) if *open == name => text.push_str(piece),
            Some(_) => self.fault = Some("another field, and no end of the one before it"),
            None => self.open = Some((name, piece.into())),
        }
    }

    fn close(&mut self, name: Field) {
        let (_, text) = self.open.take().unwrap_or((name, String::new()));
        self.whole.push(Entry::Field(name, text));
    }

    fn blank(&mut self, entry: Entry) {
        if self.open.is_some() {
            self.fault = Some("no end of a value");
        }
        self.whole.push(entry);
    }

    /// Records a value that is whole.
    pub fn field(&mut self, name: Field, value: &str) {
        self.whole.push(Entry::Field(name, value.into()));
    }

    /// Records the beginning of a value.
    pub fn open(&mut self, name: Field, value: &str) {
        self.open = Some((name, value.into()));
    }

    /// Records a blank line that completes a message, or one that discards a type.
    pub fn blank_line(&mut self, dispatches: bool) {
        self.whole.push(if dispatches { Entry::Dispatch } else { Entry::Discard });
    }

    /// Reports what this log has and an earlier one of the same input had not.
    pub fn report_since(&self, earlier: &Self, mut sink: impl FnMut(Event<'_>)) {
        let mut reported = earlier.open.as_ref().map_or(0, |(_, text)| text.len());
        for entry in &self.whole[earlier.whole.len()..] {
            sink(match entry {
                Entry::Field(name, text) => field(*name, &text[reported..], false),
                Entry::Dispatch => Event::Dispatch,
                Entry::Discard => Event::Discard,
            });
            reported = 0;
        }
        match &self.open {
            Some((name, text)) if text.len() > reported => {
                sink(field(*name, &text[reported..], true));
            }
            _ => {}
        }
    }
}

fn field(name: Field, text: &str, more: bool) -> Event<'_> {
    Event::Field { name, value: Text { text, more } }
}

fn name(field: Field) -> &'static str {
    match field {
        Field::Event => "event",
        Field::Data => "data",
        Field::Id => "id",
        Field::Retry => "retry",
    }
}

impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, entry) in self.whole.iter().enumerate() {
            f.write_str(if index > 0 { " " } else { "" })?;
            match entry {
                Entry::Field(field, text) => write!(f, "{}({text:?})", name(*field))?,
                Entry::Dispatch => f.write_str("dispatch")?,
                Entry::Discard => f.write_str("discard")?,
            }
        }
        if let Some((field, text)) = &self.open {
            f.write_str(if self.whole.is_empty() { "" } else { " " })?;
            let text = format!("{text:?}");
            write!(f, "{}({}…", name(*field), &text[..text.len() - 1])?;
        }
        self.fault.map_or(Ok(()), |fault| write!(f, " ({fault})"))
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
