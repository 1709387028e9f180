//! The protocol multiplexer: many callers share one connection, and each gets its own reply.

mod calls;
mod connection;
pub mod core;
pub mod dns;
mod error;
pub mod framed;
mod handle;
pub mod memcached;
mod options;
mod protocol;

pub use error::{CallError, CallErrorKind, End, Report};
pub use handle::{CallOptions, Mux, Unsolicited};
pub use options::{Options, Unexpected, WhenFull};
pub use protocol::Protocol;

pub use self::core::Counts;
