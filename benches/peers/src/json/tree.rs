//! Documents checked, or made into a tree, by functions that take a slice.

use std::hint::black_box;

use serde::de::IgnoredAny;
use sonic_rs::LazyValue;

use super::Seen;

pub(super) fn serde_ignored(document: &'static [u8], _: usize) -> Seen {
    black_box(serde_json::from_slice::<IgnoredAny>(document).expect("a document"));
    Seen::default()
}

pub(super) fn serde_value(document: &'static [u8], _: usize) -> Seen {
    black_box(serde_json::from_slice::<serde_json::Value>(document).expect("a document"));
    Seen::default()
}

pub(super) fn sonic_lazy(document: &'static [u8], _: usize) -> Seen {
    black_box(sonic_rs::from_slice::<LazyValue<'_>>(document).expect("a document"));
    Seen::default()
}

pub(super) fn sonic_value(document: &'static [u8], _: usize) -> Seen {
    black_box(sonic_rs::from_slice::<sonic_rs::Value>(document).expect("a document"));
    Seen::default()
}
