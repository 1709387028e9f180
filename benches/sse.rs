//! Event streams in every engine, with a sink, and as messages: in chunks of 64 KiB, of a packet, and of 16
//! bytes.
//!
//! ```text
//! $ cargo bench --bench sse
//! ```

use std::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Throughput};
use pushdown::sse::{
    Coroutine, Event, Field, Generator, LentMessages, Machine, Messages, Sse, Stackless,
};
use pushdown::{PushParser, scan};
use pushdown_benches::settings;
use pushdown_benches::streams::Stream;

fn main() {
    println!("kernel: {}", scan::kernel_name());
    let mut criterion = settings::criterion();
    for stream in Stream::all() {
        let group = &mut settings::group(&mut criterion, format!("engines/sse-{}", stream.name));
        group.throughput(Throughput::Bytes(stream.bytes.len() as u64));
        group.sample_size(100);
        for size in [64 << 10, 1460, 16] {
            let chunks: Vec<_> = stream.bytes.chunks(size).collect();
            engine(group, "machine", Machine::new(), &stream, &chunks);
            engine(group, "coroutine", Coroutine::new(), &stream, &chunks);
            engine(group, "stackless", Stackless::new(), &stream, &chunks);
            engine(group, "generator", Generator::new(), &stream, &chunks);
            for (name, read) in [("machine-lent", lent as Read), ("machine-messages", messages)] {
                assert_eq!(read(&chunks), stream.counts, "{name}");
                group.bench_function(BenchmarkId::new(name, size), |bencher| {
                    bencher.iter(|| read(black_box(&chunks)));
                });
            }
        }
    }
    criterion.final_summary();
}

fn engine(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    mut parser: impl PushParser<Events = Sse>,
    stream: &Stream,
    chunks: &[&[u8]],
) {
    assert_eq!(events(&mut parser, chunks), stream.counts, "{name}");
    let size = chunks[0].len();
    group.bench_function(BenchmarkId::new(name, size), |bencher| {
        bencher.iter(|| events(&mut parser, black_box(chunks)));
    });
}

/// Returns the number of messages, and of the bytes of their data.
fn events(parser: &mut impl PushParser<Events = Sse>, chunks: &[&[u8]]) -> (usize, usize) {
    let (mut messages, mut bytes, mut lines) = (0, 0, 0);
    parser.reset();
    for chunk in chunks {
        let _ = parser.feed_with(chunk, |event| match event {
            Event::Field { name: Field::Data, value } => {
                bytes += value.text.len();
                lines += usize::from(!value.more);
            }
            Event::Field { .. } | Event::Discard => {}
            Event::Dispatch => messages += 1,
        });
    }
    (messages, bytes + lines - messages)
}

type Read = fn(&[&[u8]]) -> (usize, usize);

/// Returns the number of messages, and of the bytes of their data, lent by a parser of whole ones.
fn lent(chunks: &[&[u8]]) -> (usize, usize) {
    let (mut parser, mut count, mut bytes) = (LentMessages::new(), 0, 0);
    for chunk in chunks {
        let _ = parser.feed_with(chunk, |message| {
            count += 1;
            bytes += message.data.len();
        });
    }
    (count, bytes)
}

/// Returns the number of messages, and of the bytes of their data, made by a parser of whole ones.
fn messages(chunks: &[&[u8]]) -> (usize, usize) {
    let (mut parser, mut count, mut bytes) = (Messages::new(), 0, 0);
    for mut chunk in chunks.iter().copied() {
        loop {
            let progress = parser.feed(chunk);
            chunk = &chunk[progress.consumed..];
            let Some(message) = parser.take_output() else { break };
            count += 1;
            bytes += message.data.len();
            parser.next_value();
        }
    }
    (count, bytes)
}
