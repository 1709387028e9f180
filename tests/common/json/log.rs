//! The events of JSON, with the pieces of each text joined.

use core::fmt;

use pushdown::json::{Event, Text};

/// The events that a parser has reported. Displayed as in `tests/data/json`: `[ k:6162 n:1 ]`, and at the
/// end a text that is still open: `s:6162…`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Log {
    whole: Vec<Entry>,
    open: Option<(Kind, String)>,
    /// The fault in the pieces of a text.
    fault: Option<&'static str>,
}

#[derive(Clone, PartialEq, Eq)]
enum Entry {
    Mark(&'static str),
    Text(Kind, String),
}

/// The kinds of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The name of a member.
    Key,
    /// A string that is a value.
    String,
    /// A number.
    Number,
}

impl Log {
    /// Records an event, and notes what is wrong with it.
    pub fn see(&mut self, event: Event<'_>) {
        match event {
            Event::Key(text) => self.piece(Kind::Key, text),
            Event::String(text) => self.piece(Kind::String, text),
            Event::Number(text) => self.piece(Kind::Number, text),
            Event::BeginObject => self.mark("{"),
            Event::EndObject => self.mark("}"),
            Event::BeginArray => self.mark("["),
            Event::EndArray => self.mark("]"),
            Event::Bool(true) => self.mark("t"),
            Event::Bool(false) => self.mark("f"),
            Event::Null => self.mark("z"),
        }
    }

    fn piece(&mut self, kind: Kind, Text { text, more }: Text<'_>) {
        if more && text.is_empty() {
            self.fault = Some("an empty piece, and more of the text");
        }
        self.push(kind, text);
        if !more {
            self.close(kind);
        }
    }

    /// Adds to the text that is open, or opens one.
    pub fn push(&mut self, kind: Kind, piece: &str) {
        match &mut self.open {
            Some((open, text)) if *open == kind => text.push_str(piece),
            Some(_) => self.fault = Some("another kind of text, and no end of the one before it"),
            None => self.open = Some((kind, piece.into())),
        }
    }

    /// Ends the text that is open, or records an empty one.
    pub fn close(&mut self, kind: Kind) {
        let (_, text) = self.open.take().unwrap_or((kind, String::new()));
        self.whole.push(Entry::Text(kind, text));
    }

    /// Records an event that is no text.
    pub fn mark(&mut self, mark: &'static str) {
        if self.open.is_some() {
            self.fault = Some("no end of a text");
        }
        self.whole.push(Entry::Mark(mark));
    }

    /// Reports what this log has and an earlier one of the same input had not.
    pub fn report_since(&self, earlier: &Self, mut sink: impl FnMut(Event<'_>)) {
        let mut reported = earlier.open.as_ref().map_or(0, |(_, text)| text.len());
        for entry in &self.whole[earlier.whole.len()..] {
            match entry {
                Entry::Mark(mark) => sink(match *mark {
                    "{" => Event::BeginObject,
                    "}" => Event::EndObject,
                    "[" => Event::BeginArray,
                    "]" => Event::EndArray,
                    "z" => Event::Null,
                    bool => Event::Bool(bool == "t"),
                }),
                Entry::Text(kind, text) => sink(kind.event(&text[reported..], false)),
            }
            reported = 0;
        }
        match &self.open {
            Some((kind, text)) if text.len() > reported => {
                sink(kind.event(&text[reported..], true));
            }
            _ => {}
        }
    }
}

impl Kind {
    fn event(self, text: &str, more: bool) -> Event<'_> {
        let text = Text { text, more };
        match self {
            Self::Key => Event::Key(text),
            Self::String => Event::String(text),
            Self::Number => Event::Number(text),
        }
    }

    fn write(self, text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Key => "k:",
            Self::String => "s:",
            Self::Number => return write!(f, "n:{text}"),
        })?;
        text.bytes().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, entry) in self.whole.iter().enumerate() {
            f.write_str(if index > 0 { " " } else { "" })?;
            match entry {
                Entry::Mark(mark) => f.write_str(mark)?,
                Entry::Text(kind, text) => kind.write(text, f)?,
            }
        }
        if let Some((kind, text)) = &self.open {
            f.write_str(if self.whole.is_empty() { "" } else { " " })?;
            kind.write(text, f)?;
            f.write_str("…")?;
        }
        self.fault.map_or(Ok(()), |fault| write!(f, " ({fault})"))
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
