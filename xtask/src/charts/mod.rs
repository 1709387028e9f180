//! `cargo xtask charts`: a table and charts of Criterion's results.
//!
//! ```text
//! $ cargo bench
//! $ (cd benches/peers && cargo bench)
//! $ cargo xtask charts
//! ```
//!
//! Writes tables, such as `benches/results/json/<processor>-<date>.csv`, and the charts beside them. Criterion
//! keeps its results between runs, so remove `target/criterion` in both places first for tables of one commit.
//! `--only json` writes one table. `--only million` reads the output of the example `million` instead.
//! `--from` draws a table again, beside it.

mod axis;
mod bars;
mod catalogue;
mod criterion;
mod frame;
mod lines;
mod million;
mod origin;
mod patterns;
mod style;
mod svg;
mod table;
mod tables;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::{Failure, in_repository};
use criterion::Measurement;
use origin::Origin;
use tables::{COMMAND, TABLES, Table};

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
    /// Where the results are: directories of Criterion, or the output of the example `million`.
    results: Vec<PathBuf>,
    out: PathBuf,
    /// The only table to write.
    only: Option<String>,
    /// The table to draw again.
    from: Option<PathBuf>,
}

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let (mut results, mut out, mut only) = (Vec::new(), None, None);
        let mut from: Option<PathBuf> = None;
        while let Some(arg) = args.next() {
            match &arg[..] {
                "--out" => out = Some(args.next().ok_or("--out needs a directory")?.into()),
                "--from" => from = Some(args.next().ok_or("--from needs a table")?.into()),
                "--only" => only = Some(only_table(args.next())?),
                option if option.starts_with('-') => {
                    return Err(format!("unknown option {option}"));
                }
                _ => results.push(arg.into()),
            }
        }
        if results.is_empty() {
            let is_million = only.as_deref() == Some(million::NAME);
            let name = if is_million { "million.csv" } else { "criterion" };
            results = match env::var_os("CARGO_TARGET_DIR") {
                Some(target) => vec![PathBuf::from(target).join(name)],
                None if is_million => vec![in_repository("target").join(name)],
                None => ["target", "benches/peers/target"]
                    .map(|target| in_repository(target).join(name))
                    .into(),
            };
        }
        let beside = from.as_deref().and_then(Path::parent).map(Path::to_owned);
        let out = out.or(beside).unwrap_or_else(|| match &only {
            Some(name) => in_repository("benches/results").join(name),
            None => in_repository("benches/results"),
        });
        Ok(Self { results, out, only, from })
    }
}

/// Returns the argument of `--only`, if there is a table of that name.
fn only_table(name: Option<String>) -> Result<String, String> {
    let names: Vec<&str> = TABLES.iter().map(|table| table.name).chain([million::NAME]).collect();
    name.filter(|name| names.contains(&&name[..]))
        .ok_or_else(|| format!("--only needs a table: {}", names.join(", ")))
}

/// Writes tables and their charts. Returns the paths written.
fn write(options: &Options) -> Result<Vec<PathBuf>, String> {
    let Options { results, out, only, .. } = options;
    if only.as_deref() == Some(million::NAME) {
        return write_million(&results[0], out);
    }
    let measurements = criterion::read(results)?;
    if let Some(table) = TABLES.iter().find(|table| only.as_deref() == Some(table.name)) {
        let written = write_table(table, &measurements, out)?;
        return written.ok_or(format!("no results found; run {}", table.command));
    }
    let mut written = Vec::new();
    for table in &TABLES {
        written.extend(write_table(table, &measurements, &out.join(table.name))?);
    }
    if written.is_empty() {
        return Err(format!("no results found; run {COMMAND}"));
    }
    Ok(written.into_iter().flatten().collect())
}

/// Writes a table and its charts, if it has results.
fn write_table(
    table: &Table,
    measurements: &[Measurement],
    out: &Path,
) -> Result<Option<Vec<PathBuf>>, String> {
    let is_of = |measurement: &&Measurement| table.has(&measurement.id.group);
    let measurements: Vec<_> = measurements.iter().filter(is_of).cloned().collect();
    let Some(taken) = measurements.iter().map(|measurement| measurement.taken).max() else {
        return Ok(None);
    };
    let origin = Origin::of(taken, table.command);
    let charts = catalogue::draw(&measurements, &origin.to_string());
    write_files(out, &origin, Some(table::csv(&measurements)), charts).map(Some)
}

fn write_million(output: &Path, out: &Path) -> Result<Vec<PathBuf>, String> {
    let (rows, taken) = million::measured(output)?;
    let origin = Origin::of(taken, million::COMMAND);
    let charts = million::draw(&rows, &origin.to_string());
    write_files(out, &origin, Some(million::csv(&rows)), charts)
}

/// Draws the charts of a table. Returns the paths written.
fn redraw(table: &Path, out: &Path) -> Result<Vec<PathBuf>, String> {
    let text = fs::read_to_string(table)
        .map_err(|error| format!("cannot read {}: {error}", table.display()))?;
    let mut lines = text.lines();
    let origin = table::origin(table, &mut lines)?;
    let charts = match lines.next() {
        Some(million::COLUMNS) => million::draw(&million::read(table, lines)?, &origin.to_string()),
        _ => catalogue::draw(&table::read(table, lines)?, &origin.to_string()),
    };
    write_files(out, &origin, None, charts)
}

/// Writes the rows of a table, below its origin, and charts.
fn write_files(
    out: &Path,
    origin: &Origin,
    rows: Option<String>,
    charts: Vec<(&str, String)>,
) -> Result<Vec<PathBuf>, String> {
    fs::create_dir_all(out).map_err(|error| format!("cannot create {}: {error}", out.display()))?;
    let table = rows.map(|rows| ("csv".to_owned(), table::head(origin) + &rows));
    let charts = charts.into_iter().map(|(name, svg)| (format!("{name}.svg"), svg));
    let mut written = Vec::new();
    for (name, content) in table.into_iter().chain(charts) {
        let path = out.join(format!("{}.{name}", origin.file_stem()));
        fs::write(&path, content)
            .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        written.push(path);
    }
    Ok(written)
}
