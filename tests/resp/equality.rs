//! Every short input over some alphabets, and random values, in every engine: the oracle's answers.

use core::cell::RefCell;
use std::num::NonZero;
use std::thread;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestRunner};
use pushdown::resp::{Extent, Version};
use pushdown::scan::MAX_LOOKAHEAD;

use crate::common::{Engine, Expected, Rules};
use crate::values::value;

const STREAM: Rules = Rules { extent: Extent::Stream, ..Rules::DEFAULT };
const NARROW: Rules = Rules { depth: 2, line: 2, bulk: 3, elements: 1, ..STREAM };
const RESP2: Rules = Rules { version: Version::Resp2, ..Rules::DEFAULT };

/// Inputs of at most so many letters of the alphabet, after the prefix. A letter may be a line.
const ALPHABETS: [(Rules, &[u8], &[&str], u32); 9] = [
    (Rules::DEFAULT, b"", &["*", "1", "-", "\r", "\n", "?", "x"], 5),
    (RESP2, b"", &["*", "$", "1", "-", "\r\n", "?", "_"], 5),
    (NARROW, b"", &["*", "+", "$", "1", "2", "\r\n"], 5),
    (STREAM, b"", &["*?\r\n", "%?\r\n", "|1\r\n", "*0\r\n", "_\r\n", ".\r\n", ">1\r\n"], 5),
    (NARROW, b"*?\r\n", &["*?\r\n", "%1\r\n", "|0\r\n", "_\r\n", ".\r\n", "x"], 5),
    (Rules::DEFAULT, b",", &["-", "+", "1", ".", "e", "\r\n"], 5),
    (Rules::DEFAULT, b",", &["i", "n", "f", "a", "N", "(", ")", "\r\n"], 5),
    (NARROW, b"$?\r\n", &[";", "1", "2", "0", "\r\n", "a"], 5),
    (Rules::DEFAULT, b"=5\r\n", &["t", ":", "\r", "\n", "\r\n"], 6),
];

#[test]
fn every_short_input_is_read_as_the_oracle_reads_it() {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let run = |thread: usize| {
        let (mut texts, mut runs) = (0, 0);
        for (rules, prefix, alphabet, longest) in ALPHABETS {
            let mut engines = Engine::all(rules);
            for len in 0..=longest {
                for number in (thread..alphabet.len().pow(len)).step_by(threads) {
                    let letters = (0..len).map(|at| number / alphabet.len().pow(at));
                    let letters = letters.map(|digit| alphabet[digit % alphabet.len()]);
                    let text: Vec<_> =
                        prefix.iter().copied().chain(letters.flat_map(str::bytes)).collect();
                    let expected = Expected::prompt(&text, rules);
                    let single_bytes: Vec<_> = (1..text.len()).collect();
                    runs += Engine::check_all(&mut engines, &[], &expected);
                    runs += Engine::check_all(&mut engines, &single_bytes, &expected);
                    texts += 1;
                }
            }
        }
        (texts, runs)
    };
    let counts: Vec<(usize, usize)> = thread::scope(|scope| {
        let runs: Vec<_> = (0..threads).map(|thread| scope.spawn(move || run(thread))).collect();
        runs.into_iter().map(|run| run.join().expect("a wrong answer, reported above")).collect()
    });
    let texts: usize = counts.iter().map(|(texts, _)| texts).sum();
    let runs: usize = counts.iter().map(|(_, runs)| runs).sum();
    println!("{texts} texts over {} alphabets, {runs} runs", ALPHABETS.len());
    assert!(texts > 100_000 && runs > texts);
}

/// The start of a value, the byte that it has again and again, and the ends that follow it.
type Blocks = (&'static [u8], &'static [u8], &'static [&'static [u8]]);

const BLOCKS: [Blocks; 4] = [
    (b"*2\r\n+", b"a", &[b"\r\n:", b"\n", b"\rx", b"\r\r\n"]),
    (b"*2\r\n:", b"0", &[b"7\r\n", b"x", b"7\n", b"7\rx"]),
    (b"*2\r\n,", b"1", &[b"\r\n", b".5e7\r\n", b".\r\n", b"x"]),
    (b"*2\r\n$96\r\n", b"a", &[b"\r\n:", b"\n", b"\r\r"]),
];

#[test]
fn any_cut_in_a_block_of_a_scan_gives_the_answer_of_the_whole() {
    let (mut inputs, mut runs) = (0, 0);
    let padding = 2 * MAX_LOOKAHEAD;
    let mut engines = Engine::all(Rules::DEFAULT);
    for (start, filler, ends) in BLOCKS {
        for end in ends {
            for padding in 0..=padding {
                let input = [start, &filler.repeat(padding), end].concat();
                let expected = Expected::prompt(&input, Rules::DEFAULT);
                for cut in 1..=input.len() {
                    // Before the padding, and within and around the end.
                    if cut <= start.len() || cut + end.len() + 1 >= input.len() {
                        runs += Engine::check_all(&mut engines, &[cut], &expected);
                    }
                }
                inputs += 1;
            }
        }
    }
    println!("{inputs} inputs with up to {padding} bytes before their end, {runs} runs");
    assert!(inputs > 1_000 && runs > inputs);
}

#[test]
fn any_cutting_of_random_values_is_read_as_the_oracle_reads_it() {
    let mut config = Config::with_cases(300);
    config.failure_persistence = None;
    let all_rules =
        [Rules::DEFAULT, STREAM, RESP2, Rules { line: 20, bulk: 30, elements: 4, ..STREAM }];
    let engines = RefCell::new(all_rules.map(|rules| (rules, Engine::all(rules))));
    let counts = RefCell::new([0; 4]);
    let cases = (values(), vec(any::<Index>(), 0..12), 0..all_rules.len());
    let result = TestRunner::new(config).run(&cases, |(input, cuts, rules)| {
        let (rules, engines) = &mut engines.borrow_mut()[rules];
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(input.len() + 1)).collect();
        cuts.sort_unstable();
        let expected = Expected::whole(&input, *rules);
        let mut runs = 0;
        let single_bytes: Vec<_> = (1..input.len()).collect();
        for cuts in [&[], &cuts[..], &single_bytes] {
            runs += Engine::check_all(engines, cuts, &expected);
        }
        let accepted = usize::from(expected.whole.finished.is_ok());
        let mut counts = counts.borrow_mut();
        *counts = [counts[0] + 1, counts[1] + accepted, counts[2] + input.len(), counts[3] + runs];
        Ok(())
    });
    result.unwrap();
    let [inputs, accepted, bytes, runs] = counts.into_inner();
    println!("{inputs} random inputs, {accepted} accepted, {bytes} bytes, {runs} runs");
    assert!(accepted > 30 && inputs - accepted > 30 && runs > inputs);
}

/// Generates one to three values, with a byte that is another, or an end that comes too early.
fn values() -> impl Strategy<Value = Vec<u8>> {
    let other = select(&b"*$+-:%~|>.,(=!_#;?0129\r\ntf\x00\xff"[..]);
    let damage = option::of((any::<Index>(), other));
    let end = option::weighted(0.2, any::<Index>());
    (vec(value(), 1..4), damage, end).prop_map(|(values, damage, end)| {
        let mut input = Vec::new();
        for value in values {
            value.encode(&mut input);
        }
        if let Some((at, byte)) = damage {
            let at = at.index(input.len());
            input[at] = byte;
        }
        if let Some(end) = end {
            input.truncate(end.index(input.len() + 1));
        }
        input
    })
}
