//! The assertions of the fuzz targets of event streams.

use core::cell::RefCell;

#[path = "../../tests/common/sse/mod.rs"]
pub mod common;
use super::cut::{Target, cut};
use common::{Engine, Expected, check_messages};

/// Every target of event streams.
pub const TARGETS: &[Target] =
    &[("sse_cuts", sse_cuts), ("sse_engines", sse_engines), ("sse_reference", sse_reference)];

/// Length of the longest stream of which every prefix is compared.
const LONGEST_PROMPT: usize = 256;

thread_local! {
    /// Created once: a new coroutine for each input would cost more than running it.
    static ENGINES: RefCell<Vec<Engine>> = RefCell::new(Engine::all());
}

/// Every engine reports what the reference does, when the stream is one chunk.
pub fn sse_engines(data: &[u8]) {
    ENGINES.with_borrow_mut(|engines| Engine::check_all(engines, &[], &Expected::whole(data)));
}

/// Every engine reports for any cutting what the reference does for the whole, and after every chunk of a short
/// stream what that does for the prefix. [`cut`] says how the fuzzer chooses the cuts.
pub fn sse_cuts(data: &[u8]) {
    let (cuts, expected) = expected(data);
    ENGINES.with_borrow_mut(|engines| Engine::check_all(engines, &cuts, &expected));
}

/// `Messages` makes the messages of the reference, for any cutting.
pub fn sse_reference(data: &[u8]) {
    let (cuts, expected) = expected(data);
    check_messages(&cuts, &expected);
}

fn expected(data: &[u8]) -> (Vec<usize>, Expected<'_>) {
    let (chunks, stream) = cut(data);
    let (_, but_the_last) = chunks.split_last().expect("there is one chunk at least");
    let ends = but_the_last.iter().scan(0, |end, chunk| {
        *end += chunk.len();
        Some(*end)
    });
    let is_short = stream.len() <= LONGEST_PROMPT;
    (ends.collect(), if is_short { Expected::prompt } else { Expected::whole }(stream))
}
