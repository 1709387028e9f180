//! Follows a log of JSON lines, from a pipe, a file or a socket: one record at a time, as a type that serde
//! reads.
//!
//! ```text
//! $ printf '%s\n' '{"at": "12:00:01", "level": "info", "text": "listening"}' \
//! >     '{"at": "12:00:07", "level": "loud", "text": "?"}' '{"at": ' \
//! >     '"12:00:09", "level": "warn", "text": "disk is 91 % full", "disk": {"free": 3}}' |
//! >     cargo run -q --features serde --example tail_json
//! 12:00:01 info  listening
//! tail_json: line 2, column 34: unknown variant `loud`, expected one of `info`, `warn`, `error`
//! 12:00:09 warn  disk is 91 % full
//! $ cargo run -q --features serde --example tail_json -- --connect localhost:7000
//! ```
//!
//! A record is printed when its last byte has come. The memory is that of one record, of 16 MiB at most. After
//! an error it goes on: with the next record if the bad one was JSON, or else with the next line. If standard
//! error is a terminal, a bar shows the bytes of a file that have been read.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};
use pushdown::io::{ReadError, values};
use pushdown::json::Typed;
use pushdown::{ErrorKind, PushParser};
use serde::Deserialize;

const USAGE: &str = "\
Usage: tail_json [FILE | --connect ADDRESS]

Prints the records of a log of JSON lines. Without a FILE it reads standard input.

Options:
  --connect ADDRESS  reads from a TCP socket: host:port
  --help             prints this text

Exit status: 0 if every record was read, 1 if not, 2 if the command line is wrong.";

/// The part of a record that is printed. Other members are skipped.
#[derive(Deserialize)]
struct Record {
    at: String,
    level: Level,
    text: String,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Info,
    Warn,
    Error,
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, level, text } = self;
        let level = match level {
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
        };
        write!(f, "{at} {level:5} {text}")
    }
}

/// Prints the records of the input. Returns true if all were good.
fn tail(input: impl Read, bar: &ProgressBar) -> io::Result<bool> {
    let mut reader = Places::new(input, bar);
    let (mut parser, mut all_good) = (Typed::<Record>::new(), true);
    // An iterator of its own for each record, so that the reader can be asked for places in between.
    while let Some(record) = values(&mut reader, &mut parser).next() {
        let error = match record {
            Ok(record) => {
                // The bar makes way where both are on the terminal. Standard output is flushed at line ends.
                let print = || writeln!(io::stdout(), "{record}");
                if io::stdout().is_terminal() { bar.suspend(print) } else { print() }?;
                reader.begin = None;
                continue;
            }
            Err(ReadError::Io(error)) => return Err(error),
            Err(ReadError::Parse(error)) => error,
        };
        all_good = false;
        let message = if let (Some(error), Some(begin)) = (parser.serde_error(), reader.begin) {
            // The place within the record, which is also in the text.
            let within = Place { line: error.line() as u64, column: error.column() as u64 };
            let place = format!(" at line {} column {}", within.line, within.column);
            format!("{}: {}", begin.at(within), error.to_string().replace(&place, ""))
        } else {
            format!("{}: {}", reader.place, error.kind)
        };
        bar.suspend(|| eprintln!("tail_json: {message}"));
        match error.kind {
            ErrorKind::UnexpectedEnd => break,
            // It is JSON, and ends here.
            ErrorKind::Message(_) => {}
            // The reader stands before the byte that is wrong.
            _ => {
                let skipped = reader.skip_until(b'\n')?;
                parser.reset_at(parser.offset() + skipped as u64);
            }
        }
        reader.begin = None;
    }
    Ok(all_good)
}

/// A place in a text. Both count from 1, and a column is a byte, as serde has it.
#[derive(Clone, Copy)]
struct Place {
    line: u64,
    column: u64,
}

impl Place {
    fn pass(&mut self, byte: u8) {
        *self = match byte {
            b'\n' => Self { line: self.line + 1, column: 1 },
            _ => Self { column: self.column + 1, ..*self },
        };
    }

    /// The place of a byte whose place is `within` what begins here.
    fn at(self, within: Self) -> Self {
        let column = if within.line == 1 { self.column - 1 } else { 0 } + within.column;
        Self { line: self.line + within.line - 1, column }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// A reader that knows where it is.
struct Places<'b, R> {
    reader: BufReader<R>,
    bar: &'b ProgressBar,
    /// The place of the next byte.
    place: Place,
    /// The place of the first byte that was not white space, since this was `None`.
    begin: Option<Place>,
}

impl<'b, R: Read> Places<'b, R> {
    fn new(input: R, bar: &'b ProgressBar) -> Self {
        let reader = BufReader::with_capacity(64 << 10, input);
        Self { reader, bar, place: Place { line: 1, column: 1 }, begin: None }
    }
}

impl<R: Read> Read for Places<'_, R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let len = self.fill_buf()?.read(to)?;
        self.consume(len);
        Ok(len)
    }
}

impl<R: Read> BufRead for Places<'_, R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.reader.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        for byte in &self.reader.buffer()[..count] {
            if self.begin.is_none() && !byte.is_ascii_whitespace() {
                self.begin = Some(self.place);
            }
            self.place.pass(*byte);
        }
        self.reader.consume(count);
        self.bar.inc(count as u64);
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

enum Source {
    Stdin,
    File(PathBuf),
    Socket(String),
}

impl Source {
    /// Reads the command line. Returns `None` if help is requested.
    fn parse(mut args: impl Iterator<Item = OsString>) -> Result<Option<Self>, String> {
        let mut sources = Vec::new();
        while let Some(arg) = args.next() {
            sources.push(match arg.to_str() {
                Some("--help" | "-h") => return Ok(None),
                Some("--connect") => {
                    let next = args.next().and_then(|next| next.into_string().ok());
                    Self::Socket(next.ok_or("--connect needs an address")?)
                }
                Some(option) if option.starts_with('-') => {
                    return Err(format!("unknown option {option}"));
                }
                _ => Self::File(arg.into()),
            });
        }
        match sources.len() {
            0 | 1 => Ok(Some(sources.pop().unwrap_or(Self::Stdin))),
            _ => Err("more than one source".to_owned()),
        }
    }

    fn tail(&self) -> io::Result<bool> {
        match self {
            Self::Stdin => tail(io::stdin(), &progress(None)),
            Self::Socket(address) => tail(TcpStream::connect(address)?, &progress(None)),
            Self::File(path) => {
                let file = File::open(path)?;
                let metadata = file.metadata()?;
                tail(file, &progress(metadata.is_file().then_some(metadata.len())))
            }
        }
    }
}

fn main() -> ExitCode {
    let source = match Source::parse(env::args_os().skip(1)) {
        Ok(Some(source)) => source,
        Ok(None) => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(wrong) => {
            eprintln!("tail_json: {wrong}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match source.tail() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        // The reader of our output has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            match source {
                Source::Stdin => eprintln!("tail_json: {error}"),
                Source::Socket(address) => eprintln!("tail_json: {address}: {error}"),
                Source::File(path) => eprintln!("tail_json: {}: {error}", path.display()),
            }
            ExitCode::FAILURE
        }
    }
}
