//! The engines and their peers, in one run. Groups and names are those of the workspace's bench
//! `quoted`, since they measure the same; corpora, settings and the yardstick are shared with it.
//!
//! `bodies-peers` compares straight-line code without a scan with generated machines: all go byte by
//! byte.
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

/// Those of the workspace's bench `quoted`, and single bytes.
const CHUNK_SIZES: [usize; 5] = [1, 16, 64, 1460, corpus::LEN];

/// The length of a string that is fed byte by byte, or parsed again with each small chunk.
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
    // Does not cut an escape: `feed` asserts that this is a string.
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

/// Measures the upper limit of any search for two bytes.
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

/// Not inlined, so that each character is a call.
#[inline(never)]
fn process_char<R: Recogniser>(recogniser: &mut R, c: char) -> Status {
    recogniser.process_char(c)
}

/// A recogniser with a call for each chunk, as the machine in C has.
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

/// The same as in the workspace's bench `bodies`.
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
