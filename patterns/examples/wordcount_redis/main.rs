//! Counts the words of files, as `wordcount` does, with workers and coordinators that are processes on
//! any machines. Tasks and results are in Redis (7.0 or newer), and the files where all can read them.
//!
//! ```text
//! $ redis-server --port 7777 --appendonly yes --daemonize yes
//! $ cargo build -q --release -p pushdown-patterns --example wordcount_redis
//! $ alias wordcount_redis='target/release/examples/wordcount_redis --redis 127.0.0.1:7777'
//! $ wordcount_redis worker & wordcount_redis worker &
//! $ wordcount_redis --top 3 count LICENSE-APACHE LICENSE-MIT
//!      115 the
//!       78 or
//!       75 of
//! words: 1779, different ones: 475, files: 2
//! ```
//!
//! Kill and stop what you like, Redis included, and start it again. Nothing is lost, and the output stays
//! the same:
//!
//! | | happens |
//! |---|---|
//! | counting a file | at least once: a worker that is taken for dead may live, and a file may be counted by two at a time |
//! | its effect | once: `HSETNX` stores the first result, and no other. Before a file is counted its result is looked up |
//! | a death | a worker's lease in Redis is over, and the file goes to another worker. After four it is given up |
//! | a restart | a coordinator keeps nothing but the run of `schedule_stream`. The next one reads what is in Redis |
//!
//! With `--group`, several coordinators share a job, to which tasks may be added at any time. Each takes
//! its tasks from the consumer group of a Redis stream, acknowledges those that have a result, and takes
//! over what another has left. This is the durable form: Redis knows who has which task.
//!
//! A job stays in Redis until its keys are deleted: `wordcount:job:NAME:tasks`, `:results` and `:deaths`.

mod coordinator;
mod group;
mod job;
mod options;
#[path = "../wordcount/protocol.rs"]
#[allow(dead_code, reason = "tasks have another form here")]
mod protocol;
#[path = "../common/redis.rs"]
mod redis;
#[path = "../wordcount/totals.rs"]
mod totals;
#[path = "../wordcount/words.rs"]
mod words;
mod worker;
mod workers;

use std::fmt::Display;
use std::path::PathBuf;
use std::process::ExitCode;

use options::{Options, Role, USAGE};

/// Standard error.
#[derive(Clone, Copy)]
struct Console {
    verbose: bool,
}

impl Console {
    /// Prints a message if `--verbose` is given.
    fn note(self, message: impl Display) {
        if self.verbose {
            self.print(message);
        }
    }

    #[allow(clippy::unused_self, reason = "as in `wordcount`")]
    fn print(self, message: impl Display) {
        eprintln!("wordcount_redis: {message}");
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let options = match Options::parse(std::env::args_os().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(message) => {
            eprintln!("wordcount_redis: {message}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let console = Console { verbose: options.verbose };
    let ended = match &options.role {
        Role::Worker => worker::work(&options, console).await.map_err(|error| error.to_string()),
        Role::Count { files } => count(&options, files, console).await,
    };
    ended.unwrap_or_else(|message| {
        console.print(message);
        ExitCode::FAILURE
    })
}

async fn count(options: &Options, files: &[PathBuf], console: Console) -> Result<ExitCode, String> {
    let counted = coordinator::count(options, files, console).await;
    let Some(replies) = counted.map_err(|error| error.to_string())? else {
        console.print("interrupted");
        return Ok(ExitCode::from(130));
    };
    let printed = totals::print(options.top, replies.into_iter(), |message| console.print(message));
    match printed.map_err(|error| error.to_string())? {
        true => Ok(ExitCode::SUCCESS),
        false => Ok(ExitCode::FAILURE),
    }
}
