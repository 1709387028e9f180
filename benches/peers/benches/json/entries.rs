//! The measurements, and the loop that takes them.

use std::env;
use std::hint::black_box;
use std::time::{Duration, Instant};

use pushdown_peers::json::{Document, Reader, Reports, readers};

use crate::items;

/// A document, and all that reads it.
pub(crate) struct Field {
    pub(crate) document: Document,
    readers: Vec<Reader>,
    pub(crate) entries: Vec<Entry>,
}

/// A reader at one chunk size.
pub(crate) struct Entry {
    /// Index of the reader.
    reader: usize,
    pub(crate) group: &'static str,
    pub(crate) function: &'static str,
    pub(crate) size: Size,
    /// Read in every fourth round alone, since it is slow and no goal names it.
    is_rare: bool,
    /// Nanoseconds, one for each round.
    pub(crate) times: Vec<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    Whole,
    Chunks(usize),
}

impl Size {
    pub(crate) const ALL: [Self; 4] =
        [Self::Whole, Self::Chunks(64 << 10), Self::Chunks(1460), Self::Chunks(16)];

    pub(crate) fn bytes(self, document: Document) -> usize {
        match self {
            Self::Whole => document.bytes.len(),
            Self::Chunks(bytes) => bytes,
        }
    }

    pub(crate) fn name(self) -> String {
        match self {
            Self::Whole => "whole".to_owned(),
            Self::Chunks(bytes) => bytes.to_string(),
        }
    }
}

/// Peers that a goal names.
const NAMED: [&str; 2] = ["peer-bufjson", "peer-serde-ignored"];

impl Field {
    pub(crate) fn new(document: Document) -> Self {
        let mut field = Self { document, readers: Vec::new(), entries: Vec::new() };
        for reader in readers() {
            let sizes = if reader.takes_chunks { 4 } else { 1 };
            let is_rare = reader.name.starts_with("peer-") && !NAMED.contains(&reader.name);
            field.add("json", reader, &Size::ALL[..sizes], is_rare);
        }
        for (reader, sizes) in items::readers(document) {
            field.add("json-items", reader, sizes, true);
        }
        field
    }

    fn add(&mut self, group: &'static str, reader: Reader, sizes: &[Size], is_rare: bool) {
        let (index, function) = (self.readers.len(), reader.name);
        self.readers.push(reader);
        self.entries.extend(sizes.iter().map(|&size| Entry {
            reader: index,
            group,
            function,
            size,
            is_rare,
            times: Vec::new(),
        }));
    }

    /// Reads the document with every reader, and compares what they report. `tests/json.rs` compares it
    /// with what is in the document.
    pub(crate) fn check(&mut self) {
        let document = self.document;
        let expected = (self.readers[0].read)(document.bytes, document.bytes.len()).counts();
        let mut values = None;
        for entry in &self.entries {
            let Reader { name, reports, read, .. } = &mut self.readers[entry.reader];
            let seen = read(document.bytes, entry.size.bytes(document));
            match (entry.group, *reports) {
                ("json", Reports::Text) => assert_eq!(seen.counts(), expected, "{name}"),
                ("json", Reports::Values) => assert_eq!(seen.events, expected.0, "{name}"),
                ("json", Reports::Nothing) => assert_eq!(seen.counts(), (0, 0), "{name}"),
                _ => assert_eq!(seen.events, *values.get_or_insert(seen.events), "{name}"),
            }
        }
        assert!(expected.0 > 0 && values.is_some_and(|values| values > 0), "{}", document.name);
    }

    fn round(&mut self, round: usize, random: &mut Random) {
        let mut order: Vec<usize> = (0..self.entries.len()).collect();
        random.shuffle(&mut order);
        for index in order {
            let entry = &mut self.entries[index];
            if entry.is_rare && !round.is_multiple_of(4) {
                continue;
            }
            let size = entry.size.bytes(self.document);
            let read = &mut self.readers[entry.reader].read;
            // Of a few microseconds, code that is not in the cache would take a large part.
            if self.document.bytes.len() <= 64 << 10 {
                black_box(read(black_box(self.document.bytes), black_box(size)));
            }
            let start = Instant::now();
            black_box(read(black_box(self.document.bytes), black_box(size)));
            entry.times.push(start.elapsed().as_nanos() as f64);
        }
    }
}

/// Measures for some minutes, or for three rounds with `PUSHDOWN_BENCH=short` in the environment. Returns the
/// number of rounds.
pub(crate) fn measure(fields: &mut [Field]) -> usize {
    let (rounds, time) = match env::var("PUSHDOWN_BENCH").as_deref() {
        Err(_) => (usize::MAX, Duration::from_secs(180)),
        Ok("short") => (3, Duration::MAX),
        Ok(other) => panic!("PUSHDOWN_BENCH must be `short` or unset, not `{other}`"),
    };
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let start = Instant::now();
    let mut round = 0;
    while round < rounds && start.elapsed() < time {
        for field in &mut *fields {
            field.round(round, &mut random);
        }
        round += 1;
    }
    round
}

/// Returns the percentage of times that are half as long again as the least of their entry. On a quiet machine
/// they are few. With many of them the medians of long readings, which are interrupted most, mean little.
pub(crate) fn disturbed(fields: &[Field]) -> f64 {
    let (mut all, mut long) = (0, 0);
    for entry in fields.iter().flat_map(|field| &field.entries) {
        let least = entry.times.iter().copied().fold(f64::INFINITY, f64::min);
        all += entry.times.len();
        long += entry.times.iter().filter(|time| **time > 1.5 * least).count();
    }
    100.0 * long as f64 / all as f64
}

/// Xorshift: G. Marsaglia, "Xorshift RNGs", Journal of Statistical Software 8, 2003.
struct Random(u64);

impl Random {
    fn shuffle(&mut self, order: &mut [usize]) {
        for last in (1..order.len()).rev() {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            order.swap(last, (self.0 % (last as u64 + 1)) as usize);
        }
    }
}
