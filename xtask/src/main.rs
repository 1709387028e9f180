//! Tasks for maintainers, run as `cargo xtask COMMAND`.

mod charts;
mod licences;

use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "\
Usage: cargo xtask COMMAND

Commands:
  charts [--out DIR] [--only TABLE] [--from FILE] [CRITERION_DIR]...
      Writes CSV tables and SVG charts of Criterion's results: quoted, json, resp, sse, patterns, or the
      one that --only names. Reads the results of this workspace and of benches/peers unless directories
      are given; of two results for one benchmark the later counts. Each table is a folder in
      benches/results; --out names another folder. With --only million it reads the output of the
      example of that name, target/million.csv unless a file is given. With --from it draws the charts of
      a table again.
  licences [MANIFEST]...
      Checks the licences of all dependencies against the allow list. Reads the lock files of this
      workspace, of fuzz and of benches/peers unless manifests are given.
  help
      Prints this text.

Exit status: 0 on success, 1 on failure, 2 if the command line is wrong.";

/// The reason why a command did not succeed.
enum Failure {
    /// The command line is wrong.
    Usage(String),
    /// The command failed.
    Failed(String),
}

fn main() -> ExitCode {
    let mut args = env::args().skip(1);
    let result = match args.next().as_deref() {
        Some("charts") => charts::run(args),
        Some("licences") => licences::run(args),
        Some("help" | "--help" | "-h") => {
            println!("{USAGE}");
            Ok(())
        }
        Some(command) => Err(Failure::Usage(format!("unknown command {command}"))),
        None => Err(Failure::Usage("no command given".to_owned())),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Usage(message)) => {
            eprintln!("xtask: {message}\n\n{USAGE}");
            ExitCode::from(2)
        }
        Err(Failure::Failed(message)) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}

/// A path of the repository.
fn in_repository(path: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    root.expect("the package has a parent directory").join(path)
}
