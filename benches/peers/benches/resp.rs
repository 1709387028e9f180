//! RESP beside the parsers of clients.
//!
//! | function | reads | makes |
//! |---|---|---|
//! | `machine`, `coroutine`, `stackless` | all values as one stream | events, which borrow the chunk |
//! | `values` | one value after the other | a tree that owns its texts |
//! | `peer-resp-rs` | the same | a tree whose texts are slices of one `Bytes`; that the chunks are put together is part of it |
//! | `peer-redis-protocol` | the same | a tree that owns its texts |
//! | `peer-redis` | the same | the same, with UTF-8 checked in simple strings; whole only |
//!
//! In chunks, a peer is given a buffer to which each chunk is appended, and starts a value again with each: that is their
//! interface. A peer is left out of a corpus that it does not read, or in which it finds another number of values:
//! redis-protocol fails at a map in a set, and an attribute is a value for others.
//!
//! ```text
//! $ cargo bench --bench resp
//! ```

use std::hint::black_box;

use bytes::{Bytes, BytesMut};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Throughput};
use pushdown::resp::{Coroutine, Extent, Machine, Options, Resp, Stackless, Values};
use pushdown::{PushParser, Status};
use pushdown_benches::resp::Corpus;
use pushdown_benches::settings;

fn main() {
    let mut criterion = settings::criterion();
    let options = Options::new().extent(Extent::Stream);
    for corpus in Corpus::all() {
        let group = &mut settings::group(&mut criterion, format!("resp/{}", corpus.name));
        group.throughput(Throughput::Bytes(corpus.bytes.len() as u64));
        for size in [corpus.bytes.len(), 64 << 10, 1_460, 16] {
            let mut measure = Measure { group, corpus: &corpus, size };
            measure.events("machine", Machine::with_options(options));
            measure.events("coroutine", Coroutine::with_options(options).expect("a stack"));
            measure.events("stackless", Stackless::with_options(options));
            let mut values = Values::new();
            measure.run("values", |bytes, size| read(&mut values, bytes, size));
            // Quadratic: 16 bytes at a time, 10 MiB would take minutes.
            if size >= 1_460 || corpus.bytes.len() < 16 << 10 {
                measure.run("peer-resp-rs", resp_rs);
                measure.run("peer-redis-protocol", redis_protocol);
            }
            if size == corpus.bytes.len() {
                measure.run("peer-redis", |bytes, _| redis(bytes));
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
        let values = self.corpus.values;
        self.run(name, |bytes, size| {
            parser.reset();
            for chunk in bytes.chunks(size) {
                let progress = parser.feed_with(chunk, |event| _ = black_box(event));
                assert_eq!(progress.consumed, chunk.len());
            }
            parser.finish().ok().map(|()| values)
        });
    }

    /// `read` returns the number of values, or `None` if it fails.
    fn run(&mut self, name: &str, mut read: impl FnMut(&[u8], usize) -> Option<usize>) {
        let Self { corpus, size, .. } = *self;
        let values = read(&corpus.bytes, size);
        if values != Some(corpus.values) {
            assert!(name.starts_with("peer-"), "{name} has read {values:?} of {}", corpus.values);
            println!("{name} reads {values:?} of the {} values of {}", corpus.values, corpus.name);
            return;
        }
        let whole = size == corpus.bytes.len();
        let parameter = if whole { "whole".to_owned() } else { size.to_string() };
        self.group.bench_function(BenchmarkId::new(name, parameter), |bencher| {
            bencher.iter(|| read(black_box(&corpus.bytes), size));
        });
    }
}

fn read(parser: &mut Values, bytes: &[u8], size: usize) -> Option<usize> {
    let mut values = 0;
    parser.reset();
    for mut chunk in bytes.chunks(size) {
        while !chunk.is_empty() {
            let progress = parser.feed(chunk);
            chunk = &chunk[progress.consumed..];
            match progress.status {
                Status::NeedMoreInput => {}
                Status::Success => {
                    black_box(parser.take_output());
                    parser.next_value();
                    values += 1;
                }
                Status::BadInput => return None,
            }
        }
    }
    Some(values)
}

fn resp_rs(bytes: &[u8], size: usize) -> Option<usize> {
    let mut values = 0;
    let mut parser = resp_rs::resp3::Parser::new();
    for chunk in bytes.chunks(size) {
        parser.feed(Bytes::copy_from_slice(chunk));
        while let Some(frame) = parser.next_frame().ok()? {
            black_box(frame);
            values += 1;
        }
    }
    Some(values)
}

fn redis_protocol(bytes: &[u8], size: usize) -> Option<usize> {
    use redis_protocol::resp3::decode::complete::decode;

    let mut values = 0;
    let mut buffer = BytesMut::new();
    for chunk in bytes.chunks(size) {
        buffer.extend_from_slice(chunk);
        while let Some((frame, len)) = decode(&buffer).ok()? {
            black_box(frame);
            let _ = buffer.split_to(len);
            values += 1;
        }
    }
    buffer.is_empty().then_some(values)
}

fn redis(mut bytes: &[u8]) -> Option<usize> {
    let mut values = 0;
    let mut parser = redis::Parser::new();
    // It reads ahead, so that only its error at the end says that there is no more.
    while let Ok(value) = parser.parse_value(&mut bytes) {
        black_box(value);
        values += 1;
    }
    bytes.is_empty().then_some(values)
}
