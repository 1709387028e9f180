//! Long random strings, cut at random, in every engine.

use core::cell::RefCell;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::string::bytes_regex;
use proptest::test_runner::{Config, TestRunner};

use crate::common::{Engine, oracle};

/// Number of random strings. Interpreters and sanitizers get fewer, because they are slow.
const CASES: u32 = if cfg!(miri) {
    8
} else if cfg!(pushdown_asan) {
    100
} else {
    400
};

#[test]
fn any_cutting_of_a_long_string_gives_the_answer_of_the_whole() {
    let mut config = Config::with_cases(CASES);
    config.failure_persistence = None;
    let engines = RefCell::new(Engine::all());
    let counts = RefCell::new([0; 3]);
    let cases = (string(), vec(any::<Index>(), 0..40));
    let result = TestRunner::new(config).run(&cases, |(input, cuts)| {
        let chunks = cut(&input, &cuts);
        Engine::check_all(&mut engines.borrow_mut(), &chunks, &oracle(&input));
        let mut counts = counts.borrow_mut();
        *counts = [counts[0] + 1, counts[1] + input.len(), counts[2] + cuts.len()];
        Ok(())
    });
    result.unwrap();
    let [strings, bytes, cuts] = counts.into_inner();
    println!(
        "{strings} random strings, {bytes} bytes, {cuts} cuts, {} engines",
        engines.borrow().len()
    );
    assert!(strings > 0 && bytes > 0 && cuts > 0);
}

/// Generates a quoted string of some kilobytes, with few escapes or many, closed or not, and bytes
/// after it.
fn string() -> impl Strategy<Value = Vec<u8>> {
    let longest_run = prop_oneof![Just(0), Just(2), Just(16), Just(128), Just(1024)];
    longest_run.prop_flat_map(|run| {
        let text = format!(r#"[^"\\]{{0,{run}}}"#);
        // An escape that is lost at a cut is noticed only if the byte after it has a meaning
        // without it.
        let pair = r#"(\\"|\\\\|\\.)"#;
        let pairs = 4096 / (run + 2);
        bytes_regex(&format!(r#"(?s-u)"({text}{pair}){{0,{pairs}}}{text}"?.{{0,8}}"#)).unwrap()
    })
}

/// Cuts the input. Two cuts in one place make an empty chunk.
fn cut<'i>(input: &'i [u8], cuts: &[Index]) -> Vec<&'i [u8]> {
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(input.len() + 1)).collect();
    cuts.extend([0, input.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|pair| &input[pair[0]..pair[1]]).collect()
}
