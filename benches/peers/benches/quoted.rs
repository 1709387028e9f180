//! The engines and their peers, in one run. Groups and names are those of the main package's bench
//! `quoted`, for they measure the same; corpora, settings and the yardstick are the same files.
//!
//! `bodies-peers` has straight-line code that takes no scan beside machines made by others: all go
//! byte by byte.
//!
//! ```text
//! $ cargo bench
//! ```

use std::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput};
use pushdown::Failure;
use pushdown::engine::coroutine;
use pushdown::scan;
#[cfg(ragel)]
use pushdown_peers::Ragel;
use pushdown_peers::{Pace, Recogniser, RegexAutomata, Status, each_recogniser};

use pushdown_benches::corpus::Corpus;
use pushdown_benches::{corpus, settings};

#[path = "../../yardstick.rs"]
mod yardstick;

use yardstick::Enum;

type Group<'a> = BenchmarkGroup<'a, WallTime>;

/// As in the main package.
const CHUNK_SIZES: [usize; 5] = [1, 16, 64, 1460, corpus::LEN];

/// The length of a string that is fed byte by byte, or parsed again with every small chunk.
const SHORT: usize = 4 << 10;

fn main() {
    println!("kernel: {}", scan::kernel_name());
    #[cfg(not(ragel))]
    println!("skipped: peer-ragel, because {}", env!("RAGEL_MISSING"));
    let mut criterion = settings::criterion();
    for corpus in Corpus::all() {
        let group = &mut settings::group(&mut criterion, format!("quoted/{}", corpus.name));
        each_recogniser!(feeds(group, &corpus));
        feeds("enum", Pace::Linear, || Enum::Start, group, &corpus);
        limit(group);
    }
    chars(&mut criterion);
    let [plain, escapes_2, ..] = Corpus::all();
    for corpus in [plain, escapes_2] {
        bodies(&mut criterion, &corpus);
    }
    criterion.final_summary();
}

impl Recogniser for Enum {
    #[inline]
    fn feed(&mut self, chunk: &[u8]) -> Status {
        Self::feed(self, chunk)
    }

    #[inline]
    fn process_char(&mut self, c: char) -> Status {
        Self::process_char(self, c)
    }

    #[inline]
    fn reset(&mut self) {
        *self = Self::Start;
    }
}

fn feeds<R: Recogniser>(
    name: &str,
    pace: Pace,
    new: impl Fn() -> R,
    group: &mut Group<'_>,
    corpus: &Corpus,
) {
    // No escape is cut in two: `feed` asserts that this is a string.
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

/// What no search for two bytes is faster than.
fn limit(group: &mut Group<'_>) {
    let clean = [b'.'; corpus::LEN];
    let find = |clean: &[u8]| memchr::memchr2(b'"', b'\\', clean);
    assert_eq!(find(&clean), None);
    group.throughput(Throughput::Bytes(clean.len() as u64));
    group.bench_function(BenchmarkId::new("limit", corpus::LEN), |bencher| {
        bencher.iter(|| find(black_box(&clean)));
    });
}

fn chars(criterion: &mut Criterion) {
    let group = &mut settings::group(criterion, "quoted/char");
    each_recogniser!(each_char(group));
    each_char("enum", Pace::Linear, || Enum::Start, group);
}

fn each_char<R: Recogniser>(name: &str, pace: Pace, new: impl Fn() -> R, group: &mut Group<'_>) {
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

/// Every chunk is a call, as it has to be for the machine in C.
struct Called<R>(R);

impl<R: Recogniser> Recogniser for Called<R> {
    #[inline(never)]
    fn feed(&mut self, chunk: &[u8]) -> Status {
        self.0.feed(chunk)
    }

    fn reset(&mut self) {
        self.0.reset();
    }
}

fn bodies(criterion: &mut Criterion, Corpus { name, string }: &Corpus) {
    let group = &mut settings::group(criterion, format!("bodies-peers/{name}"));
    for chunk_size in [1460, corpus::LEN] {
        feed("enum", Called(Enum::Start), group, string, chunk_size);
        feed("coroutine", Called(coroutine::Parser::new(body)), group, string, chunk_size);
        #[cfg(ragel)]
        feed("peer-ragel", Called(Ragel::default()), group, string, chunk_size);
        let regex = Called(RegexAutomata::default());
        feed("peer-regex-automata", regex, group, string, chunk_size);
    }
}

/// As in the main package's bench `bodies`.
fn body(input: &mut coroutine::Input<'_>) -> Result<(), Failure> {
    input.expect(b'"')?;
    loop {
        match input.next()? {
            b'"' => return Ok(()),
            b'\\' => _ = input.next()?,
            _ => {}
        }
    }
}
