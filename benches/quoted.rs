//! The quoted string in every engine: by density of escapes and chunk size, with a sink and without,
//! from memory, by characters, and whole.
//!
//! One parse is a `reset` and a `feed` for each chunk of one string. `limit` is `memchr2` finding
//! nothing in as many bytes; `enum` is the byte-by-byte loop.
//!
//! ```text
//! $ cargo bench --bench quoted
//! ```

use std::hint::black_box;
use std::ops::ControlFlow::Continue;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput};
use pushdown::Status::NeedMoreInput;
use pushdown::quoted::{Combinator, Coroutine, Event, Generator, Machine, Quoted, Stackless};
use pushdown::scan::{self, Escaped, Stop};
use pushdown::{EventSink, PushParser, Status};

use pushdown_benches::corpus::Corpus;
use pushdown_benches::{corpus, settings};

mod yardstick;

use yardstick::Enum;

type Group<'a> = BenchmarkGroup<'a, WallTime>;

/// The sizes of a terminal's reads, of a cache line, of a packet, and the whole string.
const CHUNK_SIZES: [usize; 4] = [16, 64, 1460, corpus::LEN];

fn main() {
    println!("kernel: {}", scan::kernel_name());
    let mut criterion = settings::criterion();
    for corpus in Corpus::all() {
        feeds(&mut criterion, &corpus);
    }
    for corpus in Corpus::all() {
        events(&mut criterion, &corpus);
    }
    documents(&mut criterion);
    memory(&mut criterion);
    chars(&mut criterion);
    whole(&mut criterion);
    criterion.final_summary();
}

/// An engine, or the yardstick.
trait Recogniser {
    fn restart(&mut self);
    fn feed(&mut self, chunk: &[u8]) -> Status;
    fn feed_with(&mut self, chunk: &[u8], sink: &mut EventSink<'_, Quoted>) -> Status;
    fn process_char(&mut self, c: char) -> Status;
}

impl<P: PushParser<Events = Quoted>> Recogniser for P {
    #[inline]
    fn restart(&mut self) {
        self.reset();
    }

    #[inline]
    fn feed(&mut self, chunk: &[u8]) -> Status {
        PushParser::feed(self, chunk).status
    }

    #[inline]
    fn feed_with(&mut self, chunk: &[u8], sink: &mut EventSink<'_, Quoted>) -> Status {
        self.feed_dyn(chunk, sink).status
    }

    #[inline]
    fn process_char(&mut self, c: char) -> Status {
        PushParser::process_char(self, c)
    }
}

impl Recogniser for Enum {
    #[inline]
    fn restart(&mut self) {
        *self = Self::Start;
    }

    #[inline]
    fn feed(&mut self, chunk: &[u8]) -> Status {
        Self::feed(self, chunk)
    }

    /// Reports the same pieces as the engines: runs of text, and each escaped byte alone. Not inlined,
    /// so that it calls the sink through a pointer, as they do.
    #[inline(never)]
    fn feed_with(&mut self, chunk: &[u8], sink: &mut EventSink<'_, Quoted>) -> Status {
        let mut text = |piece| {
            let _ = sink(Event::Text(piece));
        };
        let mut begin = 0;
        for (at, &byte) in chunk.iter().enumerate() {
            match (*self, byte) {
                (Self::Inside, b'"' | b'\\') if begin < at => text(&chunk[begin..at]),
                (Self::Inside, b'"' | b'\\') | (Self::Start, _) => {}
                (Self::Inside, _) => continue,
                (Self::Escape, _) => text(&chunk[at..=at]),
            }
            begin = at + 1;
            match self.process_char(byte) {
                NeedMoreInput => {}
                end => return end,
            }
        }
        if matches!(self, Self::Inside) && begin < chunk.len() {
            text(&chunk[begin..]);
        }
        NeedMoreInput
    }

    #[inline]
    fn process_char(&mut self, c: char) -> Status {
        Self::process_char(self, c)
    }
}

/// Calls `$measure` with the name and a parser of each engine that does not parse again.
macro_rules! each_engine {
    ($measure:ident($($argument:expr),*)) => {
        $measure("machine", Machine::new(), $($argument),*);
        $measure("coroutine", Coroutine::new(), $($argument),*);
        $measure("stackless", Stackless::new(), $($argument),*);
        $measure("generator", Generator::new(), $($argument),*);
    };
}

fn feeds(criterion: &mut Criterion, corpus: &Corpus) {
    let group = &mut settings::group(criterion, format!("quoted/{}", corpus.name));
    if corpus.name == "plain" {
        let Corpus { string, .. } = &Corpus::plain(4 << 10);
        group.throughput(Throughput::Bytes(string.len() as u64));
        each_engine!(feed(group, string, 1));
        feed("enum", Enum::Start, group, string, 1);
    }
    let string = &corpus.string;
    group.throughput(Throughput::Bytes(string.len() as u64));
    for chunk_size in CHUNK_SIZES {
        each_engine!(feed(group, string, chunk_size));
    }
    limit(group, string.len());
    feed("enum", Enum::Start, group, string, corpus::LEN);
    feed("combinator", Combinator::new(), group, string, corpus::LEN);
}

fn feed(
    name: &str,
    mut recogniser: impl Recogniser,
    group: &mut Group<'_>,
    string: &[u8],
    chunk_size: usize,
) {
    let mut parse = |string: &[u8]| {
        recogniser.restart();
        let statuses = string.chunks(chunk_size).map(|chunk| recogniser.feed(chunk));
        statuses.last()
    };
    assert_eq!(parse(string), Some(Status::Success), "{name}");
    assert_eq!(parse(&string[..string.len() - 1]), Some(NeedMoreInput), "{name}");
    group.bench_function(BenchmarkId::new(name, chunk_size), |bencher| {
        bencher.iter(|| parse(black_box(string)));
    });
}

/// Measures the upper limit of any search for two bytes.
fn limit(group: &mut Group<'_>, len: usize) {
    let clean = vec![b'.'; len];
    let find = |clean: &[u8]| memchr::memchr2(b'"', b'\\', clean);
    assert_eq!(find(&clean), None);
    group.bench_function(BenchmarkId::new("limit", corpus::LEN), |bencher| {
        bencher.iter(|| black_box(&clean[..]).chunks(corpus::LEN).find_map(find));
    });
}

fn events(criterion: &mut Criterion, corpus: &Corpus) {
    let group = &mut settings::group(criterion, format!("quoted-events/{}", corpus.name));
    let string = &corpus.string;
    group.throughput(Throughput::Bytes(string.len() as u64));
    for chunk_size in [1460, corpus::LEN] {
        each_engine!(feed_with(group, string, chunk_size));
        feed_with("enum", Enum::Start, group, string, chunk_size);
    }
    limit(group, string.len());
}

fn feed_with(
    name: &str,
    mut recogniser: impl Recogniser,
    group: &mut Group<'_>,
    string: &[u8],
    chunk_size: usize,
) {
    let mut text: Vec<u8> = Vec::new();
    let status = parse_with(&mut recogniser, string, chunk_size, &mut |Event::Text(piece)| {
        text.extend(piece);
        Continue(())
    });
    assert_eq!(status, Some(Status::Success), "{name}");
    assert!(text == unescaped(string), "{name}");
    group.bench_function(BenchmarkId::new(name, chunk_size), |bencher| {
        bencher.iter(|| {
            parse_with(&mut recogniser, black_box(string), chunk_size, &mut |event| {
                black_box(event);
                Continue(())
            })
        });
    });
}

#[inline]
fn parse_with(
    recogniser: &mut impl Recogniser,
    string: &[u8],
    chunk_size: usize,
    sink: &mut EventSink<'_, Quoted>,
) -> Option<Status> {
    recogniser.restart();
    string.chunks(chunk_size).map(|chunk| recogniser.feed_with(chunk, sink)).last()
}

/// The content of a quoted string.
fn unescaped(string: &[u8]) -> Vec<u8> {
    let mut content = string[1..string.len() - 1].iter().copied();
    let mut text = Vec::new();
    while let Some(byte) = content.next() {
        text.extend(if byte == b'\\' { content.next() } else { Some(byte) });
    }
    text
}

/// Measures text as programs write it, more than a megabyte.
fn documents(criterion: &mut Criterion) {
    for corpus in [Corpus::document(), Corpus::nested_document()] {
        let group = &mut settings::group(criterion, format!("quoted/{}", corpus.name));
        let string = &corpus.string;
        group.throughput(Throughput::Bytes(string.len() as u64));
        each_engine!(feed(group, string, corpus::LEN));
        limit(group, string.len());
    }
}

/// Measures a string larger than any cache.
fn memory(criterion: &mut Criterion) {
    let group = &mut settings::group(criterion, "quoted/memory");
    // Each takes milliseconds.
    group.sample_size(100);
    let Corpus { string, .. } = &Corpus::plain(64 << 20);
    group.throughput(Throughput::Bytes(string.len() as u64));
    each_engine!(feed(group, string, corpus::LEN));
    limit(group, string.len());
}

fn chars(criterion: &mut Criterion) {
    let group = &mut settings::group(criterion, "quoted/char");
    for (name, text) in [
        ("ascii", r#"say \"hi\" and go, whatever the state is "#),
        ("multi-byte", r#"größer, \"日本語\" und 🎉 dazu, κόσμε "#),
    ] {
        let text: Vec<char> = text.repeat(25).chars().collect();
        group.throughput(Throughput::Elements(text.len() as u64));
        each_engine!(each_char(group, name, &text));
        each_char("enum", Enum::Start, group, name, &text);
    }
}

/// Feeds the text repeatedly to a parser that is inside a string.
fn each_char(
    name: &str,
    mut recogniser: impl Recogniser,
    group: &mut Group<'_>,
    parameter: &str,
    text: &[char],
) {
    assert_eq!(called(&mut recogniser, '"'), NeedMoreInput, "{name}");
    let mut parse =
        |text: &[char]| text.iter().all(|&c| called(&mut recogniser, c) == NeedMoreInput);
    assert!(parse(text), "{name}");
    group.bench_function(BenchmarkId::new(name, parameter), |bencher| {
        bencher.iter(|| parse(black_box(text)));
    });
    assert_eq!(called(&mut recogniser, '"'), Status::Success, "{name}");
}

/// Calls `process_char` without inlining it.
#[inline(never)]
fn called(recogniser: &mut impl Recogniser, c: char) -> Status {
    recogniser.process_char(c)
}

/// Measures one `feed` of the whole string against a function that takes the whole string.
fn whole(criterion: &mut Criterion) {
    let group = &mut settings::group(criterion, "quoted/whole");
    for corpus in [Corpus::plain(1 << 10), Corpus::plain(corpus::LEN)] {
        let string = &corpus.string;
        group.throughput(Throughput::Bytes(string.len() as u64));
        each_engine!(feed(group, string, string.len()));
        assert_eq!(one_shot(string), Some(string.len()));
        assert_eq!(one_shot(&string[..string.len() - 1]), None);
        group.bench_function(BenchmarkId::new("one-shot", string.len()), |bencher| {
            bencher.iter(|| one_shot(black_box(string)));
        });
    }
}

/// The length of the quoted string at the start of `bytes`.
fn one_shot(bytes: &[u8]) -> Option<usize> {
    let content = bytes.strip_prefix(b"\"")?;
    let close = Escaped { close: b'"', escape: b'\\' }.skip(content)?;
    (content[close] == b'"').then_some(close + 2)
}
