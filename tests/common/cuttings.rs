//! The places where inputs are cut.

use core::iter;

#[path = "random.rs"]
mod random;
use random::Random;

/// Length of the longest input that is cut in two at every place.
pub(crate) const LONGEST: usize = 2 << 10;

/// Sizes of chunks, and random cuttings of a long input. AddressSanitizer makes each run three times as long,
/// and looks for what a few of them show.
const SIZES: &[usize] =
    if cfg!(pushdown_asan) { &[16, 1460] } else { &[1, 2, 3, 7, 16, 64, 1460, 65536] };
pub(crate) const RANDOM: u64 = if cfg!(pushdown_asan) { 1 } else { 20 };

/// Returns the cuts of an input: none, one at every place or, if it is long, random ones; and chunks of
/// fixed sizes.
pub(crate) fn cuttings(len: usize) -> impl Iterator<Item = Vec<usize>> {
    let two_way = (len <= LONGEST).then(|| (0..=len).map(|cut| vec![cut]));
    let random = (len > LONGEST).then(|| (0..RANDOM).map(move |seed| random(len, seed)));
    let sizes = SIZES.iter().copied().filter(move |size| *size < len);
    iter::once(Vec::new())
        .chain(sizes.map(move |size| (size..len).step_by(size).collect()))
        .chain(two_way.into_iter().flatten())
        .chain(random.into_iter().flatten())
}

/// Returns every pair of cuts; of an input of more than 100 bytes those that are at most 16 apart, between
/// which lies a token or a part of one.
pub(crate) fn pairs(len: usize) -> impl Iterator<Item = [usize; 2]> {
    let apart = if len <= 100 { len } else { 16 };
    (0..=len).flat_map(move |one| (one..=len.min(one + apart)).map(move |two| [one, two]))
}

/// Returns cuts that the seed determines: few or many, with chunks of up to 4 bytes among them and up to
/// 64 KiB.
pub(crate) fn random(len: usize, seed: u64) -> Vec<usize> {
    let mut random = Random(seed);
    let mut cuts = Vec::new();
    let mut at = 0;
    loop {
        let largest = 4 << (2 * random.below(8));
        at += random.below(largest);
        if at >= len {
            return cuts;
        }
        cuts.push(at);
    }
}
