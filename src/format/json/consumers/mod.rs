//! What takes events: plain structs beside a parser, each for one question. None is in its way.
//!
//! `joiner`, `depth`, `skip` and `path` look at events. `items` is a parser around a parser, and
//! `matcher` is the part of it that knows where the pattern is.

mod depth;
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
mod skip;

pub use depth::Depth;
#[cfg(feature = "alloc")]
pub use items::{Item, Items, Selected};
#[cfg(feature = "alloc")]
pub use joiner::Joiner;
#[cfg(feature = "alloc")]
pub use path::Path;
#[cfg(feature = "alloc")]
pub use pattern::Pattern;
pub use skip::Skip;

/// The bytes that a text or a value may have where it is held whole: room for any sensible message, and
/// no more than a server can lose to each of some hundred peers.
#[cfg(feature = "alloc")]
const DEFAULT_MAX_LEN: usize = 16 << 20;
