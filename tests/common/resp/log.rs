//! The events of RESP, with the pieces of each text joined.

use core::fmt;

use pushdown::resp::{Event, Length, Null, Piece};

/// The events that a parser has reported. Displayed as in `tests/data/resp`: `arr:2 bulk:6162 int:1`, and at the end a
/// text that is still open: `simple:6162…`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Log {
    whole: Vec<Entry>,
    open: Option<(Kind, Vec<u8>)>,
    /// The fault in the pieces of a text.
    fault: Option<&'static str>,
}

#[derive(Clone, PartialEq, Eq)]
enum Entry {
    Mark(Event<'static>),
    Text(Kind, Vec<u8>),
}

/// The kinds of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `+`
    Simple,
    /// `-`
    Error,
    /// `$`
    Bulk,
    /// `,`
    Double,
    /// `(`
    BigNumber,
    /// `!`
    BlobError,
    /// `=`, with its format.
    Verbatim([u8; 3]),
}

impl Log {
    /// Records an event, and notes what is wrong with it.
    pub fn see(&mut self, event: Event<'_>) {
        match event {
            Event::Simple(piece) => self.piece(Kind::Simple, piece),
            Event::Error(piece) => self.piece(Kind::Error, piece),
            Event::Bulk(piece) => self.piece(Kind::Bulk, piece),
            Event::Double(piece) => self.piece(Kind::Double, piece),
            Event::BigNumber(piece) => self.piece(Kind::BigNumber, piece),
            Event::BlobError(piece) => self.piece(Kind::BlobError, piece),
            Event::Verbatim { format, text } => self.piece(Kind::Verbatim(format), text),
            Event::Integer(integer) => self.mark(Event::Integer(integer)),
            Event::Null(null) => self.mark(Event::Null(null)),
            Event::Bool(bool) => self.mark(Event::Bool(bool)),
            Event::Array(length) => self.mark(Event::Array(length)),
            Event::Map(length) => self.mark(Event::Map(length)),
            Event::Set(length) => self.mark(Event::Set(length)),
            Event::Push(length) => self.mark(Event::Push(length)),
            Event::Attribute(length) => self.mark(Event::Attribute(length)),
            Event::End => self.mark(Event::End),
        }
    }

    fn piece(&mut self, kind: Kind, Piece { bytes, more }: Piece<'_>) {
        if more && bytes.is_empty() {
            self.fault = Some("an empty piece, and more of the text");
        }
        self.push(kind, bytes);
        if !more {
            self.close(kind);
        }
    }

    /// Adds to the text that is open, or opens one.
    pub fn push(&mut self, kind: Kind, piece: &[u8]) {
        match &mut self.open {
            Some((open, text)) if *open == kind => text.extend_from_slice(piece),
            Some(_) => self.fault = Some("another kind of text, and no end of the one before it"),
            None => self.open = Some((kind, piece.into())),
        }
    }

    /// Ends the text that is open, or records an empty one.
    pub fn close(&mut self, kind: Kind) {
        let (_, text) = self.open.take().unwrap_or((kind, Vec::new()));
        self.whole.push(Entry::Text(kind, text));
    }

    /// Records an event that is no text.
    pub fn mark(&mut self, mark: Event<'static>) {
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
                Entry::Mark(mark) => sink(*mark),
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
    fn event(self, bytes: &[u8], more: bool) -> Event<'_> {
        let piece = Piece { bytes, more };
        match self {
            Self::Simple => Event::Simple(piece),
            Self::Error => Event::Error(piece),
            Self::Bulk => Event::Bulk(piece),
            Self::Double => Event::Double(piece),
            Self::BigNumber => Event::BigNumber(piece),
            Self::BlobError => Event::BlobError(piece),
            Self::Verbatim(format) => Event::Verbatim { format, text: piece },
        }
    }

    fn write(self, text: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        match self {
            Self::Simple => write!(f, "simple:{}", hex(text)),
            Self::Error => write!(f, "err:{}", hex(text)),
            Self::Bulk => write!(f, "bulk:{}", hex(text)),
            Self::Double => write!(f, "dbl:{}", text.escape_ascii()),
            Self::BigNumber => write!(f, "big:{}", text.escape_ascii()),
            Self::BlobError => write!(f, "blobErr:{}", hex(text)),
            Self::Verbatim(format) => write!(f, "verb:{}:{}", hex(&format), hex(text)),
        }
    }
}

/// The end of an aggregate is displayed only if it was streamed: that of the others is in their length.
impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut streamed = Vec::new();
        let mut space = "";
        for entry in &self.whole {
            let mut header = |f: &mut fmt::Formatter<'_>, space, name, length| {
                streamed.push(length == Length::Streamed);
                match length {
                    Length::Counted(count) => write!(f, "{space}{name}:{count}"),
                    Length::Streamed => write!(f, "{space}{name}:?"),
                }
            };
            match entry {
                Entry::Mark(Event::Array(length)) => header(f, space, "arr", *length)?,
                Entry::Mark(Event::Map(length)) => header(f, space, "map", *length)?,
                Entry::Mark(Event::Set(length)) => header(f, space, "set", *length)?,
                Entry::Mark(Event::Push(length)) => header(f, space, "push", *length)?,
                Entry::Mark(Event::Attribute(length)) => header(f, space, "attr", *length)?,
                Entry::Mark(Event::Integer(integer)) => write!(f, "{space}int:{integer}")?,
                Entry::Mark(Event::Bool(true)) => write!(f, "{space}bool:t")?,
                Entry::Mark(Event::Bool(false)) => write!(f, "{space}bool:f")?,
                Entry::Mark(Event::Null(Null::Resp3)) => write!(f, "{space}null")?,
                Entry::Mark(Event::Null(Null::Bulk)) => write!(f, "{space}nullbulk")?,
                Entry::Mark(Event::Null(Null::Array)) => write!(f, "{space}nullarray")?,
                Entry::Mark(Event::End) => match streamed.pop() {
                    Some(true) => write!(f, "{space}end")?,
                    Some(false) => continue,
                    None => write!(f, "{space}end of nothing")?,
                },
                Entry::Mark(other) => write!(f, "{space}{other:?}")?,
                Entry::Text(kind, text) => {
                    f.write_str(space)?;
                    kind.write(text, f)?;
                }
            }
            space = " ";
        }
        if let Some((kind, text)) = &self.open {
            f.write_str(space)?;
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
