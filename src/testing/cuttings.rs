//! The places where inputs are cut.
//!
//! The front page of the module states the limits below. Tests compare the numbers: see
//! `a_long_input_is_sampled_as_the_documentation_says` and the last test of this file.

use core::fmt;
use core::iter;
use core::mem;
use core::ops::{Range, RangeInclusive};
use std::vec::Vec;

use super::random::Random;

/// Length up to which every 2-way cut is tried. Of a longer input so many are tried that the bytes fed
/// for them are no more than for one of this length.
const ALL_TWO_WAY_CUTS: usize = 4 << 10;

/// Prefixes that are tried of an input of that length, and all those of a short input. Of a longer one
/// so many are tried that the bytes fed for them are no more.
const MAX_PREFIXES: usize = 1 << 10;

/// The 2-way cuts and the prefixes that are tried of every input, however long.
const MIN_POSITIONS: usize = 64;

/// Sizes of the equal chunks that an input is cut into, in every phase: each pair and each triple of
/// adjacent bytes is once a chunk of its own, and so is each run of up to this many.
const SMALL_SIZES: RangeInclusive<usize> = 2..=8;

/// Size of the equal chunks that a long input is cut into, in every phase. Of such an input not every
/// 2-way cut is tried; in this way each position is a cut between chunks that fill a block of a scan.
const BLOCK: usize = crate::scan::MAX_LOOKAHEAD;

const RANDOM_CUTTINGS: usize = 64;

/// Runs that pause at random events, on the whole input and on as many random cuttings.
const RANDOM_PAUSINGS: usize = 8;

/// Bytes at the end of a prefix that are fed one by one.
///
/// Every prefix has a run of its own for them, so the time for a long input would be quadratic
/// without a limit.
const SINGLE_BYTES_OF_A_PREFIX: usize = 256;

/// One way to cut an input into chunks.
///
/// Displayed as what was done to the input: "cut at 3, 7". A [`Violation`](super::Violation) has
/// one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cutting(Vec<usize>);

impl Cutting {
    /// Returns the offsets of the cuts, in order. The same offset twice makes an empty chunk.
    pub fn cuts(&self) -> &[usize] {
        &self.0
    }

    /// Returns the chunks of an input that is cut in this way.
    pub fn chunks<'i>(&self, input: &'i [u8]) -> impl Iterator<Item = &'i [u8]> {
        // An empty input without cuts has no chunk.
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

    /// Cuts into chunks of one size, after a first one of `phase` bytes.
    fn equal_chunks(len: usize, size: usize, phase: usize) -> Self {
        let first = if phase == 0 { size } else { phase };
        Self((first..len).step_by(size).collect())
    }

    /// Cuts the last bytes of an input into single bytes.
    pub(super) fn tail(len: usize) -> Self {
        Self((len.saturating_sub(SINGLE_BYTES_OF_A_PREFIX).max(1)..len).collect())
    }

    /// Cuts into few chunks or many, some of them empty.
    fn random(len: usize, random: &mut Random) -> Self {
        let most = 1 << random.below(usize::ilog2(len + 2) as usize + 1);
        let count = 1 + random.below(most);
        let mut cuts: Vec<_> = (0..count).map(|_| random.below(len + 1)).collect();
        cuts.sort_unstable();
        Self(cuts)
    }

    /// The cuts between chunks. Of an empty input each chunk is one.
    pub(super) fn between(chunks: &[&[u8]]) -> Self {
        let ends = chunks.iter().scan(0, |end, chunk| {
            *end += chunk.len();
            Some(*end)
        });
        let mut cuts: Vec<_> = ends.collect();
        cuts.pop_if(|end| *end > 0);
        Self(cuts)
    }

    /// Adds cuts.
    pub(super) fn with(&self, cuts: impl IntoIterator<Item = usize>) -> Self {
        let mut all: Vec<_> = self.0.iter().copied().chain(cuts).collect();
        all.sort_unstable();
        all.dedup();
        Self(all)
    }

    /// Removes some of the cuts.
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

/// Everything that is tried on an input.
pub(super) struct Plan {
    pub(super) two_way: Vec<usize>,
    pub(super) random: Vec<Cutting>,
    pub(super) prefixes: Vec<usize>,
    seed: u64,
    len: usize,
}

impl Plan {
    pub(super) fn new(len: usize, seed: u64) -> Self {
        let mut random = Random(seed);
        let most = |at_the_limit: usize| match len {
            0..=ALL_TWO_WAY_CUTS => at_the_limit,
            _ => (at_the_limit * ALL_TWO_WAY_CUTS / len).max(MIN_POSITIONS),
        };
        Self {
            two_way: random.positions(len, most(ALL_TWO_WAY_CUTS)),
            random: (0..RANDOM_CUTTINGS).map(|_| Cutting::random(len, &mut random)).collect(),
            prefixes: random.positions(len, most(MAX_PREFIXES)),
            seed,
            len,
        }
    }

    /// A plan for an input that is likely to show what a cutting of a prefix of this length has shown.
    pub(super) fn focused(len: usize, seed: u64, mut cuts: Vec<usize>, prefix: usize) -> Self {
        cuts.retain(|&cut| cut <= len);
        let mut prefixes = std::vec![prefix.min(len)];
        prefixes.extend(cuts.iter().take(MIN_POSITIONS));
        prefixes.dedup();
        Self { two_way: prefixes.clone(), random: [Cutting(cuts)].into(), prefixes, seed, len }
    }

    /// Adds a cutting, and the prefixes at its first cuts.
    pub(super) fn with(mut self, cutting: Cutting) -> Self {
        self.prefixes.extend(cutting.cuts().iter().take(MIN_POSITIONS));
        self.prefixes.sort_unstable();
        self.prefixes.dedup();
        self.random.insert(0, cutting);
        self
    }

    /// Returns the cuttings that are fed with pauses, each with the seed of its pauses; without a seed
    /// every event is one.
    pub(super) fn pausing(&self) -> impl Iterator<Item = (Cutting, Option<u64>)> {
        let every = [Cutting::whole(), Cutting::single_bytes(self.len)].map(|cuts| (cuts, None));
        let cut = self.random.iter().take(RANDOM_PAUSINGS).cloned();
        let random = iter::repeat_n(Cutting::whole(), RANDOM_PAUSINGS).chain(cut);
        let seeds = (0..).map(|number| Some(self.seed.wrapping_add(number)));
        every.into_iter().chain(random.zip(seeds))
    }

    /// Returns every cutting into chunks of one size.
    pub(super) fn equal_chunks(&self) -> impl Iterator<Item = Cutting> {
        let blocks = (self.len > ALL_TWO_WAY_CUTS).then_some(BLOCK);
        let sizes = SMALL_SIZES.chain(blocks).filter(|&size| size < self.len);
        sizes.flat_map(move |size| {
            (0..size).map(move |phase| Cutting::equal_chunks(self.len, size, phase))
        })
    }

    /// Returns every cutting of the whole input: the simple ones first or, if they are a sample, those
    /// that visit every position.
    pub(super) fn cuttings(&self) -> impl Iterator<Item = Cutting> {
        let is_sample = self.two_way.len() <= self.len;
        let two_way =
            |now: bool| self.two_way.iter().filter(move |_| now).map(|&cut| Cutting::at(cut));
        [Cutting::whole()]
            .into_iter()
            .chain(two_way(!is_sample))
            .chain([
                Cutting::single_bytes(self.len),
                Cutting::single_bytes_and_empty_chunks(self.len),
            ])
            .chain(self.equal_chunks())
            .chain(two_way(is_sample))
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
    fn the_chunks_of_every_cutting_join_to_the_input() {
        let mut cuttings = 0;
        for len in [0, 1, 2, 300, 5000] {
            let input = std::vec![7; len];
            let plan = Plan::new(len, 0);
            for cutting in plan.cuttings() {
                let joined: Vec<u8> = cutting.chunks(&input).flatten().copied().collect();
                assert_eq!(joined, input, "{cutting}");
                cuttings += 1;
            }
        }
        std::println!("{cuttings} cuttings");
        let sampled = ALL_TWO_WAY_CUTS * ALL_TWO_WAY_CUTS / 5000;
        assert_eq!(
            cuttings,
            (1 + 2 + 3 + 301 + sampled) + 2 * 35 + BLOCK + 5 * (3 + RANDOM_CUTTINGS),
            "every 2-way cut of the short inputs, and 2 + 3 + … + 8 phases"
        );
    }

    #[test]
    fn every_run_of_up_to_eight_bytes_is_once_a_chunk_of_its_own() {
        let input = *b"0123456789abcdef";
        let cuttings: Vec<_> = Plan::new(input.len(), 0).equal_chunks().collect();
        let mut runs = 0;
        for size in SMALL_SIZES {
            for run in input.windows(size) {
                let is_run = |cutting: &Cutting| cutting.chunks(&input).any(|chunk| chunk == run);
                assert!(cuttings.iter().any(is_run), "{}", run.escape_ascii());
                runs += 1;
            }
        }
        assert_eq!(runs, (9..=15).sum::<usize>());
    }

    #[test]
    fn the_bytes_fed_for_cuts_and_prefixes_are_linear_in_a_long_input() {
        let limit = ALL_TWO_WAY_CUTS * ALL_TWO_WAY_CUTS;
        for len in [1 << 12, 1 << 14, 1 << 16, 1 << 18, 1 << 20] {
            let plan = Plan::new(len, 0);
            let fed = (plan.two_way.len() + plan.prefixes.len()) * len;
            assert!(fed <= 2 * limit.max(MIN_POSITIONS * len), "{len}");
            assert!(plan.two_way.len() >= MIN_POSITIONS && plan.prefixes.len() >= MIN_POSITIONS);
        }
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
    fn the_seed_determines_the_random_cuttings() {
        let random = |seed| Plan::new(100, seed).random;
        assert_eq!(random(1), random(1));
        assert_ne!(random(1), random(2));
    }

    #[test]
    fn an_empty_input_has_no_chunk_unless_it_is_cut() {
        assert!(chunks(&Cutting::whole(), "").is_empty());
        assert_eq!(chunks(&Cutting::at(0), ""), [b""]);
    }

    #[test]
    fn the_last_256_bytes_of_a_prefix_are_cut_into_single_bytes() {
        assert_eq!(Cutting::tail(3), Cutting(std::vec![1, 2]));
        assert_eq!(Cutting::tail(1000).cuts().len(), 256, "as documented");
        assert_eq!(Cutting::tail(1000).cuts()[0], 1000 - 256);
    }
}
