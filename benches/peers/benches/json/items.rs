//! Values taken out of a document by [`Items`], beside serde_json with the whole document in memory.

use std::hint::black_box;

use pushdown::PushParser;
use pushdown::json::{Coroutine, Items, Located, Machine, Options, Pattern, Stackless};
use pushdown_peers::json::{Document, Reader, Reports, Seen};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;

use crate::entries::Size;

mod types;

use types::{Coast, Events, Performances, Ring, Statuses};

/// The names of all readers here.
pub(crate) const NAMES: [&str; 6] = [
    "machine-value",
    "coroutine-value",
    "stackless-value",
    "peer-serde-value",
    "machine-struct",
    "peer-serde-struct",
];

/// The sizes at which a reader of items is measured.
const SIZES: &[Size] = &[Size::ALL[0], Size::ALL[1], Size::ALL[2]];
const KIB_64: &[Size] = &[Size::ALL[1]];
const WHOLE: &[Size] = &[Size::ALL[0]];

/// The array or object of a document that has most of its bytes.
fn pattern(document: &str) -> &'static str {
    match document {
        "twitter" | "twitterescaped" => "/statuses/*",
        "citm_catalog" => "/performances/*",
        "canada" => "/features/*/geometry/coordinates/*",
        "github_events" | "string_unicode" => "/*",
        "synthea_fhir" => "/entry/*",
        "golang_source" => "/tree/kids/*/kids/*",
        other => panic!("no pattern for {other}"),
    }
}

/// Returns the readers of a document and their chunk sizes.
pub(crate) fn readers(document: Document) -> Vec<(Reader, &'static [Size])> {
    let pattern = || Pattern::new(pattern(document.name)).expect("a pattern");
    let machine = || Items::new(Machine::located(Options::new()), pattern());
    let coroutine = Items::new(Coroutine::located(Options::new()).expect("a stack"), pattern());
    let stackless = Items::new(Stackless::located(Options::new()), pattern());
    let count = read_items::<IgnoredAny>(&mut machine(), document.bytes, document.bytes.len());
    let mut readers = vec![
        (items::<Value>("machine-value", machine()), SIZES),
        (items::<Value>("coroutine-value", coroutine), KIB_64),
        (items::<Value>("stackless-value", stackless), KIB_64),
        (whole::<Value>("peer-serde-value", move |_| count as usize), WHOLE),
    ];
    match document.name {
        "twitter" | "twitterescaped" => readers.extend([
            (items::<types::Status>("machine-struct", machine()), SIZES),
            (whole("peer-serde-struct", |value: &Statuses| value.statuses.len()), WHOLE),
        ]),
        "citm_catalog" => readers.extend([
            (items::<types::Performance>("machine-struct", machine()), SIZES),
            (whole("peer-serde-struct", |value: &Performances| value.performances.len()), WHOLE),
        ]),
        "canada" => readers.extend([
            (items::<Ring>("machine-struct", machine()), SIZES),
            (whole("peer-serde-struct", Coast::rings), WHOLE),
        ]),
        "github_events" => readers.extend([
            (items::<types::Event>("machine-struct", machine()), SIZES),
            (whole("peer-serde-struct", |value: &Events| value.len()), WHOLE),
        ]),
        _ => {}
    }
    readers
}

/// Reads each item into a `T`.
fn items<T: DeserializeOwned>(
    name: &'static str,
    mut items: Items<impl PushParser<Events = Located> + 'static>,
) -> Reader {
    let read = move |document, size| Seen::of(read_items::<T>(&mut items, document, size));
    Reader { name, takes_chunks: true, reports: Reports::Nothing, read: Box::new(read) }
}

fn read_items<T: DeserializeOwned>(
    items: &mut Items<impl PushParser<Events = Located>>,
    document: &[u8],
    size: usize,
) -> u64 {
    let mut count = 0;
    let mut sink = |item: pushdown::json::Item<'_>| {
        black_box(item.parse::<T>().expect("an item of this type"));
        count += 1;
    };
    items.reset();
    for chunk in document.chunks(size) {
        let _ = items.feed_with(chunk, &mut sink);
    }
    items.finish_with(sink).expect("a document");
    count
}

/// Reads the whole document into a `T`, which has so many items.
fn whole<T: DeserializeOwned>(name: &'static str, count: impl Fn(&T) -> usize + 'static) -> Reader {
    let read = move |document: &'static [u8], _| {
        let value: T = serde_json::from_slice(document).expect("a document of this type");
        Seen::of(count(black_box(&value)) as u64)
    };
    Reader { name, takes_chunks: false, reports: Reports::Nothing, read: Box::new(read) }
}
