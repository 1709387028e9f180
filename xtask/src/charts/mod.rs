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

mod axis;
mod bars;
mod catalogue;
mod criterion;
mod frame;
mod lines;
mod origin;
mod style;
mod svg;
mod table;

use std::env;
use std::fs;
use std::path::PathBuf;

use crate::{Failure, in_repository};
use origin::{COMMAND, Origin};

/// Runs the command with these arguments and prints the paths written.
pub(crate) fn run(args: impl Iterator<Item = String>) -> Result<(), Failure> {
    let options = Options::parse(args).map_err(Failure::Usage)?;
    for path in write(&options).map_err(Failure::Failed)? {
        println!("{}", path.display());
    }
    Ok(())
}

struct Options {
    criterion: Vec<PathBuf>,
    out: PathBuf,
}

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self { criterion: Vec::new(), out: in_repository("benches/results") };
        while let Some(arg) = args.next() {
            match &arg[..] {
                "--out" => options.out = args.next().ok_or("--out needs a directory")?.into(),
                option if option.starts_with('-') => {
                    return Err(format!("unknown option {option}"));
                }
                _ => options.criterion.push(arg.into()),
            }
        }
        if options.criterion.is_empty() {
            options.criterion = match env::var_os("CARGO_TARGET_DIR") {
                Some(target) => vec![PathBuf::from(target).join("criterion")],
                None => {
                    ["target/criterion", "benches/peers/target/criterion"].map(in_repository).into()
                }
            };
        }
        Ok(options)
    }
}

/// Writes the table and the charts. Returns the paths written.
fn write(options: &Options) -> Result<Vec<PathBuf>, String> {
    let measurements = criterion::read(&options.criterion)?;
    if measurements.is_empty() {
        return Err(format!("no results found; run {COMMAND}"));
    }
    let origin = Origin::of(&measurements);
    let mut files = vec![("csv".to_owned(), table::csv(&measurements, &origin))];
    for (name, svg) in catalogue::draw(&measurements, &origin.to_string()) {
        files.push((format!("{name}.svg"), svg));
    }
    fs::create_dir_all(&options.out)
        .map_err(|error| format!("cannot create {}: {error}", options.out.display()))?;
    let mut written = Vec::new();
    for (name, content) in files {
        let path = options.out.join(format!("{}.{name}", origin.file_stem()));
        fs::write(&path, content)
            .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        written.push(path);
    }
    Ok(written)
}
