//! Pseudorandom numbers, the same in every run: splitmix64 (Steele, Lea and Flood, "Fast splittable
//! pseudorandom number generators", 2014).

use std::vec::Vec;

pub(super) struct Random(pub(super) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number in `0..bound`.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }

    /// Returns positions of an input, in order: all of them if it is at most `most` bytes long,
    /// otherwise `most`, spread evenly. The end of the input is one of them.
    pub(super) fn positions(&mut self, len: usize, most: usize) -> Vec<usize> {
        if len <= most {
            return (0..=len).collect();
        }
        let strata = most - 1;
        let start = |stratum| (stratum as u128 * len as u128 / strata as u128) as usize;
        let inner = (0..strata).map(|stratum| {
            let (from, to) = (start(stratum), start(stratum + 1));
            from + self.below(to - from)
        });
        inner.chain([len]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_reference_implementation() {
        let mut random = Random(1_234_567);
        let numbers = [(); 3].map(|()| random.next());
        assert_eq!(
            numbers,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    #[test]
    fn a_short_input_gives_all_its_positions_and_a_long_one_distinct_ones() {
        let mut random = Random(0);
        assert_eq!(random.positions(0, 8), [0]);
        assert_eq!(random.positions(4, 4), [0, 1, 2, 3, 4]);
        for len in [9, 10, 100, usize::MAX] {
            let positions = random.positions(len, 8);
            assert_eq!(positions.len(), 8, "{len}");
            assert!(positions.is_sorted_by(|a, b| a < b), "{len}: {positions:?}");
            assert_eq!(positions[7], len);
        }
    }
}
