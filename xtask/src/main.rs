//! Makes a table and charts of what the benchmarks measured.
//!
//! ```text
//! $ cargo bench
//! $ (cd benches/peers && cargo bench)
//! $ cargo xtask charts
//! ```
//!
//! It writes `benches/results/<processor>-<date>.csv`, and the charts beside it. Criterion keeps what
//! it has measured; for a table of this commit alone, remove `target/criterion` in both packages
//! first.

mod axis;
mod bars;
mod charts;
mod criterion;
mod frame;
mod lines;
mod origin;
mod style;
mod svg;
mod table;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use origin::Origin;

const USAGE: &str = "\
Usage: report [--out DIR] [CRITERION_DIR]...

Makes a CSV table and SVG charts of what Criterion measured. Without a directory it reads those of
this package and of benches/peers. A benchmark that is in several counts where it was run last.

Options:
  --out DIR  where to write, instead of benches/results
  --help     this text";

/// How everything is measured; it is written into the table.
pub(crate) const COMMAND: &str =
    "cargo bench && (cd benches/peers && cargo bench) && cargo xtask charts";

fn main() -> ExitCode {
    let options = match Options::parse(env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(wrong) => {
            eprintln!("report: {wrong}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match report(&options) {
        Ok(written) => {
            for path in written {
                println!("{}", path.display());
            }
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("report: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Where to read and to write.
pub(crate) struct Options {
    pub(crate) criterion: Vec<PathBuf>,
    pub(crate) out: PathBuf,
}

impl Options {
    /// `None` if only help is wanted.
    pub(crate) fn parse(mut args: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut options = Self { criterion: Vec::new(), out: package.join("benches/results") };
        while let Some(arg) = args.next() {
            match &arg[..] {
                "--out" => options.out = args.next().ok_or("--out needs a directory")?.into(),
                "--help" | "-h" => return Ok(None),
                option if option.starts_with('-') => {
                    return Err(format!("unknown option {option}"));
                }
                _ => options.criterion.push(arg.into()),
            }
        }
        if options.criterion.is_empty() {
            options.criterion = match env::var_os("CARGO_TARGET_DIR") {
                Some(target) => vec![PathBuf::from(target).join("criterion")],
                None => ["target/criterion", "benches/peers/target/criterion"]
                    .map(|below| package.join(below))
                    .into(),
            };
        }
        Ok(Some(options))
    }
}

/// Writes the table and the charts. The answer is what was written.
pub(crate) fn report(options: &Options) -> Result<Vec<PathBuf>, String> {
    let measurements = criterion::read(&options.criterion)?;
    if measurements.is_empty() {
        return Err(format!("nothing was measured. To measure: {COMMAND}"));
    }
    let origin = Origin::of(&measurements);
    let mut files = vec![("csv".to_owned(), table::csv(&measurements, &origin))];
    for (name, svg) in charts::draw(&measurements, &origin.to_string()) {
        files.push((format!("{name}.svg"), svg));
    }
    fs::create_dir_all(&options.out)
        .map_err(|error| format!("cannot make the directory {}: {error}", options.out.display()))?;
    let mut written = Vec::new();
    for (name, content) in files {
        let path = options.out.join(format!("{}.{name}", origin.file_stem()));
        fs::write(&path, content)
            .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        written.push(path);
    }
    Ok(written)
}
