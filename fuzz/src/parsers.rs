//! The assertions of the fuzz targets of `pushdown`. `tests/regressions.rs` replays seeds and past
//! failures through the same functions.

use core::cell::RefCell;

use pushdown::scan::{Escaped, Set, Stop};
use pushdown::testing::Kernel;

#[path = "../../tests/common/mod.rs"]
pub mod common;
#[path = "../../tests/common/definition.rs"]
pub mod definition;
use super::cut::{Target, cut};
use common::{Answer, Engine, Regex, oracle};
use definition::skip;

/// Every target of `pushdown`.
pub const TARGETS: &[Target] = &[
    ("quoted_cuts", quoted_cuts),
    ("quoted_engines", quoted_engines),
    ("quoted_peer", quoted_peer),
    ("scan_kernels", scan_kernels),
];

thread_local! {
    /// Created once: a new coroutine for each input would cost more than running it.
    static ENGINES: RefCell<Vec<Engine>> = RefCell::new(Engine::all());
    static REGEX: Regex = Regex::compile();
}

/// Every engine answers as the oracle does, when the input is one chunk.
pub fn quoted_engines(data: &[u8]) {
    check(&[data], &oracle(data));
}

/// Every engine answers any cutting as the oracle answers the whole. [`cut`] says how the fuzzer
/// chooses the cuts.
pub fn quoted_cuts(data: &[u8]) {
    let (chunks, stream) = cut(data);
    check(&chunks, &oracle(stream));
}

/// Every engine ends where the regular expression matches.
pub fn quoted_peer(data: &[u8]) {
    let expected = REGEX.with(|regex| regex.answer(data));
    ENGINES.with_borrow_mut(|engines| {
        for engine in engines {
            for sink in [true, false] {
                let answer = engine.answer(&[data], sink);
                let answer = (answer.status, answer.consumed);
                assert_eq!(answer, expected, "quoted/{engine:?} (left) and the regex");
            }
        }
    });
}

/// Every kernel that this processor can run, and the public search, find what the definition finds.
///
/// The first two bytes are the closing byte and the escape, or else the bytes of a set. The rest is searched from each of its
/// first eight bytes, so that the blocks of a kernel begin at different places.
pub fn scan_kernels(data: &[u8]) {
    let &[close, escape, ref bytes @ ..] = data else { return };
    let stop = Escaped { close, escape };
    let set = Set::of(&[close, escape]);
    for from in 0..bytes.len().min(8) {
        let expected = skip(stop, &bytes[from..]);
        assert_eq!(stop.skip(&bytes[from..]), expected, "skip (left) from {from} of {data:?}");
        for kernel in Kernel::available() {
            let found = kernel.skip_escaped(stop, &bytes[from..]);
            assert_eq!(found, expected, "{} (left) from {from} of {data:?}", kernel.name());
        }
        for set in [set, set.not()] {
            let rest = &bytes[from..];
            let expected = rest.iter().position(|byte| set.contains(*byte));
            assert_eq!(set.find(rest), expected, "{set:?} (left) from {from} of {data:?}");
            for kernel in Kernel::available() {
                let found = kernel.find_in_set(&set, rest);
                assert_eq!(found, expected, "{} of {set:?} in {data:?}", kernel.name());
            }
        }
    }
}

fn check(chunks: &[&[u8]], expected: &Answer) {
    ENGINES.with_borrow_mut(|engines| Engine::check_all(engines, chunks, expected));
}
