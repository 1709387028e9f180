//! The assertions of the fuzz targets of JSON.

use core::cell::RefCell;

use pushdown::json::Extent;

#[path = "../../tests/common/json/mod.rs"]
pub mod common;
#[path = "items.rs"]
mod items;
#[path = "../../tests/common/json/peer.rs"]
pub mod peer;
use super::cut::{Target, cut};
use common::{Engine, Expected, Rules};
pub use items::json_items;
use peer::Tree;

/// Every target of JSON.
pub const TARGETS: &[Target] = &[
    ("json_cuts", json_cuts),
    ("json_engines", json_engines),
    ("json_items", json_items),
    ("json_peer", json_peer),
];

/// Length of the longest text of which every prefix is compared.
const LONGEST_PROMPT: usize = 256;

const EXTENTS: [Extent; 3] = [Extent::Document, Extent::Value, Extent::Stream];

thread_local! {
    /// The engines with each set of rules. Created once: a new coroutine for each input would cost more
    /// than running it.
    static ENGINES: RefCell<Vec<(Rules, Vec<Engine>)>> = RefCell::new(
        (0..6).map(rules).map(|rules| (rules, Engine::all(rules))).collect()
    );
}

/// The three extents with the default limits, and the three with narrow ones.
fn rules(number: usize) -> Rules {
    let extent = EXTENTS[number % 3];
    let narrow = Rules { extent, depth: 3, string: 5, number: 4 };
    if number < 3 { Rules { extent, ..Rules::DEFAULT } } else { narrow }
}

/// Every engine answers as the oracle does, when the text is one chunk. The first byte chooses the rules.
pub fn json_engines(data: &[u8]) {
    check(data, |text| (Vec::new(), text));
}

/// Every engine answers any cutting as the oracle answers the whole, and after every chunk of a short text
/// as it answers that prefix. The first byte chooses the rules, and [`cut`] says how the fuzzer chooses the
/// cuts.
pub fn json_cuts(data: &[u8]) {
    check(data, cuts);
}

/// Returns the cuts that the fuzzer chooses, and the text.
fn cuts(data: &[u8]) -> (Vec<usize>, &[u8]) {
    let (chunks, text) = cut(data);
    let (_, but_the_last) = chunks.split_last().expect("there is one chunk at least");
    let ends = but_the_last.iter().scan(0, |end, chunk| {
        *end += chunk.len();
        Some(*end)
    });
    (ends.collect(), text)
}

/// Every engine accepts the documents that serde_json accepts, and reports the same value.
pub fn json_peer(data: &[u8]) {
    ENGINES.with_borrow_mut(|engines| {
        let (_, engines) = &mut engines[0];
        for engine in engines.iter_mut().filter(|engine| engine.takes(data.len())) {
            let mut tree = Tree::default();
            let result = engine.run(&[], data, |event| tree.see(event));
            tree.check(data, result.is_ok());
        }
    });
}

fn check<'d>(data: &'d [u8], cuts: impl FnOnce(&'d [u8]) -> (Vec<usize>, &'d [u8])) {
    let Some((first, data)) = data.split_first() else { return };
    let (cuts, text) = cuts(data);
    ENGINES.with_borrow_mut(|engines| {
        let (rules, engines) = &mut engines[usize::from(*first) % 6];
        let is_short = text.len() <= LONGEST_PROMPT;
        let expected = if is_short { Expected::prompt } else { Expected::whole }(text, *rules);
        Engine::check_all(engines, &cuts, &expected);
    });
}
