//! Event streams, beside other software: `src/sse.rs` says what each leaves out.
//!
//! ```text
//! $ cd benches/peers && cargo bench --bench sse
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
        group.sample_size(100);
        for size in [64 << 10, 1460, 16] {
            let chunks: Vec<_> = stream.bytes.chunks(size).map(Bytes::copy_from_slice).collect();
            for (name, read) in READERS {
                assert_eq!(read(&chunks), stream.counts, "{name}");
                group.bench_function(BenchmarkId::new(name, size), |bencher| {
                    bencher.iter(|| read(black_box(&chunks)));
                });
            }
        }
    }
    criterion.final_summary();
}
