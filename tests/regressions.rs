//! Replays the seeds and past failures of the fuzz targets of `pushdown`.

#![cfg(all(
    feature = "testing",
    feature = "coroutine",
    feature = "generator",
    feature = "combinator"
))]

use std::fs;
use std::path::Path;

#[path = "../fuzz/src/bodies/mod.rs"]
pub mod bodies;
#[path = "../fuzz/src/cut.rs"]
pub mod cut;
#[path = "../fuzz/src/json.rs"]
pub mod json;
#[path = "../fuzz/src/parsers.rs"]
pub mod parsers;
#[path = "../fuzz/src/replay.rs"]
mod replay;
#[path = "../fuzz/src/resp.rs"]
pub mod resp;
#[path = "../fuzz/src/sse.rs"]
pub mod sse;
#[path = "../fuzz/src/text.rs"]
pub mod text;

/// Targets that `patterns/tests/regressions.rs` replays.
const OF_PATTERNS: &[&str] = &["mux_frames"];

#[test]
fn every_seed_and_past_failure_of_the_fuzz_targets_passes() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz"));
    replay::replay(folder, parsers::TARGETS);
    replay::replay(folder, bodies::TARGETS);
    replay::replay(folder, text::TARGETS);
    replay::replay(folder, json::TARGETS);
    replay::replay(folder, resp::TARGETS);
    replay::replay(folder, sse::TARGETS);
}

#[test]
fn every_fuzz_target_is_replayed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/fuzz_targets");
    let mut found: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    found.sort();
    let of_formats = parsers::TARGETS.iter().chain(json::TARGETS).chain(resp::TARGETS);
    let of_formats = of_formats.chain(sse::TARGETS);
    let targets = of_formats.chain(bodies::TARGETS).chain(text::TARGETS);
    let replayed = targets.map(|(name, _)| *name);
    let mut replayed: Vec<_> = replayed.chain(OF_PATTERNS.iter().copied()).collect();
    replayed.sort_unstable();
    assert_eq!(found, replayed);
}
