//! The parsers of the example `http`, beside httparse: the head of a request, and a chunked body.
//!
//! ```text
//! $ cargo bench --bench http
//! ```

#[path = "../../../../examples/http/parsers.rs"]
mod parsers;

mod heads;
mod peer;

use std::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Throughput};
use parsers::{Event, Http, Limits, coroutine, machine, stackless};
use pushdown::{PushParser, Status, scan};
use pushdown_benches::settings;

/// The counts of what a parser has reported.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Seen {
    fields: usize,
    /// Bytes of method, target, names and values, or of data.
    bytes: usize,
}

fn ours(mut parser: impl PushParser<Events = Http>) -> impl FnMut(&[u8], usize) -> Seen {
    move |input, size| {
        let mut seen = Seen::default();
        parser.reset();
        for piece in input.chunks(size) {
            let _ = parser.feed_with(piece, |event| match event {
                Event::Method(text)
                | Event::Target(text)
                | Event::Name(text)
                | Event::Value(text)
                | Event::Data(text) => seen.bytes += text.len(),
                Event::FieldEnd => seen.fields += 1,
                Event::Version(_) | Event::Extension(_) => {}
            });
        }
        assert_eq!(parser.status(), Status::Success);
        seen
    }
}

struct Group<'a> {
    group: BenchmarkGroup<'a, WallTime>,
    input: Vec<u8>,
    expected: Seen,
}

impl Group<'_> {
    fn bench(&mut self, name: &str, mut parse: impl FnMut(&[u8], usize) -> Seen) {
        let Self { group, input, expected } = self;
        group.throughput(Throughput::Bytes(input.len() as u64));
        for (parameter, size) in [("whole", input.len()), ("65536", 65536), ("1460", 1460)] {
            if parameter == "65536" && size >= input.len() {
                continue;
            }
            assert_eq!(parse(input, size), *expected, "{name}, pieces of {size}");
            group.bench_function(BenchmarkId::new(name, parameter), |bencher| {
                bencher.iter(|| parse(black_box(input), size));
            });
        }
    }
}

fn main() {
    println!("kernel: {}", scan::kernel_name());
    let mut criterion = settings::criterion();
    let limits = Limits::default();
    for (name, (input, fields)) in [("browser", heads::small()), ("7k", heads::large())] {
        // All but `: ` and the line end of each field, and what is fixed in the other two lines.
        let bytes = input.len() - 4 * fields - 14;
        let group = settings::group(&mut criterion, format!("http/{name}"));
        let mut group = Group { group, input, expected: Seen { fields, bytes } };
        group.bench("machine", ours(machine::head_parser(limits)));
        group.bench("coroutine", ours(coroutine::head_parser(limits)));
        group.bench("stackless", ours(stackless::head_parser(limits)));
        let mut heads = peer::Heads::default();
        group.bench("peer-httparse", |input, size| heads.parse(input, size));
    }
    let group = settings::group(&mut criterion, "http/chunked");
    let expected = Seen { fields: 0, bytes: 64 << 10 };
    let mut group = Group { group, input: heads::chunked(), expected };
    group.bench("machine", ours(machine::body_parser(limits)));
    group.bench("coroutine", ours(coroutine::body_parser(limits)));
    group.bench("stackless", ours(stackless::body_parser(limits)));
    group.bench("peer-httparse", peer::body);
    drop(group);
    criterion.final_summary();
}
