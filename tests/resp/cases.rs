//! Values that are easily misread, each with its events and its error.

use pushdown::ErrorKind;
use pushdown::resp::{Extent, Version};

use crate::common::Rules;

/// An input and the expected answer.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) rules: Rules,
    pub(crate) input: Vec<u8>,
    /// All events. A text that is still open when the error comes ends with `…`.
    pub(crate) events: String,
    /// Number of bytes consumed.
    pub(crate) consumed: usize,
    /// The error, which is at the byte behind those that are consumed.
    pub(crate) error: Option<ErrorKind>,
}

type Row = (&'static str, &'static [u8], &'static str, Verdict);

/// The kind and the offset of the error. Of an input that is accepted, the number of bytes consumed.
type Verdict = (Option<ErrorKind>, usize);

const fn accept(consumed: usize) -> Verdict {
    (None, consumed)
}

const fn byte(at: usize) -> Verdict {
    (Some(ErrorKind::UnexpectedByte), at)
}

const fn end(at: usize) -> Verdict {
    (Some(ErrorKind::UnexpectedEnd), at)
}

const fn deep(at: usize) -> Verdict {
    (Some(ErrorKind::TooDeep), at)
}

const fn long(at: usize) -> Verdict {
    (Some(ErrorKind::TooLong), at)
}

const STREAM: Rules = Rules { extent: Extent::Stream, ..Rules::DEFAULT };
const RESP2: Rules = Rules { version: Version::Resp2, ..Rules::DEFAULT };
const NARROW: Rules = Rules { depth: 2, line: 3, bulk: 5, elements: 2, ..Rules::DEFAULT };
const UNLIMITED: Rules = Rules { bulk: u64::MAX, elements: u64::MAX, ..Rules::DEFAULT };

/// Returns every case.
pub(crate) fn all() -> Vec<Case> {
    let tables: [(Rules, &[Row]); 11] = [
        (Rules::DEFAULT, LINES),
        (Rules::DEFAULT, NUMBERS),
        (Rules::DEFAULT, STRINGS),
        (Rules::DEFAULT, STREAMED_STRINGS),
        (Rules::DEFAULT, AGGREGATES),
        (Rules::DEFAULT, ATTRIBUTES),
        (STREAM, STREAMS),
        (RESP2, VERSIONS),
        (NARROW, LIMITS),
        (UNLIMITED, LARGEST),
        (Rules { line: 0, ..Rules::DEFAULT }, EMPTY_LINES),
    ];
    let cases = tables.into_iter().flat_map(|(rules, rows)| {
        rows.iter().map(move |&(name, input, events, (error, consumed))| Case {
            name,
            rules,
            input: input.into(),
            events: events.into(),
            consumed,
            error,
        })
    });
    cases.chain(long_texts()).collect()
}

/// Texts that fill more than one block of a scan.
fn long_texts() -> [Case; 4] {
    let case = |name, input: String, events: String| Case {
        name,
        rules: Rules::DEFAULT,
        consumed: input.len(),
        input: input.into(),
        events,
        error: None,
    };
    let (plain, hex) = ("a".repeat(180), "61".repeat(180));
    let digits = "12".repeat(90);
    [
        case("long line", format!("*2\r\n+{plain}\r\n-\r\n"), format!("arr:2 simple:{hex} err:")),
        case(
            "long bulk",
            format!("*2\r\n$180\r\n{plain}\r\n:1\r\n"),
            format!("arr:2 bulk:{hex} int:1"),
        ),
        case(
            "long number",
            format!("*2\r\n({digits}\r\n:1\r\n"),
            format!("arr:2 big:{digits} int:1"),
        ),
        case("long double", format!(",{digits}.5\r\n"), format!("dbl:{digits}.5")),
    ]
}

const LINES: &[Row] = &[
    ("nothing", b"", "", end(0)),
    ("no type", b"x", "", byte(0)),
    ("line end in place of a value", b"\r\n", "", byte(0)),
    ("simple, then more", b"+OK\r\n+", "simple:4f4b", accept(5)),
    ("simple, empty", b"+\r\n", "simple:", accept(3)),
    ("simple, cut", b"+OK", "simple:4f4b…", end(3)),
    ("simple, cut at its end", b"+OK\r", "simple:4f4b…", end(4)),
    ("simple, empty, cut at its end", b"+\r", "", end(2)),
    ("no line feed", b"+OK\rx", "simple:4f4b…", byte(4)),
    ("two carriage returns", b"+OK\r\r\n", "simple:4f4b…", byte(4)),
    ("no carriage return", b"+OK\nx", "simple:4f4b…", byte(3)),
    ("no carriage return, empty", b"-\n", "", byte(1)),
    ("any other byte", b"-\x00\xff+$*\r\n", "err:00ff2b242a", accept(8)),
    ("null", b"_\r\n", "null", accept(3)),
    ("null with a text", b"_x\r\n", "", byte(1)),
    ("null without line feed", b"_\r_", "", byte(2)),
    ("true", b"#t\r\n", "bool:t", accept(4)),
    ("false", b"#f\r\n", "bool:f", accept(4)),
    ("neither", b"#x\r\n", "", byte(1)),
    ("nothing in place of a bool", b"#\r\n", "", byte(1)),
    ("both", b"#tf\r\n", "", byte(2)),
    ("bool without carriage return", b"#t\n", "", byte(2)),
    ("end mark alone", b".\r\n", "", byte(0)),
    ("part alone", b";1\r\na\r\n", "", byte(0)),
];

const NUMBERS: &[Row] = &[
    ("integer", b":-120\r\n", "int:-120", accept(7)),
    ("plus", b":+7\r\n", "int:7", accept(5)),
    ("minus zero", b":-0\r\n", "int:0", accept(5)),
    ("leading zeros", b":000000000000000000000001\r\n", "int:1", accept(27)),
    ("largest", b":9223372036854775807\r\n", "int:9223372036854775807", accept(22)),
    ("too large", b":9223372036854775808\r\n", "", byte(19)),
    ("smallest", b":-9223372036854775808\r\n", "int:-9223372036854775808", accept(23)),
    ("too small", b":-9223372036854775809\r\n", "", byte(20)),
    ("one digit too many", b":92233720368547758070\r\n", "", byte(20)),
    ("no digit", b":\r\n", "", byte(1)),
    ("sign alone", b":-\r\n", "", byte(2)),
    ("two signs", b":-+1\r\n", "", byte(2)),
    ("letter", b":12a\r\n", "", byte(3)),
    ("blank", b": 1\r\n", "", byte(1)),
    ("integer without carriage return", b":1\n", "", byte(2)),
    ("integer without line feed", b":1\r1", "", byte(3)),
    ("integer, cut", b":12", "", end(3)),
    ("integer, cut at its end", b":12\r", "", end(4)),
    ("double", b",-1.50e+07\r\n", "dbl:-1.50e+07", accept(12)),
    ("double without point", b",+10E5\r\n", "dbl:+10E5", accept(8)),
    ("double, cut", b",1.", "dbl:1.…", end(3)),
    ("double, cut at its end", b",1\r", "dbl:1…", end(3)),
    ("double without digit before point", b",.5\r\n", "", byte(1)),
    ("double without digit after point", b",1.\r\n", "dbl:1.…", byte(3)),
    ("double without exponent", b",1e\r\n", "dbl:1e…", byte(3)),
    ("double without digit after sign", b",1e-\r\n", "dbl:1e-…", byte(4)),
    ("double with two points", b",1.2.3\r\n", "dbl:1.2…", byte(4)),
    ("double, empty", b",\r\n", "", byte(1)),
    ("infinity", b",-inf\r\n", "dbl:-inf", accept(7)),
    ("infinity, cut short", b",in\r\n", "dbl:in…", byte(3)),
    ("infinity, and more", b",infinity\r\n", "dbl:inf…", byte(4)),
    ("not a number", b",nan\r\n", "dbl:nan", accept(6)),
    ("not a number of an old server", b",-NAN\r\n", "dbl:-NAN", accept(7)),
    ("not a number with a payload", b",nan(0x7_F)\r\n", "dbl:nan(0x7_F)", accept(13)),
    ("payload without end", b",nan(\r\n", "dbl:nan(…", byte(5)),
    ("big number", b"(-123456789012345678901\r\n", "big:-123456789012345678901", accept(25)),
    ("big number with a point", b"(1.5\r\n", "big:1…", byte(2)),
    ("big number, infinite", b"(inf\r\n", "", byte(1)),
    ("big number, sign alone", b"(+\r\n", "big:+…", byte(2)),
    ("big number, empty", b"(\r\n", "", byte(1)),
];

const STRINGS: &[Row] = &[
    ("bulk", b"$5\r\n\r\n+$*\r\n:", "bulk:0d0a2b242a", accept(11)),
    ("bulk, empty", b"$0\r\n\r\n", "bulk:", accept(6)),
    ("bulk, empty, cut", b"$0\r\n", "bulk:", end(4)),
    ("bulk, cut in its length", b"$5", "", end(2)),
    ("bulk, cut after its length", b"$5\r", "", end(3)),
    ("bulk, cut before its content", b"$5\r\n", "", end(4)),
    ("bulk, cut", b"$5\r\nab", "bulk:6162…", end(6)),
    ("bulk, cut after its content", b"$2\r\nab", "bulk:6162", end(6)),
    ("bulk, cut in its line end", b"$2\r\nab\r", "bulk:6162", end(7)),
    ("bulk too long", b"$2\r\nabc\r\n", "bulk:6162", byte(6)),
    ("bulk too short", b"$4\r\nab\r\n$", "bulk:61620d0a", byte(8)),
    ("bulk without line feed", b"$2\r\nab\rx", "bulk:6162", byte(7)),
    ("bulk without carriage return", b"$2\r\nab\n", "bulk:6162", byte(6)),
    ("bulk without length", b"$\r\n\r\n", "", byte(1)),
    ("length with plus", b"$+2\r\n", "", byte(1)),
    ("length without line feed", b"$2\rab", "", byte(3)),
    ("length without carriage return", b"$2\nab", "", byte(2)),
    ("length with leading zeros", b"$0000000000000000000002\r\nab\r\n", "bulk:6162", accept(29)),
    ("null bulk", b"$-1\r\n", "nullbulk", accept(5)),
    ("minus two", b"$-2\r\n", "", byte(2)),
    ("minus zero", b"$-0\r\n", "", byte(2)),
    ("minus ten", b"$-10\r\n", "", byte(3)),
    ("minus alone", b"$-\r\n", "", byte(2)),
    ("null bulk, cut", b"$-1", "", end(3)),
    ("longest", b"$536870912\r\n", "", end(12)),
    ("longer than the longest", b"$536870913\r\n", "", long(9)),
    ("much longer", b"$18446744073709551616\r\n", "", long(10)),
    ("blob error", b"!3\r\nERR\r\n", "blobErr:455252", accept(9)),
    ("blob error, null", b"!-1\r\n", "", byte(1)),
    ("blob error, streamed", b"!?\r\n", "", byte(1)),
    ("verbatim", b"=6\r\ntxt:ab\r\n", "verb:747874:6162", accept(12)),
    ("verbatim, empty", b"=4\r\nmkd:\r\n", "verb:6d6b64:", accept(10)),
    ("verbatim, cut after its format", b"=4\r\nmkd:", "verb:6d6b64:", end(8)),
    ("verbatim, cut in its format", b"=6\r\ntx", "", end(6)),
    ("verbatim, cut in its text", b"=6\r\ntxt:a", "verb:747874:61…", end(9)),
    ("verbatim without colon", b"=6\r\ntxt;ab\r\n", "", byte(7)),
    ("verbatim without room for a format", b"=3\r\ntxt", "", byte(2)),
    ("verbatim without room, and zeros", b"=0003\r\ntxt", "", byte(5)),
    ("verbatim of any format", b"=5\r\n\r\n\xff::\r\n", "verb:0d0aff:3a", accept(11)),
    ("verbatim without line feed", b"=4\r\ntxt:\rx", "verb:747874:", byte(9)),
];

const STREAMED_STRINGS: &[Row] = &[
    ("streamed", b"$?\r\n;2\r\nab\r\n;1\r\nc\r\n;0\r\n", "bulk:616263", accept(23)),
    ("streamed, empty", b"$?\r\n;0\r\n", "bulk:", accept(8)),
    ("streamed, cut", b"$?\r\n;2\r\nab", "bulk:6162…", end(10)),
    ("streamed, cut after a part", b"$?\r\n;2\r\nab\r\n", "bulk:6162…", end(12)),
    ("streamed, cut in its end", b"$?\r\n;2\r\nab\r\n;0\r", "bulk:6162…", end(15)),
    ("streamed, cut before all parts", b"$?\r\n", "", end(4)),
    ("streamed, no part", b"$?\r\n$2\r\n", "", byte(4)),
    ("streamed, part too long", b"$?\r\n;2\r\nabc\r\n", "bulk:6162…", byte(10)),
    ("streamed, null part", b"$?\r\n;-1\r\n", "", byte(5)),
    ("streamed, part without length", b"$?\r\n;\r\n", "", byte(5)),
    ("streamed twice", b"$?\r\n;?\r\n", "", byte(5)),
    ("streamed, and a digit", b"$?1\r\n", "", byte(2)),
    (
        "streamed in an array",
        b"*2\r\n$?\r\n;1\r\na\r\n;0\r\n:1\r\n",
        "arr:2 bulk:61 int:1",
        accept(23),
    ),
];

const AGGREGATES: &[Row] = &[
    ("array, empty", b"*0\r\n*", "arr:0", accept(4)),
    ("null array", b"*-1\r\n*", "nullarray", accept(5)),
    ("array of empty ones", b"*2\r\n*0\r\n~0\r\n_", "arr:2 arr:0 set:0", accept(12)),
    ("array in arrays", b"*1\r\n*1\r\n*1\r\n*0\r\n:1\r\n", "arr:1 arr:1 arr:1 arr:0", accept(16)),
    ("array, cut in its length", b"*1", "", end(2)),
    ("array, cut at its end", b"*1\r", "", end(3)),
    ("array, cut before its elements", b"*1\r\n", "arr:1", end(4)),
    ("array without length", b"*\r\n", "", byte(1)),
    ("array with another end", b"*1\r\n.\r\n", "arr:1", byte(4)),
    ("array of nulls", b"*3\r\n$-1\r\n*-1\r\n_\r\n", "arr:3 nullbulk nullarray null", accept(17)),
    ("array of no type", b"*2\r\n:1\r\nx", "arr:2 int:1", byte(8)),
    ("array of most elements", b"*2147483648\r\n", "arr:2147483648", end(13)),
    ("array of more than that", b"*2147483649\r\n", "", long(10)),
    ("map", b"%1\r\n+a\r\n%0\r\n:", "map:1 simple:61 map:0", accept(12)),
    (
        "map of pairs",
        b"%2\r\n:1\r\n:2\r\n:3\r\n:4\r\n",
        "map:2 int:1 int:2 int:3 int:4",
        accept(20),
    ),
    ("map, null", b"%-1\r\n", "", byte(1)),
    ("set, null", b"~-1\r\n", "", byte(1)),
    ("set of a map", b"~1\r\n%1\r\n_\r\n_\r\n", "set:1 map:1 null null", accept(14)),
    ("push", b">1\r\n+a\r\n:", "push:1 simple:61", accept(8)),
    ("push, empty", b">0\r\n", "push:0", accept(4)),
    ("push, streamed", b">?\r\n", "", byte(1)),
    ("push in an array", b"*1\r\n>0\r\n", "arr:1", byte(4)),
    ("push in a push", b">1\r\n>0\r\n", "push:1", byte(4)),
    ("streamed array", b"*?\r\n:1\r\n.\r\n:", "arr:? int:1 end", accept(11)),
    ("streamed array, empty", b"*?\r\n.\r\n", "arr:? end", accept(7)),
    ("streamed array, cut", b"*?\r\n:1\r\n", "arr:? int:1", end(8)),
    ("streamed array, cut in its end", b"*?\r\n:1\r\n.", "arr:? int:1", end(9)),
    ("streamed array, end without line feed", b"*?\r\n.\r.", "arr:?", byte(6)),
    ("streamed array, end with a text", b"*?\r\n.x", "arr:?", byte(5)),
    ("streamed in streamed", b"~?\r\n*?\r\n.\r\n.\r\n", "set:? arr:? end end", accept(14)),
    ("counted in streamed", b"*?\r\n*1\r\n:1\r\n.\r\n", "arr:? arr:1 int:1 end", accept(15)),
    ("streamed in counted", b"*1\r\n*?\r\n.\r\n.", "arr:1 arr:? end", accept(11)),
    ("streamed map", b"%?\r\n:1\r\n:2\r\n.\r\n", "map:? int:1 int:2 end", accept(15)),
    ("streamed map, odd", b"%?\r\n:1\r\n.\r\n", "map:? int:1", byte(8)),
];

const ATTRIBUTES: &[Row] = &[
    ("attribute", b"|1\r\n+a\r\n:1\r\n:2\r\n:3\r\n", "attr:1 simple:61 int:1 int:2", accept(16)),
    ("attribute alone", b"|1\r\n+a\r\n:1\r\n", "attr:1 simple:61 int:1", end(12)),
    ("attribute, empty", b"|0\r\n_\r\n", "attr:0 null", accept(7)),
    ("two attributes", b"|0\r\n|0\r\n_\r\n", "attr:0 attr:0 null", accept(11)),
    ("attribute, null", b"|-1\r\n", "", byte(1)),
    ("attribute, streamed", b"|?\r\n", "", byte(1)),
    ("attribute in an array", b"*1\r\n|0\r\n_\r\n", "arr:1 attr:0 null", accept(11)),
    ("attribute of an array", b"|0\r\n*1\r\n_\r\n", "attr:0 arr:1 null", accept(11)),
    (
        "attribute of an empty array",
        b"*2\r\n|0\r\n*0\r\n_\r\n",
        "arr:2 attr:0 arr:0 null",
        accept(15),
    ),
    ("attribute of a push", b"|0\r\n>0\r\n", "attr:0 push:0", accept(8)),
    (
        "attribute in an attribute",
        b"|1\r\n|0\r\n_\r\n_\r\n#t\r\n",
        "attr:1 attr:0 null null bool:t",
        accept(18),
    ),
    ("attribute of a map's value", b"%1\r\n_\r\n|0\r\n_\r\n", "map:1 null attr:0 null", accept(14)),
    ("attribute of an end", b"*?\r\n|0\r\n.\r\n", "arr:? attr:0", byte(8)),
    ("attribute of an element", b"*?\r\n|0\r\n_\r\n.\r\n", "arr:? attr:0 null end", accept(14)),
    (
        "attribute of a streamed array",
        b"*?\r\n|0\r\n*?\r\n.\r\n.\r\n",
        "arr:? attr:0 arr:? end end",
        accept(18),
    ),
];

const STREAMS: &[Row] = &[
    ("stream of nothing", b"", "", accept(0)),
    ("stream", b"+OK\r\n:1\r\n*0\r\n", "simple:4f4b int:1 arr:0", accept(13)),
    ("stream, cut", b"+OK\r\n:1\r\n*1\r\n", "simple:4f4b int:1 arr:1", end(13)),
    ("stream with an end mark", b":1\r\n.\r\n", "int:1", byte(4)),
    ("stream after an attribute", b"|0\r\n", "attr:0", end(4)),
    ("stream with something else", b":1\r\n\r\n", "int:1", byte(4)),
    ("stream of push messages", b">0\r\n:1\r\n>1\r\n_\r\n", "push:0 int:1 push:1 null", accept(15)),
    ("stream of bulks", b"$1\r\na\r\n$-1\r\n$?\r\n;0\r\n", "bulk:61 nullbulk bulk:", accept(20)),
];

const VERSIONS: &[Row] = &[
    (
        "RESP2",
        b"*4\r\n+a\r\n-b\r\n$-1\r\n*-1\r\n",
        "arr:4 simple:61 err:62 nullbulk nullarray",
        accept(22),
    ),
    ("RESP2, null", b"_\r\n", "", byte(0)),
    ("RESP2, bool", b"#t\r\n", "", byte(0)),
    ("RESP2, double", b",1\r\n", "", byte(0)),
    ("RESP2, big number", b"(1\r\n", "", byte(0)),
    ("RESP2, blob error", b"!0\r\n\r\n", "", byte(0)),
    ("RESP2, verbatim", b"=4\r\ntxt:\r\n", "", byte(0)),
    ("RESP2, map", b"*1\r\n%0\r\n", "arr:1", byte(4)),
    ("RESP2, set", b"~0\r\n", "", byte(0)),
    ("RESP2, push", b">0\r\n", "", byte(0)),
    ("RESP2, attribute", b"|0\r\n", "", byte(0)),
    ("RESP2, streamed string", b"$?\r\n", "", byte(1)),
    ("RESP2, streamed array", b"*?\r\n", "", byte(1)),
    ("RESP2, end mark", b".\r\n", "", byte(0)),
];

/// Lines of 3 bytes, strings of 5, 2 elements, 2 levels.
const LIMITS: &[Row] = &[
    ("line as long", b"+abc\r\n", "simple:616263", accept(6)),
    ("line too long", b"+abcd\r\n", "simple:616263…", long(4)),
    ("line feed instead", b"+abc\n", "simple:616263…", byte(4)),
    ("integer as long", b":-12\r\n", "int:-12", accept(6)),
    ("integer too long", b":-123\r\n", "", long(4)),
    ("zeros too long", b":0001\r\n", "", long(4)),
    ("letter instead", b":123a\r\n", "", byte(4)),
    ("double as long", b",1.5\r\n", "dbl:1.5", accept(6)),
    ("double too long", b",1.55\r\n", "dbl:1.5…", long(4)),
    ("double, letter instead", b",1.5x\r\n", "dbl:1.5…", byte(4)),
    ("infinity too long", b",-inf\r\n", "dbl:-in…", long(4)),
    ("bulk as long", b"$5\r\nabcde\r\n", "bulk:6162636465", accept(11)),
    ("bulk too long", b"$6\r\n", "", long(1)),
    ("bulk too long at its second digit", b"$10\r\n", "", long(2)),
    ("bulk of zeros", b"$0005\r\n", "", long(4)),
    ("verbatim too long", b"=6\r\n", "", long(1)),
    ("blob error too long", b"!9\r\n", "", long(1)),
    ("parts as long", b"$?\r\n;3\r\nabc\r\n;2\r\nde\r\n;0\r\n", "bulk:6162636465", accept(25)),
    ("parts too long", b"$?\r\n;3\r\nabc\r\n;3\r\n", "bulk:616263…", long(14)),
    ("parts too long at once", b"$?\r\n;12\r\n", "", long(6)),
    ("elements", b"*2\r\n_\r\n_\r\n", "arr:2 null null", accept(10)),
    ("elements too many", b"*3\r\n", "", long(1)),
    ("pairs", b"%2\r\n_\r\n_\r\n_\r\n_\r\n", "map:2 null null null null", accept(16)),
    ("pairs too many", b"%3\r\n", "", long(1)),
    ("streamed elements", b"*?\r\n_\r\n_\r\n.\r\n", "arr:? null null end", accept(13)),
    ("streamed elements too many", b"*?\r\n_\r\n_\r\n_\r\n", "arr:? null null", long(10)),
    ("an attribute of one too many", b"*?\r\n_\r\n_\r\n|0\r\n", "arr:? null null", long(10)),
    (
        "streamed pairs",
        b"%?\r\n_\r\n_\r\n_\r\n_\r\n.\r\n",
        "map:? null null null null end",
        accept(19),
    ),
    (
        "streamed pairs too many",
        b"%?\r\n_\r\n_\r\n_\r\n_\r\n_\r\n",
        "map:? null null null null",
        long(16),
    ),
    ("levels", b"*1\r\n~1\r\n_\r\n", "arr:1 set:1 null", accept(11)),
    ("levels too many", b"*1\r\n*1\r\n*1\r\n", "arr:1 arr:1", deep(8)),
    ("levels too many, and null", b"*1\r\n*1\r\n*-1\r\n", "arr:1 arr:1", deep(8)),
    ("an attribute is a level", b"*1\r\n*1\r\n|0\r\n", "arr:1 arr:1", deep(8)),
    ("levels side by side", b"*2\r\n*0\r\n*1\r\n_\r\n", "arr:2 arr:0 arr:1 null", accept(15)),
];

/// Lengths up to the last that can be counted.
const LARGEST: &[Row] = &[
    ("longest length", b"$18446744073709551615\r\na", "bulk:61…", end(24)),
    ("length too long", b"$18446744073709551616\r\n", "", long(20)),
    ("length too long by a digit", b"$184467440737095516150\r\n", "", long(21)),
    ("longest part", b"$?\r\n;18446744073709551615\r\na", "bulk:61…", end(28)),
    ("largest count", b"*18446744073709551615\r\n_\r\n", "arr:18446744073709551615 null", end(26)),
    (
        "largest count of pairs",
        b"%9223372036854775807\r\n_\r\n",
        "map:9223372036854775807 null",
        end(25),
    ),
    ("count of pairs too large", b"%9223372036854775808\r\n", "", long(19)),
    ("count too large", b"*18446744073709551616\r\n", "", long(20)),
];

const EMPTY_LINES: &[Row] = &[
    ("empty line", b"+\r\n", "simple:", accept(3)),
    ("text in an empty line", b"+a\r\n", "", long(1)),
    ("bool in an empty line", b"#t\r\n", "", long(1)),
    ("no bool in an empty line", b"#x\r\n", "", byte(1)),
    ("digit in an empty line", b":1\r\n", "", long(1)),
    ("length in an empty line", b"$0\r\n\r\n", "", long(1)),
    ("null in an empty line", b"_\r\n", "null", accept(3)),
];
