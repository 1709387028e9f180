//! RESP beside the parsers of clients.
//!
//! | function | reads | makes |
//! |---|---|---|
//! | `machine`, `coroutine`, `stackless` | all values as one stream | events, which borrow the chunk |
//! | `values` | one value after the other | a tree that owns its texts |
//! | `peer-resp-rs` | the same | a tree whose texts are slices of one `Bytes`; that the chunks are put together is part of it |
//! | `peer-resp-rs-bytes` | the same | the same, from one `Bytes` that is there already; whole only |
//! | `peer-redis-protocol` | the same | a tree that owns its texts |
//! | `peer-redis` | the same | the same, with UTF-8 checked in simple strings; whole only |
//! | `peer-rustis` | the same | an index of one `Bytes`, which its caller reads next; that the chunks are put together is part of it |
//! | `peer-hiredis` | the same | the same, in C; version 0.14 reads RESP2 alone |
//!
//! In chunks, a peer is given a buffer to which each chunk is appended. All but hiredis and rustis start a value again with
//! each: that is their interface. So the time for a large value is quadratic. Such peers are measured in no more chunks than
//! Criterion can repeat; 10 MB in chunks of 1,460 bytes are read once, for ten seconds at most, and the bench says
//! how far they have come. A peer is left out of a corpus that it does not read, or in which it finds another number of
//! values: redis-protocol fails at a map in a set, and an attribute is a value for others.
//!
//! ```text
//! $ cargo bench --bench resp                 # four minutes
//! $ cargo xtask charts --only resp           # a table and charts of the last run, to benches/results/resp
//! ```

use std::hint::black_box;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Throughput};
use pushdown::resp::{Coroutine, Extent, Machine, Options, Resp, Stackless, Values};
use pushdown::{PushParser, Status};
use pushdown_benches::resp::Corpus;
use pushdown_benches::settings;
use rustis::ErrorKind;
use rustis::resp::bench_support::BenchDecoder;

fn main() {
    #[cfg(not(hiredis))]
    println!("skipped: peer-hiredis, because {}", env!("HIREDIS_MISSING"));
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
            measure.peer("machine-values", OneByOne::default);
            #[cfg(hiredis)]
            measure.peer("peer-hiredis", pushdown_peers::Hiredis::new);
            measure.peer("peer-rustis", BenchDecoder::new);
            measure.restarting("peer-resp-rs", resp_rs::resp3::Parser::new);
            measure.restarting("peer-redis-protocol", RedisProtocol::default);
            if size == corpus.bytes.len() {
                let bytes = Bytes::copy_from_slice(&corpus.bytes);
                measure.run("peer-resp-rs-bytes", |_, _| resp_rs_bytes(bytes.clone()));
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

    fn peer<P: Peer>(&mut self, name: &str, new: impl Fn() -> P) {
        // Its allocations, and the state that it has built up, are kept from one reading to the next.
        let mut parser = new();
        self.run(name, |bytes, size| {
            let mut values = 0;
            for chunk in bytes.chunks(size) {
                match parser.feed(chunk) {
                    Some(read) => values += read,
                    None => {
                        parser = new();
                        return None;
                    }
                }
            }
            Some(values)
        });
    }

    /// A peer that starts a value again with each chunk.
    fn restarting<P: Peer>(&mut self, name: &str, new: impl Fn() -> P) {
        let Self { corpus, size, .. } = *self;
        let chunks = corpus.bytes.len() / size;
        if corpus.values > 8 || corpus.bytes.len() * chunks < 8 << 20 {
            self.peer(name, new);
        } else if size == 1_460 && corpus.is_large() {
            let mut parser = new();
            let (start, mut read) = (Instant::now(), 0);
            for chunk in corpus.bytes.chunks(size) {
                if start.elapsed() > Duration::from_secs(10) {
                    break;
                }
                let _ = black_box(parser.feed(chunk));
                read += chunk.len();
            }
            let (time, of) = (start.elapsed(), corpus.bytes.len());
            println!("resp/{}/{name}/{size}: {read} of {of} bytes in {time:.1?}", corpus.name);
        }
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

/// A parser that makes values, and drops them.
trait Peer {
    /// Returns the number of values that the chunk completes, or `None` if it is not understood.
    fn feed(&mut self, chunk: &[u8]) -> Option<usize>;
}

/// Ours.
#[derive(Default)]
struct OneByOne(Values);

impl Peer for OneByOne {
    fn feed(&mut self, mut chunk: &[u8]) -> Option<usize> {
        let mut values = 0;
        while !chunk.is_empty() {
            let progress = self.0.feed(chunk);
            chunk = &chunk[progress.consumed..];
            match progress.status {
                Status::NeedMoreInput => {}
                Status::Success => {
                    black_box(self.0.take_output());
                    self.0.next_value();
                    values += 1;
                }
                Status::BadInput => return None,
            }
        }
        Some(values)
    }
}

#[cfg(hiredis)]
impl Peer for pushdown_peers::Hiredis {
    fn feed(&mut self, chunk: &[u8]) -> Option<usize> {
        Self::feed(self, chunk)
    }
}

impl Peer for resp_rs::resp3::Parser {
    fn feed(&mut self, chunk: &[u8]) -> Option<usize> {
        let mut values = 0;
        Self::feed(self, Bytes::copy_from_slice(chunk));
        while let Some(frame) = self.next_frame().ok()? {
            black_box(frame);
            values += 1;
        }
        Some(values)
    }
}

impl Peer for BenchDecoder {
    fn feed(&mut self, chunk: &[u8]) -> Option<usize> {
        let mut values = 0;
        let mut result = Self::feed(self, chunk);
        // A call takes one value. It ends with this error where it needs more, and goes on from there.
        while result.is_ok() {
            values += 1;
            result = Self::feed(self, &[]);
        }
        result.is_err_and(|error| matches!(error.kind(), ErrorKind::EOF)).then_some(values)
    }
}

#[derive(Default)]
struct RedisProtocol(BytesMut);

impl Peer for RedisProtocol {
    fn feed(&mut self, chunk: &[u8]) -> Option<usize> {
        use redis_protocol::resp3::decode::complete::decode;

        let mut values = 0;
        self.0.extend_from_slice(chunk);
        while let Some((frame, len)) = decode(&self.0).ok()? {
            black_box(frame);
            let _ = self.0.split_to(len);
            values += 1;
        }
        Some(values)
    }
}

fn resp_rs_bytes(mut bytes: Bytes) -> Option<usize> {
    let mut values = 0;
    while !bytes.is_empty() {
        let (frame, rest) = resp_rs::resp3::parse_frame(bytes).ok()?;
        black_box(frame);
        bytes = rest;
        values += 1;
    }
    Some(values)
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
