//! The cost of a parser that lives for three bytes.
//!
//! ```text
//! $ cargo bench --bench create
//! ```

use std::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{BatchSize, BenchmarkGroup};
use pushdown::engine::coroutine;
use pushdown::quoted::{Combinator, Coroutine, Generator, Machine, Stackless};
use pushdown::{PushParser, Status};
use pushdown_benches::settings;

fn main() {
    let mut criterion = settings::criterion();
    for (name, bytes, status) in [
        ("create/done", br#""a""#, Status::Success),
        ("create/half-way", br#""ab"#, Status::NeedMoreInput),
    ] {
        let group = &mut settings::group(&mut criterion, name);
        live(group, "machine", bytes, status, Machine::new);
        live(group, "coroutine", bytes, status, Coroutine::new);
        live(group, "stackless", bytes, status, Stackless::new);
        live(group, "generator", bytes, status, Generator::new);
        live(group, "combinator", bytes, status, Combinator::new);
        fresh_stack(group, bytes, status);
    }
    criterion.final_summary();
}

/// Creates a parser, feeds it three bytes, and drops it.
fn life<P: PushParser>(bytes: &[u8; 3], new: impl Fn() -> P) -> Status {
    let mut parser = new();
    parser.feed(black_box(bytes)).status
}

/// Measures a parser's life. A coroutine reuses the stack of the one before, from the pool.
fn live<P: PushParser>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    bytes: &[u8; 3],
    status: Status,
    new: impl Fn() -> P,
) {
    assert_eq!(life(bytes, &new), status, "{name}");
    group.bench_function(name, |bencher| bencher.iter(|| life(bytes, &new)));
}

/// Measures a coroutine that finds neither a stack nor address space in the pool: a thread's first.
fn fresh_stack(group: &mut BenchmarkGroup<'_, WallTime>, bytes: &[u8; 3], status: Status) {
    assert_eq!(life(bytes, Coroutine::new), status);
    group.bench_function("coroutine-fresh", |bencher| {
        let size = BatchSize::PerIteration;
        bencher.iter_batched(
            coroutine::release_idle_stacks,
            |()| life(bytes, Coroutine::new),
            size,
        );
    });
}
