//! JSON in every engine: with a sink and without, in chunks of 64 KiB and of 16 bytes.
//!
//! `benches/peers` measures more documents and other software, in an order that does not flatter.
//!
//! ```text
//! $ cargo bench --bench json
//! ```

use std::fs;
use std::hint::black_box;
use std::path::Path;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Throughput};
use pushdown::json::{Coroutine, Event, Generator, Json, Machine, Stackless};
use pushdown::{PushParser, scan};
use pushdown_benches::settings;

/// Documents, their events, and the bytes of names and strings, as `tests/data/json/documents-expected.tsv` has
/// them.
const DOCUMENTS: [(&str, u64, u64); 2] = [("twitter", 29_573, 367_917), ("canada", 223_236, 90)];

fn main() {
    println!("kernel: {}", scan::kernel_name());
    let mut criterion = settings::criterion();
    for (name, events, text) in DOCUMENTS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/json");
        let path = folder.join(name).with_extension("json");
        let document =
            fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let group = &mut settings::group(&mut criterion, format!("engines/json-{name}"));
        group.throughput(Throughput::Bytes(document.len() as u64));
        // An iteration takes up to ten milliseconds.
        group.sample_size(50);
        for size in [64 << 10, 16] {
            let chunks: Vec<&[u8]> = document.chunks(size).collect();
            let mut measure = Measure { group, chunks, size, counts: (events, text) };
            measure.engine("machine", Machine::new());
            measure.engine("coroutine", Coroutine::new());
            measure.engine("stackless", Stackless::new());
            measure.engine("generator", Generator::new());
        }
    }
    criterion.final_summary();
}

struct Measure<'a, 'g> {
    group: &'a mut BenchmarkGroup<'g, WallTime>,
    chunks: Vec<&'a [u8]>,
    size: usize,
    counts: (u64, u64),
}

impl Measure<'_, '_> {
    fn engine(&mut self, name: &str, mut parser: impl PushParser<Events = Json>) {
        assert_eq!(with_sink(&mut parser, &self.chunks), self.counts, "{name}");
        self.group.bench_function(BenchmarkId::new(name, self.size), |bencher| {
            bencher.iter(|| with_sink(&mut parser, black_box(&self.chunks)));
        });
        self.group.bench_function(
            BenchmarkId::new(format!("{name}-no-sink"), self.size),
            |bencher| {
                bencher.iter(|| without_sink(&mut parser, black_box(&self.chunks)));
            },
        );
    }
}

/// Returns the number of events, and of bytes in names and strings.
fn with_sink(parser: &mut impl PushParser<Events = Json>, chunks: &[&[u8]]) -> (u64, u64) {
    let (mut events, mut text) = (0, 0);
    let mut sink = |event: Event<'_>| {
        let more = match event {
            Event::Key(piece) | Event::String(piece) => {
                text += piece.text.len() as u64;
                piece.more
            }
            Event::Number(piece) => piece.more,
            _ => false,
        };
        events += u64::from(!more);
    };
    parser.reset();
    for chunk in chunks {
        let _ = parser.feed_with(chunk, &mut sink);
    }
    parser.finish_with(sink).expect("a document");
    (events, text)
}

fn without_sink(parser: &mut impl PushParser<Events = Json>, chunks: &[&[u8]]) {
    parser.reset();
    for chunk in chunks {
        let _ = parser.feed(chunk);
    }
    parser.finish().expect("a document");
}
