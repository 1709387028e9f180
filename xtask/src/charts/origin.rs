//! The machine, commit and day of the measurements.

use std::env;
use std::fmt;
use std::fs;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use pushdown::scan;

/// Everything needed to repeat the measurements.
pub(crate) struct Origin {
    pub(crate) command: String,
    pub(crate) processor: String,
    pub(crate) kernel: String,
    pub(crate) rustc: String,
    pub(crate) commit: String,
    pub(crate) date: String,
}

impl Origin {
    /// Describes this machine, this commit, and the day and command of the measurements.
    pub(crate) fn of(taken: SystemTime, command: &str) -> Self {
        Self {
            command: command.to_owned(),
            processor: processor(),
            kernel: scan::kernel_name().to_owned(),
            rustc: line("rustc", &["--version"]),
            commit: line("git", &["describe", "--always", "--abbrev=12", "--dirty", "--exclude=*"]),
            date: date(taken),
        }
    }

    /// The start of the file names.
    pub(crate) fn file_stem(&self) -> String {
        format!("{}-{}", slug(&self.processor), self.date)
    }
}

/// Formats the origin as one line.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { processor, kernel, rustc, commit, date, .. } = self;
        write!(f, "{processor}, kernel {kernel}, {rustc}, commit {commit}, {date}")
    }
}

/// The processor's name on Linux, or else its architecture.
fn processor() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    name.map_or(env::consts::ARCH, |(_, name)| name.trim()).to_owned()
}

/// The output of a program, or `unknown` if it fails.
fn line(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .ok()
        .filter(|output| output.status.success())
        .and_then(|output| String::from_utf8(output.stdout).ok());
    output.map_or("unknown".to_owned(), |text| text.trim().to_owned())
}

/// A processor's name as part of a file name: without trade marks, frequency and filler words.
pub(crate) fn slug(processor: &str) -> String {
    let name = processor.split('@').next().unwrap_or_default().to_lowercase();
    let name = name.replace("(r)", " ").replace("(tm)", " ");
    let words = name.split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<_> =
        words.filter(|word| !matches!(*word, "" | "cpu" | "processor" | "core")).collect();
    words.join("-")
}

/// The day in UTC, as `2026-11-24`.
///
/// Years are counted from March, so that a leap day is the last day of its year.
pub(crate) fn date(time: SystemTime) -> String {
    const DAYS_TO_1970: u64 = 719_468;
    const DAYS_IN_400_YEARS: u64 = 146_097;
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let days = seconds / 86_400 + DAYS_TO_1970;
    let day_of_era = days % DAYS_IN_400_YEARS;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, next_year) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = 400 * (days / DAYS_IN_400_YEARS) + year_of_era + next_year;
    format!("{year}-{month:02}-{day:02}")
}
