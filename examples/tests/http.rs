//! The parsers of the example `http`: published requests at many cuts, and bounds.
//!
//! The harness, which needs the feature `testing`, tries every 2-way cut of the short ones.

#[path = "../http/message.rs"]
#[allow(dead_code, reason = "the example prints more")]
mod message;
#[path = "../http/parsers.rs"]
#[allow(dead_code, reason = "the tests without the harness make no single parser")]
mod parsers;

use std::fmt::Write;
use std::io::{self, BufRead, Read};

use message::{Error, Fields, Parsers, Request};
use parsers::Limits;
use pushdown::ErrorKind;
use pushdown::io::ReadError;

const REQUESTS: &str = include_str!("../../tests/data/http/requests.tsv");

/// Inputs up to this length are cut at every byte.
const SHORT: usize = 160;

struct Case {
    id: &'static str,
    verdict: &'static str,
    input: Vec<u8>,
    messages: &'static str,
}

fn cases() -> Vec<Case> {
    let lines = REQUESTS.lines().filter(|line| !line.starts_with('#'));
    let cases: Vec<Case> = lines
        .map(|line| {
            let columns: Vec<&str> = line.split('\t').collect();
            let [id, verdict, _, input, messages] = columns[..] else { panic!("{line}") };
            Case { id, verdict, input: base64(input), messages }
        })
        .collect();
    assert!(cases.len() >= 119, "{} cases", cases.len());
    cases
}

fn base64(text: &str) -> Vec<u8> {
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for byte in text.trim_end_matches('=').bytes() {
        let digit = digits.iter().position(|digit| *digit == byte).unwrap();
        (bits, count) = (bits << 6 | digit as u32, count + 6);
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    bytes
}

/// A reader whose buffer is a piece of the input, then the next.
struct Pieces<'a> {
    rest: &'a [u8],
    lengths: Box<dyn Iterator<Item = usize>>,
    piece: usize,
}

impl<'a> Pieces<'a> {
    fn new(input: &'a [u8], lengths: impl Iterator<Item = usize> + 'static) -> Self {
        Self { rest: input, lengths: Box::new(lengths), piece: 0 }
    }
}

impl BufRead for Pieces<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.piece == 0 {
            let length = self.lengths.next().unwrap_or(usize::MAX);
            self.piece = length.min(self.rest.len());
        }
        Ok(&self.rest[..self.piece])
    }

    fn consume(&mut self, count: usize) {
        self.rest = &self.rest[count..];
        self.piece -= count;
    }
}

impl Read for Pieces<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(to)?;
        self.consume(count);
        Ok(count)
    }
}

/// Lengths from 1 to 2,000, most of them small: splitmix64.
fn random_lengths(mut seed: u64) -> impl Iterator<Item = usize> {
    std::iter::repeat_with(move || {
        seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = (seed ^ seed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        let longest = [3, 20, 200, 2000][bits as usize % 4];
        1 + (bits >> 8) as usize % longest
    })
}

/// The answer to an input: its requests, and the end.
type Answer = (String, Result<(), String>);

fn answer(engine: &str, mut reader: Pieces<'_>) -> (Answer, Option<Error>) {
    let mut parsers = Parsers::new(engine, Limits::default()).unwrap();
    let mut messages = Vec::new();
    let error = loop {
        match parsers.read(&mut reader) {
            Ok(Some(request)) => messages.push(described(&request)),
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    let end = error.as_ref().map_or(Ok(()), |error| Err(error.to_string()));
    ((messages.join(" | "), end), error)
}

/// A request in the words of the corpus.
fn described(request: &Request) -> String {
    let hex =
        |bytes: &[u8]| bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    let fields = |word: &str, fields: &Fields| {
        fields.list.iter().fold(String::new(), |mut text, (name, value)| {
            write!(text, "{word}:{}:{} ", hex(name), hex(value)).unwrap();
            text
        })
    };
    format!(
        "req:{}:{}:1.{} {}headend body:{} {}msgend",
        String::from_utf8_lossy(&request.method),
        hex(&request.target),
        request.version,
        fields("h", &request.fields),
        hex(&request.body),
        fields("t", &request.trailers),
    )
}

#[test]
fn published_requests_are_read_as_their_verdict_says() {
    let mut judged = 0;
    for Case { id, verdict, input, messages } in cases() {
        for engine in Parsers::ENGINES {
            let ((found, end), error) = answer(engine, Pieces::new(&input, std::iter::empty()));
            let is_incomplete = matches!(
                error,
                Some(Error::Read(ReadError::Parse(error))) if error.kind == ErrorKind::UnexpectedEnd
            );
            match verdict {
                "ok" => assert_eq!((&found[..], end), (messages, Ok(())), "{engine}: {id}"),
                "error" => {
                    assert!(end.is_err() && !is_incomplete, "{engine}: {id}: {end:?} {found}");
                }
                "incomplete" => assert!(is_incomplete, "{engine}: {id}: {end:?}"),
                "either" => continue,
                other => panic!("{id}: {other}"),
            }
            judged += 1;
        }
    }
    println!("{judged} answers");
    assert!(judged >= 240);
}

/// The published verdict leaves these open, or has none.
#[test]
fn what_two_servers_may_read_differently_is_an_error() {
    let cases = cases();
    let published = [
        "gunicorn/valid/009",
        "gunicorn/invalid/rfc9112_smuggle_cl_te_chunked_01",
        "gunicorn/invalid/chunked_05",
        "gunicorn/invalid/chunked_09",
        "gunicorn/invalid/obs_fold_01",
        "gunicorn/invalid/version_02",
    ]
    .map(|id| &cases.iter().find(|case| case.id == id).unwrap().input[..]);
    let own: [&[u8]; 8] = [
        b"\x01",
        b" / HTTP/1.1\r\n\r\n",
        b"GET  HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1 \r\n\r\n",
        b"GET / HTTP/1.1\r\nA: b\rc: d\r\n\r\n",
        b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 18446744073709551616\r\n\r\n",
    ];
    println!("{} inputs", published.len() + own.len());
    for input in published.into_iter().chain(own) {
        for engine in Parsers::ENGINES {
            let ((_, end), _) = answer(engine, Pieces::new(input, std::iter::empty()));
            let end = end.unwrap_err();
            assert!(!end.contains("end of input"), "{engine}: {}: {end}", input.escape_ascii());
        }
    }
}

#[test]
fn any_cut_of_published_requests_gives_the_answer_of_the_whole() {
    let mut runs = 0;
    for Case { id, input, .. } in cases() {
        let (whole, _) = answer("machine", Pieces::new(&input, std::iter::empty()));
        for engine in Parsers::ENGINES {
            let mut check = |lengths: Box<dyn Iterator<Item = usize>>, cut: String| {
                let (found, _) = answer(engine, Pieces::new(&input, lengths));
                assert_eq!(found, whole, "{engine}: {id}, {cut}");
                runs += 1;
            };
            check(Box::new(std::iter::empty()), "whole".into());
            for size in [1, 2, 3, 7, 16, 64, 1460] {
                check(Box::new(std::iter::repeat(size)), format!("pieces of {size}"));
            }
            for seed in 0..8 {
                check(Box::new(random_lengths(seed)), format!("random pieces, seed {seed}"));
            }
            if input.len() <= SHORT {
                for cut in 1..input.len() {
                    check(Box::new(std::iter::once(cut)), format!("cut at {cut}"));
                }
            }
        }
    }
    println!("{runs} runs");
    assert!(runs > 15_000);
}

#[test]
fn a_request_that_is_cut_short_is_incomplete() {
    let mut prefixes = 0;
    for Case { id, verdict, input, .. } in cases() {
        if verdict != "ok" || input.len() > SHORT {
            continue;
        }
        for engine in Parsers::ENGINES {
            for length in 0..input.len() {
                match answer(engine, Pieces::new(&input[..length], std::iter::empty())).1 {
                    None => {}
                    Some(Error::Read(ReadError::Parse(error))) => {
                        let expected =
                            pushdown::Error::new(ErrorKind::UnexpectedEnd, length as u64);
                        assert_eq!(error, expected, "{engine}: {id}");
                    }
                    Some(other) => panic!("{engine}: {id}, {length} bytes: {other}"),
                }
                prefixes += 1;
            }
        }
    }
    println!("{prefixes} prefixes");
    assert!(prefixes > 5_000);
    let body = b"GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhel";
    for engine in Parsers::ENGINES {
        let ((_, end), _) = answer(engine, Pieces::new(body, std::iter::repeat(7)));
        assert_eq!(end, Err(format!("unexpected end of input at offset {}", body.len())));
    }
}

/// A head of the default's length, of which one byte more is too long.
#[test]
fn a_head_of_64_kib_is_the_longest() {
    let head = |length: usize| {
        let line = b"GET / HTTP/1.1\r\nA:";
        [line, &vec![b'x'; length - line.len() - 4][..], b"\r\n\r\n"].concat()
    };
    for engine in Parsers::ENGINES {
        for size in [1, 7, 1460, usize::MAX] {
            let answer =
                |input: &[u8]| answer(engine, Pieces::new(input, std::iter::repeat(size))).0.1;
            assert_eq!(answer(&head(64 << 10)), Ok(()), "{engine}, pieces of {size}");
            let too_long = Err("value too long at offset 65536".to_owned());
            assert_eq!(answer(&head((64 << 10) + 1)), too_long, "{engine}, pieces of {size}");
        }
    }
}

#[cfg(feature = "testing")]
mod harness {
    use super::*;
    use parsers::{Event, coroutine, machine, stackless};
    use pushdown::PushParser;
    use pushdown::testing::{Harness, Log};

    fn record(log: &mut Log, event: Event<'_>) {
        match event {
            Event::Method(text) => log.text_of("method", text),
            Event::Target(text) => log.text_of("target", text),
            Event::Version(digit) => log.event(digit),
            Event::Name(text) => log.text_of("name", text),
            Event::Value(text) => log.text_of("value", text),
            Event::FieldEnd => log.event("end of field"),
            Event::Extension(text) => log.text_of("extension", text),
            Event::Data(text) => log.text_of("data", text),
        }
    }

    type Record = fn(&mut Log, Event<'_>);

    fn heads(limits: Limits) -> Harness<'static, Record> {
        Harness::new(record as Record)
            .with_work("machine", move || machine::head_parser(limits))
            .with_work("coroutine", move || coroutine::head_parser(limits))
            .with_work("stackless", move || stackless::head_parser(limits))
    }

    fn bodies(limits: Limits) -> Harness<'static, Record> {
        Harness::new(record as Record)
            .with_work("machine", move || machine::body_parser(limits))
            .with_work("coroutine", move || coroutine::body_parser(limits))
            .with_work("stackless", move || stackless::body_parser(limits))
    }

    fn runs(harness: &Harness<'_, Record>, input: &[u8]) -> u64 {
        let report = harness.check(input).unwrap_or_else(|violation| panic!("{violation}"));
        report.parsers.iter().map(|parser| parser.runs).sum()
    }

    #[test]
    fn heads_and_bodies_keep_the_law() {
        let (mut inputs, mut total) = (0, 0);
        let (heads, bodies) = (heads(Limits::default()), bodies(Limits::default()));
        for Case { input, .. } in cases() {
            let end = input.windows(4).position(|four| four == b"\r\n\r\n").map_or(0, |at| at + 4);
            let (head, body) = (&input[..end.max(input.len().min(SHORT))], &input[end..]);
            if head.len() <= SHORT {
                total += runs(&heads, head);
                inputs += 1;
            }
            if (1..=SHORT).contains(&body.len()) {
                total += runs(&bodies, body);
                inputs += 1;
            }
        }
        println!("{inputs} inputs, {total} runs");
        assert!(inputs > 120);
    }

    /// The bound that is exceeded, and the offset of the first byte too many.
    #[test]
    fn what_is_too_long_ends_at_the_same_offset_for_every_cut() {
        let limits = Limits { head: 40, fields: 2, extensions: 8 };
        let long = |start: &str, end: &str| [start, &"x".repeat(60), end].concat();
        let head_cases = [
            (long("", " / HTTP/1.1\r\n\r\n"), 40),
            (long("GET /", " HTTP/1.1\r\n\r\n"), 40),
            (long("GET / HTTP/1.1\r\n", ": a\r\n\r\n"), 40),
            (long("GET / HTTP/1.1\r\nA:", "\r\n\r\n"), 40),
            (["GET / HTTP/1.1\r\nA:", &" ".repeat(60), "\r\n\r\n"].concat(), 40),
            (["\r\n".repeat(30).as_str(), "GET / HTTP/1.1\r\n\r\n"].concat(), 40),
            ("GET / HTTP/1.1\r\nA:1\r\nB:2\r\nC:3\r\n\r\n".to_owned(), 26),
        ];
        let body_cases = [
            ("0".repeat(17) + "\r\n\r\n", 16),
            ("f".repeat(17) + "\r\n", 16),
            ("5;".to_owned() + &"x".repeat(60), 10),
            ("5;1234567\r\nhello\r\n0;\r\n\r\n".to_owned(), 20),
            ("5;123\r\nhello\r\n1;456\r\n!\r\n0;\r\n\r\n".to_owned(), 26),
            ("5".to_owned() + &" ".repeat(60), 10),
            (long("0\r\nA:", "\r\n\r\n"), 43),
            ("0\r\nA:1\r\nB:2\r\nC:3\r\n\r\n".to_owned(), 13),
        ];
        let mut total = 0;
        for (mut parser, harness, cases) in [
            (
                Box::new(machine::head_parser(limits)) as Box<pushdown::DynParser<'_, _>>,
                heads(limits),
                &head_cases[..],
            ),
            (Box::new(machine::body_parser(limits)), bodies(limits), &body_cases),
        ] {
            for (input, offset) in cases {
                parser.reset();
                let _ = parser.feed(input.as_bytes());
                let expected = pushdown::Error::new(ErrorKind::TooLong, *offset);
                assert_eq!(parser.error(), Some(&expected), "{input:?}");
                total += runs(&harness, input.as_bytes());
            }
        }
        println!("{} inputs, {total} runs", head_cases.len() + body_cases.len());
    }
}
