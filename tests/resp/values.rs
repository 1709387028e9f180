//! Owned values: made of the events that the oracle has, within their limits, and written again.

use core::fmt::Debug;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestRunner};
use pushdown::resp::{Attributed, Blob, Null, Options, Requests, Value, Values};
use pushdown::testing::{self, Harness};
use pushdown::{Error, ErrorKind, PushParser, Status};

use crate::cases;
use crate::common::log::Log;
use crate::common::tree::Tree;
use crate::common::{Rules, oracle};
use crate::conformance::transcripts;
use crate::cuttings::{cuttings, pairs, random};

/// The output, the number of bytes consumed, and the answer of `finish`.
type Outcome<T> = (Option<T>, u64, Result<(), Error>);

/// Feeds an input that is cut at these offsets.
pub(crate) fn run<P: PushParser>(
    parser: &mut P,
    cuts: &[usize],
    input: &[u8],
) -> Outcome<P::Output> {
    parser.reset();
    let mut start = 0;
    for end in cuts.iter().copied().chain([input.len()]) {
        let _ = parser.feed(&input[start..end]);
        start = end;
    }
    let finished = parser.finish();
    (parser.take_output(), parser.offset(), finished)
}

/// Feeds values that follow one another, and returns all of them.
pub(crate) fn run_all<P: PushParser<Output: Debug>>(
    parser: &mut P,
    cuts: &[usize],
    input: &[u8],
) -> Vec<P::Output> {
    let mut outputs = Vec::new();
    let mut start = 0;
    parser.reset();
    for end in cuts.iter().copied().chain([input.len()]) {
        let mut chunk = &input[start..end];
        start = end;
        while !chunk.is_empty() {
            let progress = parser.feed(chunk);
            chunk = &chunk[progress.consumed..];
            assert_eq!(parser.error(), None);
            if progress.status == Status::Success {
                outputs.push(parser.take_output().expect("an output"));
                parser.next_value();
            }
        }
    }
    assert!(!parser.has_begun());
    outputs
}

#[test]
fn the_value_of_a_case_is_that_of_its_events_for_any_two_cuts() {
    let (mut values, mut runs) = (0, 0);
    // Memory has a limit of its own, which the longest strings are beyond.
    for case in cases::all().iter().filter(|case| case.rules.bulk < u64::MAX) {
        let rules = Rules { extent: Rules::DEFAULT.extent, ..case.rules };
        let answer = oracle(&case.input, rules);
        let mut tree = Tree::default();
        answer.events.report_since(&Log::default(), |event| tree.see(event));
        let value = answer.finished.is_ok().then(|| tree.values().pop().expect("a value"));
        values += usize::from(value.is_some());
        let expected = (value, answer.consumed as u64, answer.finished);
        let mut parser = Values::with_options(rules.options()).max_memory(u64::MAX);
        for cuts in pairs(case.input.len()) {
            assert_eq!(run(&mut parser, &cuts, &case.input), expected, "{} at {cuts:?}", case.name);
            runs += 1;
        }
    }
    println!("{values} values, {runs} runs");
    assert!(values > 50 && runs > 10_000);
}

#[test]
fn the_values_of_every_transcript_are_those_of_its_events_and_are_written_as_they_were() {
    let mut written = 0;
    for (file, input) in transcripts() {
        let mut tree = Tree::default();
        let mut rest = &input[..];
        while !rest.is_empty() {
            let answer = oracle(rest, Rules::DEFAULT);
            answer.events.report_since(&Log::default(), |event| tree.see(event));
            rest = &rest[answer.consumed..];
        }
        let expected = tree.values();
        let mut parser = Values::new();
        for cuts in cuttings(input.len()) {
            assert!(run_all(&mut parser, &cuts, &input) == expected, "{file}");
        }
        // Lengths that were streamed are counted when they are written.
        let mut encoded = Vec::new();
        for value in &expected {
            value.encode(&mut encoded);
        }
        if file != "synthetic-resp3.resp" {
            assert!(encoded == input, "{file}");
            written += 1;
        }
        assert!(run_all(&mut parser, &[], &encoded) == expected, "{file}");
    }
    assert_eq!(written, 11);
}

#[test]
fn values_and_requests_keep_every_law() {
    let harness =
        Harness::new(testing::no_events).with_work("values", || Values::new().max_memory(400));
    let mut inputs = 0;
    for case in cases::all().iter().filter(|case| case.input.len() <= 32) {
        let report = harness.check(&case.input);
        report.unwrap_or_else(|violation| panic!("{}: {violation}", case.name));
        inputs += 1;
    }
    let options = Options::new().max_line(9).max_bulk(5).max_elements(3);
    let harness = Harness::new(testing::no_events)
        .with_work("requests", || Requests::with_options(options).max_memory(100));
    for input in crate::requests::INPUTS {
        harness.check(input).unwrap();
        inputs += 1;
    }
    println!("{inputs} inputs");
}

#[test]
fn a_value_that_takes_more_memory_than_it_may_is_blamed_where_that_is_known() {
    // Room for four values, and 20 bytes of text.
    assert_eq!(size_of::<Value>(), 32);
    let memory = 4 * 32 + 20;
    for (input, at) in [
        (&b"$116\r\n"[..], None),
        (b"$117\r\n", Some(3)),
        (b"*3\r\n$84\r\n", None),
        (b"*3\r\n$85\r\n", Some(4 + 2)),
        (b"*4\r\n", Some(1)),
        (b"*10\r\n", Some(2)),
        (b"%1\r\n*0\r\n+a\r\n", None),
        (b"%1\r\n*1\r\n:1\r\n+12345678901234567890\r\n", None),
        (b"%1\r\n*1\r\n:1\r\n+123456789012345678901\r\n", Some(13 + 20)),
        (b"%1\r\n*2\r\n", None),
        (b"%1\r\n*3\r\n", Some(4 + 1)),
        (b"%2\r\n", Some(1)),
        (b"*?\r\n_\r\n_\r\n_\r\n.\r\n", None),
        (b"*?\r\n_\r\n_\r\n_\r\n_\r\n", Some(13)),
        (b"*?\r\n_\r\n_\r\n_\r\n*\r\n", Some(13)),
        (b"*?\r\n$10\r\n0123456789\r\n$?\r\n;43\r\n", Some(27)),
        (b":1234567\r\n", None),
    ] {
        let mut parser = Values::new().max_memory(memory);
        let expected = at.map(|at| Error::new(ErrorKind::TooLong, at as u64));
        for cuts in pairs(input.len()) {
            parser.reset();
            for range in [0..cuts[0], cuts[0]..cuts[1], cuts[1]..input.len()] {
                let _ = parser.feed(&input[range]);
            }
            let shown = input.escape_ascii();
            assert_eq!(parser.error().copied(), expected, "{shown} cut at {cuts:?}");
        }
    }
}

#[test]
fn lengths_that_are_declared_allocate_no_more_than_64_kib() {
    let many = |line: &str, times| line.repeat(times).into_bytes();
    let ahead = 64 << 10;
    for (input, most) in [
        (b"$536870912\r\n".to_vec(), 0),
        (b"*2147483648\r\n".to_vec(), ahead),
        (b"%2147483648\r\n".to_vec(), ahead),
        (b"*?\r\n".to_vec(), 256),
        (b"=536870912\r\ntxt:".to_vec(), 0),
        (b"$?\r\n;536870912\r\n".to_vec(), 0),
        (many("*2147483648\r\n", 128), ahead + (16 << 10)),
        (many("*2147483648\r\n:1\r\n", 128), ahead + (32 << 10)),
        (b"*3\r\n$536870912\r\nabc".to_vec(), 512),
        (b"+".iter().copied().cycle().take(60_000).collect(), 130_000),
    ] {
        let measured = allocation_counter::measure(|| {
            let mut parser = Values::new().max_memory(u64::MAX);
            assert_eq!(parser.feed(&input).status, Status::NeedMoreInput);
        });
        let shown = input[..input.len().min(40)].escape_ascii();
        assert!(measured.bytes_max <= most, "{} bytes for {shown}", measured.bytes_max);
    }
    for input in
        [&b"*1048576\r\n"[..], b"*1\r\n$536870912\r\n", b"*3\r\n$3\r\nSET\r\n$536870912\r\nabc"]
    {
        let measured = allocation_counter::measure(|| {
            assert_eq!(Requests::new().feed(input).status, Status::NeedMoreInput);
        });
        assert!(measured.bytes_max <= 128, "{} bytes", measured.bytes_max);
    }
}

#[test]
fn the_vectors_of_a_value_have_no_room_left() {
    let mut lists = 0;
    for count in [0, 1, 3, 5, 1_023, 1_024, 1_025, 5_000] {
        let elements = ":1\r\n".repeat(2 * count);
        for (start, end) in [
            (format!("*{}\r\n", 2 * count), ""),
            (format!("%{count}\r\n"), ""),
            ("~?\r\n".into(), ".\r\n"),
        ] {
            let input = format!("*2\r\n{start}{elements}{end}{start}{elements}{end}");
            let (value, ..) = run(&mut Values::new(), &[], input.as_bytes());
            let Some(Value::Array(values)) = value else { panic!("{value:?}") };
            assert_eq!(values.capacity(), 2);
            for value in &values {
                let (len, capacity) = match value {
                    Value::Array(list) | Value::Set(list) => (list.len(), list.capacity()),
                    Value::Map(pairs) => (2 * pairs.len(), 2 * pairs.capacity()),
                    _ => panic!("{value:?}"),
                };
                assert_eq!((len, capacity), (2 * count, 2 * count), "{start}");
                lists += 1;
            }
        }
    }
    assert_eq!(lists, 8 * 3 * 2);
}

#[test]
fn a_large_value_leaves_no_memory_behind() {
    let mut input = Vec::new();
    Value::Array(vec![Value::Integer(1); 1_000_000]).encode(&mut input);
    let mut parser = Values::new();
    let measured = allocation_counter::measure(|| {
        drop(run_all(&mut parser, &[], &input));
    });
    println!("{} bytes left", measured.bytes_current);
    assert!((0..=512 << 10).contains(&measured.bytes_current), "{}", measured.bytes_current);
}

#[test]
fn what_is_written_is_read_as_the_same_value_for_any_cutting() {
    let mut config = Config::with_cases(300);
    config.failure_persistence = None;
    let cases = (value(), vec(any::<Index>(), 0..12));
    let result = TestRunner::new(config).run(&cases, |(value, cuts)| {
        let mut input = Vec::new();
        value.encode(&mut input);
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(input.len() + 1)).collect();
        cuts.sort_unstable();
        let single: Vec<_> = (1..input.len()).collect();
        let mut parser = Values::new();
        for cuts in [&[], &cuts[..], &single, &random(input.len(), 1)] {
            let (read, offset, finished) = run(&mut parser, cuts, &input);
            assert_eq!((offset, finished), (input.len() as u64, Ok(())), "{value:?}");
            assert_eq!(read.as_ref(), Some(&value));
        }
        Ok(())
    });
    result.unwrap();
}

#[test]
fn a_line_end_in_a_text_does_not_end_its_line() {
    for (value, written) in [
        (Value::Simple("a\r\n+b".into()), "+a  +b\r\n"),
        (Value::Error("\n".into()), "- \r\n"),
        (Value::Double("1\r\n:1".into()), ",1  :1\r\n"),
        (Value::BigNumber("\r".into()), "( \r\n"),
    ] {
        let mut buffer = Vec::new();
        value.encode(&mut buffer);
        assert_eq!(buffer.escape_ascii().to_string(), written.escape_default().to_string());
    }
}

#[test]
fn integers_of_every_length_are_written() {
    for integer in
        (0..63).flat_map(|bits| [1_i64 << bits, -(1 << bits)]).chain([0, i64::MIN, i64::MAX])
    {
        let mut buffer = Vec::new();
        Value::Integer(integer).encode(&mut buffer);
        assert_eq!(buffer, format!(":{integer}\r\n").into_bytes());
    }
}

/// Generates a value that is outermost.
pub(crate) fn value() -> impl Strategy<Value = Value> {
    let inner = inner_value();
    let push = vec(inner_value(), 0..6).prop_map(Value::Push);
    prop_oneof![4 => inner, 1 => push]
}

fn inner_value() -> impl Strategy<Value = Value> {
    let line = "[^\r\n]{0,40}".prop_map(Blob::from);
    let content = vec(any::<u8>(), 0..60).prop_map(Blob::from);
    let double = prop_oneof![
        "[+-]?[0-9]{1,20}(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?".prop_map(Blob::from),
        select(&["inf", "-inf", "nan", "-nan(0x1)"][..]).prop_map(Blob::from),
    ];
    let scalar = prop_oneof![
        line.clone().prop_map(Value::Simple),
        line.prop_map(Value::Error),
        any::<i64>().prop_map(Value::Integer),
        content.clone().prop_map(Value::Bulk),
        select(&[Null::Resp3, Null::Bulk, Null::Array][..]).prop_map(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        double.prop_map(Value::Double),
        "[+-]?[0-9]{1,50}".prop_map(|text| Value::BigNumber(text.into())),
        content.clone().prop_map(Value::BlobError),
        (any::<[u8; 3]>(), content).prop_map(|(format, text)| Value::Verbatim { format, text }),
    ];
    scalar.prop_recursive(5, 100, 6, |value| {
        let pairs = vec((value.clone(), value.clone()), 0..6);
        prop_oneof![
            vec(value.clone(), 0..6).prop_map(Value::Array),
            vec(value.clone(), 0..6).prop_map(Value::Set),
            pairs.clone().prop_map(Value::Map),
            (pairs, value).prop_map(|(attributes, value)| {
                Value::Attributed(Box::new(Attributed { attributes, value }))
            }),
        ]
    })
}

#[test]
fn an_error_is_one_behind_attributes_too() {
    let mut parser = Values::new();
    let is_error = |value: &Value| value.is_error();
    for (input, expected) in [
        (&b"-ERR\r\n"[..], true),
        (b"!3\r\nERR\r\n", true),
        (b"+ERR\r\n", false),
        (b"|1\r\n+a\r\n:1\r\n-ERR\r\n", true),
        (b"|1\r\n+a\r\n-ERR\r\n:1\r\n", false),
        (b"*1\r\n-ERR\r\n", false),
    ] {
        let (value, ..) = run(&mut parser, &[], input);
        assert_eq!(value.as_ref().map(is_error), Some(expected), "{}", input.escape_ascii());
    }
}

#[test]
fn blobs_are_ordered_as_their_bytes_are() {
    let texts = [&b""[..], b"\0", b"a", b"ab", b"b", b"\xff", &[b'x'; 100]];
    for one in texts {
        for other in texts {
            let (left, right) = (Blob::from(one), Blob::from(other));
            assert_eq!(left.partial_cmp(&right), Some(one.cmp(other)));
            assert_eq!(left.cmp(&right), one.cmp(other));
        }
    }
}
