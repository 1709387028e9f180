//! Every short text over some alphabets, and random documents, in every engine: the oracle's answers.

use core::cell::RefCell;
use std::num::NonZero;
use std::thread;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestRunner};
use pushdown::json::Extent;
use pushdown::scan::MAX_LOOKAHEAD;

use crate::common::log::Log;
use crate::common::{Engine, Expected, Rules};
use crate::peer::Tree;

const VALUE: Rules = Rules { extent: Extent::Value, ..Rules::DEFAULT };
const STREAM: Rules = Rules { extent: Extent::Stream, ..Rules::DEFAULT };
const SHORT: Rules = Rules { depth: 2, string: 2, number: 2, ..STREAM };

/// Texts of at most so many letters of the alphabet, after the prefix.
const ALPHABETS: [(Rules, &[u8], &[u8], u32); 7] = [
    (Rules::DEFAULT, b"", b"[]{},:\"1 ", 5),
    (STREAM, b"", b"[]{,\"1- t", 4),
    (VALUE, b"", b"[]{\"10. ", 4),
    (SHORT, b"", b"[]\"\\n1.e ", 4),
    (Rules::DEFAULT, b"[", b"-+01.e,]", 5),
    (Rules::DEFAULT, b"\"\\ud83", b"\"\\udc0n", 5),
    (Rules::DEFAULT, b"\"", b"\"a\x1f\x80\x90\xa0\xbf\xc2\xe0\xed\xf0\xf4", 4),
];

#[test]
fn every_short_text_is_read_as_the_oracle_reads_it() {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let run = |thread: usize| {
        let (mut texts, mut runs) = (0, 0);
        for (rules, prefix, alphabet, longest) in ALPHABETS {
            let mut engines = Engine::all(rules);
            for len in 0..=longest {
                for number in (thread..alphabet.len().pow(len)).step_by(threads) {
                    let letters = (0..len).map(|at| number / alphabet.len().pow(at));
                    let letters = letters.map(|digit| alphabet[digit % alphabet.len()]);
                    let text: Vec<_> = prefix.iter().copied().chain(letters).collect();
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
    assert!(texts > 150_000 && runs > texts);
}

/// Beginnings of texts that end at every place of the grammar.
const PLACES: [&[u8]; 45] = [
    b"",
    b" ",
    b"[",
    b"[1",
    b"[1 ",
    b"[1,",
    b"[1, ",
    b"[\"\"",
    b"[[]",
    b"[{}",
    b"[true",
    b"{",
    b"{ ",
    b"{\"a\"",
    b"{\"a\" ",
    b"{\"a\":",
    b"{\"a\": ",
    b"{\"a\":1",
    b"{\"a\":\"\"",
    b"{\"a\":{}",
    b"{\"a\":1 ",
    b"{\"a\":1,",
    b"1",
    b"1 ",
    b"[]",
    b"\"",
    b"\"a",
    b"\"\\",
    b"\"\\u",
    b"\"\\u0",
    b"\"\\u00e",
    b"\"\\ud83d",
    b"\"\\ud83d\\",
    b"\"\\ud83d\\u",
    b"\"\\ud83d\\ude0",
    b"\"\xe2",
    b"\"\xf0\x9f\x98",
    b"-",
    b"0",
    b"12",
    b"1.",
    b"1.5",
    b"1e",
    b"1e-",
    b"1e5",
];

#[test]
fn any_byte_at_any_place_is_read_as_the_oracle_reads_it() {
    let (mut texts, mut runs) = (0, 0);
    for rules in [Rules::DEFAULT, VALUE, STREAM] {
        let mut engines = Engine::all(rules);
        for place in PLACES {
            for byte in 0..=u8::MAX {
                let text = [place, &[byte, b'1', b'"']].concat();
                let expected = Expected::prompt(&text, rules);
                for cuts in [&[][..], &[place.len()], &[place.len(), place.len() + 1]] {
                    runs += Engine::check_all(&mut engines, cuts, &expected);
                }
                texts += 1;
            }
        }
    }
    println!("{texts} texts, {runs} runs");
    assert!(texts == 3 * 256 * PLACES.len() && runs > texts);
}

/// The start of a text, the byte that a scan passes again and again, and the ends that stop it.
type Blocks = (&'static [u8], &'static [u8], &'static [&'static [u8]]);

const BLOCKS: [Blocks; 3] = [
    (
        b"[\"",
        b"a",
        &[
            b"\"]",
            b"\\n\"]",
            b"\\ud83d\\ude00\"]",
            "é€😀\"]".as_bytes(),
            b"\x1f",
            b"\xff",
            b"\xe2\x28",
            b"\xe2\"",
        ],
    ),
    (b"[", b"1", &[b"]", b".5e-7,", b"x", b".]", b"e+]", b" "]),
    (b"[", b" ", &[b"]", b"{", b"\"\"]", b"1]", b"\x0c", b"\xc2\xa0"]),
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
                    if cut <= 2 || cut + end.len() + 1 >= input.len() {
                        runs += Engine::check_all(&mut engines, &[cut], &expected);
                    }
                }
                inputs += 1;
            }
        }
    }
    println!("{inputs} inputs with up to {padding} bytes before their end, {runs} runs");
    assert!(inputs > 2000 && runs > inputs);
}

#[test]
fn runs_of_every_length_between_escapes_are_decoded() {
    let (pair, run) = (r"\ud83d\ude00", |len| "a".repeat(len));
    let (mut inputs, mut runs) = (0, 0);
    let mut engines = Engine::all(Rules::DEFAULT);
    for first in 0..=50 {
        for second in 0..=50 {
            // As long as runs that are copied may be, and longer.
            for third in [48, 49, 53] {
                let texts = [run(first), run(second), run(third)];
                let input = format!(r#""\n{}""#, texts.join(pair) + pair);
                let expected = Expected::whole(input.as_bytes(), Rules::DEFAULT);
                runs += Engine::check_all(&mut engines, &[], &expected);
                inputs += 1;
            }
        }
    }
    println!("{inputs} inputs, {runs} runs");
    assert!(inputs == 3 * 51 * 51 && runs > inputs);
}

#[test]
fn any_cutting_of_a_random_text_is_read_as_the_oracle_reads_it() {
    let mut config = Config::with_cases(500);
    config.failure_persistence = None;
    let all_rules = [Rules::DEFAULT, VALUE, STREAM, Rules { string: 40, number: 6, ..STREAM }];
    let engines = RefCell::new(all_rules.map(|rules| (rules, Engine::all(rules))));
    let counts = RefCell::new([0; 4]);
    let cases = (text(), vec(any::<Index>(), 0..12), 0..all_rules.len());
    let result = TestRunner::new(config).run(&cases, |(input, cuts, rules)| {
        let (rules, engines) = &mut engines.borrow_mut()[rules];
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(input.len() + 1)).collect();
        cuts.sort_unstable();
        let expected = Expected::whole(&input, *rules);
        if *rules == Rules::DEFAULT {
            let mut tree = Tree::default();
            expected.whole.all_events.report_since(&Log::default(), |event| tree.see(event));
            tree.check(&input, expected.whole.finished.is_ok());
        }
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
    let [texts, accepted, bytes, runs] = counts.into_inner();
    println!("{texts} random texts, {accepted} accepted, {bytes} bytes, {runs} runs");
    assert!(accepted > 50 && texts - accepted > 50 && runs > texts);
}

/// Generates a document, or one in which a byte is another, or which ends too early.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let other = select(&b"\"\\[]{},:01-.et\x00\x7f\x80\xc3\xe2\xf0\xff"[..]);
    let damage = option::of((any::<Index>(), other));
    let end = option::weighted(0.2, any::<Index>());
    (document(), damage, end).prop_map(|(document, damage, end)| {
        let mut text = document.into_bytes();
        if let Some((at, byte)) = damage {
            let at = at.index(text.len());
            text[at] = byte;
        }
        if let Some(end) = end {
            text.truncate(end.index(text.len() + 1));
        }
        text
    })
}

/// Generates a document with white space between all tokens, or none.
fn document() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        3 => string(),
        3 => "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?",
        1 => select(&["true", "false", "null"][..]).prop_map(String::from),
    ];
    scalar.prop_recursive(6, 200, 8, |value| {
        let array = vec((value.clone(), blank()), 0..8).prop_map(|items| {
            format!("[{}]", join(items.into_iter().map(|(item, blank)| blank + &item)))
        });
        let members = vec((string(), value, blank()), 0..8).prop_map(|members| {
            let member =
                |(name, value, blank)| format!("{blank}{name}{blank}:{blank}{value}{blank}");
            format!("{{{}}}", join(members.into_iter().map(member)))
        });
        prop_oneof![array, members]
    })
}

fn join(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(",")
}

fn blank() -> impl Strategy<Value = String> {
    prop_oneof![3 => Just(String::new()), 1 => "[ \t\r\n]{0,40}"]
}

/// Generates a string of plain runs, characters and escapes.
fn string() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        3 => "[ !#-\\[\\]-~]{0,60}",
        2 => "[ !#-\\[\\]-\u{10ffff}]{0,6}",
        1 => "\\\\[\"\\\\/bfnrt]",
        1 => "\\\\u[0-9a-cA-C][0-9a-fA-F]{3}",
        1 => "\\\\u[dD][89aAbB][0-9a-f]{2}\\\\u[dD][c-fC-F][0-9A-F]{2}",
    ];
    vec(part, 0..6).prop_map(|parts| format!("\"{}\"", parts.concat()))
}
