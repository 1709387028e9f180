//! What the fuzz targets of `pushdown` assert. `tests/regressions.rs` replays seeds and regressions
//! through the same functions.

use core::cell::RefCell;

use pushdown::scan::{Escaped, Kernel, Stop};

#[path = "../../tests/common/mod.rs"]
pub mod common;
#[path = "../../tests/common/definition.rs"]
pub mod definition;
use super::cut::{Target, cut};
use common::{Answer, Engine, Regex, oracle};
use definition::skip;

/// Every target by its name.
pub const TARGETS: &[Target] = &[
    ("quoted_cuts", quoted_cuts),
    ("quoted_engines", quoted_engines),
    ("quoted_peer", quoted_peer),
    ("scan_kernels", scan_kernels),
];

thread_local! {
    /// Made once: making a coroutine for each input would cost more than to run it.
    static ENGINES: RefCell<Vec<Engine>> = RefCell::new(Engine::all());
    static REGEX: Regex = Regex::compile();
}

/// Every engine answers as the oracle does.
pub fn quoted_engines(data: &[u8]) {
    check(&[data], &oracle(data));
}

/// Every engine answers any cutting as the oracle answers the whole.
///
/// The first byte is the number of cuts. As many bytes follow, each the length of a chunk, zero
/// included; the rest is the stream.
pub fn quoted_cuts(data: &[u8]) {
    let (chunks, stream) = cut(data);
    check(&chunks, &oracle(stream));
}

/// Every engine ends where the regular expression matches.
pub fn quoted_peer(data: &[u8]) {
    let expected = REGEX.with(|regex| regex.answer(data));
    ENGINES.with_borrow_mut(|engines| {
        for engine in engines {
            for listening in [true, false] {
                let answer = engine.answer(&[data], listening);
                let answer = (answer.status, answer.consumed);
                assert_eq!(answer, expected, "quoted/{engine:?} (left) and the regex");
            }
        }
    });
}

/// Every kernel that this processor can run finds what the definition does.
///
/// The first two bytes are the closing byte and the escape; the rest is searched, from each of the
/// first places, so that the kernels' blocks lie differently.
pub fn scan_kernels(data: &[u8]) {
    let &[close, escape, ref bytes @ ..] = data else { return };
    let stop = Escaped { close, escape };
    for from in 0..bytes.len().min(8) {
        let expected = skip(stop, &bytes[from..]);
        assert_eq!(stop.skip(&bytes[from..]), expected, "skip (left) from {from} of {data:?}");
        for kernel in Kernel::available() {
            let found = kernel.skip_escaped(stop, &bytes[from..]);
            assert_eq!(found, expected, "{} (left) from {from} of {data:?}", kernel.name());
        }
    }
}

fn check(chunks: &[&[u8]], expected: &Answer) {
    ENGINES.with_borrow_mut(|engines| Engine::check_all(engines, chunks, expected));
}
