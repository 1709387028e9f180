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
mod totals;
mod words;
mod worker;

use std::fmt::Display;
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};

use coordinator::CountError;
use options::{Options, USAGE};

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
        Ok(replies) => {
            let replies = options.files.iter().zip(replies);
            let printed = totals::print(options.top, replies, |message| console.print(message));
            printed.map_err(|error| error.to_string())
        }
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
