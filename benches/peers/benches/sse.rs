//! Event streams, beside other software: `src/sse.rs` says what each leaves out.
//!
//! ```text
//! $ cd benches/peers && cargo bench --bench sse     # under two minutes
//! $ cargo xtask charts --only sse                   # to benches/results/sse
//! ```

use std::hint::black_box;

use bytes::Bytes;
use criterion::{BenchmarkId, Throughput};
use pushdown_benches::settings;
use pushdown_benches::streams::Stream;
use pushdown_peers::sse::READERS;

fn main() {
    println!("kernel: {}", pushdown::scan::kernel_name());
    let mut criterion = settings::criterion();
    for stream in Stream::all() {
        let group = &mut settings::group(&mut criterion, format!("sse/{}", stream.name));
        group.throughput(Throughput::Bytes(stream.bytes.len() as u64));
        for size in [64 << 10, 1460, 16] {
            let chunks: Vec<_> = stream.bytes.chunks(size).map(Bytes::copy_from_slice).collect();
            for (name, read) in READERS {
                assert_eq!(read(&chunks), stream.counts, "{name}");
                // It copies the rest of a chunk for each line: a tenth of a second for a large one.
                let is_slow = name == "peer-eventsource-stream" && size > 1460;
                group.sample_size(if is_slow { 10 } else { 100 });
                group.bench_function(BenchmarkId::new(name, size), |bencher| {
                    bencher.iter(|| read(black_box(&chunks)));
                });
            }
        }
    }
    criterion.final_summary();
}
