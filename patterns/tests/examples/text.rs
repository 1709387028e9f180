//! Texts to count, the same in every run, and their counts.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

/// Words of several scripts, separators, and halves of characters.
const PIECES: [&[u8]; 24] = [
    b"the",
    b"The",
    b"a",
    b"of",
    b"coordinator",
    b"worker",
    b"x86",
    b"2024",
    "Größe".as_bytes(),
    "ΟΔΟΣ".as_bytes(),
    "İstanbul".as_bytes(),
    "數字".as_bytes(),
    "naïve".as_bytes(),
    "٣".as_bytes(),
    b"\xc3",
    b"\xe6\x95",
    b"\xff",
    b"\0",
    b"'",
    b"-",
    "—".as_bytes(),
    "“".as_bytes(),
    b"\r\n",
    b"_",
];

/// Random numbers, the same in every run.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// Returns text number `seed`. Every 50th is longer than a reader's buffer, and so is one word in it.
pub(crate) fn text(seed: u64) -> Vec<u8> {
    let mut random = Random::new(seed);
    let mut next = |below| random.below(below);
    let mut text = Vec::new();
    if seed % 50 == 49 {
        text.resize(100_000, b'A');
    }
    for _ in 0..200 + next(200) {
        text.extend(PIECES[next(PIECES.len() as u64) as usize]);
        if next(4) > 0 {
            text.push(b' ');
        } else if next(8) == 0 {
            // A rare word.
            text.extend(next(1000).to_string().bytes());
        }
    }
    text
}

/// The oracle: splits whole texts into words, character by character.
pub(crate) fn expected(files: &[PathBuf]) -> String {
    let mut counts = BTreeMap::<String, usize>::new();
    for file in files {
        let content = fs::read(file).unwrap();
        let mut word = String::new();
        for char in String::from_utf8_lossy(&content).chars().chain([' ']) {
            if char.is_alphanumeric() {
                word.push(char);
            } else if !word.is_empty() {
                *counts.entry(std::mem::take(&mut word).to_lowercase()).or_default() += 1;
            }
        }
    }
    let last = format!(
        "words: {}, different ones: {}, files: {}\n",
        counts.values().sum::<usize>(),
        counts.len(),
        files.len()
    );
    let mut rows = Vec::from_iter(counts);
    rows.sort_by(|(a, one), (b, other)| other.cmp(one).then(a.cmp(b)));
    let rows = rows.iter().map(|(word, count)| format!("{count:8} {word}\n"));
    rows.chain([last]).collect()
}
