//! The parsers of the example `csv`, one for each engine, beside csv-core.
//!
//! Each counts records, fields and bytes of text, and the counts are asserted first. The names that end
//! in `-records` also collect each record: text in one buffer, the ends of the fields in another. The
//! peer does that in `read_record`; `read_field` copies the text of a field, and is called for each.
//!
//! ```text
//! $ cargo bench --bench csv
//! ```

use std::fs;
use std::hint::black_box;
use std::path::Path;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Throughput};
use csv_core::{ReadFieldResult, ReadRecordResult, Reader};
use pushdown::{PushParser, scan};
use pushdown_benches::settings;

#[path = "../../../examples/csv/parsers.rs"]
mod parsers;

use parsers::{Csv, Event};

/// Longer than any record here. The buffers of csv-core are this long too.
const LONGEST: usize = 4 << 10;

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Counts {
    records: usize,
    fields: usize,
    text: usize,
}

/// Text that few quotes interrupt; and fields half of which are quoted.
const CORPORA: [(&str, &str, Counts); 2] = [
    ("cities", "worldcitiespop.csv", Counts { records: 20_001, fields: 140_007, text: 815_677 }),
    (
        "timetable",
        "gtfs-mbta-stop-times.csv",
        Counts { records: 10_000, fields: 90_000, text: 533_496 },
    ),
];

fn main() {
    println!("kernel: {}", scan::kernel_name());
    let mut criterion = settings::criterion();
    for (corpus, file, counts) in CORPORA {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/csv/docs").join(file);
        let document =
            fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let group = &mut settings::group(&mut criterion, format!("csv/{corpus}"));
        group.throughput(Throughput::Bytes(document.len() as u64));
        for size in [document.len(), 64 << 10, 1460] {
            let chunks: Vec<&[u8]> = document.chunks(size).collect();
            let mut measure = Measure { group, chunks, size, counts };
            measure.engine("machine", parsers::machine(LONGEST as u64));
            measure.engine("coroutine", parsers::coroutine(LONGEST as u64));
            measure.engine("stackless", parsers::stackless(LONGEST as u64));
            measure.run("peer-csv-core-records", by_record);
            measure.run("peer-csv-core-fields", by_field);
        }
    }
    criterion.final_summary();
}

struct Measure<'a, 'g> {
    group: &'a mut BenchmarkGroup<'g, WallTime>,
    chunks: Vec<&'a [u8]>,
    size: usize,
    counts: Counts,
}

impl Measure<'_, '_> {
    fn engine(&mut self, name: &str, mut parser: impl PushParser<Events = Csv>) {
        self.run(name, |chunks| count(&mut parser, chunks));
        self.run(&format!("{name}-records"), |chunks| collect(&mut parser, chunks));
    }

    fn run(&mut self, name: &str, mut parse: impl FnMut(&[&[u8]]) -> Counts) {
        assert_eq!(parse(&self.chunks), self.counts, "{name}");
        let whole = self.chunks.len() == 1;
        let parameter = if whole { "whole".to_owned() } else { self.size.to_string() };
        self.group.bench_function(BenchmarkId::new(name, parameter), |bencher| {
            bencher.iter(|| parse(black_box(&self.chunks)));
        });
    }
}

fn count(parser: &mut impl PushParser<Events = Csv>, chunks: &[&[u8]]) -> Counts {
    let mut counts = Counts::default();
    let mut sink = |event: Event<'_>| match event {
        Event::Text(text) => counts.text += text.len(),
        Event::Field => counts.fields += 1,
        Event::Record => {
            counts.fields += 1;
            counts.records += 1;
        }
    };
    feed(parser, chunks, &mut sink);
    counts
}

fn collect(parser: &mut impl PushParser<Events = Csv>, chunks: &[&[u8]]) -> Counts {
    let mut counts = Counts::default();
    let (mut record, mut ends) = (Vec::with_capacity(LONGEST), Vec::with_capacity(LONGEST));
    let mut sink = |event: Event<'_>| match event {
        Event::Text(text) => record.extend_from_slice(text),
        Event::Field => ends.push(record.len()),
        Event::Record => {
            ends.push(record.len());
            counts.add(black_box(&record), black_box(&ends));
            record.clear();
            ends.clear();
        }
    };
    feed(parser, chunks, &mut sink);
    counts
}

fn feed(
    parser: &mut impl PushParser<Events = Csv>,
    chunks: &[&[u8]],
    sink: &mut (impl FnMut(Event<'_>) + Send),
) {
    parser.reset();
    for chunk in chunks {
        let _ = parser.feed_with(chunk, &mut *sink);
    }
    parser.finish_with(sink).expect("a document");
}

impl Counts {
    fn add(&mut self, record: &[u8], ends: &[usize]) {
        self.records += 1;
        self.fields += ends.len();
        self.text += record.len();
    }
}

/// csv-core, a record at a time.
fn by_record(chunks: &[&[u8]]) -> Counts {
    let mut reader = Reader::new();
    let mut counts = Counts::default();
    let (mut record, mut ends) = ([0; LONGEST], [0; LONGEST]);
    let (mut text, mut fields) = (0, 0);
    // An empty chunk is the end of the input.
    for chunk in chunks.iter().copied().chain([&[][..]]) {
        let mut rest = chunk;
        loop {
            let (result, read, written, ended) =
                reader.read_record(rest, &mut record[text..], &mut ends[fields..]);
            rest = &rest[read..];
            text += written;
            fields += ended;
            match result {
                ReadRecordResult::Record => {
                    counts.add(black_box(&record[..text]), black_box(&ends[..fields]));
                    (text, fields) = (0, 0);
                    // With an empty rest the next call would end the input.
                    if rest.is_empty() && !chunk.is_empty() {
                        break;
                    }
                }
                ReadRecordResult::InputEmpty | ReadRecordResult::End => break,
                full => panic!("{full:?}"),
            }
        }
    }
    counts
}

/// csv-core, a field at a time.
fn by_field(chunks: &[&[u8]]) -> Counts {
    let mut reader = Reader::new();
    let mut counts = Counts::default();
    let mut field = [0; LONGEST];
    let mut text = 0;
    for chunk in chunks.iter().copied().chain([&[][..]]) {
        let mut rest = chunk;
        loop {
            let (result, read, written) = reader.read_field(rest, &mut field[text..]);
            rest = &rest[read..];
            text += written;
            match result {
                ReadFieldResult::Field { record_end } => {
                    counts.records += usize::from(record_end);
                    counts.fields += 1;
                    counts.text += black_box(&field[..text]).len();
                    text = 0;
                    if rest.is_empty() && !chunk.is_empty() {
                        break;
                    }
                }
                ReadFieldResult::InputEmpty | ReadFieldResult::End => break,
                full => panic!("{full:?}"),
            }
        }
    }
    counts
}
