//! Each peer answers each chunk of all short strings as our machine does, so that the benchmarks
//! compare equal work.

use pushdown::quoted::Machine;
use pushdown_peers::{Pace, Recogniser, Status, each_recogniser};

const ALPHABET: &[u8] = b"\"\\a\n\xff";

#[test]
fn every_peer_answers_like_the_machine() {
    let mut names = Vec::new();
    each_recogniser!(agrees(&mut names));
    println!("{} recognisers agree: {}", names.len(), names.join(", "));
    #[cfg(not(ragel))]
    println!("skipped: peer-ragel, because {}", env!("RAGEL_MISSING"));
    assert!(names.len() >= 16);
}

fn agrees<R: Recogniser>(
    name: &'static str,
    pace: Pace,
    new: impl Fn() -> R,
    names: &mut Vec<&'static str>,
) {
    let longest = if pace == Pace::Threads { 3 } else { 5 };
    let mut cases = 0;
    for string in strings(longest) {
        for cut in 0..string.len() {
            let chunks = string.split_at(cut);
            assert_eq!(
                answers(&mut new(), chunks),
                answers(&mut Machine::new(), chunks),
                "{name} {:?}",
                (chunks.0.escape_ascii().to_string(), chunks.1.escape_ascii().to_string())
            );
            cases += 1;
        }
    }
    println!("{cases} cuts of strings for {name}");
    names.push(name);
}

/// The answers to the two chunks, fed twice, with a reset after each end of a string.
fn answers(recogniser: &mut impl Recogniser, (first, second): (&[u8], &[u8])) -> Vec<Status> {
    let mut answers = Vec::new();
    for chunk in [first, second, first, second].into_iter().filter(|chunk| !chunk.is_empty()) {
        let status = recogniser.feed(chunk);
        answers.push(status);
        if status != Status::NeedMoreInput {
            recogniser.reset();
        }
    }
    answers
}

/// All strings over the alphabet, up to this length.
fn strings(longest: usize) -> impl Iterator<Item = Vec<u8>> {
    (1..=longest).flat_map(|len| {
        (0..ALPHABET.len().pow(len as u32)).map(move |number| {
            let digit = |index| number / ALPHABET.len().pow(index) % ALPHABET.len();
            (0..len as u32).map(|index| ALPHABET[digit(index)]).collect()
        })
    })
}
