//! Streams that are easily misread, each with its events.

/// A stream, and its events; a value that is still open at the end ends with `…`.
pub(crate) type Case = (&'static str, &'static [u8], &'static str);

pub(crate) const CASES: &[Case] = &[
    ("nothing", b"", ""),
    ("data", b"data: x\n\n", r#"data("x") dispatch"#),
    ("no space", b"data:x\n\n", r#"data("x") dispatch"#),
    ("two spaces", b"data:  x\n\n", r#"data(" x") dispatch"#),
    ("tab", b"data:\tx\n\n", r#"data("\tx") dispatch"#),
    ("space alone", b"data: \n\n", r#"data("") dispatch"#),
    ("two spaces alone", b"data:  \n\n", r#"data(" ") dispatch"#),
    ("no value", b"data:\n\n", r#"data("") dispatch"#),
    ("no colon", b"data\n\n", r#"data("") dispatch"#),
    ("colons", b"data: a:b: c\ndata::\n", r#"data("a:b: c") data(":")"#),
    (
        "every field",
        b"event:e\ndata:d\nid:i\nretry:1\n\n",
        r#"event("e") data("d") id("i") retry("1") dispatch"#,
    ),
    (
        "every field without colon",
        b"event\ndata\nid\nretry\n\n",
        r#"event("") data("") id("") retry("") dispatch"#,
    ),
    ("other names", b"dat:x\ndatas:x\nDATA:x\nData:x\n data:x\ndata :x\nx:y\n\n", ""),
    ("other names without colon", b"dat\ndatas\ne\nevents\ni\nids\nr\nretryx\nz\n\n", ""),
    ("names within names", b"dataid: x\nid data: x\neventdata\nrretry: 1\n", ""),
    ("comment", b": x\n:data: x\n:\n\n", ""),
    ("comment in block", b"data: a\n: x\ndata: b\n\n", r#"data("a") data("b") dispatch"#),
    ("carriage returns", b"data: a\rdata: b\r\r", r#"data("a") data("b") dispatch"#),
    ("both", b"data: a\r\ndata: b\r\n\r\n", r#"data("a") data("b") dispatch"#),
    ("both, then line feed", b"data: a\r\n\ndata: b", r#"data("a") dispatch data("b…"#),
    ("line feed, then both", b"data: a\n\r\ndata: b", r#"data("a") dispatch data("b…"#),
    ("carriage return, then both", b"data: a\r\r\ndata: b\r", r#"data("a") dispatch data("b")"#),
    (
        "line feed, then carriage return",
        b"data: a\n\rdata\n\r",
        r#"data("a") dispatch data("") dispatch"#,
    ),
    ("ends mixed after other lines", b":c\r\nx\r\n\r\n:\ry\r\rdata\r\n\n", r#"data("") dispatch"#),
    (
        "separators that are none",
        "data: a\u{b}\u{c}\u{85}\u{2028}b\n".as_bytes(),
        r#"data("a\u{b}\u{c}\u{85}\u{2028}b")"#,
    ),
    ("blank lines", b"\n\n\r\r\n\ndata: x\n\n\n\n", r#"data("x") dispatch"#),
    (
        "block without data",
        b"id: 1\nretry: 5\n\ndata\n\n",
        r#"id("1") retry("5") data("") dispatch"#,
    ),
    (
        "type without data",
        b"event: a\n\nid: 1\n\ndata: x\n\n",
        r#"event("a") discard id("1") data("x") dispatch"#,
    ),
    ("type behind data", b"data: x\nevent: a\n\n\n", r#"data("x") event("a") dispatch"#),
    ("types without data", b"event: a\nevent\n\n\n", r#"event("a") event("") discard"#),
    ("value open", b"data: x", r#"data("x…"#),
    ("value open, then nothing", b"data: a\ndata: ", r#"data("a")"#),
    ("name open", b"data: a\n\ndat", r#"data("a") dispatch"#),
    ("block open", b"data: a\n", r#"data("a")"#),
    ("mark", b"\xef\xbb\xbfdata: x\n\n", r#"data("x") dispatch"#),
    ("mark alone", b"\xef\xbb\xbf", ""),
    ("mark, then blank line", b"\xef\xbb\xbf\ndata: x\n", r#"data("x")"#),
    ("two marks", b"\xef\xbb\xbf\xef\xbb\xbfdata: x\ndata: y\n", r#"data("y")"#),
    ("mark behind blank line", b"\n\xef\xbb\xbfdata: x\n", ""),
    ("mark in value", b"data: \xef\xbb\xbfx\n", r#"data("\u{feff}x")"#),
    ("mark without its end", b"\xef\xbbdata: x\ndata: y\n", r#"data("y")"#),
    ("mark without its end, then line end", b"\xef\xbb\ndata: y\n", r#"data("y")"#),
    ("mark without its end, then colon", b"\xef:\rdata: y\n", r#"data("y")"#),
    ("other character of its first byte", "ｄata: x\ndata: y\n".as_bytes(), r#"data("y")"#),
    ("characters", "data: é€😀\n".as_bytes(), r#"data("é€😀")"#),
    ("characters in other lines", ":é\né: x\ndatä: x\ndata: é\n".as_bytes(), r#"data("é")"#),
    ("not UTF-8", b"data: a\xffb\xc3\x28\x80\n", r#"data("a�b�(�")"#),
    ("not UTF-8 in name", b"d\xffata: x\ndata\xff: x\n\xff\n", ""),
    (
        "maximal subparts",
        b"data: \xf0\x9f\x98\xf0\x9f\xf0\xe2\x82\xe2A\n",
        "data(\"\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}A\")",
    ),
    (
        "surrogate and overlong",
        b"data: \xed\xa0\x80\xc0\xaf\n",
        "data(\"\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\")",
    ),
    (
        "character cut by line feed",
        b"data: a\xe2\x82\ndata: \xf0\r\n\xc3\n",
        "data(\"a\u{fffd}\") data(\"\u{fffd}\")",
    ),
    ("character cut by end", b"data: a\xf0\x9f\x98", r#"data("a…"#),
    ("character cut by end alone", b"data: \xe2\x82", ""),
    ("fault, then character cut by end", b"data: \xff\xe2\x82", "data(\"\u{fffd}…"),
    (
        "text behind a character",
        "data: é and more\ndata: é".as_bytes(),
        r#"data("é and more") data("é…"#,
    ),
    ("NUL", b"id: a\0b\n\0data: x\ndata\0: x\n", r#"id("a\0b")"#),
    ("numbers", b"retry: 007\nretry: -1\nretry: x\n", r#"retry("007") retry("-1") retry("x")"#),
];

/// Streams with lines of lengths around those of the windows of a scan, some of them repeated.
pub(crate) fn long() -> Vec<Vec<u8>> {
    let lines = ["data: {}\n", ": {}\r\n", "x{}\r", "id: é{}\n\n", "event: {}\u{fffd}\n"];
    let stream = |length: usize, count: usize| {
        let lines = lines.map(|line| line.replace("{}", &"a".repeat(length)).repeat(count));
        lines.concat().into_bytes()
    };
    let short = [0, 1, 15, 16, 17].map(|length| stream(length, 2));
    let long = [31, 33, 63, 65, 130].map(|length| stream(length, 1));
    // Without an event, so that little work is allowed.
    let comments = b":a\n".repeat(60);
    short.into_iter().chain(long).chain([comments]).collect()
}
