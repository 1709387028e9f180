//! Finds every quoted string in files, with every engine and in chunks of several sizes, checks that
//! all find the same, and prints what each costs.
//!
//! ```text
//! $ cargo run -q --release --example compare
//! …/tests/data/json/amazon_cellphones.ndjson: 277,673 bytes, strings: 5,553, their content: 252,980 bytes
//!
//!              bytes per ns per  char vs MB/s at  MB/s at  MB/s at  MB/s at  MB/s at  65,536 vs   with  events vs
//! engine          parser   char  machine       1       16       64    1,460   65,536    machine events    machine  scan
//! byte by byte        24    2.7     0.71     296      980    1,028    1,162    1,190       3.04    701       4.04  none
//! machine             32    3.8     1.00     245    1,168    2,027    3,214    3,619       1.00  2,835       1.00  avx512
//! coroutine        4,184    5.3     1.40     171      878    1,603    2,403    2,610       1.39  2,300       1.23  avx512
//! generator          368   11.2     2.98      90      568    1,029    1,581    1,649       2.19  1,416       2.00  avx512
//! stackless          240    7.0     1.87     140      808    1,481    2,292    2,520       1.44  2,024       1.40  avx512
//! combinator          97   25.1*    6.68      42*     318*     522*     640      685       5.28    472       6.00  nom
//!
//! Medians of runs: 170. Processor: AMD EPYC.
//! bytes per parser  of a parser suspended inside a string: its size, its heap, and the pages it has
//!                   touched on its stack (coroutine: 4,096 bytes)
//! ns per char       of the strings, through calls of `process_char` that are not inlined
//! MB/s at n         of the files, whose strings are found and parsed in chunks of n bytes without a
//!                   sink; reading the files is not timed
//! with events       the same in the largest chunks, with a sink
//! vs machine        time relative to `machine`, for the column to the left
//! scan              how bytes inside a string are skipped: one at a time, by nom, or by this kernel
//! *                 on the first 4,096 bytes of each file: combinator parses a string again with
//!                   every chunk
//!
//! 5 engines, 5,553 strings, 5 cuttings, with a sink and without: all equal
//! ```

mod check;
mod engines;
mod find;
mod input;
mod measure;
mod memory;
mod table;

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};

use check::Checked;
use engines::{CHUNK_SIZES, ENGINES};
use measure::Budget;
use table::grouped;

const USAGE: &str = "\
Usage: compare [--quick] [FILE]...

Finds every quoted string in the files, with every engine and in chunks of several sizes, checks
that all find the same strings, and prints what each engine costs. Without a FILE it reads a JSON
document of this repository.

Options:
  --quick  reads the first 80 KiB of each file, and runs once: to see it work, not to compare speed
  --help   prints this text

Exit status: 0 if every file was compared, 1 if not, 2 if the command line is wrong.";

/// More than `combinator` accepts, so that strings too long for it occur here as well.
const QUICK_LIMIT: u64 = 80 << 10;

const DOCUMENT: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/json/amazon_cellphones.ndjson");

/// The most strings per file to name as too long.
const NAMED: usize = 10;

struct Options {
    files: Vec<PathBuf>,
    /// The most bytes to read of each file.
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

/// Compares the engines. Returns `false` if a file could not be read or has no string.
fn compare(options: &Options) -> Result<bool, String> {
    let held = ENGINES.each_ref().map(memory::held);

    let style = ProgressStyle::with_template("{wide_bar} {percent}% of {total_bytes}, {eta} left");
    let style = style.unwrap_or(ProgressStyle::default_bar());
    // Cleared however this function ends; hidden unless standard error is a terminal.
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
                bar.suspend(|| print(&report(&file)))?;
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
    print("\n")?;
    print(&table::table(&cells, &held))?;
    print(&summary(&checked))?;
    Ok(checked.len() == options.files.len())
}

/// Prints. A closed pipe is an error, not a panic.
fn print(text: &str) -> Result<(), String> {
    let mut out = io::stdout();
    let printed = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    printed.map_err(|error| format!("cannot print: {error}"))
}

/// Describes the strings found in a file.
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
            "  the string at offset {} has {} bytes: too long for combinator, which skips it\n",
            string.start,
            grouped(string.end - string.start),
        );
    }
    if let Some(others @ 1..) = file.too_long.len().checked_sub(NAMED) {
        report += &format!("  and {others} more\n");
    }
    report
}

/// Describes what was checked before the measurement.
fn summary(checked: &[Checked]) -> String {
    let strings = checked.iter().map(|file| file.found.strings).sum();
    format!(
        "\n{} engines, {} strings, {} cuttings, with a sink and without: all equal\n",
        // The yardstick is no engine.
        ENGINES.len() - 1,
        grouped(strings),
        CHUNK_SIZES.len(),
    )
}

impl Options {
    /// Returns `None` if help is requested.
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
            files.push(fs::canonicalize(DOCUMENT).unwrap_or(DOCUMENT.into()));
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
