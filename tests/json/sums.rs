//! The sums over the events of a document, as `tests/data/json/documents-expected.tsv` has them.

use core::fmt;

use pushdown::json::{Event, Text};

/// Displayed as the columns from `top` to `fnv1a64`.
#[derive(Default)]
pub(crate) struct Sums {
    tops: u64,
    events: u64,
    objects: u64,
    arrays: u64,
    keys: u64,
    strings: u64,
    numbers: u64,
    integers: u64,
    trues: u64,
    falses: u64,
    nulls: u64,
    depth: u64,
    max_depth: u64,
    key_bytes: u64,
    string_bytes: u64,
    fnv: Fnv,
    /// The text that is open, if there is one.
    text: String,
}

struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        }
    }
}

impl Sums {
    pub(crate) fn see(&mut self, event: Event<'_>) {
        match event {
            Event::BeginObject => {
                self.objects += 1;
                self.begin(b"{\n");
            }
            Event::BeginArray => {
                self.arrays += 1;
                self.begin(b"[\n");
            }
            Event::EndObject => self.end(b"}\n"),
            Event::EndArray => self.end(b"]\n"),
            Event::Bool(true) => {
                self.trues += 1;
                self.scalar(b"t\n");
            }
            Event::Bool(false) => {
                self.falses += 1;
                self.scalar(b"f\n");
            }
            Event::Null => {
                self.nulls += 1;
                self.scalar(b"z\n");
            }
            Event::Key(piece) => {
                if self.is_whole(piece) {
                    self.keys += 1;
                    self.key_bytes += self.text.len() as u64;
                    self.text("k");
                }
            }
            Event::String(piece) => {
                if self.is_whole(piece) {
                    self.strings += 1;
                    self.string_bytes += self.text.len() as u64;
                    self.tops += u64::from(self.depth == 0);
                    self.text("s");
                }
            }
            Event::Number(piece) => {
                if self.is_whole(piece) {
                    self.numbers += 1;
                    self.integers += u64::from(!self.text.contains(['.', 'e', 'E']));
                    self.fnv.add(b"n");
                    self.fnv.add(self.text.as_bytes());
                    self.scalar(b"\n");
                    self.text.clear();
                }
            }
        }
    }

    fn is_whole(&mut self, piece: Text<'_>) -> bool {
        self.text.push_str(piece.text);
        !piece.more
    }

    fn text(&mut self, kind: &str) {
        self.events += 1;
        self.fnv.add(format!("{kind}{}:{}\n", self.text.len(), self.text).as_bytes());
        self.text.clear();
    }

    fn begin(&mut self, line: &[u8]) {
        self.scalar(line);
        self.depth += 1;
        self.max_depth = self.max_depth.max(self.depth);
    }

    fn end(&mut self, line: &[u8]) {
        self.depth -= 1;
        self.events += 1;
        self.fnv.add(line);
    }

    fn scalar(&mut self, line: &[u8]) {
        self.tops += u64::from(self.depth == 0);
        self.events += 1;
        self.fnv.add(line);
    }
}

impl fmt::Display for Sums {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for count in [
            self.tops,
            self.events,
            self.objects,
            self.arrays,
            self.keys,
            self.strings,
            self.numbers,
            self.integers,
            self.trues,
            self.falses,
            self.nulls,
            self.max_depth,
            self.key_bytes,
            self.string_bytes,
        ] {
            write!(f, "{count}\t")?;
        }
        write!(f, "{:016x}", self.fnv.0)
    }
}
