//! The search for the bytes of a set, by the distance of the stops.
//!
//! | function | searches for |
//! |---|---|
//! | `set` | four bytes: a `Set` |
//! | `array` | the same: a `[u8; 4]` |
//! | `table` | the same, byte by byte in a table of 256 entries |
//! | `memchr3` | the three of them that occur |
//!
//! One iteration finds every stop of a text. In `sets/regular` all gaps between stops are equal, so that
//! the processor predicts where a short one ends. In `sets/irregular` they are random, from nothing to
//! twice the parameter, and the text is too long to be learnt. In `sets/nothing` there is no stop.
//!
//! ```text
//! $ cargo bench --bench sets
//! ```

use std::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Throughput};
use pushdown::scan::{self, Set, Stop};
use pushdown_benches::{corpus, settings};

const GAPS: [usize; 15] = [0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 256, 1024];

/// The last one does not occur.
const STOPS: [u8; 4] = *b",;\n\"";

static TABLE: [bool; 256] = {
    let mut table = [false; 256];
    let mut at = 0;
    while at < STOPS.len() {
        table[STOPS[at] as usize] = true;
        at += 1;
    }
    table
};

fn main() {
    println!("kernel: {}", scan::kernel_name());
    let mut criterion = settings::criterion();
    for gap in GAPS {
        let group = &mut settings::group(&mut criterion, "sets/regular");
        each(group, gap, &text(corpus::LEN, |_| gap));
    }
    for gap in GAPS {
        let group = &mut settings::group(&mut criterion, "sets/irregular");
        // Each iteration takes a millisecond or more.
        group.sample_size(50);
        each(group, gap, &text(1 << 20, |random| random % (2 * gap + 1)));
    }
    each(
        &mut settings::group(&mut criterion, "sets/nothing"),
        corpus::LEN,
        &vec![b'a'; corpus::LEN],
    );
    criterion.final_summary();
}

/// Creates a text with these gaps between stops.
fn text(len: usize, mut gap: impl FnMut(usize) -> usize) -> Vec<u8> {
    // Xorshift: G. Marsaglia, "Xorshift RNGs", Journal of Statistical Software 8, 2003.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 33) as usize
    };
    let mut text = Vec::new();
    while text.len() < len {
        for _ in 0..gap(random()) {
            text.push(b'a' + (random() % 26) as u8);
        }
        text.push(STOPS[random() % 3]);
    }
    text.truncate(len);
    text
}

fn each(group: &mut BenchmarkGroup<'_, WallTime>, gap: usize, text: &[u8]) {
    const SET: Set = Set::of(&STOPS);
    let [a, b, c, _] = STOPS;
    let stops = text.iter().filter(|byte| STOPS.contains(byte)).count();
    group.throughput(Throughput::Bytes(text.len() as u64));
    measure(group, "set", gap, text, stops, |rest| SET.find(rest));
    measure(group, "array", gap, text, stops, |rest| STOPS.find(rest));
    measure(group, "table", gap, text, stops, |rest| {
        rest.iter().position(|byte| TABLE[usize::from(*byte)])
    });
    measure(group, "memchr3", gap, text, stops, |rest| memchr::memchr3(a, b, c, rest));
}

fn measure(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    gap: usize,
    text: &[u8],
    stops: usize,
    find: impl Fn(&[u8]) -> Option<usize>,
) {
    let count = |text: &[u8]| {
        let (mut rest, mut count) = (text, 0);
        while let Some(at) = find(rest) {
            rest = &rest[at + 1..];
            count += 1;
        }
        count
    };
    assert_eq!(count(text), stops, "{name}");
    group.bench_function(BenchmarkId::new(name, gap), |bencher| {
        bencher.iter(|| count(black_box(text)));
    });
}
