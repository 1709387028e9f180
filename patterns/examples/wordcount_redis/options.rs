//! The command line.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process;
use std::time::Duration;

use super::redis::Address;

pub(crate) const USAGE: &str = "\
Usage: wordcount_redis [OPTION]... worker
       wordcount_redis [OPTION]... count [FILE]...

A worker counts the words of files, for any job, until it is killed. A count adds the files to its job,
has workers count all files of the job that are not counted yet, and prints the most frequent words.
A count that was interrupted is continued by the same command without files.

Options:
  --redis ADDRESS        host:port, or the path of a Unix socket [127.0.0.1:6379]
  --name NAME            name of this process, which no other has [its process id, and a number]
  --lease SECONDS        worker: time after which it counts as dead if it is not heard of [5]
  --job NAME             count: the job [default]
  --group                count: share the job with all others that count it so
  --claim-after SECONDS  --group: time after which the tasks of another that is not heard of are
                         taken over [10]
  --top K                count: number of words to print [10]
  --verbose              tell what happens on standard error
  --help                 print this text

Exit status: 0 if every file was counted, 1 if not, 2 if the command line is wrong, 130 after Ctrl-C.";

pub(crate) enum Role {
    Worker,
    Count { files: Vec<PathBuf> },
}

pub(crate) struct Options {
    pub(crate) role: Role,
    pub(crate) redis: Address,
    pub(crate) name: String,
    pub(crate) lease: Duration,
    pub(crate) job: String,
    pub(crate) group: bool,
    pub(crate) claim_after: Duration,
    pub(crate) top: usize,
    pub(crate) verbose: bool,
}

impl Options {
    /// Parses the arguments. Returns `None` for `--help`.
    pub(crate) fn parse(mut args: impl Iterator<Item = OsString>) -> Result<Option<Self>, String> {
        let mut options = Self {
            role: Role::Worker,
            redis: Address("127.0.0.1:6379".into()),
            // A process id may come again, and exists on every machine.
            name: format!("{}-{:x}", process::id(), rand()),
            lease: Duration::from_secs(5),
            job: "default".to_owned(),
            group: false,
            claim_after: Duration::from_secs(10),
            top: 10,
            verbose: false,
        };
        loop {
            let arg = args.next().ok_or("neither worker nor count")?;
            match arg.to_str() {
                Some("--redis") => options.redis = Address(word(&arg, args.next())?.into()),
                Some("--name") => options.name = word(&arg, args.next())?,
                Some("--lease") => options.lease = seconds(&arg, args.next())?,
                Some("--job") => options.job = word(&arg, args.next())?,
                Some("--group") => options.group = true,
                Some("--claim-after") => options.claim_after = seconds(&arg, args.next())?,
                Some("--top") => options.top = number(&arg, args.next())?,
                Some("--verbose") => options.verbose = true,
                Some("--help" | "-h") => return Ok(None),
                Some("worker") => break,
                Some("count") => {
                    let files = args.by_ref().map(PathBuf::from).collect();
                    options.role = Role::Count { files };
                    break;
                }
                _ => return Err(format!("unknown argument {}", arg.display())),
            }
        }
        match args.next() {
            None => Ok(Some(options)),
            Some(more) => Err(format!("unknown argument {}", more.display())),
        }
    }
}

/// Names are parts of keys, and of messages whose parts are separated by spaces.
fn word(option: &OsStr, value: Option<OsString>) -> Result<String, String> {
    let word = value.and_then(|value| value.into_string().ok());
    let word = word.filter(|word| !word.is_empty() && !word.contains(' '));
    word.ok_or_else(|| format!("{} needs a word", option.display()))
}

fn seconds(option: &OsStr, value: Option<OsString>) -> Result<Duration, String> {
    let seconds = Duration::try_from_secs_f64(number(option, value)?);
    seconds.map_err(|error| format!("{}: {error}", option.display()))
}

fn number<T: std::str::FromStr>(option: &OsStr, value: Option<OsString>) -> Result<T, String> {
    let number = value.as_ref().and_then(|value| value.to_str()?.parse().ok());
    number.ok_or_else(|| format!("{} needs a number", option.display()))
}

fn rand() -> u32 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0) as u32
}
