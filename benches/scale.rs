//! The cost of feeding one of many live parsers, each in turn.
//!
//! With few parsers all state is in the cache. With many, each parser fed is cold: the state of a
//! coroutine is a stack, on a page of its own.
//!
//! ```text
//! $ cargo bench --bench scale
//! ```

use std::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Throughput};
use pushdown::engine::coroutine::Options;
use pushdown::quoted::{Coroutine, Generator, Machine, Stackless};
use pushdown::{PushParser, Status};
use pushdown_benches::settings;

/// The last is about as many coroutines as Linux allows where each guard takes a mapping.
const LIVE: [usize; 3] = [1, 1_000, 30_000];

fn main() {
    let options = Options::new().stack_size(16 << 10);
    let mut criterion = settings::criterion();
    for (name, bytes) in [("scale/1-byte", &[b'a'][..]), ("scale/64-bytes", &[b'a'; 64][..])] {
        let group = &mut settings::group(&mut criterion, name);
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        for live in LIVE {
            feed_in_turn(group, "machine", live, bytes, Machine::new);
            feed_in_turn(group, "coroutine", live, bytes, || {
                Coroutine::with_options(options).expect("stacks for the coroutines")
            });
            feed_in_turn(group, "stackless", live, bytes, Stackless::new);
            feed_in_turn(group, "generator", live, bytes, Generator::new);
        }
    }
    criterion.final_summary();
}

/// Feeds the same bytes to parsers that are all inside a string.
fn feed_in_turn<P: PushParser>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    live: usize,
    bytes: &[u8],
    new: impl Fn() -> P,
) {
    let mut parsers: Vec<P> = (0..live).map(|_| new()).collect();
    for parser in &mut parsers {
        assert_eq!(parser.feed(b"\"").status, Status::NeedMoreInput, "{name}");
        assert_eq!(parser.feed(bytes).status, Status::NeedMoreInput, "{name}");
    }
    let mut turn = 0;
    group.bench_function(BenchmarkId::new(name, live), |bencher| {
        bencher.iter(|| {
            let progress = parsers[turn].feed(black_box(bytes));
            turn = if turn + 1 == live { 0 } else { turn + 1 };
            progress
        });
    });
    for parser in &mut parsers {
        assert_eq!(parser.feed(b"\"").status, Status::Success, "{name}");
    }
}
