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
//! `--only json` or `--only resp` draws the results of one bench of `benches/peers`, in a folder of their own.

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
    /// The bench whose results count.
    only: Option<String>,
}

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let (mut criterion, mut out, mut only) = (Vec::new(), None, None);
        while let Some(arg) = args.next() {
            match &arg[..] {
                "--out" => out = Some(args.next().ok_or("--out needs a directory")?.into()),
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
        let out = out.unwrap_or_else(|| {
            in_repository("benches/results").join(only.as_deref().unwrap_or_default())
        });
        Ok(Self { criterion, out, only })
    }

    /// The command that takes the measurements.
    fn command(&self) -> String {
        match &self.only {
            None => COMMAND.to_owned(),
            Some(bench) => format!(
                "(cd benches/peers && cargo bench --bench {bench}) && cargo xtask charts --only {bench}"
            ),
        }
    }

    /// Returns `true` for `json/…` and `json-items/…`, if `json` is wanted.
    fn wants(&self, group: &str) -> bool {
        self.only.as_ref().is_none_or(|bench| {
            group.strip_prefix(&bench[..]).is_some_and(|rest| rest.starts_with(['/', '-']))
        })
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
