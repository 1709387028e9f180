//! The registry without the feature `debug`: nothing is registered.

use core::marker::PhantomData;
use std::panic::Location;

use super::{Peer, Site};

/// A site that takes no space, so that a wait that does not park costs nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At<'p>(PhantomData<&'p Peer>);

impl<'p> At<'p> {
    pub(crate) fn by(self, _: &'static Location<'static>) -> Self {
        self
    }

    pub(crate) fn at(self, _: &'p Peer) -> Self {
        self
    }

    pub(crate) fn of(self, _: &'p Peer) -> Self {
        self
    }
}

impl From<&'static Site> for At<'_> {
    fn from(_: &'static Site) -> Self {
        Self(PhantomData)
    }
}

/// A reason that takes no space.
#[derive(Clone, Debug, Default)]
pub(crate) struct Why(());

impl Why {
    pub(crate) fn set_system(&mut self, _: &Peer) {}

    pub(crate) fn set_what(&mut self, _: Option<&'static str>) {}

    pub(crate) fn set_peer(&mut self, _: Option<Peer>) {}

    pub(crate) fn set_place(&mut self, _: Option<Place>) {}
}

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
