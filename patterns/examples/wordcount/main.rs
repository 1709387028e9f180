//! Counts the words of files. The work is done by processes, which may die, stall and be replaced
//! while it goes on: the job of the first lab of MIT 6.824.
//!
//! ```text
//! $ cargo run -q --release -p pushdown-patterns --example wordcount -- --top 3 LICENSE-APACHE LICENSE-MIT
//!      115 the
//!       78 or
//!       75 of
//! words: 1779, different ones: 475, files: 2
//! ```
//!
//! The coordinator has `pattern::schedule` spread the files over its workers, and adds up what they
//! answer. With `--verbose` it says who counts what, so that you can `kill -9` a worker, or stop it with
//! `kill -STOP`: the answer stays the same.

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

use coordinator::Ended;
use options::{Options, USAGE};
use protocol::Reply;

/// Standard error: a progress bar if it is a terminal, and what is said beside it.
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

    /// Tells what goes on to those who want to know.
    fn note(&self, what: impl Display) {
        if self.verbose {
            self.complain(what);
        }
    }

    fn complain(&self, of: impl Display) {
        self.bar.suspend(|| eprintln!("wordcount: {of}"));
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
        Err(wrong) => {
            eprintln!("wordcount: {wrong}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let console = Console::new(&options);
    let counted = coordinator::count(&options, &console);
    console.bar.finish_and_clear();
    let printed = match counted {
        Ok(replies) => print(&options, replies, &console).map_err(|why| why.to_string()),
        Err(Ended::Failed(why)) => Err(why),
        Err(Ended::Interrupted) => {
            console.complain("interrupted");
            return ExitCode::from(130);
        }
    };
    match printed {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            console.complain(why);
            ExitCode::FAILURE
        }
    }
}

/// Adds up, and prints. The answer is whether every file was counted.
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
            Err(why) => console.complain(format_args!("{}: {why}", file.display())),
        }
    }
    let (different, words) = (totals.len(), totals.values().sum::<u64>());
    let mut totals = Vec::from_iter(totals);
    // Stable, so words that are as frequent stay in the order of the alphabet.
    totals.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    let mut out = io::BufWriter::new(io::stdout().lock());
    for (word, count) in totals.iter().take(options.top) {
        writeln!(out, "{count:8} {word}")?;
    }
    writeln!(out, "words: {words}, different ones: {different}, files: {files}")?;
    out.flush()?;
    Ok(files == options.files.len())
}
