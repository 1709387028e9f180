//! Runs fuzz targets on their seeds and past failures, in `cargo test`.

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use super::cut::Target;

/// Runs each target on its files under `seeds` and `regressions` of the folder `fuzz`.
///
/// Fails if there is no target, or a target without seeds.
pub(crate) fn replay(fuzz: &Path, targets: &[Target]) {
    assert!(!targets.is_empty());
    for (name, run) in targets {
        let target = fuzz.join("fuzz_targets").join(name).with_extension("rs");
        assert!(target.exists(), "{} does not exist", target.display());
        let seeds = files(&fuzz.join("seeds").join(name));
        let regressions = files(&fuzz.join("regressions").join(name));
        assert!(!seeds.is_empty(), "{name} has no seeds");
        for file in seeds.iter().chain(&regressions) {
            let input = fs::read(file).unwrap();
            catch_unwind(|| run(&input)).unwrap_or_else(|_| panic!("{name} fails on {file:?}"));
        }
        println!("{} seeds and {} regressions of {name}", seeds.len(), regressions.len());
    }
}

/// Returns the files of a folder, or none if it does not exist.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().path()).collect()
}
