//! The sizes of events, for limits of bytes.

use std::sync::{Arc, OnceLock};
use std::{boxed::Box, string::String, vec::Vec};

use super::policy::{Limit, Policy};

/// An event that knows its size: the number of bytes of its content.
///
/// A server of such events can be told to [use](super::mutex::Server::measured) it. One of other events
/// needs a [function](super::mutex::Server::with_sizes). `size_of` would not do: it is the same for
/// every `Vec<u8>`.
pub trait Measure {
    /// Returns the size in bytes.
    fn measure(&self) -> usize;
}

/// Implements [`Measure`] for containers of bytes.
macro_rules! measure {
    ($($type:ty)*) => {$(
        impl Measure for $type {
            fn measure(&self) -> usize {
                self.len()
            }
        }
    )*};
}

measure!(Vec<u8> String Box<[u8]> Box<str> [u8] str);

#[cfg(feature = "bytes")]
measure!(bytes::Bytes);

impl<E: ?Sized + Measure> Measure for &E {
    fn measure(&self) -> usize {
        (**self).measure()
    }
}

impl<E: ?Sized + Measure> Measure for Arc<E> {
    fn measure(&self) -> usize {
        (**self).measure()
    }
}

/// The measure of a server, if it has one.
#[derive(Debug)]
pub(super) struct Sizes<E: ?Sized>(OnceLock<fn(&E) -> usize>);

impl<E: ?Sized> Sizes<E> {
    pub(super) fn new() -> Self {
        Self(OnceLock::new())
    }

    pub(super) fn set(&self, size_of: fn(&E) -> usize) {
        assert!(self.0.set(size_of).is_ok(), "the server has a measure already");
    }

    /// Returns the size of an event. Without a measure it decides only when a segment of the log is
    /// full.
    pub(super) fn of(&self, event: &E) -> usize {
        self.0.get().map_or_else(|| size_of_val(event), |size_of| size_of(event))
    }

    /// Returns whether there is a measure, if the policy needs one.
    pub(super) fn fit(&self, policy: Policy) -> bool {
        let limited = matches!(policy, Policy::Queue { bytes: Limit::AtMost(_), .. });
        !limited || self.0.get().is_some()
    }
}
