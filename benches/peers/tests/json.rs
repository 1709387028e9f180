//! Each reader reports the events of each document at each chunk size, so that the bench compares equal
//! work.

use std::fs;
use std::path::Path;

use pushdown_peers::json::{DOCUMENTS, Document, Reader, Reports, readers};

/// The sums that `tests/data/json/documents-expected.tsv` has of a document, and bytes of numbers.
struct Expected {
    events: u64,
    strings: u64,
    numbers: u64,
}

impl Expected {
    fn of(document: Document) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/json");
        let table = fs::read_to_string(folder.join("documents-expected.tsv")).unwrap();
        let file = format!("{}.json", document.name);
        let mut rows = table.lines().map(|line| line.split('\t').collect::<Vec<_>>());
        let names = rows.next().unwrap();
        let row = rows.find(|row| row[0] == file).unwrap();
        let column = |name| -> u64 {
            let column = names.iter().position(|column| *column == name).unwrap();
            row[column].parse().unwrap()
        };
        assert_eq!(column("bytes"), document.bytes.len() as u64, "{file}");
        Self {
            events: column("events"),
            strings: column("key_bytes") + column("string_bytes"),
            numbers: bytes_of_numbers(document.bytes),
        }
    }

    fn of_reader(&self, reports: Reports) -> (u64, u64) {
        match reports {
            Reports::Text => (self.events, self.strings + self.numbers),
            Reports::Values => (self.events, self.strings),
            Reports::Nothing => (0, 0),
        }
    }
}

/// The bytes outside strings of which numbers are made, after a digit or a minus.
fn bytes_of_numbers(document: &[u8]) -> u64 {
    let (mut count, mut in_string, mut in_number, mut bytes) = (0, false, false, document.iter());
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => _ = bytes.next(),
            b'"' => in_string = !in_string,
            _ => {}
        }
        in_number = !in_string
            && match byte {
                b'-' | b'0'..=b'9' => true,
                b'+' | b'.' | b'e' | b'E' => in_number,
                _ => false,
            };
        count += u64::from(in_number);
    }
    count
}

#[test]
fn every_reader_reports_the_events_of_every_document() {
    let mut readings = 0;
    for document in DOCUMENTS.map(Document::read) {
        let expected = Expected::of(document);
        for Reader { name, takes_chunks, reports, mut read } in readers() {
            let sizes = [document.bytes.len(), 64 << 10, 1460, 16];
            for size in &sizes[..if takes_chunks { 4 } else { 1 }] {
                let seen = read(document.bytes, *size);
                let expected = expected.of_reader(reports);
                assert_eq!(seen.counts(), expected, "{name}, {} in {size}", document.name);
                readings += 1;
            }
        }
    }
    println!("{readings} readings of {} documents agree", DOCUMENTS.len());
    assert!(readings > 400);
}

/// They report nothing, so their results are written and read again.
#[test]
fn the_trees_hold_the_values_of_every_document() {
    let mut visitor =
        readers().into_iter().find(|reader| reader.reports == Reports::Values).unwrap();
    let mut trees = 0;
    for document in DOCUMENTS.map(Document::read) {
        let bytes = document.bytes;
        let serde: serde_json::Value = serde_json::from_slice(bytes).unwrap();
        let sonic: sonic_rs::Value = sonic_rs::from_slice(bytes).unwrap();
        let lazy: sonic_rs::LazyValue<'_> = sonic_rs::from_slice(bytes).unwrap();
        for (name, text) in [
            ("serde", serde.to_string()),
            ("sonic", sonic_rs::to_string(&sonic).unwrap()),
            ("lazy", lazy.as_raw_str().to_owned()),
        ] {
            let text = text.into_bytes().leak();
            let seen = (visitor.read)(text, text.len());
            let expected = Expected::of(document).of_reader(Reports::Values);
            assert_eq!(seen.counts(), expected, "{name}, {}", document.name);
            trees += 1;
        }
    }
    println!("{trees} trees");
}
