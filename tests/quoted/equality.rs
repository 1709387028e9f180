//! Every short string, in every engine: the answers of a naive oracle and the regular expression.

use std::num::NonZero;
use std::thread;

use pushdown::scan::MAX_LOOKAHEAD;

use crate::common::{Engine, Regex, cuttings, oracle};

/// One byte for each case of the grammar, and bytes that a careless reading of `.` would not match:
/// a newline, NUL, a byte that is never UTF-8 and the two bytes of `é`.
const ALPHABET: [u8; 8] = *b"\"\\a\n\0\xff\xc3\xa9";

/// Length of the longest strings. Interpreters and sanitizers get shorter ones, because they are
/// slow.
const LONGEST: u32 = if cfg!(miri) {
    3
} else if cfg!(pushdown_asan) {
    5
} else {
    7
};

#[test]
fn all_engines_and_the_regex_agree_with_the_oracle_on_every_short_string() {
    let regex = Regex::compile();
    let strings = for_every_string(LONGEST, |engines, string| {
        let expected = oracle(string);
        let answer = (expected.status, expected.consumed);
        assert_eq!(regex.answer(string), answer, "the regex (left) disagrees on {string:?}");
        Engine::check_all(engines, &[string], &expected);
    });
    println!("{strings} strings of up to {LONGEST} bytes, {} engines", Engine::all().len());
}

#[test]
fn any_cut_of_a_short_string_gives_the_answer_of_the_whole() {
    let longest = LONGEST.min(5);
    let strings = for_every_string(longest, |engines, string| {
        let expected = oracle(string);
        for chunks in cuttings(string) {
            Engine::check_all(engines, &chunks, &expected);
        }
    });
    println!(
        "{strings} strings of up to {longest} bytes at every cut, {} engines",
        Engine::all().len()
    );
}

#[test]
fn any_cut_in_a_block_of_a_scan_gives_the_answer_of_the_whole() {
    let (longest, padding) = (LONGEST / 3, 2 * MAX_LOOKAHEAD);
    let strings = for_every_string(longest, |engines, string| {
        for padding in 0..=padding {
            let input = [b"\"", &*b"a".repeat(padding), string, b"\""].concat();
            let expected = oracle(&input);
            for cut in padding..=input.len() {
                let (left, right) = input.split_at(cut);
                Engine::check_all(engines, &[left, right], &expected);
            }
        }
    });
    println!("{strings} strings after up to {padding} bytes, {} engines", Engine::all().len());
}

/// Runs the check on every string of up to `longest` letters of the alphabet, on one thread for
/// each core. Returns the number of strings.
fn for_every_string(longest: u32, check: impl Fn(&mut [Engine], &[u8]) + Sync) -> usize {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let run = |thread: usize| {
        let mut engines = Engine::all();
        let mut strings = 0;
        for len in 0..=longest {
            for number in (thread..1 << (3 * len)).step_by(threads) {
                let letters = (0..len).map(|at| ALPHABET[number >> (3 * at) & 7]);
                check(&mut engines, &letters.collect::<Vec<_>>());
                strings += 1;
            }
        }
        strings
    };
    let strings: usize = thread::scope(|scope| {
        let runs: Vec<_> = (0..threads).map(|thread| scope.spawn(move || run(thread))).collect();
        runs.into_iter().map(|run| run.join().expect("a wrong answer, reported above")).sum()
    });
    assert_eq!(strings, (8_usize.pow(longest + 1) - 1) / 7, "1 + 8 + 64 + ...");
    strings
}
