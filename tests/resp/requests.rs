//! Requests: arrays of bulk strings, and inline commands, which a plain reader of the whole line splits as well.

use pushdown::resp::{Options, Request, Requests};
use pushdown::{Error, ErrorKind};

use crate::conformance::transcripts;
use crate::cuttings::{cuttings, pairs};
use crate::values::{run, run_all};

/// Requests and what is none, for the harness.
pub(crate) const INPUTS: &[&[u8]] = &[
    b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n*",
    b"*0\r\n",
    b"*-1\r\n",
    b"*1\r\n$0\r\n\r\n",
    b"*1\r\n$1\r\nab\r\n",
    b"*4\r\n",
    b"*1\r\n$6\r\n",
    b"*?\r\n",
    b"get k\r\n",
    b"\r\n",
    b"set \"\\x4\" x\n",
    b"'a\\'b' c\r\n",
    b"\"a\"b\n",
    b"123456789\r\n",
    b"1234567890\r\n",
    b"12345678 \r\n",
    b"123456789\r\r\n",
    b"\"\xc3\xa9\"\n",
];

#[test]
fn arrays_are_read_for_any_two_cuts() {
    for (input, expected) in [
        (&b"*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n*"[..], Ok((&["GET", "key"][..], 22))),
        (b"*1\r\n$4\r\nPING\r\n", Ok((&["PING"], 14))),
        (b"*2\r\n$0\r\n\r\n$2\r\n\r\n\r\n", Ok((&["", "\r\n"], 18))),
        (b"*0\r\n", Ok((&[], 4))),
        (b"*-1\r\n", Ok((&[], 5))),
        (b"*1\r\n:1\r\n", Err((ErrorKind::UnexpectedByte, 4))),
        (b"*1\r\n$-1\r\n", Err((ErrorKind::UnexpectedByte, 5))),
        (b"*?\r\n", Err((ErrorKind::UnexpectedByte, 1))),
        (b"*1\r\n$?\r\n", Err((ErrorKind::UnexpectedByte, 5))),
        (b"*1\n", Err((ErrorKind::UnexpectedByte, 2))),
        (b"*1\r\n$1\r\nab\n", Err((ErrorKind::UnexpectedByte, 9))),
        (b"*1\r\n$1\r\na\rb", Err((ErrorKind::UnexpectedByte, 10))),
        (b"*1\r\n$1\r\na", Err((ErrorKind::UnexpectedEnd, 9))),
        (b"*1\r\n$536870913\r\n", Err((ErrorKind::TooLong, 13))),
        (b"", Err((ErrorKind::UnexpectedEnd, 0))),
    ] {
        check(&mut Requests::new(), input, expected);
    }
}

#[test]
fn limits_are_kept() {
    let options = Options::new().max_line(9).max_bulk(5).max_elements(2);
    let mut parser = Requests::with_options(options);
    for (input, expected) in [
        (&b"*2\r\n$5\r\nabcde\r\n$0\r\n\r\n"[..], Ok((&["abcde", ""][..], 21))),
        (b"*3\r\n", Err((ErrorKind::TooLong, 1))),
        (b"*1\r\n$6\r\n", Err((ErrorKind::TooLong, 5))),
        (b"get a b c\r\n", Ok((&["get", "a", "b", "c"], 11))),
        (b"get a b c\n", Ok((&["get", "a", "b", "c"], 10))),
        (b"get a b cd\n", Err((ErrorKind::TooLong, 9))),
        (b"get a b c \n", Err((ErrorKind::TooLong, 9))),
        (b"get a b c\rd", Err((ErrorKind::UnexpectedByte, 10))),
        (b"get 'abcde", Err((ErrorKind::TooLong, 9))),
        (b"get 'abcd\r\n", Err((ErrorKind::TooLong, 9))),
    ] {
        check(&mut parser, input, expected);
    }
    // Two arguments, and 9 bytes.
    let mut parser = Requests::new().max_memory(2 * size_of::<pushdown::resp::Blob>() as u64 + 9);
    for (input, expected) in [
        (&b"*2\r\n$5\r\nabcde\r\n$4\r\nfghi\r\n"[..], Ok((&["abcde", "fghi"][..], 25))),
        (b"*3\r\n", Err((ErrorKind::TooLong, 1))),
        (b"*2\r\n$5\r\nabcde\r\n$5\r\n", Err((ErrorKind::TooLong, 16))),
    ] {
        check(&mut parser, input, expected);
    }
}

#[test]
fn inline_commands_are_split_as_a_server_splits_them() {
    for (input, expected) in [
        (&b"PING\r\n"[..], Ok((&["PING"][..], 6))),
        (b"PING\n", Ok((&["PING"], 5))),
        (b"  set\tkey  a\x0bb \x0c\r\n*", Ok((&["set", "key", "a\x0bb"], 18))),
        (b"\r\n", Ok((&[], 2))),
        (b" \r\r \n", Ok((&[], 5))),
        (b"a\rb\n", Ok((&["a", "b"], 4))),
        (b"\"\" ''\n", Ok((&["", ""], 6))),
        (
            br#""\n\r\t\b\a\"\\\q" x
"#,
            Ok((&["\n\r\t\x08\x07\"\\q", "x"], 21)),
        ),
        (b"\"\\x41\\x4a\\x4J\\x\\xg\\x4\"\n", Ok((&["AJx4Jxxgx4"], 23))),
        (b"'\\n\\'\\\\a' \"it's\" 'say \"hi\"'\n", Ok((&["\\n'\\\\a", "it's", "say \"hi\""], 28))),
        (b"a\"b c\"\n", Ok((&["ab c"], 7))),
        (b"a'b' c\n", Ok((&["ab", "c"], 7))),
        (b"\"a\rb\"\n", Ok((&["a\rb"], 6))),
        (b"\"a\"b\n", Err((ErrorKind::UnexpectedByte, 3))),
        (b"'a''b'\n", Err((ErrorKind::UnexpectedByte, 3))),
        (b"\"a\n", Err((ErrorKind::UnexpectedByte, 2))),
        (b"'a\r\n", Err((ErrorKind::UnexpectedByte, 3))),
        (b"\"a\\\n", Err((ErrorKind::UnexpectedByte, 3))),
        (b"\"\\x4\n", Err((ErrorKind::UnexpectedByte, 4))),
        (b"a\0b\n", Err((ErrorKind::UnexpectedByte, 1))),
        (b"'\0'\n", Err((ErrorKind::UnexpectedByte, 1))),
        (b"PING", Err((ErrorKind::UnexpectedEnd, 4))),
    ] {
        check(&mut Requests::new(), input, expected);
    }
}

/// The arguments and the number of bytes consumed, or the error.
type Expected<'a> = Result<(&'a [&'a str], usize), (ErrorKind, usize)>;

fn check(parser: &mut Requests, input: &[u8], expected: Expected<'_>) {
    let expected = match expected {
        Ok((args, len)) => (Some(Request::from_iter(args.iter().copied())), len as u64, Ok(())),
        Err((kind, at)) => (None, at as u64, Err(Error::new(kind, at as u64))),
    };
    for cuts in pairs(input.len()) {
        let about = format!("{} cut at {cuts:?}", input.escape_ascii());
        assert_eq!(run(parser, &cuts, input), expected, "{about}");
    }
}

#[test]
fn every_short_line_is_split_as_a_reader_of_the_whole_splits_it() {
    let alphabet = b"a\"'\\x4 \r\0";
    let (mut lines, mut refused) = (0, 0);
    let mut parser = Requests::new();
    for len in 0..=5 {
        for number in 0..alphabet.len().pow(len) {
            let letters = (0..len).map(|at| number / alphabet.len().pow(at));
            let mut line: Vec<_> = letters.map(|digit| alphabet[digit % alphabet.len()]).collect();
            line.push(b'\n');
            let expected = match split(&line) {
                Ok(args) => (Some(Request::from_iter(args)), line.len() as u64, Ok(())),
                Err(at) => {
                    refused += 1;
                    (None, at as u64, Err(Error::new(ErrorKind::UnexpectedByte, at as u64)))
                }
            };
            let single: Vec<_> = (1..line.len()).collect();
            for cuts in [&[], &single[..]] {
                assert_eq!(run(&mut parser, cuts, &line), expected, "{}", line.escape_ascii());
            }
            lines += 1;
        }
    }
    println!("{lines} lines, {refused} refused");
    assert!(lines > 60_000 && refused > 10_000);
}

/// Splits a line that ends with a line feed; or returns the place of the byte that is wrong.
fn split(line: &[u8]) -> Result<Vec<Vec<u8>>, usize> {
    let end = line.len() - 1;
    let at = |index: usize| line.get(index).copied().unwrap_or(b'\n');
    let is_space = |byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t' | 0x0b | 0x0c);
    let digit = |index| char::from(at(index)).to_digit(16).map(|digit| digit as u8);
    let mut args = Vec::new();
    let mut here = 0;
    // As a zero byte is wrong wherever it is, whatever is read of it here lies behind it.
    let zero = line.iter().position(|byte| *byte == 0);
    let earlier = |wrong: usize| zero.map_or(wrong, |zero| zero.min(wrong));
    loop {
        while here < end && is_space(at(here)) {
            here += 1;
        }
        if here == end {
            return zero.map_or(Ok(args), Err);
        }
        let mut word = Vec::new();
        let mut quote = None;
        loop {
            match (quote, at(here)) {
                (None, b' ' | b'\r' | b'\t' | b'\n') => break,
                (None, byte @ (b'"' | b'\'')) => quote = Some(byte),
                (Some(_), b'\n') => return Err(earlier(here)),
                (Some(b'"'), b'\\') if at(here + 1) == b'x' => {
                    match (digit(here + 2), digit(here + 3)) {
                        (Some(high), Some(low)) => {
                            word.push(16 * high + low);
                            here += 2;
                        }
                        _ => word.push(b'x'),
                    }
                    here += 1;
                }
                (Some(b'"'), b'\\') if here + 1 < end => {
                    here += 1;
                    word.push(match at(here) {
                        b'a' => 0x07,
                        byte => byte,
                    });
                }
                (Some(b'\''), b'\\') if at(here + 1) == b'\'' => {
                    here += 1;
                    word.push(b'\'');
                }
                (Some(open), byte) if open == byte => {
                    here += 1;
                    if !is_space(at(here)) {
                        return Err(earlier(here));
                    }
                    break;
                }
                (_, byte) => word.push(byte),
            }
            here += 1;
        }
        args.push(word);
    }
}

#[test]
fn the_requests_of_every_transcript_are_written_as_they_were() {
    let mut requests = 0;
    for (file, input) in transcripts().filter(|(file, _)| file.contains("requests")) {
        let mut parser = Requests::new();
        let whole = run_all(&mut parser, &[], &input);
        let mut written = Vec::new();
        for request in &whole {
            request.encode(&mut written);
        }
        assert!(written == input, "{file}");
        for cuts in cuttings(input.len()) {
            assert!(run_all(&mut parser, &cuts, &input) == whole, "{file}");
        }
        requests += whole.len();
    }
    println!("{requests} requests");
    assert!(requests > 3_000);
}
