//! Finds every quoted string in real files, with every engine and in chunks of several sizes, checks
//! that all find the same, and prints what each costs.
//!
//! ```text
//! $ cargo run -q --release --example compare
//! …/tests/data/json/amazon_cellphones.ndjson: 277,673 bytes, strings: 5,553, their content: 252,980 bytes
//!
//!              bytes per ns per   to the MB/s by  MB/s by  MB/s by  MB/s by  MB/s by   to the   with   to the
//! engine          parser   char  machine       1       16       64    1,460   65,536  machine events  machine  scan
//! byte by byte        24    3.6     0.67     199      801      850      975      997     2.74    524     4.03  none
//! machine             32    5.3     1.00     170      874    1,572    2,453    2,734     1.00  2,113     1.00  avx512
//! coroutine        4,184    8.1     1.51     113      635    1,183    1,601    1,796     1.52  1,658     1.27  avx512
//! generator          368   16.7     3.13      58      392      717      998    1,051     2.60    990     2.13  avx512
//! stackless          240   10.6     1.98      92      562    1,013    1,441    1,540     1.77  1,435     1.47  avx512
//! combinator          97  182.0*   34.15    5.71*      60*     113*     172      175    15.60     88    23.86  nom
//!
//! Medians of runs: 155. Processor: AMD EPYC.
//! …
//! ```

mod check;
mod engines;
mod find;
mod input;
mod measure;
mod memory;
mod table;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};

use check::Checked;
use engines::ENGINES;
use measure::Budget;
use table::grouped;

const USAGE: &str = "\
Usage: compare [--quick] [FILE]...

Finds every quoted string in the files, with every engine and in chunks of several sizes, checks
that all find the same strings, and prints what each engine costs. Without a FILE it reads a JSON
document of this repository.

Options:
  --quick  only the first 80 KiB of each file, and one run: to see that it works, not how fast
  --help   this text

Exit status: 0 if every file was compared, 1 if not, 2 if the command line is wrong.";

/// More than `combinator` takes, so that strings too long for it can be seen here as well.
const QUICK_LIMIT: u64 = 80 << 10;

const DOCUMENT: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/json/amazon_cellphones.ndjson");

/// How many of the strings that are too long are named.
const NAMED: usize = 10;

struct Options {
    files: Vec<PathBuf>,
    /// How much of each file to read.
    limit: u64,
    budget: Budget,
}

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args_os().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(wrong) => {
            eprintln!("compare: {wrong}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match compare(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("compare: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Whether every file was compared.
fn compare(options: &Options) -> Result<bool, String> {
    let held = ENGINES.each_ref().map(memory::held);

    let style = ProgressStyle::with_template("{wide_bar} {percent}% of {total_bytes}, {eta} left");
    let style = style.unwrap_or(ProgressStyle::default_bar());
    // Cleared however this function ends. It is hidden where standard error is no terminal.
    let bar = ProgressBar::new(0).with_style(style).with_finish(ProgressFinish::AndClear);
    let progress = |read| bar.inc(read);
    let lens = options.files.iter().filter_map(|path| path.metadata().ok());
    let total: u64 = lens.map(|metadata| metadata.len().min(options.limit)).sum();
    let expect_runs = |runs| bar.set_length(total * (check::PASSES + u64::from(runs)));
    expect_runs(options.budget.runs);

    let mut checked = Vec::new();
    for path in &options.files {
        match check::check(path, options.limit, progress) {
            Ok(file) => {
                bar.suspend(|| say(&report(&file)))?;
                checked.push(file);
            }
            Err(message) => bar.suspend(|| eprintln!("compare: {message}")),
        }
    }
    if checked.is_empty() {
        return Ok(false);
    }
    let cells = measure::measure(&checked, options.budget, progress, expect_runs)?;
    bar.finish_using_style();
    say("\n")?;
    say(&table::table(&cells, &held))?;
    Ok(checked.len() == options.files.len())
}

/// Prints. A reader that has gone away is an error, not a panic.
fn say(text: &str) -> Result<(), String> {
    let mut out = io::stdout();
    let said = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    said.map_err(|error| format!("cannot print: {error}"))
}

/// What was found in a file.
fn report(file: &Checked) -> String {
    let found = &file.found;
    let mut report = format!(
        "{}: {} bytes, strings: {}, their content: {} bytes\n",
        file.input.name(),
        grouped(file.len),
        grouped(found.strings),
        grouped(found.content),
    );
    if let Some((begin, error)) = found.unterminated {
        report += &format!("  the string at offset {begin} is never closed: {error}\n");
    }
    for string in file.too_long.iter().take(NAMED) {
        report += &format!(
            "  the string at offset {} has {} bytes: too long for combinator, which goes without it\n",
            string.start,
            grouped(string.end - string.start),
        );
    }
    if let Some(others @ 1..) = file.too_long.len().checked_sub(NAMED) {
        report += &format!("  and {others} more\n");
    }
    report
}

impl Options {
    /// `None` if only help is wanted.
    fn parse(args: impl Iterator<Item = OsString>) -> Result<Option<Self>, String> {
        let mut files = Vec::new();
        let mut quick = false;
        let mut only_files = false;
        for arg in args {
            match arg.to_str() {
                _ if only_files => files.push(arg.into()),
                Some("--") => only_files = true,
                Some("--quick") => quick = true,
                Some("--help" | "-h") => return Ok(None),
                Some(option) if option.starts_with('-') => {
                    return Err(format!("unknown option {option}"));
                }
                _ => files.push(arg.into()),
            }
        }
        if files.is_empty() {
            files.push(DOCUMENT.into());
        }
        Ok(Some(if quick {
            let budget = Budget { time: Duration::ZERO, runs: 1, bytes: 1 };
            Self { files, limit: QUICK_LIMIT, budget }
        } else {
            let budget = Budget { time: Duration::from_secs(8), runs: 3, bytes: 256 << 10 };
            Self { files, limit: u64::MAX, budget }
        }))
    }
}
