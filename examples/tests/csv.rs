//! The parsers of the example `csv`: published cases and documents, all short inputs, and bounds, in
//! every engine and at every cut.

#[path = "../csv/parsers.rs"]
mod parsers;

use std::env;
use std::fs;
use std::mem;
use std::ops::ControlFlow::Continue;
use std::path::Path;

use parsers::{Csv, Event};
use pushdown::{DynParser, Error, ErrorKind, Status};

const CHUNK_SIZES: [usize; 7] = [1, 2, 3, 7, 16, 64, 1460];
const UNBOUNDED: u64 = u64::MAX;

type Record = Vec<Vec<u8>>;

/// The records, and what follows the last one: fields and text that have no end, and the error.
#[derive(Clone, Debug, Default, PartialEq)]
struct Outcome {
    records: Vec<Record>,
    fields: Record,
    text: Vec<u8>,
    error: Option<Error>,
}

impl Outcome {
    fn record(&mut self, event: Event<'_>) {
        match event {
            Event::Text(text) => {
                assert!(!text.is_empty(), "an empty piece");
                return self.text.extend(text);
            }
            Event::Field | Event::Record => self.fields.push(mem::take(&mut self.text)),
        }
        if let Event::Record = event {
            self.records.push(mem::take(&mut self.fields));
        }
    }
}

/// The naive parser, which has all of the input.
fn naive(input: &[u8]) -> Outcome {
    let mut outcome = Outcome::default();
    let mut at = if input.starts_with("\u{feff}".as_bytes()) { 3 } else { 0 };
    let error = loop {
        while matches!(input.get(at), Some(b'\r' | b'\n')) {
            at += 1;
        }
        if at == input.len() {
            break None;
        }
        let end = loop {
            let quoted = input[at..].starts_with(b"\"");
            at += usize::from(quoted);
            while let Some(&byte) = input.get(at) {
                match byte {
                    b'"' if quoted && input.get(at + 1) == Some(&b'"') => at += 1,
                    b'"' if quoted => break,
                    b'"' | b',' | b'\r' | b'\n' if !quoted => break,
                    _ => {}
                }
                outcome.text.push(byte);
                at += 1;
            }
            if quoted && at == input.len() {
                break Some(ErrorKind::UnexpectedEnd);
            }
            at += usize::from(quoted);
            match input.get(at) {
                Some(b',') => outcome.record(Event::Field),
                Some(b'\r' | b'\n') | None => {
                    outcome.record(Event::Record);
                    break None;
                }
                Some(_) => break Some(ErrorKind::UnexpectedByte),
            }
            at += 1;
        };
        if end.is_some() {
            break end;
        }
    };
    outcome.error = error.map(|kind| Error::new(kind, at as u64));
    outcome
}

/// Feeds chunks and finishes. Checks the contract on the way.
fn parse(parser: &mut DynParser<'_, Csv>, chunks: &[&[u8]]) -> Outcome {
    let mut outcome = Outcome::default();
    let mut fed = 0;
    for chunk in chunks {
        let progress = parser.feed_dyn(chunk, &mut |event| {
            outcome.record(event);
            Continue(())
        });
        fed += progress.consumed as u64;
        assert_eq!(parser.offset(), fed);
        match progress.status {
            Status::NeedMoreInput => assert_eq!(progress.consumed, chunk.len()),
            Status::BadInput => break,
            Status::Success => panic!("a document ends with the input"),
        }
    }
    let finished = parser.finish_dyn(&mut |event| {
        outcome.record(event);
        Continue(())
    });
    outcome.error = finished.err();
    outcome
}

/// All parsers, kept from input to input.
struct Engines {
    all: [(&'static str, Box<DynParser<'static, Csv>>); 3],
    runs: u64,
}

impl Engines {
    fn new(longest: u64) -> Self {
        Self {
            all: [
                ("machine", Box::new(parsers::machine(longest))),
                ("coroutine", Box::new(parsers::coroutine(longest))),
                ("stackless", Box::new(parsers::stackless(longest))),
            ],
            runs: 0,
        }
    }

    fn check(&mut self, name: &str, expected: &Outcome, chunks: &[&[u8]]) {
        for (engine, parser) in &mut self.all {
            parser.reset();
            let outcome = parse(&mut **parser, chunks);
            let cuts: Vec<usize> = chunks.iter().map(|chunk| chunk.len()).collect();
            assert!(
                outcome == *expected,
                "csv, {engine}, {name}, chunks of {cuts:?}: {outcome:?} and not {expected:?}"
            );
            self.runs += 1;
        }
    }

    /// Every 2-way cut, single bytes with empty chunks between them, sizes, and random cuts.
    fn check_every_cut(
        &mut self,
        name: &str,
        expected: &Outcome,
        input: &[u8],
        random: &mut Random,
    ) {
        for cut in 0..=input.len() {
            let (first, second) = input.split_at(cut);
            self.check(name, expected, &[first, second]);
        }
        let bytes: Vec<&[u8]> = input.chunks(1).flat_map(|byte| [byte, &[]]).collect();
        self.check(name, expected, &bytes);
        self.check_sizes(name, expected, input, random);
    }

    fn check_sizes(&mut self, name: &str, expected: &Outcome, input: &[u8], random: &mut Random) {
        self.check(name, expected, &[input]);
        for size in CHUNK_SIZES {
            let chunks: Vec<&[u8]> = input.chunks(size).collect();
            self.check(name, expected, &chunks);
        }
        for longest in [4, 40, 4000] {
            let (mut chunks, mut rest) = (Vec::new(), input);
            while !rest.is_empty() {
                let (chunk, others) = rest.split_at(rest.len().min(random.below(longest) + 1));
                chunks.push(chunk);
                rest = others;
            }
            self.check(name, expected, &chunks);
        }
    }
}

/// Xorshift: G. Marsaglia, "Xorshift RNGs", Journal of Statistical Software 8, 2003.
struct Random(u64);

impl Random {
    /// Prints its seed, which `CSV_SEED` in the environment sets.
    fn new() -> Self {
        let seed = env::var("CSV_SEED")
            .map_or(0x9e37_79b9_7f4a_7c15, |seed| seed.parse().expect("CSV_SEED is a number"));
        println!("CSV_SEED={seed}");
        Self(seed.max(1))
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % limit
    }
}

fn read(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/csv").join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The columns of each line of a table.
fn table(name: &str) -> Vec<Vec<String>> {
    let text = String::from_utf8(read(name)).unwrap();
    let lines: Vec<_> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split('\t').map(str::to_owned).collect())
        .collect();
    assert!(!lines.is_empty(), "no case in {name}");
    lines
}

fn hex(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2).filter(|pair| *pair != b"-");
    pairs.map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn records(column: &str) -> Vec<Record> {
    let records = column.split(';').filter(|record| *record != "(none)");
    records.map(|record| record.split(',').map(hex).collect()).collect()
}

#[test]
fn published_cases_are_read_as_expected_at_every_cut() {
    let (mut engines, mut random) = (Engines::new(UNBOUNDED), Random::new());
    let cases = table("cases.tsv");
    let mut verdicts = [0; 3];
    for case in &cases {
        let [name, verdict, _, input, expected] = &case[..] else { panic!("columns: {case:?}") };
        let input = hex(input);
        let outcome = naive(&input);
        // The RFC leaves the third kind open. The first lines of `parsers.rs` say what we decided.
        let (index, error) = match (verdict.as_str(), name.as_str()) {
            ("ok", _) => (0, None),
            ("error", "edge/only-quote" | "edge/three-quotes") => {
                (1, Some(ErrorKind::UnexpectedEnd))
            }
            ("error", _) => (1, Some(ErrorKind::UnexpectedByte)),
            ("either", "edge/crlf-only" | "edge/cr-only") => (2, None),
            ("either", "csv-spectrum/location_coordinates") => (2, Some(ErrorKind::UnexpectedByte)),
            _ => panic!("{name}: verdict {verdict}"),
        };
        verdicts[index] += 1;
        assert_eq!(outcome.error.map(|error| error.kind), error, "{name}");
        match name.as_str() {
            "edge/crlf-only" => assert_eq!(outcome.records, [] as [Record; 0]),
            _ if error.is_none() => assert_eq!(outcome.records, records(expected), "{name}"),
            _ => {}
        }
        engines.check_every_cut(name, &outcome, &input, &mut random);
    }
    println!("{} cases ([ok, error, either]: {verdicts:?}) in {} runs", cases.len(), engines.runs);
    assert!(verdicts.iter().all(|count| *count > 0), "{verdicts:?}");
}

#[test]
fn published_documents_have_the_expected_fields() {
    let (mut engines, mut random) = (Engines::new(UNBOUNDED), Random::new());
    let documents = table("docs-expected.tsv");
    for document in &documents {
        let [name, bytes, numbers @ .., _flags, sum, _sha256] = &document[..] else {
            panic!("columns: {document:?}")
        };
        let input = read(&format!("docs/{name}"));
        let outcome = naive(&input);
        let fields = outcome.records.iter().map(Vec::len).sum();
        let text = outcome.records.iter().flatten().map(Vec::len).sum();
        let found = [outcome.records.len(), fields, text].map(|number| number.to_string());
        assert_eq!((input.len().to_string(), &found[..]), (bytes.clone(), numbers), "{name}");
        assert_eq!(format!("{:016x}", fnv1a(&outcome.records)), *sum, "{name}");
        engines.check_sizes(name, &outcome, &input, &mut random);
    }
    println!("{} documents in {} runs", documents.len(), engines.runs);
}

/// FNV-1a with 64 bits, over the fields in the form that the data's README describes.
fn fnv1a(records: &[Record]) -> u64 {
    let mut sum = 0xcbf2_9ce4_8422_2325;
    let mut add = |bytes: &[u8]| {
        for byte in bytes {
            sum = (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    for record in records {
        for field in record {
            add(format!("{}:", field.len()).as_bytes());
            add(field);
            add(b"\n");
        }
        add(b";\n");
    }
    sum
}

#[test]
fn all_short_inputs_are_read_as_the_naive_parser_reads_them() {
    const ALPHABET: [u8; 8] = *b",\"\r\na\xef\xbb\xbf";
    let mut engines = Engines::new(UNBOUNDED);
    let mut inputs = 0;
    for len in 0..=5 {
        for number in 0..ALPHABET.len().pow(len) {
            let digit = |index| number / ALPHABET.len().pow(index) % ALPHABET.len();
            let input: Vec<u8> = (0..len).map(|index| ALPHABET[digit(index)]).collect();
            let expected = naive(&input);
            let name = input.escape_ascii().to_string();
            for cut in 0..input.len().max(1) {
                let (first, second) = input.split_at(cut);
                engines.check(&name, &expected, &[first, second]);
            }
            let bytes: Vec<&[u8]> = input.chunks(1).collect();
            engines.check(&name, &expected, &bytes);
            inputs += 1;
        }
    }
    println!("{inputs} inputs in {} runs", engines.runs);
    assert_eq!(inputs, 37_449);
}

/// Input of hostile peers, a bound, and the offset at which the record is too long, if it is.
const HOSTILE: [(&str, &[u8], u64, Option<u64>); 12] = [
    ("text without end", b"aaaaaaaaaaaaaaaaaaaaaaaa", 16, Some(16)),
    ("quoted text without end", b"\"aaaaaaaaaaaaaaaaaaaaaaaa", 16, Some(16)),
    ("quotes without end", b"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"", 16, Some(16)),
    ("fields without end", b",,,,,,,,,,,,,,,,,,,,,,,", 16, Some(16)),
    ("a later record", b"a,b\r\nc\n\ndddddddddddddddddddd", 16, Some(24)),
    ("a line end within the bound", b"aaa\nbbb\r\nccc", 4, None),
    ("a line end beyond the bound", b"aaa\nbbbb\r\n", 4, Some(8)),
    ("the end of the input at the bound", b"aaa\nbbbb", 4, Some(8)),
    ("a closing quote at the bound", b"\"aa\",b", 4, Some(4)),
    ("a field that begins at the bound", b"aaa,\"b\"", 4, Some(4)),
    ("blank lines are not bounded", b"\n\r\n\n\n\n\n\na\r\r\r\r\r\r\r\r\rb\n", 4, None),
    ("text that begins like a byte order mark", b"\xef\xbbaaaaaaaa\n", 4, Some(6)),
];

#[test]
fn a_record_that_is_too_long_ends_at_one_offset_at_every_cut() {
    let mut random = Random::new();
    let mut runs = 0;
    for (name, input, longest, too_long) in HOSTILE {
        let mut engines = Engines::new(longest);
        // The events of the prefix, and the error instead of its end.
        let whole = parse(&mut *engines.all[0].1, &[input]);
        let error = too_long.map(|offset| Error::new(ErrorKind::TooLong, offset));
        assert_eq!(whole.error, error, "{name}");
        let reported = whole.records.iter().flatten().chain(&whole.fields).map(Vec::len);
        assert!(reported.sum::<usize>() + whole.text.len() <= input.len(), "{name}");
        engines.check_every_cut(name, &whole, input, &mut random);
        runs += engines.runs;
    }
    println!("{} inputs in {runs} runs", HOSTILE.len());
}

#[test]
fn a_megabyte_without_a_line_end_reaches_the_sink_up_to_the_bound() {
    let input = vec![b'a'; 1 << 20];
    for quote in [&b""[..], b"\""] {
        for chunk_size in [1460, input.len()] {
            for (engine, parser) in &mut Engines::new(1000).all {
                let mut chunks = vec![quote];
                chunks.extend(input.chunks(chunk_size));
                let outcome = parse(&mut **parser, &chunks);
                assert_eq!(outcome.error, Some(Error::new(ErrorKind::TooLong, 1000)), "{engine}");
                assert_eq!(outcome.text.len(), 1000 - quote.len(), "{engine}");
            }
        }
    }
}

#[test]
#[cfg(feature = "testing")]
fn the_parsers_keep_every_law() {
    use pushdown::testing::{Harness, Log};

    let record = |log: &mut Log, event: Event<'_>| match event {
        Event::Text(text) => log.text(text),
        Event::Field => log.event("field"),
        Event::Record => log.event("record"),
    };
    let check = |name: &str, input: &[u8], longest| {
        let harness = Harness::new(record)
            .with_work("machine", move || parsers::machine(longest))
            .with_work("coroutine", move || parsers::coroutine(longest))
            .with_work("stackless", move || parsers::stackless(longest));
        match harness.check(input) {
            Ok(report) => report.parsers.iter().map(|parser| parser.runs).sum::<u64>(),
            Err(violation) => panic!("{name}: {violation}"),
        }
    };
    let cases = table("cases.tsv");
    let mut runs = 0;
    for case in &cases {
        runs += check(&case[0], &hex(&case[3]), UNBOUNDED);
    }
    for (name, input, longest, _) in HOSTILE {
        runs += check(name, input, longest);
    }
    for input in
        [&b"\xef\xbb\xbfa,b"[..], b"\xef\xbb", b"\xef\xbb\"", b"\xef,\xbb\xbf\r\n\"\xef\xbb\xbf\""]
    {
        runs += check("byte order mark", input, UNBOUNDED);
    }
    let document = read("docs/gtfs-mbta-stop-times.csv");
    runs += check("the head of a document", &document[..600], UNBOUNDED);
    println!("{} inputs in {runs} runs", cases.len() + HOSTILE.len() + 5);
}
