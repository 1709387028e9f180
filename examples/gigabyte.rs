//! A JSON document of a gigabyte, taken apart in the memory of its largest element.
//!
//! ```text
//! $ cargo run --release --example gigabyte         # an array of 1,024 MiB
//! $ cargo run --release --example gigabyte -- 10   # of 10 MiB
//! engine         elements         bytes      MB/s  memory, KiB  its growth, KiB
//! machine       3,408,705 1,073,742,078       474        2,452               28
//! coroutine     3,408,705 1,073,742,078       503        2,520                0
//! stackless     3,408,705 1,073,742,078       526        2,624               28
//! generator     3,408,705 1,073,742,078       554        2,624                0
//! ```
//!
//! The document is never whole anywhere: it is made by repetition, and fed in chunks of 64 KiB to
//! [`Items`], which reports each element as text. Memory is the peak of the process, and its growth is what
//! the document has added to the peak after its first mebibyte; the system counts pages with some delay.
//! The rate includes making the document, here on a busy machine.

use std::env;
use std::error::Error;
use std::fs;
use std::process::ExitCode;
use std::time::Instant;

use pushdown::json::{Coroutine, Generator, Items, Located, Machine, Options, Pattern, Stackless};
use pushdown::{PushParser, Status};

const CHUNK: usize = 64 << 10;

/// An element of the array, with the comma after it, long enough that chunks cut it.
const ELEMENT: &str = r#"
  {"id": 505874924095815681, "user": {"name": "Ren\u00e9e \"R\" \ud83d\ude00", "verified": false},
   "text": "größer, 前田あゆみ, and some text that goes on for a while, as texts do that people write",
   "coordinates": [-65.613616999999977, 43.420273000000009], "tags": ["json", "stream"], "reply": null},"#;

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let mebibytes = match &args[..] {
        [] => Some(1024),
        [number] => number.parse().ok().filter(|number| (2..1 << 20).contains(number)),
        _ => None,
    };
    let Some(mebibytes) = mebibytes else {
        eprintln!("gigabyte: expected a number of mebibytes, from 2 on");
        return ExitCode::FAILURE;
    };
    match table(mebibytes << 20) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("gigabyte: {error}");
            ExitCode::FAILURE
        }
    }
}

fn table(bytes: usize) -> Result<(), Box<dyn Error>> {
    println!(
        "{:10} {:>12} {:>13} {:>9} {:>12} {:>16}",
        "engine", "elements", "bytes", "MB/s", "memory, KiB", "its growth, KiB"
    );
    let options = Options::new();
    row("machine", Machine::located(options), bytes)?;
    row("coroutine", Coroutine::located(options)?, bytes)?;
    row("stackless", Stackless::located(options), bytes)?;
    row("generator", Generator::located(options), bytes)
}

/// Feeds an array of at least so many bytes.
fn row(
    engine: &str,
    parser: impl PushParser<Events = Located>,
    bytes: usize,
) -> Result<(), Box<dyn Error>> {
    let mut items = Items::new(parser, Pattern::new("/*")?);
    let (mut elements, mut lengths, mut early) = (0_u64, 0, None);
    let mut fed = 0;
    let start = Instant::now();
    for chunk in document(bytes) {
        let progress = items.feed_with(&chunk, |item| {
            elements += 1;
            lengths += item.text().len();
        });
        if progress.status == Status::BadInput {
            break;
        }
        fed += chunk.len();
        if fed > 1 << 20 {
            early.get_or_insert_with(peak);
        }
    }
    items.finish()?;
    let seconds = start.elapsed().as_secs_f64();
    // Neither the white space before an element nor the comma after it is part of its text.
    let expected = elements as usize * ELEMENT.trim().trim_end_matches(',').len();
    assert_eq!(lengths, expected, "{engine}");
    let (early, late) = (early.flatten(), peak());
    let growth = early.zip(late).map(|(early, late)| late - early);
    println!(
        "{engine:10} {:>12} {:>13} {:>9} {:>12} {:>16}",
        grouped(elements),
        grouped(fed as u64),
        grouped((fed as f64 / seconds / 1e6) as u64),
        known(late),
        known(growth),
    );
    Ok(())
}

/// The chunks of an array that has at least so many bytes.
fn document(bytes: usize) -> impl Iterator<Item = Vec<u8>> {
    let elements = bytes / ELEMENT.len() + 1;
    let last = ELEMENT.trim_end_matches(',');
    let mut left = Some(elements);
    let mut buffer = b"[".to_vec();
    std::iter::from_fn(move || {
        while let Some(count) = left
            && buffer.len() < CHUNK
        {
            buffer.extend_from_slice(if count > 1 { ELEMENT } else { last }.as_bytes());
            left = (count > 1).then(|| count - 1);
            if left.is_none() {
                buffer.extend_from_slice(b"\n]\n");
            }
        }
        let rest = buffer.split_off(buffer.len().min(CHUNK));
        let chunk = std::mem::replace(&mut buffer, rest);
        (!chunk.is_empty()).then_some(chunk)
    })
}

/// The most memory that this process has had so far, in KiB.
fn peak() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
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
