//! Consumers of events: plain structs beside a parser, each for one question.
//!
//! `joiner`, `depth`, `skip` and `path` look at events. The others are parsers around a parser: `items`, of
//! which `matcher` is the part that knows where the pattern is, and `raw` and `typed`, which have `whole` in
//! common.

mod depth;
#[cfg(feature = "alloc")]
mod item;
#[cfg(feature = "alloc")]
mod items;
#[cfg(feature = "alloc")]
mod joiner;
#[cfg(feature = "alloc")]
mod matcher;
#[cfg(feature = "alloc")]
mod path;
#[cfg(feature = "alloc")]
mod pattern;
#[cfg(feature = "alloc")]
mod raw;
mod skip;
#[cfg(feature = "serde")]
mod typed;
#[cfg(feature = "alloc")]
mod whole;

pub use depth::Depth;
#[cfg(feature = "alloc")]
pub use item::{Item, Selected};
#[cfg(feature = "alloc")]
pub use items::Items;
#[cfg(feature = "alloc")]
pub use joiner::Joiner;
#[cfg(feature = "alloc")]
pub use path::Path;
#[cfg(feature = "alloc")]
pub use pattern::Pattern;
#[cfg(feature = "alloc")]
pub use raw::Raw;
pub use skip::Skip;
#[cfg(feature = "serde")]
pub use typed::Typed;

/// The bytes that a text or a value may have where it is held whole. Enough for any sensible message; a
/// hundred hostile peers take 1.6 GiB.
#[cfg(feature = "alloc")]
const DEFAULT_MAX_LEN: usize = 16 << 20;
