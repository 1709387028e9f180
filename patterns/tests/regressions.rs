//! Replays the seeds and past failures of the fuzz targets of `pushdown-patterns`.

use std::path::Path;

#[path = "../../fuzz/src/cut.rs"]
pub mod cut;
#[path = "../../fuzz/src/mux.rs"]
pub mod mux;
#[path = "../../fuzz/src/replay.rs"]
mod replay;

#[test]
fn every_seed_and_past_failure_of_the_fuzz_targets_passes() {
    replay::replay(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz")), mux::TARGETS);
}
