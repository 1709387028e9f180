//! `cargo xtask charts`: a table and charts of Criterion's results.
//!
//! ```text
//! $ cargo bench
//! $ (cd benches/peers && cargo bench)
//! $ cargo xtask charts
//! ```
//!
//! Writes `benches/results/<processor>-<date>.csv` and the charts beside it. Criterion keeps its
//! results between runs, so remove `target/criterion` in both places first for a table of one commit.
//! `--only json`, `resp` or `sse` draws the results of one bench of `benches/peers`, in a folder of their own, and
//! `--only patterns` those of `pushdown-patterns`. `--from` draws a table again, beside it.

mod axis;
mod bars;
mod catalogue;
mod criterion;
mod frame;
mod lines;
mod origin;
mod patterns;
mod style;
mod svg;
mod table;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::{Failure, in_repository};
use criterion::Measurement;
use origin::{COMMAND, Origin};

/// Runs the command with these arguments and prints the paths written.
pub(crate) fn run(args: impl Iterator<Item = String>) -> Result<(), Failure> {
    let options = Options::parse(args).map_err(Failure::Usage)?;
    let written = match &options.from {
        Some(table) => redraw(table, &options.out),
        None => write(&options),
    };
    for path in written.map_err(Failure::Failed)? {
        println!("{}", path.display());
    }
    Ok(())
}

struct Options {
    criterion: Vec<PathBuf>,
    out: PathBuf,
    /// The bench whose results count, or `patterns`.
    only: Option<String>,
    /// The table to draw again.
    from: Option<PathBuf>,
}

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let (mut criterion, mut out, mut only) = (Vec::new(), None, None);
        let mut from: Option<PathBuf> = None;
        while let Some(arg) = args.next() {
            match &arg[..] {
                "--out" => out = Some(args.next().ok_or("--out needs a directory")?.into()),
                "--from" => from = Some(args.next().ok_or("--from needs a table")?.into()),
                "--only" => only = Some(args.next().ok_or("--only needs a bench")?),
                option if option.starts_with('-') => {
                    return Err(format!("unknown option {option}"));
                }
                _ => criterion.push(arg.into()),
            }
        }
        if criterion.is_empty() {
            criterion = match env::var_os("CARGO_TARGET_DIR") {
                Some(target) => vec![PathBuf::from(target).join("criterion")],
                None => {
                    ["target/criterion", "benches/peers/target/criterion"].map(in_repository).into()
                }
            };
        }
        let beside = from.as_deref().and_then(Path::parent).map(Path::to_owned);
        let out = out.or(beside).unwrap_or_else(|| {
            in_repository("benches/results").join(only.as_deref().unwrap_or_default())
        });
        Ok(Self { criterion, out, only, from })
    }

    /// The command that takes the measurements.
    fn command(&self) -> String {
        match self.only.as_deref() {
            None => COMMAND.to_owned(),
            Some("patterns") => patterns::COMMAND.to_owned(),
            Some(bench) => format!(
                "(cd benches/peers && cargo bench --bench {bench}) && cargo xtask charts --only {bench}"
            ),
        }
    }

    /// Returns `true` for `json/…` and `json-items/…`, if `json` is wanted. The patterns have a table of
    /// their own.
    fn wants(&self, group: &str) -> bool {
        let is_of = |bench: &str| {
            group.strip_prefix(bench).is_some_and(|rest| rest.starts_with(['/', '-']))
        };
        match self.only.as_deref() {
            None => !patterns::BENCHES.into_iter().any(is_of),
            Some("patterns") => patterns::BENCHES.into_iter().any(is_of),
            Some(bench) => is_of(bench),
        }
    }
}

/// Writes the table and the charts. Returns the paths written.
fn write(options: &Options) -> Result<Vec<PathBuf>, String> {
    let mut measurements = criterion::read(&options.criterion)?;
    measurements.retain(|measurement| options.wants(&measurement.id.group));
    if measurements.is_empty() {
        return Err(format!("no results found; run {}", options.command()));
    }
    let origin = Origin::of(&measurements, options.command());
    let mut files = vec![("csv".to_owned(), table::csv(&measurements, &origin))];
    files.extend(drawn(&measurements, &origin));
    write_files(&options.out, &origin.file_stem(), files)
}

/// Draws the charts of a table. Returns the paths written.
fn redraw(table: &Path, out: &Path) -> Result<Vec<PathBuf>, String> {
    let text = fs::read_to_string(table)
        .map_err(|error| format!("cannot read {}: {error}", table.display()))?;
    let (measurements, origin) = table::read(table, &text)?;
    write_files(out, &origin.file_stem(), drawn(&measurements, &origin).collect())
}

/// Returns the charts as files, each with the end of its name.
fn drawn(measurements: &[Measurement], origin: &Origin) -> impl Iterator<Item = (String, String)> {
    let charts = catalogue::draw(measurements, &origin.to_string());
    charts.into_iter().map(|(name, svg)| (format!("{name}.svg"), svg))
}

fn write_files(
    out: &Path,
    stem: &str,
    files: Vec<(String, String)>,
) -> Result<Vec<PathBuf>, String> {
    fs::create_dir_all(out).map_err(|error| format!("cannot create {}: {error}", out.display()))?;
    let mut written = Vec::new();
    for (name, content) in files {
        let path = out.join(format!("{stem}.{name}"));
        fs::write(&path, content)
            .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        written.push(path);
    }
    Ok(written)
}
