//! The assertion of the fuzz target of `pushdown::text`.

use core::str;

use pushdown::testing::Kernel;

#[path = "../../tests/common/utf8.rs"]
pub mod utf8;
use super::cut::{Target, cut};

/// Every target of `pushdown::text`.
pub const TARGETS: &[Target] = &[("text_utf8", text_utf8)];

/// Both decoders answer any cutting as std answers the whole, after every chunk; every kernel finds
/// the valid prefix that std finds. [`cut`] says how the fuzzer chooses the cuts.
pub fn text_utf8(data: &[u8]) {
    let (chunks, text) = cut(data);
    utf8::check(&chunks);
    let expected = str::from_utf8(text).map_or_else(|error| error.valid_up_to(), str::len);
    for kernel in Kernel::available() {
        assert_eq!(kernel.valid_up_to(text), expected, "{} (left) and std", kernel.name());
    }
}
