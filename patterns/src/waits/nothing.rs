//! The registry without the feature `debug`: nothing is registered.

use super::{At, Peer, Why};

/// An entry that takes no space.
#[derive(Debug)]
pub(crate) struct Entry;

impl Entry {
    pub(crate) fn new(_: At<'_>) -> Self {
        Self
    }

    pub(crate) fn set(&self, _: Why) {}
}

/// Progress that nothing looks at.
#[derive(Debug)]
pub(crate) struct Progress;

impl Progress {
    pub(crate) fn new(_: &'static str, _: &'static str) -> Self {
        Self
    }

    pub(crate) fn set(
        &self,
        _: impl FnOnce() -> (u64, &'static str, Option<Peer>),
        _: bool,
    ) {
    }

    pub(crate) fn place(&self, _: u64) -> Place {
        Place
    }
}

/// A place that takes no space.
#[derive(Clone, Debug)]
pub(crate) struct Place;
