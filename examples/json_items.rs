//! Lists the performances in a ticket catalogue of any size: takes the values at a pattern out of JSON, one
//! at a time, as a type that serde reads.
//!
//! ```text
//! $ cargo run -q --release --features serde --example json_items -- tests/data/json/citm_catalog.json | head -n 3
//! 339887544 PLEYEL_PLEYEL, prices: 2, from 665.00 to 902.50
//! 339430296 PLEYEL_PLEYEL, prices: 2, from 237.50 to 285.00
//! 339430301 PLEYEL_PLEYEL, prices: 2, from 237.50 to 285.00
//! $ echo '{"performances": [{"id": 1, "venueCode": null}]}' |
//! >     cargo run -q --release --features serde --example json_items
//! json_items: line 1, column 47: invalid type: null, expected a string at line 1 column 27 of the value that ends here
//! ```
//!
//! It holds a chunk, and a performance if a chunk cuts it, and so reads any number of gigabytes in the same
//! memory. If standard error is a terminal, a bar shows the bytes read, and their rate.

use std::borrow::Cow;
use std::env;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};
use pushdown::PushParser;
use pushdown::json::{Extent, Item, Items, Machine, Options, Pattern};
use serde::Deserialize;

const USAGE: &str = "\
Usage: json_items [--at PATTERN] [FILE]

Lists the performances in a ticket catalogue, or in any number of them, one after the other. Without a
FILE it reads standard input.

Options:
  --at PATTERN  the place of the performances, instead of /performances/*
  --help        prints this text

Exit status: 0 if the whole input was read, 1 if not, 2 if the command line is wrong.";

/// The part of a performance that is listed. Other members are skipped.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Performance<'a> {
    id: u64,
    #[serde(borrow)]
    venue_code: Cow<'a, str>,
    prices: Vec<Price>,
}

#[derive(Deserialize)]
struct Price {
    /// In cents.
    amount: u64,
}

enum Failure {
    /// The reader of our output has seen enough.
    Closed,
    Message(String),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::Message(error.to_string()),
        }
    }
}

/// Lists the performances at the pattern, of as many catalogues as the input has.
fn list(mut input: impl Read, pattern: Pattern, bar: &ProgressBar) -> Result<(), Failure> {
    let options = Options::new().extent(Extent::Stream);
    let mut items = Items::new(Machine::located(options), pattern);
    let mut position = Position { line: 1, column: 1 };
    let (mut chunk, mut listed) = (vec![0; 64 << 10], String::new());
    loop {
        let len = input.read(&mut chunk)?;
        let (chunk, begin) = (&chunk[..len], items.offset());
        let each = |item: Item<'_>| match item.parse() {
            Ok(performance) => {
                describe(&performance, &mut listed);
                Ok(())
            }
            Err(error) => Err((item.offset() + item.text().len() as u64, error)),
        };
        // The last item may be a number, which ends with the input.
        let (consumed, wrong) = if len > 0 {
            let (progress, parsed) = items.try_feed_with(chunk, each);
            (progress.consumed, parsed.err())
        } else {
            let (mut each, mut parsed) = (each, Ok(()));
            let _ = items.finish_with(|item| parsed = each(item));
            (0, parsed.err())
        };
        // The bar makes way where both are on the terminal.
        let print = || io::stdout().write_all(listed.as_bytes());
        if io::stdout().is_terminal() { bar.suspend(print) } else { print() }?;
        listed.clear();
        if let Some((end, error)) = wrong {
            position.pass(&chunk[..(end - begin) as usize]);
            let wrong = format!("{position}: {error} of the value that ends here");
            return Err(Failure::Message(wrong));
        }
        position.pass(&chunk[..consumed]);
        if let Some(error) = items.error() {
            return Err(Failure::Message(format!("{position}: {}", error.kind)));
        }
        if len == 0 {
            return Ok(());
        }
        bar.inc(len as u64);
    }
}

/// Adds a line on a performance.
fn describe(Performance { id, venue_code, prices }: &Performance<'_>, listed: &mut String) {
    let euros = |cents: u64| format!("{}.{:02}", cents / 100, cents % 100);
    let amounts = || prices.iter().map(|price| price.amount);
    // Writing to a string cannot fail.
    let _ = write!(listed, "{id} {venue_code}, prices: {}", prices.len());
    if let (Some(least), Some(most)) = (amounts().min(), amounts().max()) {
        let _ = write!(listed, ", from {} to {}", euros(least), euros(most));
    }
    listed.push('\n');
}

/// The place of the next byte. A column is a character.
struct Position {
    line: u64,
    column: u64,
}

impl Position {
    fn pass(&mut self, bytes: &[u8]) {
        let mut last_line = bytes;
        if let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n') {
            self.line += bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
            self.column = 1;
            last_line = &bytes[end + 1..];
        }
        let continues = |byte: u8| byte & 0xC0 == 0x80;
        self.column += last_line.iter().filter(|byte| !continues(**byte)).count() as u64;
    }
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// A bar with the bytes that have been read. Of a pipe the total is not known.
fn progress(total: Option<u64>) -> ProgressBar {
    let (bar, template) = match total {
        Some(total) => {
            (ProgressBar::new(total), "{wide_bar} {bytes} of {total_bytes}, {bytes_per_sec}")
        }
        None => (ProgressBar::no_length(), "{spinner} {bytes}, {bytes_per_sec}"),
    };
    let style = ProgressStyle::with_template(template).unwrap_or(ProgressStyle::default_bar());
    bar.with_style(style).with_finish(ProgressFinish::AndClear)
}

struct Arguments {
    pattern: Pattern,
    file: Option<PathBuf>,
}

impl Arguments {
    /// Returns `None` if help is requested.
    fn parse(mut args: impl Iterator<Item = OsString>) -> Result<Option<Self>, String> {
        let (mut pattern, mut file) = ("/performances/*".to_owned(), None);
        while let Some(arg) = args.next() {
            match arg.to_str() {
                Some("--help" | "-h") => return Ok(None),
                Some("--at") => {
                    let next = args.next().and_then(|next| next.into_string().ok());
                    pattern = next.ok_or("--at needs a pattern")?;
                }
                Some(option) if option.starts_with('-') => {
                    return Err(format!("unknown option {option}"));
                }
                _ if file.is_none() => file = Some(arg.into()),
                _ => return Err("more than one file".to_owned()),
            }
        }
        let wrong = |error| format!("the pattern {pattern}: {error}");
        Ok(Some(Self { pattern: Pattern::new(&pattern).map_err(wrong)?, file }))
    }
}

/// Opens the input, and lists what is in it.
fn run(Arguments { pattern, file }: Arguments) -> Result<(), Failure> {
    let Some(path) = file else {
        return list(io::stdin(), pattern, &progress(None));
    };
    let named = |wrong: String| Failure::Message(format!("{}: {wrong}", path.display()));
    let opened = File::open(&path).and_then(|file| Ok((file.metadata()?, file)));
    let (metadata, file) = opened.map_err(|error| named(error.to_string()))?;
    let total = metadata.is_file().then_some(metadata.len());
    list(file, pattern, &progress(total)).map_err(|failure| match failure {
        Failure::Closed => failure,
        Failure::Message(wrong) => named(wrong),
    })
}

fn main() -> ExitCode {
    let arguments = match Arguments::parse(env::args_os().skip(1)) {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(wrong) => {
            eprintln!("json_items: {wrong}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(arguments) {
        Ok(()) | Err(Failure::Closed) => ExitCode::SUCCESS,
        Err(Failure::Message(wrong)) => {
            eprintln!("json_items: {wrong}");
            ExitCode::FAILURE
        }
    }
}
