//! The command line.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;
use std::thread::available_parallelism;
use std::time::Duration;

pub(crate) const USAGE: &str = "\
Usage: wordcount [OPTION]... FILE...

Prints the most frequent words of all files together. A word is a run of Unicode letters and digits,
in lower case. Bytes that are not UTF-8 belong to no word. A file may be read more than once, so a
pipe will not do.

Options:
  --workers N             number of worker processes [one per processor]
  --top K                 number of words to print [10]
  --restarts N            number of workers to replace in all [10 per worker]
  --timeout SECONDS       time limit for one file, after which its worker is given up [600]
  --backup-after SECONDS  time after which an idle worker counts the same file too [10]
  --verbose               print which worker counts which file, on standard error
  --help                  print this text

Exit status: 0 if every file was counted, 1 if not, 2 if the command line is wrong, 130 after Ctrl-C.";

pub(crate) struct Options {
    pub(crate) files: Vec<PathBuf>,
    pub(crate) workers: usize,
    pub(crate) top: usize,
    pub(crate) restarts: usize,
    pub(crate) timeout: Duration,
    pub(crate) backup_after: Duration,
    pub(crate) verbose: bool,
}

impl Options {
    /// Parses the arguments. Returns `None` for `--help`.
    pub(crate) fn parse(mut args: impl Iterator<Item = OsString>) -> Result<Option<Self>, String> {
        let mut workers = available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let (mut timeout, mut backup_after) = (Seconds::new(600), Seconds::new(10));
        let (mut top, mut restarts, mut verbose) = (10, None, false);
        let mut files = Vec::<PathBuf>::new();
        while let Some(arg) = args.next() {
            match arg.to_str() {
                Some("--") => files.extend(args.by_ref().map(PathBuf::from)),
                Some("--workers") => workers = number(&arg, args.next())?,
                Some("--top") => top = number(&arg, args.next())?,
                Some("--restarts") => restarts = Some(number(&arg, args.next())?),
                Some("--timeout") => timeout = number(&arg, args.next())?,
                Some("--backup-after") => backup_after = number(&arg, args.next())?,
                Some("--verbose") => verbose = true,
                Some("--help" | "-h") => return Ok(None),
                Some(option) if option.starts_with('-') => {
                    return Err(format!("unknown option {option}"));
                }
                _ => files.push(arg.into()),
            }
        }
        if files.is_empty() {
            return Err("no file to count".into());
        }
        let workers = workers.get().min(files.len());
        let restarts = restarts.unwrap_or(10 * workers);
        let (Seconds(timeout), Seconds(backup_after)) = (timeout, backup_after);
        Ok(Some(Self { files, workers, top, restarts, timeout, backup_after, verbose }))
    }
}

/// A duration in seconds, with or without a fraction.
struct Seconds(Duration);

impl Seconds {
    const fn new(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }
}

impl FromStr for Seconds {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let seconds = text.parse().map_err(drop)?;
        Duration::try_from_secs_f64(seconds).map(Self).map_err(drop)
    }
}

fn number<T: FromStr>(option: &OsString, value: Option<OsString>) -> Result<T, String> {
    let option = option.display();
    let value = value.ok_or_else(|| format!("{option} needs a number"))?;
    let number = value.to_str().and_then(|value| value.parse().ok());
    number.ok_or_else(|| format!("{option} needs a number, not {}", value.display()))
}
