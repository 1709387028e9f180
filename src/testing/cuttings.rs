//! Where inputs are cut.

use core::fmt;
use core::mem;
use core::ops::Range;
use std::vec::Vec;

use super::random::Random;

/// In an input of at most so many bytes every 2-way cut is tried; in a longer one so many are.
pub const MAX_TWO_WAY_CUTS: usize = 4 << 10;

/// Of an input of at most so many bytes every prefix is tried; of a longer one so many are.
pub const MAX_PREFIXES: usize = 1 << 10;

/// How many random cuttings are tried.
pub const RANDOM_CUTTINGS: usize = 64;

/// How many bytes at the end of a prefix are fed one by one.
///
/// Every prefix has such a run of its own, so without a limit a long input would never be done.
pub const SINGLE_BYTES_OF_A_PREFIX: usize = 256;

/// One way to cut an input into chunks.
///
/// It is displayed as what was done to the input: "cut at 3, 7". A [`Violation`](super::Violation)
/// has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cutting(Vec<usize>);

impl Cutting {
    /// The offsets of the cuts, in order. The same offset twice is an empty chunk.
    pub fn cuts(&self) -> &[usize] {
        &self.0
    }

    /// The chunks of an input cut in this way.
    pub fn chunks<'i>(&self, input: &'i [u8]) -> impl Iterator<Item = &'i [u8]> {
        // No input and no cuts are no chunk.
        let last = (!input.is_empty()).then_some(input.len());
        let ends = self.0.iter().copied().chain(last);
        ends.scan(0, |start, end| Some(&input[mem::replace(start, end)..end]))
    }

    pub(super) fn whole() -> Self {
        Self(Vec::new())
    }

    pub(super) fn at(cut: usize) -> Self {
        Self([cut].into())
    }

    pub(super) fn single_bytes(len: usize) -> Self {
        Self((1..len).collect())
    }

    fn single_bytes_and_empty_chunks(len: usize) -> Self {
        Self((0..=len).flat_map(|at| [at, at]).collect())
    }

    /// The last bytes of an input one by one.
    pub(super) fn tail(len: usize) -> Self {
        Self((len.saturating_sub(SINGLE_BYTES_OF_A_PREFIX).max(1)..len).collect())
    }

    /// Few chunks or many, some of them empty.
    fn random(len: usize, random: &mut Random) -> Self {
        let most = 1 << random.below(usize::ilog2(len + 2) as usize + 1);
        let count = 1 + random.below(most);
        let mut cuts: Vec<_> = (0..count).map(|_| random.below(len + 1)).collect();
        cuts.sort_unstable();
        Self(cuts)
    }

    /// The same without some of its cuts.
    pub(super) fn without(&self, left_out: Range<usize>) -> Self {
        let mut cuts = self.0.clone();
        cuts.drain(left_out);
        Self(cuts)
    }
}

impl fmt::Display for Cutting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 16;
        let Some((first, others)) = self.0.split_first() else {
            return f.write_str("in one piece");
        };
        write!(f, "cut at {first}")?;
        for cut in others.iter().take(SHOWN) {
            write!(f, ", {cut}")?;
        }
        match others.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, " and {more} more places"),
        }
    }
}

/// What is tried on an input.
pub(super) struct Plan {
    pub(super) two_way: Vec<usize>,
    pub(super) random: Vec<Cutting>,
    pub(super) prefixes: Vec<usize>,
    len: usize,
}

impl Plan {
    pub(super) fn new(len: usize, seed: u64) -> Self {
        let mut random = Random(seed);
        Self {
            two_way: random.positions(len, MAX_TWO_WAY_CUTS),
            random: (0..RANDOM_CUTTINGS).map(|_| Cutting::random(len, &mut random)).collect(),
            prefixes: random.positions(len, MAX_PREFIXES),
            len,
        }
    }

    /// Every cutting of the whole input, simple ones first.
    pub(super) fn cuttings(&self) -> impl Iterator<Item = Cutting> {
        let two_way = self.two_way.iter().map(|&cut| Cutting::at(cut));
        [Cutting::whole()]
            .into_iter()
            .chain(two_way)
            .chain([
                Cutting::single_bytes(self.len),
                Cutting::single_bytes_and_empty_chunks(self.len),
            ])
            .chain(self.random.iter().cloned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunks(cutting: &Cutting, input: &'static str) -> Vec<&'static [u8]> {
        cutting.chunks(input.as_bytes()).collect()
    }

    #[test]
    fn the_chunks_of_every_cutting_make_up_the_input() {
        let mut cuttings = 0;
        for len in [0, 1, 2, 300, 5000] {
            let input = std::vec![7; len];
            for cutting in Plan::new(len, 0).cuttings() {
                let joined: Vec<u8> = cutting.chunks(&input).flatten().copied().collect();
                assert_eq!(joined, input, "{cutting}");
                cuttings += 1;
            }
        }
        std::println!("{cuttings} cuttings");
        assert_eq!(
            cuttings,
            (1 + 2 + 3 + 301 + MAX_TWO_WAY_CUTS) + 5 * (3 + RANDOM_CUTTINGS),
            "every 2-way cut of the short ones"
        );
    }

    #[test]
    fn a_cut_at_the_edge_or_the_same_cut_twice_is_an_empty_chunk() {
        assert_eq!(chunks(&Cutting::at(0), "ab"), [&b""[..], b"ab"]);
        assert_eq!(chunks(&Cutting::at(2), "ab"), [&b"ab"[..], b""]);
        assert_eq!(
            chunks(&Cutting::single_bytes_and_empty_chunks(2), "ab"),
            [&b""[..], b"", b"a", b"", b"b", b"", b""]
        );
    }

    #[test]
    fn the_seed_decides_the_random_cuttings() {
        let random = |seed| Plan::new(100, seed).random;
        assert_eq!(random(1), random(1));
        assert_ne!(random(1), random(2));
    }

    #[test]
    fn an_empty_input_is_no_chunk_until_it_is_cut() {
        assert!(chunks(&Cutting::whole(), "").is_empty());
        assert_eq!(chunks(&Cutting::at(0), ""), [b""]);
    }

    #[test]
    fn the_tail_of_a_prefix_is_cut_at_every_byte() {
        assert_eq!(Cutting::tail(3), Cutting(std::vec![1, 2]));
        assert_eq!(Cutting::tail(1000).cuts().len(), SINGLE_BYTES_OF_A_PREFIX);
        assert_eq!(Cutting::tail(1000).cuts()[0], 1000 - SINGLE_BYTES_OF_A_PREFIX);
    }
}
