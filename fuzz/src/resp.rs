//! The assertions of the fuzz targets of RESP.

use core::cell::RefCell;

use pushdown::PushParser;
use pushdown::resp::{Extent, Requests, Values, Version};

#[path = "../../tests/common/resp/mod.rs"]
pub mod common;
#[path = "resp_peer.rs"]
mod peer;
use super::cut::{Target, cut};
use common::log::Log;
use common::tree::Tree;
use common::{Engine, Expected, Rules, oracle};
pub use peer::resp_peer;

/// Every target of RESP.
pub const TARGETS: &[Target] = &[
    ("resp_cuts", resp_cuts),
    ("resp_engines", resp_engines),
    ("resp_peer", resp_peer),
    ("resp_values", resp_values),
];

/// Length of the longest input of which every prefix is compared.
const LONGEST_PROMPT: usize = 256;

thread_local! {
    /// The engines with each set of rules. Created once: a new coroutine for each input would cost more
    /// than running it.
    static ENGINES: RefCell<Vec<(Rules, Vec<Engine>)>> = RefCell::new(
        (0..4).map(rules).map(|rules| (rules, Engine::all(rules))).collect()
    );
}

/// One value and a stream, with the default limits; a stream with narrow ones; and RESP2.
fn rules(number: usize) -> Rules {
    let stream = Rules { extent: Extent::Stream, ..Rules::DEFAULT };
    match number {
        0 => Rules::DEFAULT,
        1 => stream,
        2 => Rules { depth: 3, line: 6, bulk: 9, elements: 3, ..stream },
        _ => Rules { version: Version::Resp2, ..stream },
    }
}

/// Every engine answers as the oracle does, when the input is one chunk. The first byte chooses the rules.
pub fn resp_engines(data: &[u8]) {
    check(data, |input| (Vec::new(), input));
}

/// Every engine answers any cutting as the oracle answers the whole, and after every chunk of a short input
/// as it answers that prefix. The first byte chooses the rules, and [`cut`] says how the fuzzer chooses the
/// cuts.
pub fn resp_cuts(data: &[u8]) {
    check(data, |data| {
        let (chunks, input) = cut(data);
        (ends(&chunks), input)
    });
}

/// The value of any cutting is that of the oracle's events, and is written and read as the same; a request is the same
/// in any cutting. [`cut`] says how the fuzzer chooses the cuts.
pub fn resp_values(data: &[u8]) {
    let (chunks, input) = cut(data);
    let answer = oracle(input, Rules::DEFAULT);
    let mut tree = Tree::default();
    answer.events.report_since(&Log::default(), |event| tree.see(event));
    let expected = answer.finished.is_ok().then(|| tree.values().pop()).flatten();
    let (value, consumed, finished) = output(&mut Values::new().max_memory(u64::MAX), &chunks);
    let about = || input.escape_ascii();
    assert_eq!(finished, answer.finished, "the value (left) and the oracle: {}", about());
    assert_eq!(consumed, answer.consumed as u64, "the value (left) and the oracle: {}", about());
    assert_eq!(value, expected, "the value (left) and the oracle: {}", about());
    if let Some(value) = value {
        let mut written = Vec::new();
        value.encode(&mut written);
        let read = output(&mut Values::new(), &[&written]).0;
        assert_eq!(read, Some(value), "what was written (left): {}", about());
    }

    let whole = output(&mut Requests::new(), &[input]);
    assert_eq!(output(&mut Requests::new(), &chunks), whole, "the request: {}", about());
    if let (Some(request), ..) = whole {
        let mut written = Vec::new();
        request.encode(&mut written);
        let read = output(&mut Requests::new(), &[&written]).0;
        assert_eq!(read, Some(request), "what was written (left): {}", about());
    }
}

fn output<P: PushParser>(
    parser: &mut P,
    chunks: &[&[u8]],
) -> (Option<P::Output>, u64, Result<(), pushdown::Error>) {
    for chunk in chunks {
        let _ = parser.feed(chunk);
    }
    let finished = parser.finish();
    (parser.take_output(), parser.offset(), finished)
}

fn ends(chunks: &[&[u8]]) -> Vec<usize> {
    let (_, but_the_last) = chunks.split_last().expect("there is one chunk at least");
    let ends = but_the_last.iter().scan(0, |end, chunk| {
        *end += chunk.len();
        Some(*end)
    });
    ends.collect()
}

fn check<'d>(data: &'d [u8], cuts: impl FnOnce(&'d [u8]) -> (Vec<usize>, &'d [u8])) {
    let Some((first, data)) = data.split_first() else { return };
    let (cuts, input) = cuts(data);
    ENGINES.with_borrow_mut(|engines| {
        let (rules, engines) = &mut engines[usize::from(*first) % 4];
        let is_short = input.len() <= LONGEST_PROMPT;
        let expected = if is_short { Expected::prompt } else { Expected::whole }(input, *rules);
        Engine::check_all(engines, &cuts, &expected);
    });
}
