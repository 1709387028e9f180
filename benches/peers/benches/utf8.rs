//! UTF-8 in chunks: our decoders, and other software that checks it. Each reports the text to a sink that
//! adds up lengths.
//!
//! ```text
//! $ cargo bench --bench utf8
//! ```

use std::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput};
use pushdown::scan;
use pushdown::text::Utf8;
use pushdown_benches::settings;
use pushdown_benches::text::{LEN, Text};
use pushdown_peers::utf8::{self, Decoder};

/// A few lines, the payload of an Ethernet frame, and a read from a file.
const CHUNK_SIZES: [usize; 3] = [64, 1460, LEN];

fn main() {
    println!("kernel: {}", scan::kernel_name());
    let mut criterion = settings::criterion();
    for text in Text::all() {
        let group = &mut settings::group(&mut criterion, format!("utf8/{}", text.name));
        group.throughput(Throughput::Bytes(text.bytes.len() as u64));
        let expected = str::from_utf8(&text.bytes).expect("the text is UTF-8");
        for size in CHUNK_SIZES {
            decode(group, "strict", Utf8::strict, &text.bytes, size, expected);
            decode(group, "replacing", Utf8::replacing, &text.bytes, size, expected);
            decode(group, "peer-simdutf8", utf8::simdutf8, &text.bytes, size, expected);
            decode(group, "peer-std", utf8::std, &text.bytes, size, expected);
            streaming(group, &text.bytes, size);
        }
    }
    replace(&mut criterion, &Text::latin1());
    criterion.final_summary();
}

/// Measures text with many faults.
fn replace(criterion: &mut Criterion, Text { name, bytes }: &Text) {
    let group = &mut settings::group(criterion, format!("utf8/{name}"));
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    let expected = &String::from_utf8_lossy(bytes);
    decode(group, "replacing", Utf8::replacing, bytes, LEN, expected);
    decode(group, "peer-std-chunks", || utf8::StdChunks, bytes, LEN, expected);
}

fn decode<D: Decoder>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    new: impl Fn() -> D,
    bytes: &[u8],
    chunk_size: usize,
    expected: &str,
) {
    let mut decoded = String::new();
    assert!(run(new(), bytes, chunk_size, |piece| decoded.push_str(piece)), "{name}");
    assert!(decoded == expected, "{name} at {chunk_size}");
    group.bench_function(BenchmarkId::new(name, chunk_size), |bencher| {
        bencher.iter(|| {
            let mut length = 0;
            let valid = run(new(), black_box(bytes), chunk_size, |piece| length += piece.len());
            (valid, length)
        });
    });
}

fn run(
    mut decoder: impl Decoder,
    bytes: &[u8],
    chunk_size: usize,
    mut sink: impl FnMut(&str),
) -> bool {
    bytes.chunks(chunk_size).all(|chunk| decoder.decode(chunk, &mut sink)) && decoder.finish()
}

/// simdutf8's validator for input in chunks, which reports no text, and its verdict at the end alone.
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "the interface is unsafe, since the processor may lack AVX2")]
fn streaming(group: &mut BenchmarkGroup<'_, WallTime>, bytes: &[u8], chunk_size: usize) {
    use simdutf8::basic::imp::{Utf8Validator, x86::avx2::Utf8ValidatorImp};

    if !is_x86_feature_detected!("avx2") {
        println!("skipped: peer-simdutf8-streaming, because the processor has no AVX2");
        return;
    }
    let run = |bytes: &[u8]| {
        // SAFETY: the processor has AVX2.
        let mut validator = unsafe { Utf8ValidatorImp::new() };
        for chunk in bytes.chunks(chunk_size) {
            // SAFETY: as above.
            unsafe { validator.update(chunk) };
        }
        // SAFETY: as above.
        unsafe { validator.finalize() }.is_ok()
    };
    assert!(run(bytes));
    group.bench_function(BenchmarkId::new("peer-simdutf8-streaming", chunk_size), |bencher| {
        bencher.iter(|| run(black_box(bytes)));
    });
}

#[cfg(not(target_arch = "x86_64"))]
fn streaming(_: &mut BenchmarkGroup<'_, WallTime>, _: &[u8], _: usize) {
    println!("skipped: peer-simdutf8-streaming, because its validator differs by processor");
}
