//! The seeds and the past failures of every fuzz target, replayed.

use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::{fs, io};

#[path = "../fuzz/src/lib.rs"]
pub mod fuzz;

#[test]
fn every_seed_and_every_past_failure_of_the_fuzz_targets_passes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let targets = files(&folder.join("fuzz_targets")).unwrap();
    assert!(!targets.is_empty(), "no fuzz target");
    for target in targets {
        let name = target.file_stem().unwrap().to_str().unwrap();
        let run = match name {
            "quoted_engines" => fuzz::quoted_engines,
            "quoted_cuts" => fuzz::quoted_cuts,
            "quoted_peer" => fuzz::quoted_peer,
            "scan_kernels" => fuzz::scan_kernels,
            "mux_frames" => fuzz::mux_frames,
            _ => panic!("{name} is not replayed"),
        };
        let seeds = files(&folder.join("seeds").join(name)).unwrap_or_default();
        let regressions = files(&folder.join("regressions").join(name)).unwrap_or_default();
        assert!(!seeds.is_empty(), "{name} has no seeds");
        for file in seeds.iter().chain(&regressions) {
            let input = fs::read(file).unwrap();
            catch_unwind(|| run(&input)).unwrap_or_else(|_| panic!("{name} fails on {file:?}"));
        }
        println!("{} seeds and {} regressions of {name}", seeds.len(), regressions.len());
    }
}

fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect()
}
