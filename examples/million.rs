//! A million live parsers, each suspended inside a string: the memory of one, and the time to create
//! and to feed it.
//!
//! ```text
//! $ cargo run --release --example million              # 1, 1,000, 30,000 and 1,000,000 parsers
//! $ cargo run --release --example million -- 500 7000  # these numbers
//! $ cargo run --release --example million -- --quick   # 1 and 1,000
//! $ cargo run --release --example million -- --json 1000   # of JSON, each eight levels deep
//! $ cargo run --release --example million -- stackless 10000000 coroutine 1000000 # of these engines
//! $ cargo run --release --example million -- --csv stackless 10000000 # for `cargo xtask charts`
//! ```
//!
//! Each row is measured in a process of its own, so that none reuses the memory of another. Memory is
//! resident memory, in whole pages, so the figure for one parser means little; the bytes left over are
//! those the allocator keeps after the parsers are dropped. The time to create a parser includes its
//! first byte. A feed is one byte, to each parser in turn, so that with many parsers each is cold.

use std::env;
use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::io;
use std::process::{Command, ExitCode};
use std::slice;
use std::time::{Duration, Instant};

use pushdown::engine::coroutine::{self, Options};
use pushdown::quoted::{Combinator, Coroutine, Generator, Machine, Stackless};
use pushdown::{PushParser, Status, json};

type Measure = fn(usize) -> Result<Row, String>;

const ENGINES: [(&str, Measure); 5] = [
    ("machine", |live| row(live, "\"", || Ok(Machine::new()))),
    ("coroutine", |live| {
        row(live, "\"", || Coroutine::with_options(Options::new().stack_size(STACK)))
    }),
    ("stackless", |live| row(live, "\"", || Ok(Stackless::new()))),
    ("generator", |live| row(live, "\"", || Ok(Generator::new()))),
    ("combinator", |live| row(live, "\"", || Ok(Combinator::new()))),
];

/// The stack of the coroutine is the one that it has by default, which suffices for 128 levels.
const JSON_ENGINES: [(&str, Measure); 4] = [
    ("json-machine", |live| row(live, NESTED, || Ok(json::Machine::new()))),
    ("json-coroutine", |live| {
        row(live, NESTED, || json::Coroutine::with_options(json::Options::new()))
    }),
    ("json-stackless", |live| row(live, NESTED, || Ok(json::Stackless::new()))),
    ("json-generator", |live| row(live, NESTED, || Ok(json::Generator::new()))),
];

/// The start of a document, up to the inside of a string.
const NESTED: &str = r#"{"a":[{"b":[{"c":[{"d":[""#;

/// Bytes of a coroutine's stack: enough for a quoted string, and less address space than by default.
const STACK: usize = 16 << 10;

/// Parsers created between two checks of the memory.
const BATCH: usize = 1_000;

/// Bytes fed to each parser, one at a time. Few, since `combinator` parses all of them again each
/// time.
const TURNS: usize = 16;

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let result = match &args[..] {
        [] => table(Format::Text, rows(&["1", "1000", "30000", "1000000"])),
        [quick] if quick == "--quick" => table(Format::Text, rows(&["1", "1000"])),
        [row, engine, live] if row == "--row" => print_row(Format::Text, engine, live),
        [row, engine, live] if row == "--csv-row" => print_row(Format::Csv, engine, live),
        [csv, names_and_numbers @ ..] if csv == "--csv" => {
            table(Format::Csv, rows(names_and_numbers))
        }
        names_and_numbers => table(Format::Text, rows(names_and_numbers)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("million: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The output: columns for people, or comma-separated values.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Text,
    Csv,
}

fn engine(name: &str) -> Option<&'static (&'static str, Measure)> {
    ENGINES.iter().chain(&JSON_ENGINES).find(|(engine, _)| *engine == name)
}

/// Returns the rows of the table, an engine and a number each. A number is one of parsers of the engine
/// named before it, or of each engine.
fn rows(names_and_numbers: &[impl AsRef<str>]) -> Option<Vec<(&'static str, usize)>> {
    let mut rows = Vec::new();
    let mut engines: &[(&str, Measure)] = &ENGINES;
    let mut complete = false;
    for argument in names_and_numbers.iter().map(AsRef::as_ref) {
        complete = match argument.parse() {
            Ok(0) => return None,
            Ok(live) => {
                rows.extend(engines.iter().map(|(engine, _)| (*engine, live)));
                true
            }
            Err(_) => {
                engines = match argument {
                    "--json" => &JSON_ENGINES,
                    name => slice::from_ref(engine(name)?),
                };
                false
            }
        };
    }
    complete.then_some(rows)
}

/// Prints the table, each row from a process of its own.
fn table(format: Format, rows: Option<Vec<(&str, usize)>>) -> Result<(), Box<dyn Error>> {
    let rows = rows.ok_or("expected --quick, or numbers of parsers from 1 on")?;
    let option = match format {
        Format::Text => {
            println!(
                "{:14} {:>12} {:>12} {:>12} {:>12} {:>15}",
                "engine",
                "live parsers",
                "bytes each",
                "ns to create",
                "ns per feed",
                "bytes left over"
            );
            "--row"
        }
        Format::Csv => {
            println!("engine,live,bytes_each,create_ns,feed_ns");
            "--csv-row"
        }
    };
    let mut failed = 0;
    for (engine, live) in rows {
        let mut command = Command::new(env::current_exe()?);
        let status = command.args([option, engine, &live.to_string()]).status()?;
        if !status.success() {
            failed += 1;
        }
        if status.code().is_none() {
            eprintln!("{engine}, {} parsers: ended by {status}", grouped(live as u64));
        }
    }
    if failed > 0 { Err(format!("{failed} rows are missing").into()) } else { Ok(()) }
}

fn print_row(format: Format, engine: &str, live: &str) -> Result<(), Box<dyn Error>> {
    let live: usize = live.parse()?;
    let (_, row) = self::engine(engine).ok_or("no such engine")?;
    let live_parsers = grouped(live as u64);
    // Warms up, so that the code is in memory before anything is counted.
    row(1)?;
    match row(live).map_err(|error| format!("{engine}: {error}"))? {
        Row::Measured { bytes, make, feed, left } => {
            let each = bytes.map(|bytes| (bytes + live as u64 / 2) / live as u64);
            let make = (make.as_nanos() / live as u128) as u64;
            match format {
                Format::Text => println!(
                    "{engine:14} {live_parsers:>12} {:>12} {:>12} {feed:>12.1} {:>15}",
                    known(each),
                    grouped(make),
                    known(left),
                ),
                Format::Csv => {
                    let each = each.map_or(String::new(), |bytes| bytes.to_string());
                    println!("{engine},{live},{each},{make},{feed:.1}");
                }
            }
        }
        Row::Skipped { needed, available } => {
            let [needed, available] = [needed, available].map(|bytes| grouped(bytes >> 20));
            let skipped = format!(
                "{engine:14} {live_parsers:>12} skipped: needs about {needed} MiB, {available} MiB available"
            );
            match format {
                Format::Text => println!("{skipped}"),
                Format::Csv => eprintln!("{skipped}"),
            }
        }
    }
    Ok(())
}

enum Row {
    Measured {
        /// Growth of the resident memory; `None` where the system does not report it.
        bytes: Option<u64>,
        make: Duration,
        /// Nanoseconds per feed.
        feed: f64,
        /// Growth of the resident memory that remained after all parsers were dropped.
        left: Option<u64>,
    },
    Skipped {
        needed: u64,
        available: u64,
    },
}

/// Measures parsers that are suspended after `start`, inside a string.
fn row<P: PushParser>(
    live: usize,
    start: &str,
    new: impl Fn() -> io::Result<P>,
) -> Result<Row, String> {
    let before = resident();
    let grown = || Some(resident()?.saturating_sub(before?));

    let mut parsers = Vec::new();
    let mut make = Duration::ZERO;
    let mut made = 0;
    let stopped = |made, error: &dyn Error| {
        format!(
            "{} of {} parsers created, then: {error}",
            grouped(made as u64),
            grouped(live as u64)
        )
    };
    parsers.try_reserve_exact(live).map_err(|error| stopped(0, &error))?;
    while made < live {
        // A failed allocation inside a parser would abort the process; this returns an error.
        let room = black_box(Vec::<u8>::new()).try_reserve_exact(BATCH << 10);
        room.map_err(|error| stopped(made, &error))?;
        let batch = BATCH.min(live - made);
        let begin = Instant::now();
        for _ in 0..batch {
            parsers.push(open(start, &new).map_err(|error| stopped(parsers.len(), &error))?);
        }
        make += begin.elapsed();
        if made == 0
            && let (Some(grown), Some(available)) = (grown(), available())
        {
            // A quarter more, for page tables and other overhead.
            let needed = grown / batch as u64 * (live - batch) as u64 / 4 * 5;
            if needed > available {
                return Ok(Row::Skipped { needed, available });
            }
        }
        made += batch;
    }
    let bytes = grown();
    let feed = feed(&mut parsers, start);
    drop(parsers);
    coroutine::release_idle_stacks();
    Ok(Row::Measured { bytes, make, feed, left: grown() })
}

/// Creates a parser suspended inside a string.
fn open<P: PushParser>(start: &str, new: impl Fn() -> io::Result<P>) -> io::Result<P> {
    let mut parser = new()?;
    assert_eq!(parser.feed(start.as_bytes()).status, Status::NeedMoreInput);
    Ok(parser)
}

/// Returns the nanoseconds per feed: the median of several strings.
fn feed<P: PushParser>(parsers: &mut [P], start: &str) -> f64 {
    let clock = median((0..100).map(|_| Instant::now().elapsed()));
    let strings = (1_000_000 / (TURNS * parsers.len())).clamp(3, 100);
    let string = median((0..strings).map(|_| {
        for parser in &mut *parsers {
            parser.reset();
            assert_eq!(parser.feed(start.as_bytes()).status, Status::NeedMoreInput);
        }
        let begin = Instant::now();
        for _ in 0..TURNS {
            for parser in &mut *parsers {
                let _ = parser.feed(black_box(b"a"));
            }
        }
        begin.elapsed()
    }));
    let offset = (start.len() + TURNS) as u64;
    assert!(parsers.iter().all(|parser| parser.offset() == offset));
    string.saturating_sub(clock).as_nanos() as f64 / (TURNS * parsers.len()) as f64
}

fn median(times: impl Iterator<Item = Duration>) -> Duration {
    let mut times: Vec<Duration> = times.collect();
    times.sort();
    times[times.len() / 2]
}

/// Resident bytes of this process.
fn resident() -> Option<u64> {
    kilobytes("/proc/self/smaps_rollup", "Rss:")
}

/// Bytes of memory available.
fn available() -> Option<u64> {
    kilobytes("/proc/meminfo", "MemAvailable:")
}

fn kilobytes(file: &str, label: &str) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(label))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes << 10)
}

fn known(number: Option<u64>) -> String {
    number.map_or("unknown".to_owned(), grouped)
}

/// Formats 1000000 as 1,000,000.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev().map(|group| str::from_utf8(group).unwrap());
    groups.collect::<Vec<_>>().join(",")
}
