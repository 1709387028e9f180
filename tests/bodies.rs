//! Random bodies in every engine, as the fuzz target `bodies_engines` runs them.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

#[path = "../fuzz/src/bodies/mod.rs"]
pub mod bodies;
#[path = "../fuzz/src/cut.rs"]
pub mod cut;

const CASES: u32 = 3000;

#[test]
fn a_random_body_answers_the_same_in_every_engine_cut_anywhere_and_paused_anywhere() {
    let mut runner =
        TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(CASES) });
    runner
        .run(&vec(any::<u8>(), 0..400), |data| {
            bodies::bodies_engines(&data);
            Ok(())
        })
        .unwrap();
    println!("{CASES} bodies");
}
