//! Counts the words of files, in worker processes that may die, stall and be replaced meanwhile: the task
//! of the first lab of MIT 6.824.
//!
//! ```text
//! $ cargo run -q --release -p pushdown-patterns --example wordcount -- --top 3 LICENSE-APACHE LICENSE-MIT
//!      115 the
//!       78 or
//!       75 of
//! words: 1779, different ones: 475, files: 2
//! ```
//!
//! The coordinator distributes the files over its workers with `pushdown_patterns::schedule`, and adds
//! up their replies. With `--verbose` it prints which worker counts which file. Try `kill -9` or
//! `kill -STOP` on a worker: the output stays the same.

mod coordinator;
mod options;
mod protocol;
mod words;
mod worker;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};

use coordinator::CountError;
use options::{Options, USAGE};
use protocol::Reply;

/// Standard error: a progress bar if it is a terminal, and messages beside it.
#[derive(Clone)]
struct Console {
    bar: ProgressBar,
    verbose: bool,
}

impl Console {
    fn new(options: &Options) -> Self {
        let style = ProgressStyle::with_template("{wide_bar} {pos} of {len} files, {msg}");
        let style = style.unwrap_or(ProgressStyle::default_bar());
        let bar = ProgressBar::new(options.files.len() as u64).with_style(style);
        Self { bar, verbose: options.verbose }
    }

    /// Prints a message if `--verbose` is given.
    fn note(&self, message: impl Display) {
        if self.verbose {
            self.print(message);
        }
    }

    fn print(&self, message: impl Display) {
        self.bar.suspend(|| eprintln!("wordcount: {message}"));
    }
}

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1).peekable();
    if args.next_if(|arg| arg == worker::ARGUMENT).is_some() {
        return worker::work();
    }
    let options = match Options::parse(args) {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(message) => {
            eprintln!("wordcount: {message}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let console = Console::new(&options);
    let counted = coordinator::count(&options, &console);
    console.bar.finish_and_clear();
    let printed = match counted {
        Ok(replies) => print(&options, replies, &console).map_err(|error| error.to_string()),
        Err(CountError::Failed(message)) => Err(message),
        Err(CountError::Interrupted) => {
            console.print("interrupted");
            return ExitCode::from(130);
        }
    };
    match printed {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            console.print(message);
            ExitCode::FAILURE
        }
    }
}

/// Adds up the replies, and prints the totals. Returns `true` if every file was counted.
fn print(options: &Options, replies: Vec<Reply>, console: &Console) -> io::Result<bool> {
    let (mut totals, mut files) = (BTreeMap::<String, u64>::new(), 0);
    for (file, reply) in options.files.iter().zip(replies) {
        match reply {
            Ok(counts) => {
                files += 1;
                for (word, count) in counts {
                    *totals.entry(word).or_default() += count;
                }
            }
            Err(error) => console.print(format_args!("{}: {error}", file.display())),
        }
    }
    let (different, words) = (totals.len(), totals.values().sum::<u64>());
    let mut totals = Vec::from_iter(totals);
    // A stable sort: equally frequent words stay in alphabetical order.
    totals.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    let mut out = io::BufWriter::new(io::stdout().lock());
    for (word, count) in totals.iter().take(options.top) {
        writeln!(out, "{count:8} {word}")?;
    }
    writeln!(out, "words: {words}, different ones: {different}, files: {files}")?;
    out.flush()?;
    Ok(files == options.files.len())
}
