//! Strings of three published formats, in every engine and at every cut: which are accepted, and
//! the documented differences. The data and its licences are in `tests/data/strings`.

use std::path::Path;
use std::{fs, iter};

use pushdown::Status;

use crate::common::{Answer, Engine, cuttings, oracle};

#[test]
fn rfc_9110_differs_only_in_control_characters() {
    let [mut same, mut more] = [0; 2];
    for (case, answer) in cases("rfc9110-quoted-string.tsv") {
        let allowed = |&byte: &u8| byte == b'\t' || (byte >= b' ' && byte != 0x7f);
        let accepted = answer.finished.is_ok() && answer.text.iter().all(allowed);
        assert_eq!(accepted, case.verdict == "accept", "{case:?}");
        if accepted {
            assert_eq!(answer.text, bytes(&case.content), "{}", case.id);
            assert_eq!(Some(answer.consumed), case.consumed, "{}", case.id);
            same += 1;
        } else if case.verdict == "incomplete" {
            assert_eq!(answer.status, Status::NeedMoreInput, "{}", case.id);
        } else {
            more += usize::from(answer.finished.is_ok());
        }
    }
    println!("{same} strings of RFC 9110, {more} more accepted");
    assert!(same > 0 && more > 0);
}

#[test]
fn structured_fields_differ_only_in_unprintable_bytes_and_needless_escapes() {
    let [mut same, mut more] = [0; 2];
    for (case, answer) in cases("sf-string.tsv") {
        let printable = answer.text.iter().all(|byte| matches!(byte, b' '..=b'~'));
        let needed = escaped(&case.input).all(|byte| matches!(byte, b'"' | b'\\'));
        let whole = answer.finished.is_ok() && answer.consumed == case.input.len();
        let accepted = whole && printable && needed;
        assert_eq!(accepted, case.verdict == "accept", "{case:?}");
        if accepted {
            assert_eq!(answer.text, bytes(&case.content), "{}", case.id);
            same += 1;
        } else {
            more += usize::from(answer.finished.is_ok());
        }
    }
    println!("{same} strings of Structured Fields, {more} more accepted");
    assert!(same > 0 && more > 0);
}

#[test]
fn a_json_string_differs_only_in_the_meaning_of_escapes() {
    let [mut same, mut other] = [0; 2];
    for (case, answer) in cases("json-string.tsv") {
        if case.verdict == "reject" || !case.input.starts_with(b"\"") {
            continue;
        }
        assert_eq!(answer.status, Status::Success, "{case:?}");
        assert_eq!(answer.consumed, case.input.len(), "{case:?}");
        let literal = escaped(&case.input).all(|byte| matches!(byte, b'"' | b'\\' | b'/'));
        assert_eq!(answer.text == bytes(&case.content), literal, "{case:?}");
        same += usize::from(literal);
        other += usize::from(!literal);
    }
    println!("{same} strings of JSON, {other} more with escapes that JSON decodes");
    assert!(same > 0 && other > 0);
}

/// A line of a data file.
#[derive(Debug)]
struct Case {
    id: String,
    verdict: String,
    input: Vec<u8>,
    content: String,
    consumed: Option<usize>,
}

/// Returns the cases of a file with the oracle's answer. All engines give the same at every cut.
fn cases(file: &str) -> impl Iterator<Item = (Case, Answer)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/strings").join(file);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    let cases: Vec<_> = text.lines().skip(1).map(case).collect();
    let mut engines = Engine::all();
    cases.into_iter().map(move |case| {
        let answer = oracle(&case.input);
        for chunks in cuttings(&case.input) {
            Engine::check_all(&mut engines, &chunks, &answer);
        }
        (case, answer)
    })
}

fn case(line: &str) -> Case {
    let mut columns = line.split('\t').map(String::from);
    let mut column = || columns.next().unwrap_or_default();
    Case {
        id: column(),
        verdict: column(),
        input: bytes(&column()),
        content: column(),
        consumed: column().parse().ok(),
    }
}

/// Decodes a column of hexadecimal digits. Content in JSON is marked as a string; `""` and `-` mean
/// no bytes.
fn bytes(column: &str) -> Vec<u8> {
    let digits = column.trim_start_matches("s:").trim_matches(['"', '-']);
    let pairs = digits.as_bytes().chunks(2).map(|pair| str::from_utf8(pair).unwrap());
    let bytes = pairs.map(|pair| u8::from_str_radix(pair, 16));
    bytes.collect::<Result<_, _>>().unwrap_or_else(|error| panic!("{column}: {error}"))
}

/// Returns the bytes that follow a backslash.
fn escaped(input: &[u8]) -> impl Iterator<Item = u8> {
    let mut bytes = input.iter().copied();
    iter::from_fn(move || {
        bytes.find(|&byte| byte == b'\\')?;
        bytes.next()
    })
}
