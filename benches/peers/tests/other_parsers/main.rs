//! Parsers of other projects under our harness, and the laws that they keep and break. The test fails if a
//! version behaves otherwise. The README of this package explains the report.
//!
//! ```text
//! $ cargo test --all-features --test other_parsers -- --nocapture
//! ```

mod parsers;
mod streams;

use std::fmt::Write;
use std::panic::{self, AssertUnwindSafe};

use parsers::Check;
use pushdown::testing::{Law, Violation};

/// A parser, and what it does.
struct Parser {
    package: &'static str,
    version: &'static str,
    how: &'static str,
    check: Check,
    /// All strings of up to so many of these bytes and longer pieces keep the law. For a parser that
    /// breaks a law on other input, they show that its adapter is not at fault.
    bytes: &'static [u8],
    longer: &'static [&'static [u8]],
    up_to: u32,
    /// The first of them is minimal: no byte can be left out.
    breaks: &'static [Breach],
}

struct Breach {
    input: &'static [u8],
    law: Law,
    cuts: &'static [usize],
}

const BOM: &[u8] = b"\xef\xbb\xbf";

const PARSERS: [Parser; 8] = [
    Parser {
        package: "csv-core",
        version: "0.1.13",
        how: "read_field",
        check: parsers::csv_core,
        bytes: b",\"\r\na",
        longer: &[],
        up_to: 3,
        breaks: &[
            Breach { input: b"\xef\xbb\xbfa", law: Law::Events, cuts: &[1] },
            Breach { input: BOM, law: Law::Status, cuts: &[1] },
        ],
    },
    Parser {
        package: "sse-stream",
        version: "0.2.6",
        how: "SseStream",
        check: parsers::sse_stream,
        bytes: b"\r\n:",
        longer: &[b"data:"],
        up_to: 5,
        breaks: &[
            Breach { input: b"x\nx\n", law: Law::Events, cuts: &[2] },
            Breach { input: b"data\ndata: z\n\n", law: Law::Events, cuts: &[5] },
            Breach { input: b"data: z\n\nx\n", law: Law::Events, cuts: &[9] },
        ],
    },
    Parser {
        package: "sse-stream",
        version: "0.3.0",
        how: "SseByteStream",
        check: parsers::sse_stream_0_3,
        bytes: b"\r\n:x\xff",
        longer: &[b"data", b"data:", BOM, "é".as_bytes()],
        up_to: 4,
        breaks: &[],
    },
    Parser {
        package: "eventsource-stream",
        version: "0.2.3",
        how: "EventStream",
        check: parsers::eventsource_stream,
        bytes: b"\r\n:x\xff",
        longer: &[b"data", b"data:", "é".as_bytes()],
        up_to: 4,
        breaks: &[Breach { input: BOM, law: Law::Panic, cuts: &[] }],
    },
    Parser {
        package: "vte",
        version: "0.15.0",
        how: "Parser",
        check: parsers::vte,
        bytes: b"\x1b[]P1;m\x07a\xff",
        longer: &["€".as_bytes(), "😀".as_bytes()],
        up_to: 3,
        breaks: &[
            Breach { input: b"\xc2\x85", law: Law::Events, cuts: &[1] },
            Breach { input: "éaé".as_bytes(), law: Law::Events, cuts: &[1] },
        ],
    },
    Parser {
        package: "json-event-parser",
        version: "0.2.3",
        how: "LowLevelJsonParser",
        check: parsers::json_event_parser,
        bytes: b"[]{},:\"1-.e \r\n\\\xff",
        longer: &[b"true", b"\\u", b"d800", "é".as_bytes(), BOM],
        up_to: 3,
        breaks: &[],
    },
    Parser {
        package: "tokio-util",
        version: "0.7.20",
        how: "LinesCodec",
        check: parsers::lines,
        bytes: b"\r\na\xff",
        longer: &["é".as_bytes()],
        up_to: 5,
        breaks: &[],
    },
    Parser {
        package: "tokio-util",
        version: "0.7.20",
        how: "LinesCodec of two bytes",
        check: parsers::limited_lines,
        bytes: b"\r\na\xff",
        longer: &["é".as_bytes()],
        up_to: 5,
        breaks: &[],
    },
];

#[test]
fn each_parser_keeps_and_breaks_the_laws_that_are_listed() {
    hide_panics_of("eventsource-stream");
    let mut report = String::new();
    for parser in PARSERS {
        let Parser { package, version, how, .. } = parser;
        let locked = format!("name = \"{package}\"\nversion = \"{version}\"\n");
        assert!(include_str!("../../Cargo.lock").contains(&locked), "{package} {version}");
        let strings = parser.keeps_the_law();
        writeln!(report, "{package} {version}, {how}: keeps the law on {strings} strings").unwrap();
        for (index, breach) in parser.breaks.iter().enumerate() {
            let violation = parser.breaks_the_law(breach);
            report.push_str(&shown(&violation));
            if index == 0 {
                parser.needs_every_byte(breach);
            }
        }
    }
    println!("{report}");
    assert!(include_str!("../../README.md").contains(&report), "the README has another report");
}

/// Above, a stream waits for each chunk and is polled without a waker. Here all chunks are there, so
/// that it never waits.
#[test]
fn a_stream_that_never_waits_breaks_the_same_law() {
    hide_panics_of("eventsource-stream");
    let (mut differ, mut panic) = (0, 0);
    for parser in PARSERS {
        let items = match (parser.package, parser.version) {
            ("sse-stream", "0.2.6") => parsers::sse_stream_items,
            ("eventsource-stream", _) => parsers::eventsource_stream_items,
            _ => continue,
        };
        for breach in parser.breaks {
            let violation = parser.breaks_the_law(breach);
            let whole = || streams::at_once([breach.input].into_iter(), items);
            let cut = || streams::at_once(violation.cutting().chunks(breach.input), items);
            let [whole, cut] =
                [panic::catch_unwind(whole), panic::catch_unwind(AssertUnwindSafe(cut))];
            match (whole, cut) {
                (Ok(whole), Ok(cut)) => {
                    assert_ne!(whole, cut);
                    differ += 1;
                }
                _ => panic += 1,
            }
        }
    }
    assert_eq!((differ, panic), (3, 1));
}

impl Parser {
    /// Returns the number of strings that were checked.
    fn keeps_the_law(&self) -> usize {
        let pieces = || self.bytes.chunks(1).chain(self.longer.iter().copied());
        let mut strings = vec![Vec::new()];
        let mut longest = 0;
        for _ in 0..self.up_to {
            let shorter = longest..strings.len();
            longest = strings.len();
            for index in shorter {
                strings.extend(
                    pieces().map(|piece| [&strings[index], piece].concat()).collect::<Vec<_>>(),
                );
            }
        }
        for string in &strings {
            if let Err(violation) = (self.check)(string) {
                panic!("{} {}: {violation}", self.package, self.version);
            }
        }
        strings.len()
    }

    fn breaks_the_law(&self, breach: &Breach) -> Violation {
        let shown = breach.input.escape_ascii();
        let Err(violation) = (self.check)(breach.input) else {
            panic!("{} {} keeps the law on {shown}", self.package, self.version);
        };
        let found = (violation.law(), violation.cutting().cuts());
        assert_eq!(found, (breach.law, breach.cuts), "{} {}: {shown}", self.package, self.version);
        violation
    }

    /// Without any one of its bytes the input does not break the same law.
    fn needs_every_byte(&self, breach: &Breach) {
        for index in 0..breach.input.len() {
            let mut shorter = breach.input.to_vec();
            shorter.remove(index);
            let law = (self.check)(&shorter).err().map(|violation| violation.law());
            assert_ne!(law, Some(breach.law), "{}: {}", self.package, shorter.escape_ascii());
        }
    }
}

/// A violation on two lines. The text of a panic depends on the version of Rust.
fn shown(violation: &Violation) -> String {
    let input = violation.input().escape_ascii();
    let (law, cutting, expected) = (violation.law(), violation.cutting(), violation.expected());
    let found = match law {
        Law::Panic => "a panic",
        _ => violation.found(),
    };
    format!("  breaks \"{law}\": b\"{input}\", {cutting}\n    expected {expected}; found {found}\n")
}

/// Panics of this package are part of the report, and need no message of their own.
fn hide_panics_of(package: &'static str) {
    let default = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if info.location().is_none_or(|location| !location.file().contains(package)) {
            default(info);
        }
    }));
}
