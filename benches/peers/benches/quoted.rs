//! The engines and their peers, in one run: groups and names as in the benches of the main
//! package, for the corpora and the settings are the same files.
//!
//! ```text
//! $ cargo bench
//! ```

use std::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput};
use pushdown::scan::Kernel;
use pushdown_peers::{Pace, Recogniser, Status, each_recogniser};

#[path = "../../common/corpus.rs"]
mod corpus;
#[path = "../../common/settings.rs"]
mod settings;

use corpus::Corpus;

type Group<'a> = BenchmarkGroup<'a, WallTime>;

/// As in the main package.
const CHUNK_SIZES: [usize; 5] = [1, 16, 64, 1460, corpus::LEN];

/// The length of a string that is fed byte by byte, or parsed again with every small chunk.
const SHORT: usize = 4 << 10;

fn main() {
    println!("kernel: {}", Kernel::best().name());
    #[cfg(not(ragel))]
    println!("skipped: peer-ragel, because {}", env!("RAGEL_MISSING"));
    let mut criterion = settings::criterion();
    for corpus in Corpus::all() {
        let group = &mut settings::group(&mut criterion, format!("quoted/{}", corpus.name));
        each_recogniser!(feeds(group, &corpus));
    }
    each_recogniser!(chars(&mut criterion));
    criterion.final_summary();
}

fn feeds<R: Recogniser>(
    name: &str,
    pace: Pace,
    new: impl Fn() -> R,
    group: &mut Group<'_>,
    corpus: &Corpus,
) {
    // The last byte before the quote is not half an escape: the assertion below would not hold.
    let short = [&corpus.string[..SHORT - 1], b"\""].concat();
    for chunk_size in CHUNK_SIZES {
        let string = match pace {
            Pace::ByChar if chunk_size != corpus::LEN => continue,
            Pace::Threads => continue,
            _ if chunk_size == 1 && corpus.name != "plain" => continue,
            _ if chunk_size == 1 => &short,
            Pace::Quadratic if chunk_size < 1460 => &short,
            _ => &corpus.string,
        };
        feed(name, new(), group, string, chunk_size);
    }
}

fn feed(
    name: &str,
    mut recogniser: impl Recogniser,
    group: &mut Group<'_>,
    string: &[u8],
    chunk_size: usize,
) {
    let mut parse = |string: &[u8]| {
        recogniser.reset();
        let statuses = string.chunks(chunk_size).map(|chunk| recogniser.feed(chunk));
        statuses.last()
    };
    assert_eq!(parse(string), Some(Status::Success), "{name}");
    group.throughput(Throughput::Bytes(string.len() as u64));
    group.bench_function(BenchmarkId::new(name, chunk_size), |bencher| {
        bencher.iter(|| parse(black_box(string)));
    });
}

fn chars<R: Recogniser>(name: &str, pace: Pace, new: impl Fn() -> R, criterion: &mut Criterion) {
    let group = &mut settings::group(criterion, "quoted/char");
    let text = r#"say \"hi\" and go, whatever the state is "#;
    let times = if pace == Pace::Threads { 1 } else { 25 };
    let string: Vec<char> = format!("\"{}\"", text.repeat(times)).chars().collect();
    let mut recogniser = new();
    let mut parse = |string: &[char]| {
        recogniser.reset();
        string.iter().map(|&c| process_char(&mut recogniser, c)).last()
    };
    assert_eq!(parse(&string), Some(Status::Success), "{name}");
    group.throughput(Throughput::Elements(string.len() as u64));
    group.bench_function(BenchmarkId::new(name, "ascii"), |bencher| {
        bencher.iter(|| parse(black_box(&string)));
    });
}

/// Never inlined, so that every character is a call.
#[inline(never)]
fn process_char<R: Recogniser>(recogniser: &mut R, c: char) -> Status {
    recogniser.process_char(c)
}
