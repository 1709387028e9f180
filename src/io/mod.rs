//! Sources of bytes: driving a parser from what is read.

mod blocking;
#[cfg(feature = "tokio")]
pub mod framed;

pub use blocking::{ReadError, parse, parse_with};
