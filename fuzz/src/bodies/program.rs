//! A small language of reads: random programs in it are bodies for every engine.

use pushdown::scan::{Escaped, Set};

/// A program, and what it is run on.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) program: Vec<Op>,
    pub(super) input: Vec<u8>,
    /// The lengths of the chunks, zero included; the rest is one chunk.
    pub(super) cuts: Vec<usize>,
    /// Pauses at the events whose number has its bit set, modulo 64.
    pub(super) pauses: u64,
    pub(super) finish: bool,
}

/// One operation of a body.
#[derive(Clone, Debug)]
pub(super) enum Op {
    Next,
    Peek,
    /// Takes the next byte if it is one of the first of the alphabet.
    NextIf,
    Expect(u8),
    /// Takes so many bytes, in as many pieces as they come.
    Take(u64),
    TakeText(u64),
    Skip(Stops),
    Scan(Stops),
    Text(Stops),
    /// Emits letters.
    TextWhile,
    /// An array of three bytes, or of one.
    Array(bool),
    ExpectAll(&'static [u8]),
    /// Collects at most so many bytes.
    ReadUntil(Stops, usize),
    /// Takes one piece of the chunk of at most so many bytes, if they are all the same.
    Chunk(u8),
    /// Skips spaces.
    Between,
    Emit,
    Fail,
    /// Fails and blames a part that began so many bytes before.
    FailFrom(u64),
    Panic,
    /// A parser of this program inside, which is a machine.
    Run(Vec<Op>),
    Nested(Vec<Op>),
    AtMost(u64, Vec<Op>),
    /// A frame, and whether its rest is skipped.
    Frame(u64, Vec<Op>, bool),
    Repeat(u8, Vec<Op>),
    /// Goes on after an error that is not bad input.
    Try(Vec<Op>),
    /// Holds a value that has to be dropped.
    Guard(Vec<Op>),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Stops {
    One,
    Two,
    /// With the byte after an escape.
    Escaped,
}

/// The bytes of an input.
pub(super) const ALPHABET: [u8; 6] = [b'a', b'b', b'"', b'\\', b' ', b'('];
pub(super) const ONE: u8 = b'b';
pub(super) const TWO: [u8; 2] = [b'"', b'b'];
pub(super) const ESCAPED: Escaped = Escaped { close: b'"', escape: b'\\' };

pub(super) const LETTERS: Set = Set::of(b"ab");

/// Literals of the alphabet.
const LITERALS: [&[u8]; 5] = [b"", b"a", b"ab", b"\"\"", b"a(b"];

/// The largest depth of nested bodies, in every engine.
pub(super) const MAX_DEPTH: u32 = 3;

/// The largest depth of a program's blocks, and the largest number of its operations.
const MAX_BLOCKS: u32 = 6;
const MAX_OPS: usize = 40;

/// Operations that a run may execute, and those after the first end of the input: fewer than the reads
/// that an engine refuses.
pub(super) const FUEL: u32 = 2000;
pub(super) const FUEL_AFTER_END: u32 = 40;

/// Makes a case from the fuzzer's bytes.
pub(super) fn case(data: &[u8]) -> Case {
    let mut bytes = Bytes(data);
    let mut left = MAX_OPS;
    let program = block(&mut bytes, MAX_BLOCKS, &mut left);
    let pauses = bytes.next().map_or(0, |byte| match byte % 4 {
        0 => u64::MAX,
        1 => u64::from(byte).wrapping_mul(0x9e37_79b9_7f4a_7c15),
        _ => 0,
    });
    let finish = bytes.below(2) == 0;
    let cuts = (0..bytes.below(12)).map(|_| usize::from(bytes.below(8))).collect();
    let input = bytes.0.iter().map(|byte| ALPHABET[usize::from(*byte) % ALPHABET.len()]).collect();
    Case { program, input, cuts, pauses, finish }
}

struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn below(&mut self, bound: u8) -> u8 {
        self.next().map_or(0, |byte| byte % bound)
    }
}

fn block(bytes: &mut Bytes<'_>, depth: u32, left: &mut usize) -> Vec<Op> {
    let count = usize::from(bytes.below(7)).min(*left);
    *left -= count;
    (0..count).map(|_| op(bytes, depth, left)).collect()
}

fn op(bytes: &mut Bytes<'_>, depth: u32, left: &mut usize) -> Op {
    let stops = |bytes: &mut Bytes<'_>| match bytes.below(3) {
        0 => Stops::One,
        1 => Stops::Two,
        _ => Stops::Escaped,
    };
    // Blocks are the last, so that the deepest level has none.
    match bytes.below(if depth == 0 { 25 } else { 40 }) {
        0 | 1 => Op::Next,
        3 => Op::NextIf,
        4 => Op::Expect(ALPHABET[usize::from(bytes.below(6))]),
        5 => Op::Take(bytes.below(9).into()),
        6 => Op::TakeText(bytes.below(9).into()),
        7 => Op::Skip(stops(bytes)),
        8 => Op::Scan(stops(bytes)),
        9 | 10 => Op::Text(stops(bytes)),
        11 => Op::Chunk(bytes.below(5)),
        12 => Op::Between,
        13..=16 => Op::Emit,
        17 if bytes.below(4) == 0 => Op::Fail,
        17 => Op::FailFrom(bytes.below(5).into()),
        18 if bytes.below(8) == 0 => Op::Panic,
        2 | 18 => Op::Peek,
        19 | 20 => Op::TextWhile,
        21 => Op::Array(bytes.below(2) == 0),
        22 => Op::ExpectAll(LITERALS[usize::from(bytes.below(5))]),
        23 | 24 => Op::ReadUntil(stops(bytes), bytes.below(9).into()),
        25 | 26 => Op::Run(block(bytes, depth - 1, left)),
        27..=29 => Op::Nested(block(bytes, depth - 1, left)),
        30 | 31 => Op::AtMost(bytes.below(12).into(), block(bytes, depth - 1, left)),
        32 | 33 => {
            let length = bytes.below(12).into();
            let skip = bytes.below(2) == 0;
            Op::Frame(length, block(bytes, depth - 1, left), skip)
        }
        34 | 35 => Op::Repeat(bytes.below(6), block(bytes, depth - 1, left)),
        36 | 37 => Op::Try(block(bytes, depth - 1, left)),
        _ => Op::Guard(block(bytes, depth - 1, left)),
    }
}
