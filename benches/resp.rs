//! RESP in every engine, and as values.
//!
//! | function | reads |
//! |---|---|
//! | `machine`, `coroutine`, `stackless`, `generator` | all values as one stream, every event reported to a sink |
//! | `machine-one-by-one` | one value after the other, every event reported to a sink |
//! | `machine-values` | one `Value` after the other, each dropped |
//! | `requests` | one `Request` after the other, where that is what the corpus has |
//!
//! The events and the values are counted first. The parameter is the size of a chunk.
//!
//! ```text
//! $ cargo bench --bench resp
//! ```

use std::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Throughput};
use pushdown::resp::{
    Coroutine, Event, Extent, Generator, Machine, Options, Requests, Resp, Stackless, Values,
};
use pushdown::{PushParser, Status};
use pushdown_benches::resp::Corpus;
use pushdown_benches::settings;

fn main() {
    let mut criterion = settings::criterion();
    let options = Options::new().extent(Extent::Stream);
    for corpus in Corpus::all() {
        let group = &mut settings::group(&mut criterion, format!("resp/{}", corpus.name));
        group.throughput(Throughput::Bytes(corpus.bytes.len() as u64));
        if corpus.is_large() {
            group.sample_size(20);
        }
        for size in [corpus.bytes.len(), 64 << 10, 1_460, 16] {
            let mut measure = Measure { group, corpus: &corpus, size };
            measure.events("machine", Machine::with_options(options));
            measure.events("coroutine", Coroutine::with_options(options).expect("a stack"));
            measure.events("stackless", Stackless::with_options(options));
            measure.events("generator", Generator::with_options(options));
            measure.run("machine-one-by-one", Machine::new(), |parser, chunk| {
                parser.feed_with(chunk, |event| _ = black_box(event)).consumed
            });
            measure
                .run("machine-values", Values::new(), |parser, chunk| parser.feed(chunk).consumed);
            if corpus.name.ends_with("requests") {
                measure
                    .run("requests", Requests::new(), |parser, chunk| parser.feed(chunk).consumed);
            }
        }
    }
    criterion.final_summary();
}

struct Measure<'a, 'g> {
    group: &'a mut BenchmarkGroup<'g, WallTime>,
    corpus: &'a Corpus,
    size: usize,
}

impl Measure<'_, '_> {
    fn events(&mut self, name: &str, mut parser: impl PushParser<Events = Resp>) {
        let Self { corpus, size, .. } = *self;
        let mut read = |sink: &mut (dyn FnMut(Event<'_>) + Send)| {
            parser.reset();
            for chunk in corpus.bytes.chunks(size) {
                let progress = parser.feed_with(chunk, &mut *sink);
                assert_eq!(progress.consumed, chunk.len());
            }
            parser.finish().expect("a whole stream");
        };
        let (mut values, mut depth) = (0, 0);
        read(&mut |event| {
            match event {
                Event::Array(_)
                | Event::Map(_)
                | Event::Set(_)
                | Event::Push(_)
                | Event::Attribute(_) => {
                    depth += 1;
                    return;
                }
                Event::End => depth -= 1,
                Event::Simple(piece)
                | Event::Error(piece)
                | Event::Bulk(piece)
                | Event::Double(piece)
                | Event::BigNumber(piece)
                | Event::BlobError(piece)
                | Event::Verbatim { text: piece, .. }
                    if piece.more =>
                {
                    return;
                }
                _ => {}
            }
            values += usize::from(depth == 0);
        });
        // An attribute ends outside all aggregates, and is no value.
        assert!((corpus.values..corpus.values + 2).contains(&values), "{name}: {values} values");
        self.group.bench_function(BenchmarkId::new(name, size), |bencher| {
            bencher.iter(|| read(&mut |event| _ = black_box(event)));
        });
    }

    fn run<P: PushParser>(
        &mut self,
        name: &str,
        mut parser: P,
        mut feed: impl FnMut(&mut P, &[u8]) -> usize,
    ) {
        let Self { corpus, size, .. } = *self;
        let mut read = || {
            parser.reset();
            let mut values = 0;
            for mut chunk in corpus.bytes.chunks(size) {
                while !chunk.is_empty() {
                    let consumed = feed(&mut parser, chunk);
                    chunk = &chunk[consumed..];
                    if parser.status() == Status::Success {
                        black_box(parser.take_output());
                        parser.next_value();
                        values += 1;
                    }
                }
            }
            values
        };
        assert_eq!(read(), corpus.values, "{name}");
        self.group.bench_function(BenchmarkId::new(name, size), |bencher| bencher.iter(&mut read));
    }
}
