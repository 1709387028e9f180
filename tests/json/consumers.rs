//! Consumers of JSON, with the parser of every engine.

use std::fs;
use std::path::PathBuf;

use pushdown::json::{
    Coroutine, Extent, Generator, Item, Items, Located, Machine, Options, Pattern, Raw, Stackless,
};
use pushdown::testing::{self, Harness, Log, Recorder};
use pushdown::{PushParser, Status};
use serde_json::Value;

/// Texts with values at the patterns, bad texts, and items of just 24 bytes.
const TEXTS: [&[u8]; 11] = [
    br#"[1, "\u00e9\ud83d\ude00", true]"#,
    "{\"a\": \"äöü€😀\", \"ab\": -1.5e+7 , \"a\":null}".as_bytes(),
    br#"{"a":{"b":["\\", {"a":{"b":0}}]},"\u0061":{"b" : false}}"#,
    b"[[1,[2]],[3,4] , [[]]] ",
    b"{\"a\":{\"b\":\"123456789012345678901234567890\"}}",
    b"[\"1234567890123456789012\",\"12345678901234567890123\",2]",
    br#"["\ud83d\ude00\ud83d\ude00", "\ud83d\ude00\ud83d\ude00x"]"#,
    b"[1,\"\\ud83dx\"]",
    b"[1,\"ab\xe2\x28\"]",
    b"[\"123456789012345678901\x01\", 1]",
    b"   \n[ ",
];

const PATTERNS: [&str; 4] = ["", "/*", "/a/b", "/1"];

fn record(log: &mut Log, item: Item<'_>) {
    // Without the offset, which depends on that of a reset.
    log.event(item.text());
}

fn items<P: PushParser<Events = Located>>(parser: P, pattern: &str) -> Items<P> {
    Items::new(parser, Pattern::new(pattern).unwrap())
}

/// A harness with the items of every engine.
fn engines(
    options: Options,
    pattern: &str,
) -> Harness<'_, impl Recorder<pushdown::json::Selected>> {
    let limit = 24;
    Harness::new(record)
        .parser("machine", move || items(Machine::located(options), pattern).max_len(limit))
        .parser("coroutine", move || {
            items(Coroutine::located(options).unwrap(), pattern).max_len(limit)
        })
        .parser("stackless", move || items(Stackless::located(options), pattern).max_len(limit))
        .parser("generator", move || items(Generator::located(options), pattern).max_len(limit))
}

#[test]
fn any_cut_gives_the_same_items_in_every_engine() {
    let mut checked = 0;
    for extent in [Extent::Value, Extent::Document, Extent::Stream] {
        let options = Options::new().extent(extent);
        for pattern in PATTERNS {
            let harness = engines(options, pattern);
            for text in TEXTS {
                harness.check(text).unwrap();
                checked += 1;
            }
        }
    }
    println!("{checked} texts with a pattern, in 4 engines");
    assert_eq!(checked, 3 * PATTERNS.len() * TEXTS.len());
}

#[test]
fn any_cut_gives_the_same_text_of_a_value() {
    let harness = Harness::new(testing::no_events).parser("raw", || Raw::new().max_len(24));
    for text in TEXTS {
        harness.check(text).unwrap();
    }
}

#[cfg(feature = "serde")]
#[test]
fn any_cut_gives_the_same_typed_value() {
    type Map = std::collections::BTreeMap<String, Value>;
    let harness =
        Harness::new(testing::no_events).parser("typed", pushdown::json::Typed::<Map>::new);
    for text in TEXTS {
        harness.check(text).unwrap();
    }
}

#[test]
fn the_items_of_a_document_are_the_values_of_another_parser() {
    let mut found = 0;
    for (file, pattern, pointer, count) in [
        ("twitter.json", "/statuses/*", "/statuses", 100),
        ("citm_catalog.json", "/performances/*", "/performances", 243),
        ("github_events.json", "/*", "", 30),
        (
            "canada.json",
            "/features/0/geometry/coordinates/*",
            "/features/0/geometry/coordinates",
            480,
        ),
    ] {
        let text = read(file);
        let document: Value = serde_json::from_slice(&text).unwrap();
        let expected = document.pointer(pointer).unwrap().as_array().unwrap();
        assert_eq!(expected.len(), count, "{file}");
        for size in [7, 1_460, 65_536, text.len()] {
            let mut parser = items(Machine::located(Options::new()), pattern);
            let mut values = expected.iter();
            for chunk in text.chunks(size) {
                let progress = parser.feed_with(chunk, |item| {
                    let start = usize::try_from(item.offset()).unwrap();
                    let bytes = &text[start..start + item.text().len()];
                    assert!(bytes == item.text().as_bytes(), "{file} in chunks of {size}");
                    let value: Value = serde_json::from_str(item.text()).unwrap();
                    assert_eq!(Some(&value), values.next(), "{file} in chunks of {size}");
                    found += 1;
                });
                assert_eq!(progress.status, Status::NeedMoreInput);
            }
            assert_eq!(parser.finish(), Ok(()), "{file} in chunks of {size}");
            assert_eq!(values.next(), None, "{file} in chunks of {size}");
        }
    }
    println!("{found} items");
}

#[test]
fn the_values_of_a_stream_are_its_lines() {
    let text = read("amazon_cellphones.ndjson");
    let lines: Vec<_> = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
    assert_eq!(lines.len(), 793);

    let mut streamed = Vec::new();
    let mut parser = items(Machine::located(Options::new().extent(Extent::Stream)), "");
    for chunk in text.chunks(1_460) {
        let _ = parser.feed_with(chunk, |item| streamed.push(item.text().as_bytes().to_vec()));
    }
    assert_eq!(parser.finish(), Ok(()));
    assert!(streamed == lines);

    let mut values = Vec::new();
    let mut parser = Raw::new();
    for mut chunk in text.chunks(1_460) {
        while !chunk.is_empty() {
            chunk = &chunk[parser.feed(chunk).consumed..];
            if let Some(value) = parser.take_output() {
                values.push(value.into_string().into_bytes());
                parser.next_value();
            }
        }
    }
    assert!(!parser.has_begun());
    assert!(values == lines);
}

#[test]
fn the_memory_for_items_does_not_grow_with_the_document() {
    let element = br#" {"id": 12345, "text": "\u00e9 and more", "tags": ["a", "b"]},"#;
    let memory = |elements: usize| {
        let mut found = 0;
        let measured = allocation_counter::measure(|| {
            let mut parser = items(Machine::located(Options::new()), "/*");
            let _ = parser.feed(b"[");
            let mut bytes =
                element.iter().cycle().take(elements * element.len()).copied().peekable();
            while bytes.peek().is_some() {
                let mut chunk = [b' '; 100];
                for (to, byte) in chunk.iter_mut().zip(&mut bytes) {
                    *to = byte;
                }
                let _ = parser.feed_with(&chunk, |_| found += 1);
            }
        });
        assert_eq!(found, elements);
        measured.bytes_max
    };
    let (few, many) = (memory(100), memory(20_000));
    println!("{few} bytes for 100 items, {many} for 20,000");
    assert_eq!(few, many);
    assert!(few < 1_024, "{few} bytes");
}

fn read(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/json").join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
