//! Our parsers of JSON and other software behind one interface: read a document that arrives in chunks
//! of one size.
//!
//! All that a reader has to do with an event is in [`Seen`]: count it, and read the length and the first
//! byte of its text. Each peer is used as its own documentation recommends. `benches/peers/README.md`
//! lists what each leaves out.

mod bufjson;
mod documents;
mod ours;
mod pull;
mod push;
mod tree;
mod visitor;

pub use documents::{DOCUMENTS, Document};

/// The events of a document.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    /// Begins and ends of objects and arrays, names, and values that are neither. A text in pieces is one.
    pub events: u64,
    /// Bytes of names, strings and numbers: decoded, and numbers as they are written.
    pub bytes: u64,
    /// The sum of the first bytes of all pieces, so that each has to be read. It depends on the cuts.
    first: u64,
}

impl Seen {
    /// So many events without text.
    pub fn of(events: u64) -> Self {
        Self { events, ..Self::default() }
    }

    /// The part that does not depend on the cuts.
    pub fn counts(self) -> (u64, u64) {
        (self.events, self.bytes)
    }

    #[inline(always)]
    fn event(&mut self) {
        self.events += 1;
    }

    /// An event with all of its text.
    #[inline(always)]
    fn text(&mut self, text: &str) {
        self.events += 1;
        self.piece(text);
    }

    #[inline(always)]
    fn piece(&mut self, text: &str) {
        self.bytes += text.len() as u64;
        self.first += text.as_bytes().first().map_or(0, |byte| u64::from(*byte));
    }
}

/// The report of a reader on a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reports {
    /// Events and all text.
    Text,
    /// Events, names and strings; numbers as values.
    Values,
    /// Nothing: it checks the document, or makes a tree of it.
    Nothing,
}

/// A reader of documents.
pub struct Reader {
    /// The name of an engine, with `-no-sink` if nothing is reported, or that of a peer.
    pub name: &'static str,
    /// True if it takes a document in chunks.
    pub takes_chunks: bool,
    /// The kinds of events that it reports.
    pub reports: Reports,
    /// Reads a document in chunks of so many bytes: whole, if that is its length. A peer with another parser
    /// for whole documents is used with that one then, and otherwise with the one for chunks, even if there
    /// is a single chunk.
    pub read: Box<dyn FnMut(&'static [u8], usize) -> Seen>,
}

impl Reader {
    fn new(
        name: &'static str,
        takes_chunks: bool,
        reports: Reports,
        read: impl FnMut(&'static [u8], usize) -> Seen + 'static,
    ) -> Self {
        Self { name, takes_chunks, reports, read: Box::new(read) }
    }
}

/// Returns our engines, with and without a sink, and the peers.
pub fn readers() -> Vec<Reader> {
    use Reports::{Nothing, Text, Values};

    let mut readers = ours::readers();
    readers.extend([
        Reader::new("peer-bufjson", true, Text, bufjson::read),
        Reader::new("peer-bufjson-static", true, Text, bufjson::read_static),
        Reader::new("peer-json-event-parser", true, Text, pull::json_event_parser),
        Reader::new("peer-actson", true, Text, push::actson),
        Reader::new("peer-picojson", true, Text, push::picojson),
        Reader::new("peer-jsonx", true, Text, push::jsonx),
        Reader::new("peer-struson", true, Text, pull::struson),
        Reader::new("peer-serde-visitor", false, Values, visitor::read),
        Reader::new("peer-serde-ignored", false, Nothing, tree::serde_ignored),
        Reader::new("peer-serde-value", false, Nothing, tree::serde_value),
        Reader::new("peer-sonic-lazy", false, Nothing, tree::sonic_lazy),
        Reader::new("peer-sonic-value", false, Nothing, tree::sonic_value),
    ]);
    readers
}
